/* proxy.h: proxy_pass: requests that another HTTP server answers.
 *
 * proxy.c has the handler and what it does with HTTP's heads and bodies; proxy_settings.c
 * the directives; proxy_url.c what proxy_pass names; proxy_request.c the request as it is
 * written for the upstream; proxy_rewrite.c what becomes of Location and Set-Cookie. */
#ifndef MUXD_WORKER_HANDLERS_PROXY_H
#define MUXD_WORKER_HANDLERS_PROXY_H

#include "common/regex.h"
#include "worker/http/capture.h"
#include "worker/upstream/exchange.h"

/* What a URL names: "http://host:port/uri". */
struct proxy_url {
    struct slice host;    /* $proxy_host: with its port, unless that is the default */
    struct slice port;    /* $proxy_port; empty for unix sockets */
    struct slice address; /* host and port, or "unix:/path", to connect to */
    struct slice uri;     /* from the first '/' or '?' on; empty: none was given */
    bool has_port;        /* it was said */
    struct upstream_group *group;
};

/* A field that is written for the upstream: proxy_set_header, or one of nginx's own. */
struct proxy_field {
    struct slice name;
    struct template value;
};

/* proxy_redirect redirect replacement; each of them may have variables. */
struct proxy_redirect {
    struct template from; /* unless pattern.regex */
    struct capture_regex pattern;
    struct template to;
    bool made_by_default; /* proxy_redirect default: by proxy_pass and location */
};

struct proxy_redirects {
    struct array rules; /* of struct proxy_redirect */
    bool off, defaulted;
    struct position at;
};

/* proxy_cookie_domain and proxy_cookie_path */
struct proxy_cookie_rules {
    struct array rules; /* of struct proxy_redirect */
    bool off;
};

enum cookie_flag {
    COOKIE_SECURE = 1 << 0,
    COOKIE_NO_SECURE = 1 << 1,
    COOKIE_HTTPONLY = 1 << 2,
    COOKIE_NO_HTTPONLY = 1 << 3,
    COOKIE_SAMESITE_STRICT = 1 << 4,
    COOKIE_SAMESITE_LAX = 1 << 5,
    COOKIE_SAMESITE_NONE = 1 << 6,
    COOKIE_NO_SAMESITE = 1 << 7,
};

/* proxy_cookie_flags cookie flag ... */
struct proxy_cookie_flags {
    struct slice name; /* unless pattern.regex */
    struct capture_regex pattern;
    uint32_t flags;
};

struct proxy_settings {
    struct exchange_settings exchange; /* first */
    bool passes;                       /* proxy_pass stands here */
    struct position at;
    struct template pass;         /* the URL, when it has variables */
    struct proxy_url url;         /* else */
    struct slice location;        /* prefix that the URL's path replaces */
    struct array set_headers;     /* of struct proxy_field */
    struct template method, body; /* literal.at NULL: not said */
    int http_version;             /* minor: 0 or 1 */
    struct proxy_redirects redirects;
    struct proxy_cookie_rules cookie_domains, cookie_paths;
    struct array cookie_flags; /* of struct proxy_cookie_flags; names in order */
    uint64_t headers_hash_max_size, headers_hash_bucket_size; /* accepted, not needed */

    /* made by the check */
    struct array fields; /* of struct proxy_field: all that is written */
    uint32_t replaced;   /* bit 1 << enum field_name: the client's is not passed on */
    bool replaces_other; /* some field that is not known is written */
};

extern const struct conf_module proxy_module;

static inline const struct proxy_settings *proxy_settings(const struct request *request)
{
    return request->settings[MODULE_PROXY];
}

/* What one exchange is made of. */
struct proxy_context {
    const struct proxy_settings *settings;
    const struct proxy_url *url;
};

/* That of an exchange; NULL: it is none of the proxy, or NULL itself. */
const struct proxy_context *proxy_context(const struct exchange *);

/* The content handler of a location with proxy_pass. */
int proxy_handler(struct request *);

/* proxy_pass URL; http_set_handler was called. */
extern const struct value_type as_proxy_pass;

/* Reads "http://..." into *url, whose address may be empty; false: it is none. The group is not
 * set. */
bool proxy_url_parse(struct arena *, struct slice text, struct proxy_url *);

/* Finds the group of the settings' URL, once all upstream blocks are read. */
void proxy_url_resolve(struct conf *, struct conf_scope *, struct position at, struct proxy_url *);

/* The URL for a request: that of the settings, or made of variables, with its group. 0: *url
 * is set; AGAIN: its name is looked up, and the handler is called again; or a status. */
int proxy_url_for(struct request *, const struct proxy_settings *, const struct proxy_url **url);

/* The URI that the upstream is asked for; {NULL, 0}: memory is out. */
struct slice proxy_uri(struct request *, const struct proxy_settings *, const struct proxy_url *);

/* Writes the request's head into x->upload.head, and says how its body goes. 0 or 500. */
int proxy_write_request(struct exchange *, const struct proxy_settings *);

/* Changes a Location, Refresh or Set-Cookie value; false: memory is out. */
bool proxy_rewrite(struct exchange *, enum answer_field_name, struct slice *value);

/* proxy_redirect, proxy_cookie_domain, proxy_cookie_path and proxy_cookie_flags. */
extern const struct value_type as_proxy_redirect, as_proxy_cookie_domain, as_proxy_cookie_path,
    as_proxy_cookie_flags;

#endif
