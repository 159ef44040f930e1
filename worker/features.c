#include "worker/event/loop.h"
#include "worker/worker.h"

/* The families of nginx's modules that are here with all of their directives, by the names of
 * ngx_http_NAME_module. tests/unit/worker/test_features.c looks for each directive. */
static const char families[] = " access"
                               " addition"
                               " auth_basic"
                               " auth_request"
                               " autoindex"
                               " cache"
                               " charset"
                               " dav"
                               " empty_gif"
                               " fastcgi"
                               " geo"
                               " gunzip"
                               " gzip"
                               " gzip_static"
                               " headers"
                               " index"
                               " limit_conn"
                               " limit_req"
                               " log"
                               " map"
                               " mirror"
                               " proxy"
                               " realip"
                               " referer"
                               " rewrite"
                               " scgi"
                               " secure_link"
                               " split_clients"
                               " static"
                               " stub_status"
                               " sub"
                               " try_files"
                               " upstream"
                               " upstream_hash"
                               " upstream_hc"
                               " upstream_ip_hash"
                               " upstream_keepalive"
                               " upstream_least_conn"
                               " upstream_random"
                               " upstream_sticky"
                               " upstream_zone"
                               " uwsgi";

struct slice worker_features(struct arena *arena)
{
    struct slice list = SLICE("");

    for (const char *const *name = loop_names(); *name != NULL; name++)
        list =
            arena_printf(arena, "%.*s%s%s", (int)list.len, list.at, list.len > 0 ? " " : "", *name);
    return arena_join(arena, list, SLICE(families));
}
