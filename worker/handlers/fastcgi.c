/* fastcgi_pass: FastCGI 1.0, such as php-fpm speaks it. */
#include "worker/cache/cache.h"
#include "worker/context.h"
#include "worker/handlers/gateway.h"
#include "worker/http/variables.h"
#include "worker/upstream/exchange_steps.h"
#include "worker/upstream/fastcgi_records.h"

struct fastcgi_settings {
    struct gateway_settings gateway; /* first */
    struct slice index;              /* appended to script names that end in '/' */
    struct regex *split;             /* fastcgi_split_path_info; NULL: none */
    struct array catch_stderr;       /* of struct slice: texts that make an answer invalid */
    bool keep_conn;
};

static const struct fastcgi_settings *fastcgi_settings(const struct request *request)
{
    return request->settings[MODULE_FASTCGI];
}

/* --- the request --- */

/* Lengths above 127 take four bytes (3.4). */
static size_t length_size(size_t len)
{
    return len > 127 ? 4 : 1;
}

static char *put_length(char *at, size_t len)
{
    if (len > 127) {
        *at++ = (char)(len >> 24 | 0x80);
        *at++ = (char)(len >> 16);
        *at++ = (char)(len >> 8);
    }
    *at++ = (char)len;
    return at;
}

static char *put(char *at, struct slice text)
{
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    return at + text.len;
}

/* The parameters as one text. {NULL, 0}: memory is out. */
static struct slice params_text(struct arena *arena, const struct gateway_pair *pairs, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += length_size(pairs[i].name.len) + length_size(pairs[i].value.len) +
               pairs[i].name.len + pairs[i].value.len;
    char *text = arena_text(arena, len), *at = text;
    for (size_t i = 0; text != NULL && i < count; i++) {
        at = put_length(at, pairs[i].name.len);
        at = put_length(at, pairs[i].value.len);
        at = put(at, pairs[i].name);
        at = put(at, pairs[i].value);
    }
    return slice_make(text, text == NULL ? 0 : len);
}

static char *put_record(char *at, enum fastcgi_type type, struct slice content)
{
    unsigned padding = fastcgi_put_header(at, type, content.len);

    at = put(at + FASTCGI_HEADER, content);
    memset(at, 0, padding);
    return at + padding;
}

/* A stream: records of the text, and an empty one. */
static char *put_stream(char *at, enum fastcgi_type type, struct slice text)
{
    while (text.len > 0) {
        struct slice piece = slice_first(text, FASTCGI_CONTENT_MAX);
        at = put_record(at, type, piece);
        text = slice_from(text, piece.len);
    }
    return put_record(at, type, SLICE(""));
}

static int write_request(struct exchange *x, const struct gateway_pair *pairs, size_t count)
{
    bool keeps = fastcgi_settings(x->request)->keep_conn;
    char role[FASTCGI_HEADER] = { 0, FASTCGI_RESPONDER, keeps ? FASTCGI_KEEP_CONN : 0 };
    struct slice params = params_text(&x->request->arena, pairs, count);
    size_t records = 4 + params.len / FASTCGI_CONTENT_MAX + 1;

    if (params.at == NULL)
        return 500;
    char *head = arena_text(&x->request->arena, records * (2 * FASTCGI_HEADER) + params.len), *at;
    if (head == NULL)
        return 500;
    at = put_record(head, FASTCGI_BEGIN_REQUEST, slice_make(role, sizeof role));
    at = put_stream(at, FASTCGI_PARAMS, params);
    if (gateway_body_length(x) == 0) {
        at = put_stream(at, FASTCGI_STDIN, SLICE(""));
        x->upload.framing = UPLOAD_PLAIN;
    }
    x->upload.head = slice_make(head, (size_t)(at - head));
    x->keep_connection = keeps;
    return 0;
}

/* --- the answer --- */

enum { STDERR_MAX = 2048 }; /* bytes of one record that are logged */

struct answer {
    struct fastcgi_records records;
    char text[STDERR_MAX]; /* of standard error */
    size_t len;
};

