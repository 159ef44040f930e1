/* selection.h: which peer of a group gets a request, and what becomes of the peer. */
#ifndef MUXD_WORKER_UPSTREAM_SELECTION_H
#define MUXD_WORKER_UPSTREAM_SELECTION_H

#include "worker/upstream/group.h"
#include "worker/upstream/peers.h"

/* How it is chosen for one request, and which of the peers are out of the question. */
struct selection {
    struct upstream_group *group;
    struct peer_set *set;
    struct request *request;
    struct array tried; /* of const struct peer * */
    struct slice key;   /* hash: what is hashed */
    uint32_t hash;      /* of the key, or of the client's address */
    unsigned tries;     /* hashes and lots that came to nothing, or to a peer that failed */
    bool begun;

    /* Waiting for a peer: queue.c. */
    void (*resume)(struct selection *); /* called when it may try again; set by the owner */
    struct timer timer;
    struct selection *next_waiting, **waiting_link;
    uint64_t deadline; /* monotonic ms */
    bool waited;       /* it has been in the queue */
};

struct balancer {
    const char *name; /* the directive's */
    bool is_fixed;    /* goes by the list of servers: neither backup nor slow_start fit in */
    struct peer *(*pick)(struct selection *);
};

/* Begins to choose for one request. */
void selection_begin(struct selection *, struct request *, struct upstream_group *);

/* The peer for the next attempt, which counts as busy until peer_release; NULL: none is
 * alive. */
struct peer *selection_next(struct selection *);

/* An attempt is over; `failed`: the peer was to blame. */
void peer_release(struct selection *, struct peer *, bool failed);

/* The peer may be tried once more by the same request. */
void selection_forget(struct selection *, const struct peer *);

/* There is no peer now. QUEUE_WAITS: selection->resume is called when selection_next may find
 * one. */
enum queue_result {
    QUEUE_NONE, /* the group has no queue, or the request has had its attempts */
    QUEUE_FULL,
    QUEUE_TIMED_OUT,
    QUEUE_WAITS,
};
enum queue_result selection_wait(struct selection *);

/* It waits no more; nothing when it does not. */
void selection_leave_queue(struct selection *);

/* A peer of the group has room, or there are new ones: those who wait try again. */
void group_wake(struct upstream_group *);

/* Nothing will be chosen any more: the peers that it has seen may go. */
void selection_end(struct selection *);

/* --- for balancers --- */

/* The peer may be asked now. */
bool peer_is_eligible(const struct selection *, const struct peer *);

/* The smooth round robin among peers[from .. to). */
struct peer *pick_smoothly(const struct selection *, size_t from, size_t to);

/* One turn of it, of some of the peers: each gains its weight, the richest pays the sum of
 * all. Begin with zero. */
struct smooth_turn {
    struct peer *best;
    int64_t richest, total;
};
void smooth_gain(struct smooth_turn *, struct peer *, int64_t weight);
struct peer *smooth_pay(const struct smooth_turn *);

/* The weight that failures have left to it, in twentieths; it gets a step back by this. */
int64_t peer_effective_weight(const struct peer *, uint64_t now);

/* The primary peer in whose part of all weights `point` falls. */
struct peer *peer_at_weight(const struct peer_set *, uint64_t point);

struct peer *pick_round_robin(struct selection *);
struct peer *pick_least_connections(struct selection *);
struct peer *pick_by_address(struct selection *);
struct peer *pick_by_hash(struct selection *);
struct peer *pick_at_random(struct selection *);

#endif
