/* board.h: the counters that the master and all workers see.
 *
 * The board is one shared mapping, made by the master before its first fork. It
 * is divided into lanes, one for each worker process that lives: only its worker
 * writes there, without locks, and whoever reads adds the lanes up. When a worker
 * ends, however it ends, its lane stays as it is and the next worker counts on in
 * it: totals never go backwards, and a reload loses none.
 *
 * What is counted of requests is a series: of all of them, of a server, a location
 * or an upstream peer (tallies.h). A lane has room for SERIES_MAX of them; memory is
 * used only for those that are counted in. */
#ifndef MUXD_WORKER_STATUS_BOARD_H
#define MUXD_WORKER_STATUS_BOARD_H

#include "common/histogram.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
    LANES_MAX = 1024,
    SERIES_MAX = 1024,
    SERIES_ALL = 0,                 /* all requests */
    SERIES_NOBODY = SERIES_MAX - 1, /* counts what there was no room for; never shown */
    STATUS_CLASSES = 6,             /* 1xx to 5xx; 0: closed without an answer */
    LAG_UNIT = 10,                  /* microseconds that a step of the lag's histogram stands for */
};

/* Each counter is written by one process only: a plain addition, no locked one. */
static inline void count_add(_Atomic uint64_t *counter, uint64_t more)
{
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, before + more, memory_order_relaxed);
}

static inline void count_set(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static inline uint64_t count_read(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* What one worker has counted of the requests to one thing. `active` and `down` are of
 * the present moment, the rest only grows. */
struct series {
    _Atomic uint64_t requests[STATUS_CLASSES]; /* ended, by the status' first digit */
    _Atomic uint64_t received, sent;           /* bytes, heads included */
    _Atomic uint64_t milliseconds;             /* of all requests together */
    _Atomic uint64_t failures;                 /* of a peer: attempts that failed */
    _Atomic uint64_t active;                   /* of a peer: requests it has now */
    _Atomic uint64_t down;                     /* of a peer: 1 while this worker avoids it */
    _Atomic uint64_t times[HISTOGRAM_BUCKETS]; /* of requests, in milliseconds */
} __attribute__((aligned(64)));

enum worker_state {
    WORKER_NONE, /* the lane is free */
    WORKER_STARTING,
    WORKER_ACCEPTING,
    WORKER_STALLED, /* no heartbeat for a while */
    WORKER_LEAVING, /* finishes what it has */
};

/* Who writes in a lane; the master says so. */
struct lane_owner {
    _Atomic uint32_t state; /* enum worker_state */
    _Atomic int32_t pid;
    _Atomic uint32_t slot, generation;
    _Atomic uint32_t tenancy;    /* how many workers had the lane, this one included */
    _Atomic uint32_t in_service; /* 1: new connections are steered to it */
    _Atomic uint64_t started;    /* seconds since 1970 */
    /* Where it began to count, in what others have counted before it. */
    _Atomic uint64_t accepted_before, requests_before, busy_before;
} __attribute__((aligned(64)));

struct lane {
    struct lane_owner owner;
    /* Connections and requests, since the beginning ... */
    _Atomic uint64_t accepted __attribute__((aligned(64)));
    _Atomic uint64_t handled;  /* accepted, and there was room for them */
    _Atomic uint64_t requests; /* begun: a byte of theirs was there */
    _Atomic uint64_t upgraded; /* connections that became tunnels (101) */
    _Atomic uint64_t busy;     /* microseconds that the loop did not sleep */
    _Atomic uint64_t turns;    /* of the loop */
    _Atomic uint64_t tunnels;  /* of them, those that are open now */
    /* ... and at the end of the loop's last turn. */
    _Atomic uint64_t active, reading, waiting;
    _Atomic uint64_t longest;                /* turn of this worker's loop, microseconds */
    _Atomic uint64_t lag[HISTOGRAM_BUCKETS]; /* length of turns, in LAG_UNITs: as long waits,
                                                at most, what becomes ready meanwhile */
    struct series series[SERIES_MAX] __attribute__((aligned(4096)));
};

/* What the master alone says. */
struct board {
    size_t size;    /* of the mapping */
    unsigned lanes; /* room for so many */
    pid_t master;
    uint64_t started;            /* seconds since 1970 */
    _Atomic uint32_t used;       /* lanes from this one on have never been taken */
    _Atomic uint32_t series;     /* likewise of series, but for SERIES_NOBODY */
    _Atomic uint32_t generation; /* in force */
    _Atomic uint64_t reloaded;   /* seconds since 1970; 0: never */
    _Atomic uint64_t restarts;   /* workers that came after one that died */
    _Atomic bool draining;       /* nobody should send more: drain_on_term */
    struct lane lane[] __attribute__((aligned(4096)));
};

/* In the master: an empty board, with fewer lanes than LANES_MAX where the system does
 * not give that much address space. NULL with errno set. */
struct board *board_open(void);
void board_close(struct board *);

/* In the master, before a fork: a lane for the worker. NULL when all are taken. */
struct lane *board_take(struct board *);

/* In the master: its worker has ended. What it has counted stays; its connections are
 * gone. NULL is ignored. */
void board_give(struct board *, struct lane *);

/* In the master, before the forks of those who use it: the series begins at zero. Nobody
 * may be counting in it. */
void board_begin(struct board *, unsigned series);

/* The worker that took the lane as the tenancy-th is alive, or died only just now. */
bool board_tenant_lives(const struct board *, unsigned lane, uint32_t tenancy);

/* --- reading --- */

/* A series of all lanes together. */
struct series_sum {
    uint64_t requests[STATUS_CLASSES];
    uint64_t total; /* of them */
    uint64_t received, sent, milliseconds;
    uint64_t failures, active, down;
    uint64_t times[HISTOGRAM_BUCKETS];
};
void board_sum(const struct board *, unsigned series, struct series_sum *);

/* The connections of all lanes together. */
struct connection_sum {
    uint64_t accepted, handled, requests;
    uint64_t active, reading, writing, waiting;
    uint64_t upgraded, tunnels; /* tunnels are among the writing ones */
};
void board_connections(const struct board *, struct connection_sum *);

/* The length of all turns of all loops. */
void board_lag(const struct board *, uint64_t counts[HISTOGRAM_BUCKETS]);

#endif