static bool begin_answer(struct exchange *x)
{
    struct answer *answer = x->protocol_data;

    if (answer == NULL)
        x->protocol_data = answer = arena_alloc(&x->request->arena, sizeof *answer);
    if (answer == NULL)
        return false;
    fastcgi_records_init(&answer->records);
    answer->len = 0;
    return true;
}

static void keep_error(struct answer *answer, struct slice piece)
{
    struct slice taken = slice_first(piece, STDERR_MAX - answer->len);

    memcpy(answer->text + answer->len, taken.at, taken.len);
    answer->len += taken.len;
}

/* Control characters would break the log's lines. */
static void clean(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
}

/* False: the text is one of fastcgi_catch_stderr, and its answer is not taken. */
static bool log_error(struct exchange *x, struct answer *answer)
{
    const struct array *caught = &fastcgi_settings(x->request)->catch_stderr;
    const struct slice *items = caught->items;
    struct slice text = slice_make(answer->text, answer->len);
    bool good = true;

    for (size_t i = 0; i < caught->count; i++)
        good &= slice_search(text, items[i]) == NULL;
    clean(answer->text, answer->len);
    text = slice_trim(text);
    exchange_log(x, LOG_LEVEL_ERROR, 0, "FastCGI sent in stderr: \"%.*s\"", (int)text.len, text.at);
    answer->len = 0;
    return good || x->state == EXCHANGE_BODY;
}

static const char *problem_of(enum fastcgi_result result)
{
    switch (result) {
    case FASTCGI_REFUSED:
        return "an end of a request that it has not taken on";
    case FASTCGI_BAD_VERSION:
        return "unsupported FastCGI protocol version";
    case FASTCGI_BAD_TYPE:
        return "invalid FastCGI record type";
    case FASTCGI_BAD_REQUEST:
        return "unexpected FastCGI request id";
    default:
        return "too short FastCGI end of a request";
    }
}

/* What came behind the end of the request is nobody's. */
static enum answer_body_result end_records(struct exchange *x, struct slice rest)
{
    x->keep_connection &= rest.len == 0;
    x->reusable &= rest.len == 0;
    return ANSWER_BODY_END;
}

static enum answer_body_result unwrap(struct exchange *x, char *data, size_t *len)
{
    struct answer *answer = x->protocol_data;
    struct slice in = slice_make(data, *len), piece = { NULL, 0 };
    enum fastcgi_result result;

    *len = 0;
    for (;;) {
        switch (result = fastcgi_read(&answer->records, &in, &piece)) {
        case FASTCGI_MORE:
            return ANSWER_BODY_MORE;
        case FASTCGI_OUT:
            memmove(data + *len, piece.at, piece.len);
            *len += piece.len;
            break;
        case FASTCGI_ERR:
            keep_error(answer, piece);
            break;
        case FASTCGI_ERR_END:
            if (!log_error(x, answer))
                return ANSWER_BODY_BAD;
            break;
        case FASTCGI_DONE:
            return end_records(x, in);
        default:
            exchange_log(x, LOG_LEVEL_ERROR, 0, "upstream sent %s", problem_of(result));
            return ANSWER_BODY_BAD;
        }
    }
}

static const struct gateway fastcgi = {
    .protocol = { .scheme = "fastcgi://",
                  .kind = ANSWER_CGI,
                  .begin = begin_answer,
                  .unwrap = unwrap },
    .module = MODULE_FASTCGI,
    .framing = UPLOAD_RECORDS,
    .write = write_request,
};

static int fastcgi_handler(struct request *request)
{
    return gateway_handle(request, &fastcgi);
}

/* --- variables --- */

/* The URI in its parts: fastcgi_split_path_info, or all of it is the script's name. */
static void split(struct request *request, struct slice *script, struct slice *path)
{
    const struct regex *regex = fastcgi_settings(request)->split;
    struct slice found[REGEX_GROUPS_MAX];

    *script = request->uri;
    *path = SLICE("");
    if (regex == NULL ||
        !regex_match(regex, &request->worker->regex, request->uri, found, regex_groups(regex)))
        return;
    *script = found[1];
    *path = found[2];
}

