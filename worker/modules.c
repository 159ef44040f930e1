#include "worker/modules.h"

#include "worker/error_log.h"
#include "worker/events.h"
#include "worker/handlers/file_cache.h"
#include "worker/handlers/gateway.h"
#include "worker/handlers/handlers.h"
#include "worker/handlers/proxy.h"
#include "worker/handlers/static.h"
#include "worker/handlers/status.h"
#include "worker/http/access_log.h"
#include "worker/http/client.h"
#include "worker/http/core.h"
#include "worker/http/error_page.h"
#include "worker/http/filters.h"
#include "worker/http/gzip.h"
#include "worker/http/limit_rate.h"
#include "worker/http/link_checks.h"
#include "worker/http/maps.h"
#include "worker/http/satisfy.h"
#include "worker/http/slow_log.h"
#include "worker/net/resolver.h"
#include "worker/upstream/group.h"
#include "worker/upstream/health.h"

const struct conf_module *const worker_modules[WORKER_MODULES] = {
    [MODULE_EVENTS] = &events_module,
    [MODULE_ERROR_LOG] = &error_log_module,
    [MODULE_HTTP] = &http_module,
    [MODULE_CLIENT] = &client_module,
    [MODULE_STATIC] = &static_module,
    [MODULE_FILE_CACHE] = &file_cache_module,
    [MODULE_INDEX] = &index_module,
    [MODULE_AUTOINDEX] = &autoindex_module,
    [MODULE_TRY_FILES] = &try_files_module,
    [MODULE_REWRITE] = &rewrite_module,
    [MODULE_ERROR_PAGE] = &error_page_module,
    [MODULE_GZIP] = &gzip_module,
    [MODULE_GUNZIP] = &gunzip_module,
    [MODULE_DAV] = &dav_module,
    [MODULE_GZIP_STATIC] = &gzip_static_module,
    [MODULE_HEADERS] = &headers_module,
    [MODULE_REALIP] = &realip_module,
    [MODULE_ACCESS] = &access_module,
    [MODULE_AUTH_BASIC] = &auth_basic_module,
    [MODULE_ADDITION] = &addition_module,
    [MODULE_SUB] = &sub_module,
    [MODULE_CHARSET] = &charset_module,
    [MODULE_AUTH_REQUEST] = &auth_request_module,
    [MODULE_MIRROR] = &mirror_module,
    [MODULE_STATUS] = &status_module,
    [MODULE_HEALTHZ] = &healthz_module,
    [MODULE_SLOW_LOG] = &slow_log_module,
    [MODULE_LIMIT_REQ] = &limit_req_module,
    [MODULE_LIMIT_RATE] = &limit_rate_module,
    [MODULE_LIMIT_CONN] = &limit_conn_module,
    [MODULE_SATISFY] = &satisfy_module,
    [MODULE_UPSTREAM] = &upstream_module,
    [MODULE_RESOLVER] = &resolver_module,
    [MODULE_PROXY] = &proxy_module,
    [MODULE_FASTCGI] = &fastcgi_module,
    [MODULE_UWSGI] = &uwsgi_module,
    [MODULE_SCGI] = &scgi_module,
    [MODULE_HEALTH_MATCH] = &health_match_module,
    [MODULE_HEALTH_CHECK] = &health_module,
    [MODULE_MAP] = &map_module,
    [MODULE_GEO] = &geo_module,
    [MODULE_SPLIT_CLIENTS] = &split_clients_module,
    [MODULE_REFERER] = &referer_module,
    [MODULE_SECURE_LINK] = &secure_link_module,
    [MODULE_EMPTY_GIF] = &empty_gif_module,
    [MODULE_ACCEPTED] = &accepted_module,
    [MODULE_ACCESS_LOG] = &access_log_module,
};
