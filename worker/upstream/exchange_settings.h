/* exchange_settings.h: what the directives of every protocol say alike: proxy_buffering and
 * fastcgi_buffering, proxy_read_timeout and uwsgi_read_timeout. */
#ifndef MUXD_WORKER_UPSTREAM_EXCHANGE_SETTINGS_H
#define MUXD_WORKER_UPSTREAM_EXCHANGE_SETTINGS_H

#include "common/sockaddr.h"
#include "conf/values.h"
#include "worker/cache/settings.h"
#include "worker/http/template.h"
#include "worker/upstream/answer_head.h"

/* When another peer is tried (proxy_next_upstream). */
enum next_upstream {
    NEXT_ERROR = 1 << 0,
    NEXT_TIMEOUT = 1 << 1,
    NEXT_INVALID_HEADER = 1 << 2,
    NEXT_HTTP_500 = 1 << 3,
    NEXT_HTTP_502 = 1 << 4,
    NEXT_HTTP_503 = 1 << 5,
    NEXT_HTTP_504 = 1 << 6,
    NEXT_HTTP_403 = 1 << 7,
    NEXT_HTTP_404 = 1 << 8,
    NEXT_HTTP_429 = 1 << 9,
    NEXT_NON_IDEMPOTENT = 1 << 10,
    NEXT_OFF = 1 << 11,
    NEXT_UPDATING = 1 << 12, /* of proxy_cache_use_stale only */
};

/* Fields of the answer that are not acted on (proxy_ignore_headers). */
enum ignored_header {
    IGNORE_X_ACCEL_REDIRECT = 1 << 0,
    IGNORE_X_ACCEL_EXPIRES = 1 << 1,
    IGNORE_X_ACCEL_LIMIT_RATE = 1 << 2,
    IGNORE_X_ACCEL_BUFFERING = 1 << 3,
    IGNORE_X_ACCEL_CHARSET = 1 << 4,
    IGNORE_EXPIRES = 1 << 5,
    IGNORE_CACHE_CONTROL = 1 << 6,
    IGNORE_SET_COOKIE = 1 << 7,
    IGNORE_VARY = 1 << 8,
};

/* proxy_bind */
struct bind_value {
    bool set;
    struct template address; /* count and literal empty: off */
    bool transparent;
};

/* proxy_store */
struct store_value {
    bool on;
    bool has_path; /* else root or alias says where */
    struct template path;
};

/* The temporary folder, as client_body_temp_path. */
struct exchange_settings {
    uint64_t connect_timeout, send_timeout, read_timeout; /* ms */
    bool buffering;
    bool request_buffering;
    uint64_t buffer_size; /* bytes that a head may have */
    struct buffers_value buffers;
    uint64_t busy_buffers_size, max_temp_file_size, temp_file_write_size;
    const char *temp_path;
    uint64_t limit_rate; /* bytes a second; 0: any */
    uint32_t next_upstream;
    uint64_t next_tries, next_timeout;
    struct array hide, pass; /* of struct slice: names of fields */
    uint32_t ignore;
    bool intercept_errors;
    bool force_ranges;
    bool ignore_client_abort;
    bool pass_request_headers, pass_request_body;
    bool socket_keepalive;
    bool pass_trailers;
    struct bind_value bind;
    struct store_value store;
    uint32_t store_access;    /* mode bits */
    struct array early_hints; /* of struct template: a 103 is passed on if one says something */
    struct cache_settings cache;

    /* made of hide, pass and what is never passed, by exchange_settings_check */
    uint64_t hidden_known; /* bit 1 << enum answer_field_name */
    uint64_t passed_known;
};

extern const struct value_type as_next_upstream;   /* uint32_t */
extern const struct value_type as_ignored_headers; /* uint32_t */
extern const struct value_type as_header_names;    /* struct array of struct slice */
extern const struct value_type as_bind;
extern const struct value_type as_store;
extern const struct value_type as_conditions; /* struct array of struct template */
extern const struct value_type as_store_access;

/* A word that stands for a bit. */
struct bit_word {
    const char *word; /* NULL ends a list */
    uint32_t bit;
};

/* Sets the bits of the directive's words; others are errors. */
void set_bit_words(struct conf *, const struct conf_node *, const struct bit_word *words,
                   uint32_t *bits);

enum condition { CONDITION_NO, CONDITION_YES, CONDITION_NO_MEMORY };

/* One of the values, of as_conditions, is neither empty nor "0". */
enum condition conditions_hold(struct request *, const struct array *values);

/* The directives that all protocols have alike, for modules whose struct begins with these
 * settings: _buffering, which is proxy_buffering, fastcgi_buffering ... */
extern const struct directive exchange_directives[];

/* Checks what several directives say together, and makes what is made of them. `prefix` is
 * the directives' ("proxy"). */
void exchange_settings_check(struct conf *, struct conf_scope *, struct exchange_settings *,
                             const char *prefix);

/* The field is not for the client. */
bool exchange_hides(const struct exchange_settings *, const struct answer_field *);

#endif
