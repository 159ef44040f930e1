/* geo_ranges.h: from ranges of IPv4 addresses to values.
 *
 * The list is sorted and its ranges do not meet, so that a search halves it at each step. A
 * range may be put into another one, which then ends around it; any other overlap is refused,
 * as in nginx. Lists that come in order, as most do, are only appended to. */
#ifndef MUXD_WORKER_HTTP_GEO_RANGES_H
#define MUXD_WORKER_HTTP_GEO_RANGES_H

#include "common/arena.h"

struct geo_range {
    uint32_t first, last; /* both belong to it; host order */
    const struct slice *value;
};

struct geo_ranges {
    struct array list; /* of struct geo_range; item_size set */
};

/* "10.0.0.1-10.0.0.9". False when it is none, or its end is before its start. */
bool geo_range_read(struct slice text, struct geo_range *);

enum geo_added {
    GEO_ADDED,
    GEO_REPLACED, /* the same range was there: *other is what it was */
    GEO_OVERLAPS, /* *other, and was not added */
    GEO_NO_MEMORY,
};

/* Adds a range; its value's memory is the caller's. */
enum geo_added geo_ranges_add(struct geo_ranges *, struct arena *, const struct geo_range *,
                              struct geo_range *other);

/* Takes a range away. False: there is no such one. */
bool geo_ranges_delete(struct geo_ranges *, const struct geo_range *);

/* The value of the address; NULL when it is in no range. */
const struct slice *geo_ranges_find(const struct geo_ranges *, uint32_t address);

#endif
