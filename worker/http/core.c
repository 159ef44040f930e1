#include "worker/http/core.h"

#include "conf/values.h"
#include "worker/http/filters.h"
#include "worker/http/listen.h"
#include "worker/http/location.h"
#include "worker/http/log_format.h"
#include "worker/http/name_map.h"
#include "worker/http/phases.h"
#include "worker/http/server_names.h"
#include "worker/http/variables.h"

struct http *http_of(const struct conf_scope *scope)
{
    while (scope != NULL && scope->context != IN_HTTP)
        scope = scope->parent;
    return scope == NULL ? NULL : scope->owner;
}

void http_set_handler(struct conf *conf, struct conf_scope *scope, content_handler *handler)
{
    struct location *location = scope->owner;

    (void)conf;
    if (scope->context == IN_LOCATION || scope->context == IN_LOCATION_IF)
        location->handler = handler;
    else if (scope->context == IN_SERVER)
        ((struct server *)scope->owner)->handler = handler;
    else if (scope->context == IN_LIMIT_EXCEPT)
        location->limit_except.handler = handler;
}

/* --- http --- */

static struct http *http_new(struct arena *arena)
{
    struct http *http = arena_zalloc(arena, sizeof *http);

    if (http == NULL)
        return NULL;
    http->servers.item_size = sizeof(struct server *);
    http->addresses.item_size = sizeof(struct http_address *);
    http->formats.item_size = sizeof(struct log_format *);
    http->by_address = arena_zalloc(arena, sizeof *http->by_address);
    http->names = variable_names_new(arena);
    if (http->by_address == NULL || http->names == NULL || !log_formats_init(arena, http))
        return NULL;
    return http;
}

/* A single server without captures in its names answers without a search. */
static void build_names(struct conf *conf, const struct http *http)
{
    struct http_address *const *addresses = http->addresses.items;

    for (size_t i = 0; i < http->addresses.count; i++)
        if (addresses[i]->servers.count > 1 || addresses[i]->default_server->name_captures)
            addresses[i]->names = server_names_build(conf, addresses[i]);
}

static void no_memory(struct conf *conf, const struct conf_node *node)
{
    conf_error(conf, node->words[0].at, "no memory for this block");
}

static void set_http(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct http *http = http_new(conf->arena);

    (void)directive;
    (void)value;
    if (http == NULL) {
        no_memory(conf, node);
        return;
    }
    struct conf_scope *own = conf_open_block(conf, scope, node, IN_HTTP, http);
    if (own == NULL) {
        no_memory(conf, node);
        return;
    }
    http->scope = own;
    build_names(conf, http);
    variables_check(conf, own);
}

/* --- server --- */

static struct server *server_new(struct arena *arena, struct http *http)
{
    struct server *server = arena_zalloc(arena, sizeof *server);
    struct server **place = array_push(&http->servers, arena);

    if (server == NULL || place == NULL)
        return NULL;
    server->http = http;
    server->names.item_size = sizeof(struct server_name);
    *place = server;
    return server;
}

static void set_server(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct server *server = server_new(conf->arena, scope->owner);

    (void)directive;
    (void)value;
    struct conf_scope *own =
        server == NULL ? NULL : conf_open_block(conf, scope, node, IN_SERVER, server);
    if (own == NULL) {
        no_memory(conf, node);
        return;
    }
    server->scope = own;
    server->settings = own->settings;
    listen_close(conf, server);
    if (!server_names_close(conf, server))
        no_memory(conf, node);
}

static const struct value_type as_http = { "{ ... }", 0, set_http };
static const struct value_type as_server = { "{ ... }", 0, set_server };

/* --- the table --- */

static const struct enum_choice tokens_choices[] = {
    { "off", TOKENS_OFF },
    { "on", TOKENS_ON },
    { "build", TOKENS_BUILD },
    { NULL, 0 },
};
static const struct enum_type as_tokens = { { "on | off | build", sizeof(int), enum_set },
                                            tokens_choices };

#define FIELD(name) offsetof(struct http_settings, name)

static const struct directive http_directives[] = {
    { "http", IN_MAIN, BLOCK_ONCE(0, 0), &as_http, 0, NULL, "the HTTP server and its settings" },
    { "server", IN_HTTP, BLOCK(0, 0), &as_server, 0, NULL, "a virtual server" },
    { "location", IN_SERVER | IN_LOCATION, BLOCK(1, 2), &as_location, 0, NULL,
      "settings for the paths that match" },
    { "limit_except", IN_LOCATION, BLOCK(1, 255), &as_limit_except, 0, NULL,
      "settings for all methods but these" },
    { "listen", IN_SERVER, ARGS_REPEATED(1, 255), &as_listen, 0, NULL,
      "an address that the server answers on" },
    { "server_name", IN_SERVER, ARGS_REPEATED(1, 255), &as_server_names, 0, NULL,
      "host names that the server answers to" },
    { "internal", IN_LOCATION, ARGS(0), &as_present, FIELD(internal), NULL,
      "only internal redirects reach the location; clients get 404" },
    { "merge_slashes", IN_HTTP | IN_SERVER, ARGS(1), &as_flag, FIELD(merge_slashes), "on",
      "treat several slashes in a path as one" },
    { "server_name_in_redirect", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(server_name_in_redirect),
      "off", "redirect to the first server_name, not to the host that was asked for" },
    { "port_in_redirect", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(port_in_redirect), "on",
      "name the port in redirects" },
    { "absolute_redirect", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(absolute_redirect), "on",
      "name scheme and host in redirects" },
    { "underscores_in_headers", IN_HTTP | IN_SERVER, ARGS(1), &as_flag,
      FIELD(underscores_in_headers), "off", "accept header names with underscores" },
    { "ignore_invalid_headers", IN_HTTP | IN_SERVER, ARGS(1), &as_flag,
      FIELD(ignore_invalid_headers), "on", "ignore header lines with unusual names" },
    { "server_tokens", IN_HTTP_ALL, ARGS(1), &as_tokens.type, FIELD(server_tokens), "on",
      "name the version in the Server header and on error pages" },
    { "log_not_found", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(log_not_found), "on",
      "write missing files to the error log" },
    { "log_subrequest", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(log_subrequest), "off",
      "write subrequests to the access log" },
    { "server_names_hash_bucket_size", IN_HTTP, ARGS(1), &as_size,
      FIELD(server_names_hash_bucket_size), "64", "accepted; muxd's tables size themselves" },
    { "server_names_hash_max_size", IN_HTTP, ARGS(1), &as_number, FIELD(server_names_hash_max_size),
      "512", "accepted; muxd's tables size themselves" },
    { "variables_hash_bucket_size", IN_HTTP, ARGS(1), &as_size, FIELD(variables_hash_bucket_size),
      "64", "accepted; muxd's tables size themselves" },
    { "variables_hash_max_size", IN_HTTP, ARGS(1), &as_number, FIELD(variables_hash_max_size),
      "1024", "accepted; muxd's tables size themselves" },
    { 0 },
};

static void check_http(struct conf *conf, struct conf_scope *scope, void *settings)
{
    struct http_settings *own = settings;

    own->steps = phases_wanted(conf, scope);
    own->filters = filters_wanted(conf, scope);
}

const struct conf_module http_module = {
    .name = "core",
    .id = MODULE_HTTP,
    .size = sizeof(struct http_settings),
    .directives = http_directives,
    .in_every_block = true,
    .check = check_http,
};
