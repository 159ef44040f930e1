/* peer_table.h: the states of peers in shared memory: `zone` of an upstream.
 *
 * A zone is a table of slots. A slot belongs to a peer of a group, by their names: workers of
 * any configuration that has them find the same one, so that a reload loses nothing. Each
 * worker has a place of its own in every slot, by its lane on the board, where it says who it
 * is, that it uses the slot, and how many requests it has there: what a killed worker leaves
 * behind is not counted, and a slot that no living worker uses is free for another peer. The
 * zone's lock is taken to find slots only. */
#ifndef MUXD_WORKER_UPSTREAM_PEER_TABLE_H
#define MUXD_WORKER_UPSTREAM_PEER_TABLE_H

#include "worker/upstream/peers.h"
#include "worker/zones.h"

struct peer_slot {
    uint8_t digest[16]; /* of the names */
    bool taken;         /* it was ever used */
    struct peer_state state;
    _Atomic uint64_t lease;     /* who does a group's health checks: health.c */
    _Atomic uint64_t holders[]; /* by lane: the worker's pid, and behind it 1 + the requests that
                                   it has; 0: it does not use the slot */
};

extern const struct zone_kind peer_zone_kind;

/* What a slot is found by. */
struct slot_name {
    struct slice group, server, address;
    unsigned ordinal;
};

/* The slot of the name in the zone, new or as it is, which this worker uses from now on. NULL:
 * there is no free one, or no place for this worker (logged). */
struct peer_slot *peer_table_take(const struct worker *, const struct zone *,
                                  const struct slot_name *);

/* A worker of that pid is on the board. */
bool worker_lives(const struct worker *, uint32_t pid);

/* It does not use it any more. NULL is ignored. */
void peer_slot_leave(const struct worker *, struct peer_slot *);

/* It has so many requests there. */
void peer_slot_show(const struct worker *, struct peer_slot *, uint32_t busy);

/* The requests of all workers there. */
uint64_t peer_slot_connections(const struct worker *, const struct zone *,
                               const struct peer_slot *);

#endif
