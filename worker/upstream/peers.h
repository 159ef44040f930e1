/* peers.h: the addresses of a group, what is known of each, and sets of them.
 *
 * What is known of a peer's health stands in struct peer_state, apart from its settings: with
 * `zone` all workers share it (peer_table.h). A peer made while the worker runs is counted by
 * those who have it: sets and connections. */
#ifndef MUXD_WORKER_UPSTREAM_PEERS_H
#define MUXD_WORKER_UPSTREAM_PEERS_H

#include "common/arena.h"
#include "common/sockaddr.h"
#include "conf/directive.h"
#include "worker/net/resolver.h"

#include <stdatomic.h>

struct hash_ring; /* balance_hash.c */
struct peer_slot; /* peer_table.h */
struct series;    /* worker/status/board.h */
struct tally;     /* worker/status/tallies.h */
struct upstream_group;
struct worker;

/* What workers may share of a peer; each field is written with relaxed atomics: a figure
 * that is a moment late does no harm, and a worker that dies on the way leaves none torn. */
struct peer_state {
    _Atomic int64_t current_weight; /* of the smooth round robin */
    _Atomic int64_t penalty;        /* what failures have taken from its weight */
    _Atomic uint32_t fails;         /* since it was last well */
    _Atomic uint32_t health;        /* enum peer_health: what active checks say */
    _Atomic uint32_t checks;        /* in a row that say otherwise than `health` does */
    _Atomic uint64_t accessed;      /* monotonic ms of the last failure */
    _Atomic uint64_t checked;       /* and of the last time it was tried in spite of failures */
    _Atomic uint64_t recovered;     /* it came back: slow_start counts from here; 0: never */
};

enum peer_health { HEALTH_UNKNOWN, HEALTH_GOOD, HEALTH_BAD };

/* What a server directive says of all its addresses. */
struct server_options {
    uint64_t weight;
    uint64_t max_conns;                /* 0: any */
    uint64_t max_fails;                /* 0: failures are not counted */
    uint64_t fail_timeout, slow_start; /* ms */
    bool backup;
    bool down;
};

struct peer {
    struct upstream_group *group;
    struct address address;
    struct slice name;   /* "127.0.0.1:8080": $upstream_addr */
    struct slice server; /* as the configuration has it: what `hash` goes by */
    unsigned ordinal;    /* how many peers before it have the same server and address */
    struct server_options options;
    struct slice route;        /* its server\'s */
    const struct tally *tally; /* its server's; NULL: it is not counted */
    uint32_t busy;             /* requests of this worker that it has */
    unsigned references;       /* sets and connections that have it */
    bool counted;              /* it was made at run time, and goes with the last of them */
    struct peer_state *state;  /* own_state, or the slot's */
    struct peer_slot *slot;    /* NULL: it is not shared */
    struct worker *worker;     /* that shares it */
    struct peer_state own_state;
    char name_text[ADDRESS_TEXT_MAX];
};

/* The peers of the moment; they stay as they are. */
struct peer_set {
    struct peer **peers; /* backups last */
    size_t count;
    size_t primaries; /* of them that are no backups */
    uint64_t total_weight;
    struct hash_ring *ring; /* hash ... consistent */
    unsigned references;    /* those who choose from it, and its group */
    bool counted;           /* it was made at run time, and goes with the last of them */
    struct arena arena;     /* of such a one */
};

/* A name's address, and what a service says of it. */
struct server_address {
    struct address address;
    uint32_t weight; /* of an SRV record; else 1 */
    bool lesser;     /* of an SRV record with another than the first priority */
};

/* A server directive. */
struct group_server {
    struct slice text; /* as the configuration has it */
    struct server_options options;
    struct slice route;               /* what sticky cookies name it by; empty: its address does */
    const struct tally *tally;        /* what status pages show of it; NULL: nothing */
    struct server_address *addresses; /* that it stands for now */
    size_t count;

    /* server ... resolve */
    bool resolve;
    struct slice host, service; /* service: the name that SRV records are asked of; or empty */
    unsigned port;
    struct server_watch *watch; /* in a worker: server_watch.c */
};

/* What is not said of a server. */
extern const struct server_options server_defaults;

/* The addresses that a server has from now on. False: memory is out. */
bool server_set_addresses(struct group_server *, struct arena *, const struct address *,
                          size_t count);

/* Makes the group's set of its servers' addresses. Peers of `known` (NULL: none) are taken
 * over. With an arena the set and its peers are its; without one they are counted. NULL: memory
 * is out. */
struct peer_set *peer_set_make(struct upstream_group *, struct arena *,
                               const struct peer_set *known);

/* Counts who has a set or a peer. The last one that gives it up frees it, unless an arena has
 * it. */
struct peer_set *peer_set_hold(struct peer_set *);
void peer_set_release(struct peer_set *);
struct peer *peer_hold(struct peer *);
void peer_drop(struct peer *);

/* Milliseconds since then. Another worker's clock may be a little ahead. */
static inline uint64_t elapsed(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

/* Its weight, in twentieths, lowered while it starts slowly (slow_start). */
enum { WEIGHT_SCALE = 20 };
int64_t peer_weight(const struct peer *, uint64_t now);

/* Requests that it is busy with, those of all workers when they share it. */
uint64_t peer_connections(const struct peer *, const struct worker *);

/* Where this worker counts what becomes of its server; NULL: nowhere. */
struct series *peer_series(const struct peer *, const struct worker *);

/* Prepares `hash ... consistent`. False: memory is out. */
bool hash_ring_build(struct arena *, struct peer_set *);

#endif
