#include "worker/http/error_page.h"

#include "common/version.h"
#include "worker/http/core.h"
#include "worker/http/request.h"
#include "worker/http/status.h"
#include "worker/http/template.h"

enum {
    KEEP_STATUS = -1, /* no "=": the answer has the status of the error */
    ERROR_FIRST = 300,
    ERROR_LAST = 599,
};

/* What is shown for one status. */
struct error_page {
    unsigned status;
    int answer;             /* status of the answer; 0: the page's own; or KEEP_STATUS */
    struct template target; /* URI, "@name", or a URL to redirect to */
};

struct error_page_settings {
    struct array pages; /* of struct error_page */
    bool recursive;
    bool msie_padding;
    bool msie_refresh;
};

/* --- reading the configuration --- */

static void invalid_value(struct conf *conf, const struct word *word)
{
    conf_error(conf, word->at, "invalid value \"%.*s\"", (int)word->text.len, word->text.at);
}

/* "=" or "=code" before the target; *words becomes the number of words before it. */
static bool read_answer(struct conf *conf, const struct conf_node *node, size_t *words, int *answer)
{
    size_t index = node->count - 2;
    const struct word *word = &node->words[index];
    uint64_t code = 0;

    *words = index + 1;
    *answer = KEEP_STATUS;
    if (word->text.len == 0 || *word->text.at != '=')
        return true;
    *words = index;
    if (index == 1 ||
        (word->text.len > 1 && !slice_to_number(slice_from(word->text, 1), INT32_MAX, &code))) {
        invalid_value(conf, word);
        return false;
    }
    *answer = (int)code;
    return true;
}

/* nginx's own for refusals that HTTP knows as 400. */
static bool is_bad_request(unsigned status)
{
    return status >= 494 && status <= 497;
}

static void add_page(struct conf *conf, struct array *pages, const struct word *word, int answer,
                     const struct template *target)
{
    uint64_t status;

    if (!slice_to_number(word->text, UINT32_MAX, &status) || status == 499) {
        invalid_value(conf, word);
        return;
    }
    if (status < ERROR_FIRST || status > ERROR_LAST) {
        conf_error(conf, word->at, "value \"%.*s\" must be between %d and %d", (int)word->text.len,
                   word->text.at, ERROR_FIRST, ERROR_LAST);
        return;
    }
    struct error_page *page = array_push(pages, conf->arena);
    if (page == NULL) {
        conf_error(conf, word->at, "no memory for an error page");
        return;
    }
    if (answer == KEEP_STATUS && is_bad_request((unsigned)status))
        answer = 400;
    *page = (struct error_page){ (unsigned)status, answer, *target };
}

/* error_page code ... [=[code]] target */
static void set_error_page(struct conf *conf, struct conf_scope *scope,
                           const struct conf_node *node, const struct directive *directive,
                           void *value)
{
    struct array *pages = value;
    const struct word *last = &node->words[node->count - 1];
    struct template target;
    size_t words;
    int answer;

    (void)directive;
    pages->item_size = sizeof(struct error_page);
    if (!read_answer(conf, node, &words, &answer) ||
        !template_compile(conf, scope, last->at, last->text, &target))
        return;
    for (size_t i = 1; i < words; i++)
        add_page(conf, pages, &node->words[i], answer, &target);
}

/* --- acting on an error --- */

/* Nothing is answered to a client that is too late or gone (408, 499), nor for 444. */
static bool is_silent(int status)
{
    return status == 408 || status == 444 || status == 499;
}

/* After these the bytes that follow may not be what they seem. */
static bool ends_connection(int status)
{
    switch (status) {
    case 400:
    case 413:
    case 414:
    case 495:
    case 496:
    case 497:
    case 500:
    case 501:
        return true;
    default:
        return false;
    }
}

/* Forgets the answer that was begun, but for the headers that belong to the status. */
static void start_over(struct response *response)
{
    struct slice location = response->location;
    struct slice content_range = response->content_range;
    struct array fields = response->fields;

    response_init(response);
    response->location = location;
    response->content_range = content_range;
    response->fields = fields;
}

static const struct error_page *find_page(struct request *request,
                                          const struct error_page_settings *settings, int status)
{
    const struct error_page *pages = settings->pages.items;

    if (settings->pages.count == 0 || request->error_page_done ||
        request->redirects > REQUEST_REDIRECTS_MAX)
        return NULL;
    request->error_page_done = !settings->recursive;
    for (size_t i = 0; i < settings->pages.count; i++)
        if (pages[i].status == (unsigned)status)
            return &pages[i];
    return NULL;
}

bool error_page_is_set(const struct request *request, unsigned status)
{
    const struct error_page_settings *settings = request_settings(request, MODULE_ERROR_PAGE);
    const struct error_page *pages = settings->pages.items;

    for (size_t i = 0; i < settings->pages.count && !request->error_page_done; i++)
        if (pages[i].status == status)
            return true;
    return false;
}

