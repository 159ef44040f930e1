#include "worker/handlers/rewrite.h"
#include "worker/handlers/static.h"

enum { STATUS_MAX = 999 };

/* nginx takes an URL alone for a 302, when it looks like one. */
static bool looks_like_url(struct slice text)
{
    return slice_starts(text, SLICE("http://")) || slice_starts(text, SLICE("https://")) ||
           slice_starts(text, SLICE("$scheme"));
}

bool return_read(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                 struct return_value *value)
{
    const struct word *word = &node->words[1];
    uint64_t status;

    *value = (struct return_value){ .status = 302, .has_text = true };
    if (slice_to_number(word->text, STATUS_MAX, &status)) {
        value->status = (unsigned)status;
        value->has_text = node->count == 3;
    } else if (node->count == 3 || !looks_like_url(word->text)) {
        conf_error(conf, word->at, "invalid return code \"%.*s\"", (int)word->text.len,
                   word->text.at);
        return false;
    }
    const struct word *text = &node->words[node->count - 1];
    return !value->has_text || template_compile(conf, scope, text->at, text->text, &value->text);
}

static bool is_redirect(unsigned status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

int return_answer(struct request *request, const struct return_value *value)
{
    struct response *response = &request->response;
    struct slice text = SLICE("");

    if (value->status >= 400 && value->text.literal.len == 0)
        return (int)value->status;
    response->status = value->status; /* which its text may tell */
    if (value->has_text && !template_eval(request, &value->text, &text))
        return 500;
    if (is_redirect(value->status)) {
        if (!value->text.constant && !head_text_escape(&request->arena, &text, HEAD_TEXT_VALUE))
            return 500;
        response->location = text;
        return (int)value->status;
    }
    response->content_type = request_content_type(request);
    return response_text(request, text) ? DONE : 500;
}
