/* freshness.h: what an upstream's fields say about storing its answer (RFC 9111 5.2, 5.3), as
 * nginx understands them. */
#ifndef MUXD_WORKER_CACHE_FRESHNESS_H
#define MUXD_WORKER_CACHE_FRESHNESS_H

#include "worker/upstream/answer_head.h"

struct freshness {
    bool storable;           /* nothing forbids it */
    int64_t valid_until;     /* wall-clock seconds; 0: not said */
    uint32_t stale_updating; /* stale-while-revalidate and stale-if-error, in seconds */
    uint32_t stale_error;
    struct slice vary; /* in the arena; empty: none */
};

/* Looks at X-Accel-Expires, else Cache-Control, else Expires, and at Set-Cookie and Vary, but
 * for those in `ignore` (enum ignored_header). `now`: wall-clock seconds. False: memory is
 * out. */
bool freshness_of(const struct answer_head *, uint32_t ignore, int64_t now, struct arena *,
                  struct freshness *);

#endif