static struct slice server_name(const struct request *request)
{
    return http_settings(request)->server_tokens == TOKENS_OFF ? SLICE("muxd") : SLICE(MUXD_NAME);
}

static bool contains(struct slice text, const char *part)
{
    return memmem(text.at, text.len, part, strlen(part)) != NULL;
}

/* "MSIE 6.0" with more behind it, as nginx wants to see it. */
static bool is_internet_explorer(struct slice agent)
{
    const char *mark = memmem(agent.at, agent.len, "MSIE ", 5);

    return mark != NULL && agent.at + agent.len - mark > 7;
}

/* Old Internet Explorers and Chromes show pages of their own in place of short ones. */
static bool needs_padding(const struct request *request, unsigned status)
{
    const struct error_page_settings *settings = request_settings(request, MODULE_ERROR_PAGE);
    const struct field *agent = head_known(&request->head, FIELD_USER_AGENT);

    if (!settings->msie_padding || status < 400 || agent == NULL)
        return false;
    struct slice text = agent->value;
    if (contains(text, "Opera"))
        return false;
    return is_internet_explorer(text) || (contains(text, "Chrome/") && !contains(text, "Gecko/"));
}

/* The page that is built in; of a status that has none, just the head. */
static int send_built_in(struct request *request, unsigned page)
{
    struct response *response = &request->response;
    struct slice text =
        status_page(page, server_name(request), needs_padding(request, page), &request->arena);

    response->status = request->error_status;
    if (text.len > 0)
        response->content_type = SLICE("text/html");
    response_text(request, text);
    return DONE;
}

static bool is_redirect(int status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

/* The client is sent elsewhere: with the status given by "=", else 302. */
static int redirect_client(struct request *request, const struct error_page *page,
                           struct slice target)
{
    if (!head_text_escape(&request->arena, &target, HEAD_TEXT_VALUE))
        return 500;
    request->error_status = is_redirect(page->answer) ? (unsigned)page->answer : 302;
    request->response.location = target;
    return send_built_in(request, request->error_status);
}

static int redirect_inside(struct request *request, struct slice target)
{
    ptrdiff_t mark = slice_find(target, '?');
    struct slice uri = mark < 0 ? target : slice_first(target, (size_t)mark);
    struct slice args = mark < 0 ? (struct slice){ NULL, 0 } : slice_from(target, (size_t)mark + 1);

    if (request->method != METHOD_HEAD)
        request->method = METHOD_GET;
    return request_internal_redirect(request, uri, args);
}

static int send_page(struct request *request, const struct error_page *page)
{
    struct slice target;

    if (page->answer != KEEP_STATUS)
        request->error_status = (unsigned)page->answer;
    if (!template_eval(request, &page->target, &target))
        return 500;
    if (target.len > 0 && *target.at == '/')
        return redirect_inside(request, target);
    if (target.len > 0 && *target.at == '@')
        return request_named_location(request, target);
    return redirect_client(request, page, target);
}

int error_page_apply(struct request *request, int status)
{
    const struct error_page_settings *settings = request_settings(request, MODULE_ERROR_PAGE);

    if (is_silent(status)) {
        request->response.status = (unsigned)status;
        return CLOSE;
    }
    if (ends_connection(status))
        request->keep_alive = false;
    request->error_status = (unsigned)status;
    start_over(&request->response);
    const struct error_page *page = find_page(request, settings, status);
    if (page != NULL)
        return send_page(request, page);
    if (is_bad_request((unsigned)status))
        request->error_status = 400;
    return send_built_in(request, (unsigned)status);
}

/* --- the table --- */

#define FIELD(name) offsetof(struct error_page_settings, name)

static const struct value_type as_error_pages = { "code ... [=[code]] uri", sizeof(struct array),
                                                  set_error_page };

static const struct directive error_page_directives[] = {
    { "error_page", IN_HTTP_ALL | IN_LOCATION_IF, ARGS_REPEATED(2, 255), &as_error_pages,
      FIELD(pages), NULL,
      "what is shown for errors: a URI, a named location, or a URL to redirect to" },
    { "recursive_error_pages", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(recursive), "off",
      "use error_page for errors of error pages too" },
    { "msie_padding", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(msie_padding), "on",
      "make error pages so long that Internet Explorer and Chrome show them" },
    { "msie_refresh", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(msie_refresh), "off",
      "accepted; Internet Explorer follows redirects since its version 4" },
    { 0 },
};

const struct conf_module error_page_module = {
    .name = "core",
    .id = MODULE_ERROR_PAGE,
    .size = sizeof(struct error_page_settings),
    .directives = error_page_directives,
};
