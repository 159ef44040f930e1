/* gzip.h: compressed answers: what the gzip directives say. */
#ifndef MUXD_WORKER_HTTP_GZIP_H
#define MUXD_WORKER_HTTP_GZIP_H

#include "conf/values.h"
#include "worker/http/mime_types.h"
#include "worker/http/request.h"

/* gzip_proxied: which answers to a proxy are compressed. */
enum gzip_proxied {
    PROXIED_OFF = 1 << 0,
    PROXIED_EXPIRED = 1 << 1,
    PROXIED_NO_CACHE = 1 << 2,
    PROXIED_NO_STORE = 1 << 3,
    PROXIED_PRIVATE = 1 << 4,
    PROXIED_NO_LAST_MODIFIED = 1 << 5,
    PROXIED_NO_ETAG = 1 << 6,
    PROXIED_AUTH = 1 << 7,
    PROXIED_ANY = 1 << 8,
};

/* gzip_disable: browsers that nothing is compressed for. */
struct gzip_disable {
    bool msie6;
    struct array regexes; /* of struct regex *, without case */
};

struct gzip_settings {
    bool on;
    bool vary;        /* send Vary: Accept-Encoding */
    int http_version; /* minor: 0 or 1 */
    uint64_t comp_level;
    uint64_t min_length;
    uint32_t proxied; /* of enum gzip_proxied */
    struct mime_types types;
    struct gzip_disable disable;
    struct buffers_value buffers; /* accepted: a body is made as it is sent */
};

extern const struct conf_module gzip_module;

static inline const struct gzip_settings *gzip_settings(const struct request *request)
{
    return request->settings[MODULE_GZIP];
}

#endif
