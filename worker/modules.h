/* modules.h: the worker's modules, each a table of directives beside its code.
 *
 * The master appends its own to this list and gives both to conf_load. */
#ifndef MUXD_WORKER_MODULES_H
#define MUXD_WORKER_MODULES_H

#include "conf/directive.h"

/* Index of each module's settings in a scope. */
enum module_id {
    MODULE_EVENTS,    /* worker/events.c: events {}, worker_connections, use */
    MODULE_ERROR_LOG, /* worker/error_log.c: error_log */
    MODULE_HTTP,      /* worker/http/core.c: http, server, location, listen, server_name ... */
    MODULE_CLIENT, /* worker/http/client.c: keepalive_*, client_*, large_client_header_buffers ...
                    */
    MODULE_STATIC, /* worker/handlers/static.c: root, alias, types, sendfile, etag ... */
    MODULE_FILE_CACHE,   /* worker/handlers/file_cache.c: open_file_cache*, disable_symlinks */
    MODULE_INDEX,        /* worker/handlers/index.c */
    MODULE_AUTOINDEX,    /* worker/handlers/autoindex.c */
    MODULE_TRY_FILES,    /* worker/handlers/try_files.c */
    MODULE_REWRITE,      /* worker/handlers/rewrite.c: rewrite, if, set, return, break ... */
    MODULE_ERROR_PAGE,   /* worker/http/error_page.c */
    MODULE_GZIP,         /* worker/http/gzip.c: gzip, gzip_types ... */
    MODULE_GUNZIP,       /* worker/http/gunzip.c */
    MODULE_DAV,          /* worker/handlers/dav.c: dav_methods ... */
    MODULE_GZIP_STATIC,  /* worker/handlers/gzip_static.c: gzip_static, precompressed */
    MODULE_HEADERS,      /* worker/http/headers.c: add_header, expires */
    MODULE_REALIP,       /* worker/handlers/realip.c: set_real_ip_from, real_ip_header ... */
    MODULE_ACCESS,       /* worker/handlers/access.c: allow, deny */
    MODULE_AUTH_BASIC,   /* worker/handlers/auth_basic.c */
    MODULE_ADDITION,     /* worker/http/addition.c */
    MODULE_SUB,          /* worker/http/sub_filter.c */
    MODULE_CHARSET,      /* worker/http/charset.c */
    MODULE_AUTH_REQUEST, /* worker/handlers/auth_request.c */
    MODULE_MIRROR,       /* worker/handlers/mirror.c */
    MODULE_STATUS,       /* worker/handlers/status.c: status, status_zone, stub_status */
    MODULE_HEALTHZ,      /* worker/handlers/healthz.c */
    MODULE_SLOW_LOG,     /* worker/http/slow_log.c: slow_request_log */
    MODULE_LIMIT_REQ,    /* worker/handlers/limit_req.c */
    MODULE_LIMIT_RATE,   /* worker/http/limit_rate.c */
    MODULE_LIMIT_CONN,   /* worker/handlers/limit_conn.c */
    MODULE_SATISFY,      /* worker/http/satisfy.c: satisfy, auth_delay */
    MODULE_UPSTREAM,     /* worker/upstream/group_settings.c: upstream, server, keepalive ... */
    MODULE_RESOLVER,     /* worker/net/resolver_settings.c: resolver, resolver_timeout */
    MODULE_PROXY,        /* worker/handlers/proxy_settings.c: proxy_* */
    MODULE_FASTCGI,      /* worker/handlers/fastcgi.c, and its kin: */
    MODULE_UWSGI,
    MODULE_SCGI,
    MODULE_HEALTH_MATCH, /* worker/upstream/health_match.c: match, status, header, body */
    MODULE_HEALTH_CHECK, /* worker/handlers/health_check.c; behind the proxy, whose group it needs
                          */
    MODULE_MAP,          /* worker/http/map.c, and its kin: */
    MODULE_GEO,
    MODULE_SPLIT_CLIENTS,
    MODULE_REFERER,     /* worker/http/referer.c: valid_referers */
    MODULE_SECURE_LINK, /* worker/http/secure_link.c */
    MODULE_EMPTY_GIF,   /* worker/handlers/empty_gif.c */
    MODULE_ACCEPTED,    /* worker/http/accepted.c: aio, directio, output_buffers ... */
    MODULE_ACCESS_LOG,  /* worker/http/access_log.c: access_log, log_format */
    WORKER_MODULES,     /* the master's modules have ids from here on */
};

extern const struct conf_module accepted_module;

/* worker_modules[i]->id == i, for i < WORKER_MODULES. */
extern const struct conf_module *const worker_modules[WORKER_MODULES];

#endif
