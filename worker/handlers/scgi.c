/* scgi_pass: SCGI: the parameters as a netstring, and the body behind it. */
#include "worker/cache/cache.h"
#include "worker/handlers/gateway.h"

/* Name and value, each with a NUL behind it. */
static char *put_ended(char *at, struct slice text)
{
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    at[text.len] = '\0';
    return at + text.len + 1;
}

/* A NUL inside would begin another parameter. */
static bool has_nul(const struct gateway_pair *pair)
{
    return slice_find(pair->name, '\0') >= 0 || slice_find(pair->value, '\0') >= 0;
}

/* The length of the body comes first, as the protocol wants it. */
static int write_request(struct exchange *x, const struct gateway_pair *pairs, size_t count)
{
    struct arena *arena = &x->request->arena;
    unsigned long long length = gateway_body_length(x);
    struct slice start = arena_printf(arena, "CONTENT_LENGTH%c%llu%c", 0, length, 0);
    size_t len = start.len;

    for (size_t i = 0; i < count; i++) {
        if (has_nul(&pairs[i]))
            return 400;
        len += pairs[i].name.len + pairs[i].value.len + 2;
    }
    struct slice size = arena_printf(arena, "%zu:", len);
    char *head = arena_text(arena, size.len + len + 1), *at = head;
    if (start.at == NULL || size.at == NULL || head == NULL)
        return 500;
    memcpy(at, size.at, size.len);
    memcpy(at += size.len, start.at, start.len);
    at += start.len;
    for (size_t i = 0; i < count; i++) {
        at = put_ended(at, pairs[i].name);
        at = put_ended(at, pairs[i].value);
    }
    *at++ = ',';
    x->upload.head = slice_make(head, (size_t)(at - head));
    return 0;
}

static const struct gateway scgi = {
    .protocol = { .scheme = "scgi://", .kind = ANSWER_CGI },
    .module = MODULE_SCGI,
    .tunnels = true,
    .write = write_request,
};

static int scgi_handler(struct request *request)
{
    return gateway_handle(request, &scgi);
}

/* --- directives --- */

static void set_pass(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    (void)directive;
    (void)value;
    gateway_set_pass(conf, scope, &node->words[1], node->words[1].text,
                     conf_own(conf, scope, &scgi_module), scgi_handler);
}

static const struct value_type as_pass = { "address", sizeof(struct template), set_pass };

#define FIELD(name) offsetof(struct gateway_settings, name)

static const struct directive scgi_directives[] = {
    { "scgi_pass", IN_LOCATION | IN_LOCATION_IF, ARGS_LOCAL(1, 1), &as_pass, FIELD(pass), NULL,
      "hand requests on to an SCGI application" },
    { "scgi_param", IN_HTTP_ALL, ARGS_REPEATED(2, 3), &as_gateway_params, FIELD(params), NULL,
      "a parameter of the request to the application" },
    { 0 },
};

static void check(struct conf *conf, struct conf_scope *scope, void *settings)
{
    gateway_check(conf, scope, &scgi_module, settings, "scgi");
}

const struct conf_module scgi_module = {
    .name = "scgi",
    .id = MODULE_SCGI,
    .size = sizeof(struct gateway_settings),
    .directives = scgi_directives,
    .shared = { exchange_directives, cache_directives },
    .check = check,
};
