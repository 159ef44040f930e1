/* The directives of the proxy. */
#include "worker/cache/cache.h"
#include "worker/handlers/proxy.h"
#include "worker/http/core.h"

/* --- proxy_set_header --- */

static void set_header(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct array *fields = value;

    (void)directive;
    fields->item_size = sizeof(struct proxy_field);
    struct proxy_field *field = array_push(fields, conf->arena);
    if (field == NULL) {
        conf_error(conf, node->words[0].at, "no memory for this field");
        return;
    }
    field->name = node->words[1].text;
    template_compile(conf, scope, node->words[2].at, node->words[2].text, &field->value);
}

static bool has_field(const struct array *fields, struct slice name)
{
    const struct proxy_field *items = fields->items;

    for (size_t i = 0; i < fields->count; i++)
        if (slice_equal_nocase(items[i].name, name))
            return true;
    return false;
}

/* What is written when the configuration does not say otherwise: nginx's list. An empty
 * value means that the client's field is not passed on. */
static const struct {
    const char *name;
    const char *value;
} default_fields[] = {
    { "Host", "$proxy_host" }, { "Connection", "close" }, { "TE", "" },
    { "Keep-Alive", "" },      { "Expect", "" },          { "Upgrade", "" },
};

/* The framing is of what is really sent: nobody else can say it. */
static bool is_framing(struct slice name)
{
    return slice_is_nocase(name, "Content-Length") || slice_is_nocase(name, "Transfer-Encoding");
}

static void note_replaced(struct proxy_settings *settings, struct slice name)
{
    enum field_name known = name.len > 0 ? head_field_name(name) : FIELD_OTHER;

    settings->replaced |= UINT32_C(1) << known;
    settings->replaces_other |= known == FIELD_OTHER;
}

static bool add_field(struct conf *conf, struct proxy_settings *settings,
                      const struct proxy_field *field)
{
    struct proxy_field *place = array_push(&settings->fields, conf->arena);

    if (place == NULL)
        return false;
    *place = *field;
    note_replaced(settings, field->name);
    return true;
}

static bool make_fields(struct conf *conf, struct conf_scope *scope,
                        struct proxy_settings *settings)
{
    const struct proxy_field *said = settings->set_headers.items;

    settings->fields = (struct array){ .item_size = sizeof(struct proxy_field) };
    for (size_t i = 0; i < settings->set_headers.count; i++)
        if (!is_framing(said[i].name) && !add_field(conf, settings, &said[i]))
            return false;
    for (size_t i = 0; i < sizeof default_fields / sizeof *default_fields; i++) {
        struct proxy_field field = { .name = slice_of(default_fields[i].name) };
        if (has_field(&settings->set_headers, field.name))
            continue;
        if (!template_compile(conf, scope, (struct position){ 0 },
                              slice_of(default_fields[i].value), &field.value) ||
            !add_field(conf, settings, &field))
            return false;
    }
    note_replaced(settings, SLICE("Content-Length"));
    note_replaced(settings, SLICE("Transfer-Encoding"));
    return true;
}

/* --- all together --- */

/* "proxy_redirect default": the upstream's own address becomes this location's. */
static void make_default_redirect(struct conf *conf, const struct proxy_settings *settings,
                                  struct proxy_redirect *rule)
{
    struct slice url = settings->pass.literal;
    bool has_uri = settings->url.uri.len > 0;
    struct slice from = has_uri ? url : arena_join(conf->arena, url, SLICE("/"));

    rule->from = (struct template){ .literal = from, .constant = true };
    rule->to =
        (struct template){ .literal = has_uri ? settings->location : SLICE("/"), .constant = true };
}

static void make_redirects(struct conf *conf, struct proxy_settings *settings)
{
    struct proxy_redirects *redirects = &settings->redirects;
    bool said = redirects->off || redirects->rules.count > 0;

    if (!settings->pass.constant) {
        if (redirects->defaulted)
            conf_error(conf, redirects->at,
                       "\"proxy_redirect default\" cannot be used with \"proxy_pass\" directive "
                       "with variables");
        return;
    }
    /* The rules may be those of the block around: they are copied before one is made. */
    struct array rules = { .item_size = sizeof(struct proxy_redirect) };
    const struct proxy_redirect *items = redirects->rules.items;
    for (size_t i = 0; i < redirects->rules.count + !said; i++) {
        struct proxy_redirect *rule = array_push(&rules, conf->arena);
        if (rule == NULL)
            return;
        *rule = said ? items[i] : (struct proxy_redirect){ .made_by_default = true };
        if (rule->made_by_default)
            make_default_redirect(conf, settings, rule);
    }
    redirects->rules = rules;
}

