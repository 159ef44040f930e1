#include "worker/handlers/handlers.h"
#include "worker/handlers/static.h"
#include "worker/http/request.h"
#include "worker/http/template.h"

enum { STATUS_MAX = 999 };

/* `return` as it was written. */
struct return_value {
    bool set;
    bool has_text;
    unsigned status;
    struct template text; /* body, or URL of a redirect */
};

struct return_settings {
    struct return_value value;
};

/* --- reading the configuration --- */

/* nginx takes an URL alone for a 302, when it looks like one. */
static bool looks_like_url(struct slice text)
{
    return slice_starts(text, SLICE("http://")) || slice_starts(text, SLICE("https://")) ||
           slice_starts(text, SLICE("$scheme"));
}

/* Of several in a block the first answers; the others are only checked. */
static void set_return(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct return_value *first = value;
    struct return_value own = { .set = true, .status = 302, .has_text = true };
    const struct word *word = &node->words[1];
    uint64_t status;

    (void)directive;
    if (slice_to_number(word->text, STATUS_MAX, &status)) {
        own.status = (unsigned)status;
        own.has_text = node->count == 3;
    } else if (node->count == 3 || !looks_like_url(word->text)) {
        conf_error(conf, word->at, "invalid return code \"%.*s\"", (int)word->text.len,
                   word->text.at);
        return;
    }
    const struct word *text = &node->words[node->count - 1];
    if (own.has_text && !template_compile(conf, scope, text->at, text->text, &own.text))
        return;
    if (!first->set)
        *first = own;
}

/* --- answering --- */

static bool is_redirect(unsigned status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

int return_handler(struct request *request)
{
    const struct return_settings *settings = request_settings(request, MODULE_RETURN);
    const struct return_value *value = &settings->value;
    struct response *response = &request->response;
    struct slice text = SLICE("");

    if (!value->set)
        return DECLINED;
    if (value->status >= 400 && value->text.literal.len == 0)
        return (int)value->status;
    if (value->has_text && !template_eval(request, &value->text, &text))
        return 500;
    if (is_redirect(value->status)) {
        response->location = text;
        return (int)value->status;
    }
    response->status = value->status;
    response->content_type = request_content_type(request);
    return response_text(request, text) ? DONE : 500;
}

/* --- the table --- */

static const struct value_type as_return = { "code [text] | code URL | URL",
                                             sizeof(struct return_value), set_return };

static const struct directive return_directives[] = {
    { "return",
      IN_SERVER | IN_LOCATION,
      { 1, 2, MANNER_REPEATED | MANNER_LOCAL },
      &as_return,
      offsetof(struct return_settings, value),
      NULL,
      "answer with a status and a text, or redirect; 444 closes without an answer" },
    { 0 },
};

const struct conf_module return_module = {
    .name = "rewrite",
    .id = MODULE_RETURN,
    .size = sizeof(struct return_settings),
    .directives = return_directives,
};
