/* limit_req_table.h: how often each key was asked for, in shared memory.
 *
 * A leaky bucket a key, in nginx's arithmetic: a request adds 1000 to the excess, which
 * falls by `rate` a second. The entry that was asked for longest ago makes room for a
 * new one. Callers hold the memory's lock. */
#ifndef MUXD_WORKER_HANDLERS_LIMIT_REQ_TABLE_H
#define MUXD_WORKER_HANDLERS_LIMIT_REQ_TABLE_H

#include "common/shared_memory.h"
#include "common/slice.h"

#include <stdint.h>

struct limit_req_table;

/* An empty table in the memory, which it takes its entries from; NULL when there is no room. */
struct limit_req_table *limit_req_table_new(struct shared_memory *);

/* One request. */
struct limit_req_ask {
    struct slice key; /* at most KEY_MAX bytes */
    uint64_t rate;    /* requests in 1000 seconds */
    uint64_t burst;   /* excess that is let through, in thousandths of a request */
    uint64_t now;     /* monotonic ms */
};

enum limit_req_result {
    LIMIT_REQ_PASSED,
    LIMIT_REQ_BUSY,    /* over the burst: nothing is added */
    LIMIT_REQ_NO_ROOM, /* not even for one entry instead of the oldest */
};

/* Whether a request may pass; *excess is what it comes to, in thousandths. With `charge` it is
 * counted; else only asked about. */
enum limit_req_result limit_req_ask(struct limit_req_table *, const struct limit_req_ask *,
                                    bool charge, uint64_t *excess);

/* Counts a request that was asked about and may pass. Its excess. */
uint64_t limit_req_charge(struct limit_req_table *, const struct limit_req_ask *);

#endif