/* `if` and limit_except hand on to where their location does, unless they say otherwise. */
static void inherit_pass(const struct conf_scope *scope, struct proxy_settings *settings)
{
    if (settings->passes || (scope->context != IN_LOCATION_IF && scope->context != IN_LIMIT_EXCEPT))
        return;
    const struct proxy_settings *outer = conf_settings(scope->parent, &proxy_module);
    settings->passes = outer->passes;
    settings->pass = outer->pass;
    settings->url = outer->url;
    settings->location = outer->location;
    settings->at = outer->at;
}

static void check(struct conf *conf, struct conf_scope *scope, void *value)
{
    struct proxy_settings *settings = value;

    exchange_settings_check(conf, scope, &settings->exchange, "proxy");
    inherit_pass(scope, settings);
    if (!settings->passes)
        return;
    if (!make_fields(conf, scope, settings))
        conf_error(conf, settings->at, "no memory for the fields of a request");
    make_redirects(conf, settings);
    if (settings->pass.constant && settings->url.address.at != NULL)
        proxy_url_resolve(conf, scope, settings->at, &settings->url);
}

/* --- the table --- */

static const struct enum_choice version_choices[] = { { "1.0", 0 }, { "1.1", 1 }, { NULL, 0 } };
static const struct enum_type as_version = { { "1.0 | 1.1", sizeof(int), enum_set },
                                             version_choices };
static const struct value_type as_fields = { "field value", sizeof(struct array), set_header };

#define FIELD(name) offsetof(struct proxy_settings, name)

static const struct directive proxy_directives[] = {
    { "proxy_pass", IN_LOCATION | IN_LOCATION_IF | IN_LIMIT_EXCEPT, ARGS_LOCAL(1, 1),
      &as_proxy_pass, FIELD(pass), NULL, "hand requests on to another HTTP server" },
    { "proxy_redirect", IN_HTTP_ALL, ARGS_REPEATED(1, 2), &as_proxy_redirect, FIELD(redirects),
      NULL, "change the upstream's Location and Refresh" },
    { "proxy_cookie_domain", IN_HTTP_ALL, ARGS_REPEATED(1, 2), &as_proxy_cookie_domain,
      FIELD(cookie_domains), NULL, "change the domain of the upstream's cookies" },
    { "proxy_cookie_path", IN_HTTP_ALL, ARGS_REPEATED(1, 2), &as_proxy_cookie_path,
      FIELD(cookie_paths), NULL, "change the path of the upstream's cookies" },
    { "proxy_cookie_flags", IN_HTTP_ALL, ARGS_REPEATED(1, 4), &as_proxy_cookie_flags,
      FIELD(cookie_flags), NULL, "set or remove flags of the upstream's cookies" },
    { "proxy_set_header", IN_HTTP_ALL, ARGS_REPEATED(2, 2), &as_fields, FIELD(set_headers), NULL,
      "a field of the request to the upstream; an empty value removes it" },
    { "proxy_method", IN_HTTP_ALL, ARGS(1), &as_template, FIELD(method), NULL,
      "method of the request to the upstream" },
    { "proxy_set_body", IN_HTTP_ALL, ARGS(1), &as_template, FIELD(body), NULL,
      "body of the request to the upstream" },
    { "proxy_http_version", IN_HTTP_ALL, ARGS(1), &as_version.type, FIELD(http_version), "1.0",
      "version of HTTP to speak to the upstream" },
    { "proxy_headers_hash_max_size", IN_HTTP_ALL, ARGS(1), &as_number, FIELD(headers_hash_max_size),
      "512", "accepted; muxd's tables size themselves" },
    { "proxy_headers_hash_bucket_size", IN_HTTP_ALL, ARGS(1), &as_number,
      FIELD(headers_hash_bucket_size), "64", "accepted; muxd's tables size themselves" },
    { "proxy_pass_trailers", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(exchange.pass_trailers), "off",
      "hand on the fields behind a chunked answer" },
    { "early_hints", IN_HTTP_ALL, ARGS_FROM(1), &as_conditions, FIELD(exchange.early_hints), NULL,
      "hand on an upstream's 103, when one of the values is neither empty nor 0" },
    { "proxy_cache_convert_head", IN_HTTP_ALL, ARGS(1), &as_flag,
      FIELD(exchange.cache.convert_head), "on", "ask for HEAD as GET, so that the body is kept" },
    { 0 },
};

const struct conf_module proxy_module = {
    .name = "proxy",
    .id = MODULE_PROXY,
    .size = sizeof(struct proxy_settings),
    .directives = proxy_directives,
    .shared = { exchange_directives, cache_directives },
    .check = check,
};