static bool script_name(struct request *request, struct slice argument, struct slice *value)
{
    struct slice path;

    (void)argument;
    split(request, value, &path);
    if (slice_ends(*value, SLICE("/")))
        *value = arena_join(&request->arena, *value, fastcgi_settings(request)->index);
    return value->at != NULL;
}

static bool path_info(struct request *request, struct slice argument, struct slice *value)
{
    struct slice script;

    (void)argument;
    split(request, &script, value);
    return true;
}

const struct variable fastcgi_variables[] = {
    { "fastcgi_path_info", path_info },
    { "fastcgi_script_name", script_name },
    { NULL, NULL },
};

/* --- directives --- */

static void set_pass(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    (void)directive;
    (void)value;
    gateway_set_pass(conf, scope, &node->words[1], node->words[1].text,
                     conf_own(conf, scope, &fastcgi_module), fastcgi_handler);
}

static void set_split(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    const struct word *word = &node->words[1];
    struct capture_regex compiled;
    struct regex **regex = value;

    if (!capture_compile(conf, scope, word->at, word->text, false, &compiled))
        return;
    *regex = compiled.regex;
    if (regex_groups(*regex) < 3)
        conf_error(conf, word->at, "pattern \"%.*s\" in \"%s\" must have 2 captures",
                   (int)word->text.len, word->text.at, directive->name);
}

static void set_index(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    (void)conf;
    (void)scope;
    (void)directive;
    *(struct slice *)value = node->words[1].text;
}

static void set_text(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct array *texts = value;

    (void)scope;
    (void)directive;
    texts->item_size = sizeof(struct slice);
    struct slice *text = array_push(texts, conf->arena);
    if (text == NULL)
        conf_error(conf, node->words[0].at, "no memory for this text");
    else
        *text = node->words[1].text;
}

static const struct value_type as_pass = { "address", sizeof(struct template), set_pass };
static const struct value_type as_split = { "regex", sizeof(struct regex *), set_split };
static const struct value_type as_index = { "name", sizeof(struct slice), set_index };
static const struct value_type as_texts = { "text", sizeof(struct array), set_text };

#define FIELD(name) offsetof(struct fastcgi_settings, name)

static const struct directive fastcgi_directives[] = {
    { "fastcgi_pass", IN_LOCATION | IN_LOCATION_IF, ARGS_LOCAL(1, 1), &as_pass, FIELD(gateway.pass),
      NULL, "hand requests on to a FastCGI application" },
    { "fastcgi_param", IN_HTTP_ALL, ARGS_REPEATED(2, 3), &as_gateway_params, FIELD(gateway.params),
      NULL, "a parameter of the request to the application" },
    { "fastcgi_index", IN_HTTP_ALL, ARGS(1), &as_index, FIELD(index), NULL,
      "name appended to a URI that ends in '/', in $fastcgi_script_name" },
    { "fastcgi_split_path_info", IN_HTTP_ALL, ARGS(1), &as_split, FIELD(split), NULL,
      "regex whose two groups are $fastcgi_script_name and $fastcgi_path_info" },
    { "fastcgi_keep_conn", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(keep_conn), "off",
      "ask the application not to close the connection" },
    { "fastcgi_catch_stderr", IN_HTTP_ALL, ARGS_REPEATED(1, 1), &as_texts, FIELD(catch_stderr),
      NULL, "text in the application's standard error that makes its answer invalid" },
    { 0 },
};

static void check(struct conf *conf, struct conf_scope *scope, void *settings)
{
    gateway_check(conf, scope, &fastcgi_module, settings, "fastcgi");
}

const struct conf_module fastcgi_module = {
    .name = "fastcgi",
    .id = MODULE_FASTCGI,
    .size = sizeof(struct fastcgi_settings),
    .directives = fastcgi_directives,
    .shared = { exchange_directives, cache_directives },
    .check = check,
};
