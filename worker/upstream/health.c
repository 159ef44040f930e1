#include "worker/upstream/health.h"

#include "worker/context.h"
#include "worker/status/board.h"
#include "worker/upstream/peer_table.h"

#include <errno.h>
#include <stdlib.h>

enum {
    LEASE_EVERY = 1000, /* ms between two looks at the lease */
    LEASE_STEP = 100,   /* ms that its time is counted in */
    LEASE_LONGEST = 40, /* steps without a sign of life: somebody else takes it */
};

/* The checks of one group in one worker. */
struct health_watch {
    struct timer timer; /* first: the next look */
    struct worker *worker;
    struct upstream_group *group;
    struct peer_slot *slot; /* of the lease; NULL: there is no room for one */
    unsigned losses;        /* of the zone, when the slot was found */
    uint64_t next_round;    /* monotonic ms */
    struct health_probe_list probes;
};

/* --- the lease --- */

static void find_lease(struct health_watch *watch)
{
    const struct zone *zone = watch->group->zone;
    const struct slot_name name = { watch->group->name, SLICE("health_check"), SLICE("lease"), 0 };

    if (watch->slot != NULL && watch->losses == shared_memory_losses(zone->memory))
        return;
    watch->losses = shared_memory_losses(zone->memory);
    watch->slot = peer_table_take(watch->worker, zone, &name);
}

static uint32_t lease_time(const struct worker *worker)
{
    return (uint32_t)(worker->clock.now / LEASE_STEP);
}

static bool is_own(const struct worker *worker, uint64_t lease)
{
    return lease >> 32 == worker->pid;
}

/* Takes the lease, or renews it: the worker's pid, and behind it the time. Without a place for
 * it each worker checks for itself. */
static bool hold_lease(struct health_watch *watch)
{
    find_lease(watch);
    if (watch->slot == NULL)
        return true;
    const struct worker *worker = watch->worker;
    uint64_t lease = atomic_load_explicit(&watch->slot->lease, memory_order_relaxed);
    uint32_t age = lease_time(worker) - (uint32_t)lease;
    if (lease != 0 && !is_own(worker, lease) && (int32_t)age <= LEASE_LONGEST &&
        worker_lives(worker, (uint32_t)(lease >> 32)))
        return false;
    return atomic_compare_exchange_strong_explicit(&watch->slot->lease, &lease,
                                                   (uint64_t)worker->pid << 32 | lease_time(worker),
                                                   memory_order_relaxed, memory_order_relaxed);
}

static void give_lease(const struct health_watch *watch)
{
    if (watch->slot == NULL)
        return;
    uint64_t lease = atomic_load_explicit(&watch->slot->lease, memory_order_relaxed);
    if (is_own(watch->worker, lease))
        atomic_compare_exchange_strong_explicit(&watch->slot->lease, &lease, 0,
                                                memory_order_relaxed, memory_order_relaxed);
}

/* --- what is found --- */

static void set_health(const struct worker *worker, struct peer *peer, enum peer_health health)
{
    atomic_store_explicit(&peer->state->checks, 0, memory_order_relaxed);
    if (health == HEALTH_GOOD) {
        atomic_store_explicit(&peer->state->fails, 0, memory_order_relaxed);
        atomic_store_explicit(&peer->state->penalty, 0, memory_order_relaxed);
        atomic_store_explicit(&peer->state->recovered, worker->clock.now, memory_order_relaxed);
    }
    atomic_store_explicit(&peer->state->health, health, memory_order_relaxed);
}

static void log_health(const struct worker *worker, const struct peer *peer, const char *problem)
{
    const struct slice group = peer->group->name;

    if (problem != NULL)
        log_write(worker->log, LOG_LEVEL_WARN, 0, 0,
                  "peer is unhealthy: %s, health check of peer %.*s in upstream \"%.*s\"", problem,
                  (int)peer->name.len, peer->name.at, (int)group.len, group.at);
    else
        log_write(worker->log, LOG_LEVEL_NOTICE, 0, 0,
                  "peer is healthy, health check of peer %.*s in upstream \"%.*s\"",
                  (int)peer->name.len, peer->name.at, (int)group.len, group.at);
}

