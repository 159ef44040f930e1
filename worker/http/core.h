/* core.h: http, server and location blocks, and which of them a request is for.
 *
 * The configuration's scopes are turned, at the end of the http block, into
 * tables that are fast to search: for each listening address its servers by
 * name (exact hash, wildcards, regexes, default), for each server its locations
 * (exact, longest prefix, regexes in order, named, nested). */
#ifndef MUXD_WORKER_HTTP_CORE_H
#define MUXD_WORKER_HTTP_CORE_H

#include "worker/http/capture.h"
#include "worker/http/request.h"
#include "worker/modules.h"
#include "worker/net/listener.h"

extern const struct conf_module http_module;

enum location_kind {
    LOCATION_PREFIX,       /* location /path */
    LOCATION_PREFIX_FINAL, /* location ^~ /path: no regex is tried */
    LOCATION_EXACT,        /* location = /path */
    LOCATION_REGEX,        /* location ~ and ~* */
    LOCATION_NAMED,        /* location @name */
};

struct upstream_group; /* worker/upstream/group.h */
struct health_match;   /* worker/upstream/health_match.c */
struct location_table; /* router.h: locations of a server or of an outer location */
struct name_map;

/* Answers in the content phase; set by a handler's directive in the location. */
typedef int content_handler(struct request *);

struct location {
    struct conf_scope *scope;
    void **settings; /* of the scope */
    enum location_kind kind;
    struct slice name;            /* prefix, path, "@name", or the regex's text */
    struct capture_regex pattern; /* LOCATION_REGEX */
    const struct location *outer; /* of an `if`: the location that it stands in; else NULL */
    struct location_table *inner; /* NULL when it has no locations of its own */
    content_handler *handler;     /* NULL: index, autoindex, static */
    bool auto_redirect;           /* a prefix that ends in '/': redirect the path without it */
    struct limit_except {         /* limit_except: methods listed are not limited */
        uint32_t methods;         /* bit 1 << enum method; 0: no limit_except */
        void **settings;          /* in force for the other methods */
        content_handler *handler; /* for them; NULL: that of the location */
    } limit_except;
};

/* One word of server_name. */
struct server_name {
    struct slice text;            /* lower case, without the '~' of a regex */
    struct capture_regex pattern; /* regex NULL: not a regex */
    struct position at;
};

struct server {
    struct conf_scope *scope;
    void **settings;
    struct slice name;                /* first server_name as nginx shows it, or "": $server_name */
    struct array names;               /* of struct server_name; "" when there is no server_name */
    bool name_captures;               /* a regex name has groups: it must be matched to get them */
    struct location_table *locations; /* NULL when there are none */
    struct http *http;
    content_handler *handler; /* of requests that no location matches; NULL: as above */
    bool has_listen;
};

struct server_name_table; /* server_names.h */

/* The servers behind one listening address. */
struct http_address {
    struct listen_options options;
    struct array servers; /* of const struct server * */
    const struct server *default_server;
    bool default_said;               /* by default_server, not by being the first */
    struct server_name_table *names; /* NULL: the default server answers everything */
};

/* The http block. */
struct http {
    struct conf_scope *scope;
    struct array servers;             /* of struct server * */
    struct array addresses;           /* of struct http_address *, in the order of the text */
    struct name_map *by_address;      /* the same by the bytes of their socket names */
    struct variable_names *names;     /* user variables: variables.c */
    struct array charsets;            /* of struct slice: the names that charset.c has read */
    struct array charset_maps;        /* of struct charset_map *: charset_maps.c */
    struct array formats;             /* of struct log_format *: log_format.c */
    struct upstream_group *upstreams; /* explicit and implicit ones */
    struct health_match *matches;     /* match blocks */
};

/* The http block that a scope stands in, or is; NULL outside. */
struct http *http_of(const struct conf_scope *);

/* Fields that only http, server and location have of themselves. */
struct http_settings {
    uint64_t server_names_hash_bucket_size, server_names_hash_max_size; /* accepted, not needed */
    uint64_t variables_hash_bucket_size, variables_hash_max_size;
    bool internal;
    bool merge_slashes;
    bool server_name_in_redirect;
    bool port_in_redirect;
    bool absolute_redirect;
    bool underscores_in_headers;
    bool ignore_invalid_headers;
    int server_tokens; /* enum server_tokens */
    bool log_not_found;
    bool log_subrequest;
    uint32_t steps;  /* phases_wanted of the block */
    uint8_t filters; /* filters_wanted of the block */
};
enum server_tokens { TOKENS_OFF, TOKENS_ON, TOKENS_BUILD };

/* The server of the address that `host` (validated, lower case) names; the
 * address's default server when none does. A regex name's captures are put
 * into the request. `host` empty: the default or the server_name "" one. */
const struct server *http_find_server(const struct http_address *, struct request *,
                                      struct slice host);

/* The address's default server, for requests that are refused before Host. */
const struct server *http_default_server(const struct http_address *);

/* True when the address has one server only and its names need no lookup. */
bool http_single_server(const struct http_address *);

enum route { ROUTE_FOUND, ROUTE_NONE, ROUTE_SLASH /* 301 to the URI with '/' */, ROUTE_NO_MEMORY };

/* The location of the request's URI, into *location (NULL: none matched; the
 * server's own settings apply). Sets captures of a regex. */
enum route http_find_location(struct request *, const struct location **location);

/* The server's named location; NULL when there is none. */
const struct location *http_find_named(const struct server *, struct slice name);

/* The handler-setting helper for directives such as `autoindex`'s kin that take
 * over the content of their location. */
void http_set_handler(struct conf *, struct conf_scope *, content_handler *);

static inline const struct http_settings *http_settings(const struct request *request)
{
    return request->settings[MODULE_HTTP];
}

#endif
