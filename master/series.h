/* series.h: which tally counts in which series of the board, over all configurations.
 *
 * One that is in the next configuration too keeps its series, and so its totals.
 * One that no configuration with living workers has any more gives it up. */
#ifndef MUXD_MASTER_SERIES_H
#define MUXD_MASTER_SERIES_H

#include "common/log.h"
#include "worker/status/tallies.h"

struct series_owner {
    char *key;            /* kind, group and name; NULL: the series is free */
    unsigned generations; /* that have the tally */
};

struct series_owners {
    struct series_owner owner[SERIES_MAX];
};

/* The series that one generation uses. Zero-initialise. */
struct series_use {
    struct series_owners *owners; /* NULL: none yet */
    unsigned *series;
    size_t count;
};

/* Gives each tally of the configuration its series. Those there is no room for, or no memory,
 * are not counted; that is logged. */
void series_assign(struct series_owners *, struct board *, struct conf *, struct series_use *,
                   const struct log *);

/* The generation's workers have all ended. */
void series_release(struct series_use *);

#endif