/* Checks in a row that say otherwise than before, this one included. */
static uint64_t count_doubts(struct peer *peer)
{
    return 1 + atomic_fetch_add_explicit(&peer->state->checks, 1, memory_order_relaxed);
}

static void judge(struct worker *worker, const struct health_check *check, struct peer *peer,
                  const char *problem)
{
    uint32_t health = atomic_load_explicit(&peer->state->health, memory_order_relaxed);
    struct series *series = peer_series(peer, worker);
    bool passed = problem == NULL;

    if (health == HEALTH_UNKNOWN && passed) {
        atomic_store_explicit(&peer->state->health, HEALTH_GOOD, memory_order_relaxed);
        atomic_store_explicit(&peer->state->checks, 0, memory_order_relaxed);
    } else if (passed == (health == HEALTH_GOOD)) {
        atomic_store_explicit(&peer->state->checks, 0, memory_order_relaxed);
    }
    if (passed && health == HEALTH_BAD && count_doubts(peer) >= check->passes) {
        set_health(worker, peer, HEALTH_GOOD);
        log_health(worker, peer, NULL);
    } else if (!passed && health != HEALTH_BAD && count_doubts(peer) >= check->fails) {
        set_health(worker, peer, HEALTH_BAD);
        log_health(worker, peer, problem);
    }
    if (series != NULL)
        count_set(&series->down,
                  atomic_load_explicit(&peer->state->health, memory_order_relaxed) == HEALTH_BAD);
}

/* --- rounds --- */

static void check_peers(struct health_watch *watch)
{
    const struct health_check *check = watch->group->health;
    struct peer_set *set = peer_set_hold(watch->group->set);

    for (size_t i = 0; i < set->count; i++) {
        struct peer *peer = set->peers[i];
        if (peer->options.down || health_probe_runs(&watch->probes, peer))
            continue;
        if (!health_probe_start(watch->worker, check, peer, &watch->probes, judge)) {
            int error = errno;
            log_write(watch->worker->log, LOG_LEVEL_ERROR, error, 0,
                      "connect() to %.*s failed during its health check", (int)peer->name.len,
                      peer->name.at);
            judge(watch->worker, check, peer, "no connection");
        }
    }
    peer_set_release(set);
}

static uint64_t draw_jitter(const struct worker *worker, uint64_t most)
{
    return most == 0 ? 0 : (worker->clock.nanoseconds * UINT64_C(0x9e3779b97f4a7c15) >> 20) % most;
}

static void look(struct timer *timer)
{
    struct health_watch *watch = (struct health_watch *)timer;
    const struct health_check *check = watch->group->health;
    struct worker *worker = watch->worker;
    uint64_t now = worker->clock.now, next = now + LEASE_EVERY;

    if (worker->leaving) { /* whoever stays goes on */
        give_lease(watch);
        health_probes_stop(&watch->probes);
        return;
    }
    if (hold_lease(watch)) {
        if (now >= watch->next_round) {
            check_peers(watch);
            watch->next_round = now + check->interval + draw_jitter(worker, check->jitter);
        }
        if (watch->next_round < next)
            next = watch->next_round;
    }
    timer_arm(&worker->timers, &watch->timer, next);
}

bool health_start(struct worker *worker, struct upstream_group *group)
{
    struct health_watch *watch = calloc(1, sizeof *watch);

    if (watch == NULL)
        return false;
    watch->timer.fire = look;
    watch->worker = worker;
    watch->group = group;
    group->health->watch = watch;
    timer_arm(&worker->timers, &watch->timer, worker->clock.now);
    return true;
}

void health_stop(struct upstream_group *group)
{
    struct health_watch *watch = group->health->watch;

    if (watch == NULL)
        return;
    give_lease(watch);
    health_probes_stop(&watch->probes);
    timer_disarm(&watch->worker->timers, &watch->timer);
    free(watch);
    group->health->watch = NULL;
}
