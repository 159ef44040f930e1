/* uwsgi_pass: the binary protocol of uWSGI. */
#include "worker/cache/cache.h"
#include "worker/context.h"
#include "worker/handlers/gateway.h"

struct uwsgi_settings {
    struct gateway_settings gateway; /* first */
    uint64_t modifier1, modifier2;
    struct slice string; /* behind the parameters */
};

/* --- the request: modifier1, size (16 bits, little endian), modifier2, and the parameters,
 *     each with its sizes before name and value --- */

enum { HEADER = 4, SIZE_LEN = 2, SIZE_MAX_16 = 0xffff };

static char *put_size(char *at, size_t size)
{
    *at++ = (char)size;
    *at++ = (char)(size >> 8);
    return at;
}

static char *put_sized(char *at, struct slice text)
{
    at = put_size(at, text.len);
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    return at + text.len;
}

static int write_request(struct exchange *x, const struct gateway_pair *pairs, size_t count)
{
    const struct uwsgi_settings *settings = x->request->settings[MODULE_UWSGI];
    size_t len = settings->string.len;

    for (size_t i = 0; i < count; i++)
        len += 2 * SIZE_LEN + pairs[i].name.len + pairs[i].value.len;
    if (len > SIZE_MAX_16) {
        request_log(x->request, LOG_LEVEL_ERROR, 0, "uwsgi request is too big");
        return 500;
    }
    char *head = arena_text(&x->request->arena, HEADER + len), *at = head;
    if (head == NULL)
        return 500;
    *at++ = (char)settings->modifier1;
    at = put_size(at, len);
    *at++ = (char)settings->modifier2;
    for (size_t i = 0; i < count; i++) {
        at = put_sized(at, pairs[i].name);
        at = put_sized(at, pairs[i].value);
    }
    if (settings->string.len > 0)
        memcpy(at, settings->string.at, settings->string.len);
    x->upload.head = slice_make(head, HEADER + len);
    return 0;
}

static const struct gateway uwsgi = {
    .protocol = { .scheme = "uwsgi://", .kind = ANSWER_CGI },
    .module = MODULE_UWSGI,
    .tunnels = true,
    .write = write_request,
};

static int uwsgi_handler(struct request *request)
{
    return gateway_handle(request, &uwsgi);
}

/* --- directives --- */

static void set_pass(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    const struct word *word = &node->words[1];
    struct slice address = word->text, scheme = SLICE("uwsgi://");

    (void)directive;
    (void)value;
    if (slice_equal_nocase(slice_first(address, strlen("suwsgi://")), SLICE("suwsgi://"))) {
        conf_error(conf, word->at, "suwsgi protocol requires SSL support");
        return;
    }
    if (slice_equal_nocase(slice_first(address, scheme.len), scheme))
        address = slice_from(address, scheme.len);
    gateway_set_pass(conf, scope, word, address, conf_own(conf, scope, &uwsgi_module),
                     uwsgi_handler);
}

static const struct value_type as_pass = { "[uwsgi://]address", sizeof(struct template), set_pass };

#define FIELD(name) offsetof(struct uwsgi_settings, name)

static const struct directive uwsgi_directives[] = {
    { "uwsgi_pass", IN_LOCATION | IN_LOCATION_IF, ARGS_LOCAL(1, 1), &as_pass, FIELD(gateway.pass),
      NULL, "hand requests on to a uwsgi server" },
    { "uwsgi_param", IN_HTTP_ALL, ARGS_REPEATED(2, 3), &as_gateway_params, FIELD(gateway.params),
      NULL, "a parameter of the request to the uwsgi server" },
    { "uwsgi_modifier1", IN_HTTP_ALL, ARGS(1), &as_number, FIELD(modifier1), "0",
      "first modifier of the uwsgi packet" },
    { "uwsgi_modifier2", IN_HTTP_ALL, ARGS(1), &as_number, FIELD(modifier2), "0",
      "second modifier of the uwsgi packet" },
    { "uwsgi_string", IN_HTTP_ALL, ARGS(1), &as_text, FIELD(string), NULL,
      "text of the uwsgi packet behind its parameters" },
    { 0 },
};

static void check(struct conf *conf, struct conf_scope *scope, void *value)
{
    struct uwsgi_settings *settings = value;
    struct position at = scope->node != NULL ? scope->node->words[0].at : (struct position){ 0 };

    if (settings->modifier1 > 255 || settings->modifier2 > 255)
        conf_error(conf, at, "\"uwsgi_modifier1\" and \"uwsgi_modifier2\" must be from 0 to 255");
    gateway_check(conf, scope, &uwsgi_module, &settings->gateway, "uwsgi");
}

const struct conf_module uwsgi_module = {
    .name = "uwsgi",
    .id = MODULE_UWSGI,
    .size = sizeof(struct uwsgi_settings),
    .directives = uwsgi_directives,
    .shared = { exchange_directives, cache_directives },
    .check = check,
};
