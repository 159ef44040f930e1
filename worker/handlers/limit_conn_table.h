/* limit_conn_table.h: how many connections each key has, in shared memory.
 *
 * Counted for each worker apart: what one that died still had is taken off as soon as
 * it matters, when a key has too many or there is no room. Whether a worker lives, the
 * board says. An entry is there as long as somebody counts in it. Callers hold the
 * memory's lock. */
#ifndef MUXD_WORKER_HANDLERS_LIMIT_CONN_TABLE_H
#define MUXD_WORKER_HANDLERS_LIMIT_CONN_TABLE_H

#include "common/shared_memory.h"
#include "common/slice.h"
#include "worker/status/board.h"

enum { LIMIT_CONN_KEY_MAX = 255 /* bytes, as nginx */ };

struct limit_conn_table;
struct limit_conn_share; /* what one worker counts of one key */

/* An empty table in the memory, which it takes its entries from; NULL when there is no room. */
struct limit_conn_table *limit_conn_table_new(struct shared_memory *);

/* One connection. */
struct limit_conn_ask {
    struct slice key; /* at most LIMIT_CONN_KEY_MAX bytes */
    uint64_t most;    /* connections that the key may have */
    const struct board *board;
    unsigned lane; /* the worker's, on the board */
};

enum limit_conn_result {
    LIMIT_CONN_PASSED,
    LIMIT_CONN_BUSY,    /* the key has as many as it may have */
    LIMIT_CONN_NO_ROOM, /* for one more key */
};

/* Counts a connection, in *share, if it may pass. */
enum limit_conn_result limit_conn_take(struct limit_conn_table *, const struct limit_conn_ask *,
                                       struct limit_conn_share **share);

/* The connection has ended. The share may be gone after. */
void limit_conn_give(struct limit_conn_table *, struct limit_conn_share *);

#endif
