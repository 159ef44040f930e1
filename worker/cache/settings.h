/* settings.h: what a location says of its cache: proxy_cache and its kin, alike for all
 * protocols. */
#ifndef MUXD_WORKER_CACHE_SETTINGS_H
#define MUXD_WORKER_CACHE_SETTINGS_H

#include "conf/values.h"
#include "worker/http/template.h"

struct zone;

/* proxy_cache zone | off; the zone's name may have variables. */
struct cache_choice {
    bool on;
    struct zone *zone; /* NULL: `name` says which */
    struct template name;
};

/* proxy_cache_valid [status ...] time */
struct cache_valid {
    unsigned status; /* 0: any */
    uint64_t time;   /* ms; 0: not at all */
};

struct cache_settings {
    struct cache_choice choice;
    struct template key;   /* literal.at NULL: not said */
    struct array valid;    /* of struct cache_valid */
    uint32_t use_stale;    /* enum next_upstream */
    uint32_t methods;      /* bit 1 << enum method */
    struct array bypass;   /* of struct template */
    struct array no_cache; /* likewise */
    struct array purge;    /* likewise */
    uint64_t min_uses;
    uint64_t max_range_offset;       /* INT64_MAX: any */
    uint64_t lock_timeout, lock_age; /* ms */
    bool lock;
    bool revalidate;
    bool background_update;
    bool convert_head;
};

extern const struct value_type as_cache_choice;
extern const struct value_type as_cache_valid;     /* struct array of struct cache_valid */
extern const struct value_type as_cache_use_stale; /* uint32_t */
extern const struct value_type as_cache_methods;   /* uint32_t */

/* Checks what several directives say together. `prefix` is the directives' ("proxy"); `has_key`:
 * the protocol has a key of its own when none is said. */
void cache_settings_check(struct conf *, struct conf_scope *, const struct cache_settings *,
                          const char *prefix, bool has_key);

/* How long an answer of this status is good that does not say so itself, in seconds; 0: not at
 * all. */
int64_t cache_valid_time(const struct cache_settings *, unsigned status);

#endif
