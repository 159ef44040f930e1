/* tallies.h: what requests are counted of, beside all of them together: servers and
 * locations with a status_zone, and peers of upstreams.
 *
 * Directives register a tally while the configuration is loaded; the master gives
 * each one its series on the board before the workers are forked, the same one
 * again after a reload. */
#ifndef MUXD_WORKER_STATUS_TALLIES_H
#define MUXD_WORKER_STATUS_TALLIES_H

#include "conf/directive.h"
#include "worker/status/board.h"

enum tally_kind {
    TALLY_SERVER,   /* status_zone in a server */
    TALLY_LOCATION, /* ... in a location */
    TALLY_PEER,     /* a server of an upstream */
};

struct tally {
    struct tally *next;
    enum tally_kind kind;
    struct slice group; /* of a peer: its upstream's name; else empty */
    struct slice name;
    unsigned series; /* on the board; SERIES_NOBODY until the master has chosen */
};

/* All tallies of a configuration, in the order of the text. */
struct conf_tallies {
    struct tally *first, **last;
    size_t count;
};

/* The tally of this kind and name, made when needed; the texts must live as long as the
 * configuration. NULL when memory is out. */
struct tally *conf_tally(struct conf *, enum tally_kind, struct slice group, struct slice name);

/* The first tally of the kind at or behind `from`; NULL when there is none. */
const struct tally *tally_next(const struct tally *from, enum tally_kind);

/* In a worker: a request has ended. */
static inline void series_count(struct series *series, unsigned status, uint64_t received,
                                uint64_t sent, uint64_t milliseconds)
{
    unsigned digit = status / 100;

    count_add(&series->requests[digit < STATUS_CLASSES ? digit : 0], 1);
    count_add(&series->received, received);
    count_add(&series->sent, sent);
    count_add(&series->milliseconds, milliseconds);
    count_add(&series->times[histogram_bucket(milliseconds)], 1);
}

#endif
