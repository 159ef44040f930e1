#include "worker/upstream/selection.h"

#include "worker/context.h"
#include "worker/http/request.h"
#include "worker/status/board.h"
#include "worker/upstream/peer_table.h"
#include "worker/upstream/sticky.h"

void selection_begin(struct selection *selection, struct request *request,
                     struct upstream_group *group)
{
    if (group->zone != NULL && group->losses != shared_memory_losses(group->zone->memory))
        group_attach(request->worker, group);
    *selection = (struct selection){
        .group = group,
        .request = request,
        .set = peer_set_hold(group->set),
        .tried.item_size = sizeof(const struct peer *),
    };
}

void selection_end(struct selection *selection)
{
    if (selection->set == NULL)
        return;
    selection_leave_queue(selection);
    peer_set_release(selection->set);
    selection->set = NULL;
}

/* --- those that were tried --- */

static bool is_tried(const struct selection *selection, const struct peer *peer)
{
    const struct peer *const *tried = selection->tried.items;

    for (size_t i = 0; i < selection->tried.count; i++)
        if (tried[i] == peer)
            return true;
    return false;
}

static bool set_tried(struct selection *selection, const struct peer *peer)
{
    const struct peer **place = array_push(&selection->tried, &selection->request->arena);

    if (place == NULL)
        return false;
    *place = peer;
    return true;
}

void selection_forget(struct selection *selection, const struct peer *peer)
{
    const struct peer **tried = selection->tried.items;

    for (size_t i = 0; i < selection->tried.count; i++)
        if (tried[i] == peer)
            tried[i] = NULL;
}

/* --- eligibility --- */

static uint64_t since_checked(const struct peer *peer, uint64_t now)
{
    return elapsed(now, atomic_load_explicit(&peer->state->checked, memory_order_relaxed));
}

static bool is_failed(const struct peer *peer, uint64_t now)
{
    uint32_t fails = atomic_load_explicit(&peer->state->fails, memory_order_relaxed);

    return peer->options.max_fails > 0 && fails >= peer->options.max_fails &&
           since_checked(peer, now) <= peer->options.fail_timeout;
}

static bool is_full(const struct selection *selection, const struct peer *peer)
{
    return peer->options.max_conns > 0 &&
           peer_connections(peer, selection->request->worker) >= peer->options.max_conns;
}

/* An active check has found it ill, or is waited for (health_check mandatory). */
static bool is_ill(const struct peer *peer)
{
    uint32_t health = atomic_load_explicit(&peer->state->health, memory_order_relaxed);

    return health == HEALTH_BAD || (health == HEALTH_UNKNOWN && peer->group->mandatory);
}

/* A peer that has nobody beside it is asked also when it has failed. */
bool peer_is_eligible(const struct selection *selection, const struct peer *peer)
{
    if (peer->options.down || is_tried(selection, peer) || is_ill(peer))
        return false;
    if (selection->set->count > 1 && is_failed(peer, selection->request->worker->clock.now))
        return false;
    return !is_full(selection, peer);
}

/* --- the smooth round robin --- */

/* Only what is shared needs the processor's lock. */
static int64_t add(const struct peer *peer, _Atomic int64_t *number, int64_t more)
{
    if (peer->slot != NULL)
        return atomic_fetch_add_explicit(number, more, memory_order_relaxed) + more;
    int64_t sum = atomic_load_explicit(number, memory_order_relaxed) + more;
    atomic_store_explicit(number, sum, memory_order_relaxed);
    return sum;
}

void smooth_gain(struct smooth_turn *turn, struct peer *peer, int64_t weight)
{
    int64_t riches = add(peer, &peer->state->current_weight, weight);

    turn->total += weight;
    if (turn->best != NULL && riches <= turn->richest)
        return;
    turn->best = peer;
    turn->richest = riches;
}

struct peer *smooth_pay(const struct smooth_turn *turn)
{
    if (turn->best != NULL)
        add(turn->best, &turn->best->state->current_weight, -turn->total);
    return turn->best;
}

/* What failures have left of its weight; each time it is looked at it gets a step back. */
int64_t peer_effective_weight(const struct peer *peer, uint64_t now)
{
    int64_t weight = peer_weight(peer, now);
    int64_t penalty = atomic_load_explicit(&peer->state->penalty, memory_order_relaxed);

    if (penalty <= 0)
        return weight;
    if (penalty > weight)
        penalty = weight;
    atomic_store_explicit(&peer->state->penalty,
                          penalty > WEIGHT_SCALE ? penalty - WEIGHT_SCALE : 0,
                          memory_order_relaxed);
    return weight - penalty;
}

struct peer *pick_smoothly(const struct selection *selection, size_t from, size_t to)
{
    uint64_t now = selection->request->worker->clock.now;
    struct smooth_turn turn = { 0 };

    for (size_t i = from; i < to; i++) {
        struct peer *peer = selection->set->peers[i];
        if (peer_is_eligible(selection, peer))
            smooth_gain(&turn, peer, peer_effective_weight(peer, now));
    }
    return smooth_pay(&turn);
}

struct peer *pick_round_robin(struct selection *selection)
{
    const struct peer_set *set = selection->set;

    if (set->count == 1)
        return peer_is_eligible(selection, set->peers[0]) ? set->peers[0] : NULL;
    return pick_smoothly(selection, 0, set->primaries);
}

/* --- choosing --- */

/* A peer that has failed is tried again once in fail_timeout. */
static void note_trial(const struct peer *peer, uint64_t now)
{
    if (since_checked(peer, now) > peer->options.fail_timeout)
        atomic_store_explicit(&peer->state->checked, now, memory_order_relaxed);
}

/* One request more, or one less. */
static void change_busy(const struct worker *worker, struct peer *peer, int by)
{
    struct series *series = peer_series(peer, worker);

    peer->busy += (uint32_t)by;
    if (peer->slot != NULL)
        peer_slot_show(worker, peer->slot, peer->busy);
    if (series != NULL)
        count_add(&series->active, (uint64_t)by);
}

/* Makes it busy with one more. False: another worker has taken the last place meanwhile. */
static bool take_place(const struct selection *selection, struct peer *peer)
{
    const struct worker *worker = selection->request->worker;
    const struct zone *zone = peer->group->zone;

    if (peer->slot == NULL || peer->options.max_conns == 0 ||
        zone_lock(zone, worker->log) == NULL) {
        change_busy(worker, peer, 1);
        return true;
    }
    bool has_room = !is_full(selection, peer);
    if (has_room)
        change_busy(worker, peer, 1);
    zone_unlock(zone);
    return has_room;
}

static struct peer *pick(struct selection *selection)
{
    const struct peer_set *set = selection->set;
    const struct upstream_group *group = selection->group;
    struct peer *peer = group->sticky != NULL ? sticky_pick(selection) : NULL;

    if (peer == NULL && set->primaries > 0)
        peer = group->balancer->pick(selection);
    if (peer == NULL && set->primaries < set->count)
        peer = pick_smoothly(selection, set->primaries, set->count);
    return peer;
}

struct peer *selection_next(struct selection *selection)
{
    struct peer *peer = pick(selection);

    for (size_t tries = 0; peer != NULL && !take_place(selection, peer); tries++)
        peer = tries < selection->set->count ? pick(selection) : NULL;
    if (peer == NULL)
        return NULL;
    if (!set_tried(selection, peer)) {
        change_busy(selection->request->worker, peer, -1);
        return NULL;
    }
    if (peer->options.max_fails > 0 && selection->set->count > 1)
        note_trial(peer, selection->request->worker->clock.now);
    return peer;
}

/* --- what becomes of it --- */

static void peer_failed(const struct selection *selection, struct peer *peer)
{
    struct peer_state *state = peer->state;
    uint64_t now = selection->request->worker->clock.now;
    uint64_t max_fails = peer->options.max_fails;
    struct series *series = peer_series(peer, selection->request->worker);

    if (series != NULL)
        count_add(&series->failures, 1);
    if (selection->set->count == 1 || max_fails == 0)
        return;
    uint32_t fails = atomic_fetch_add_explicit(&state->fails, 1, memory_order_relaxed) + 1;
    atomic_store_explicit(&state->accessed, now, memory_order_relaxed);
    atomic_store_explicit(&state->checked, now, memory_order_relaxed);
    add(peer, &state->penalty, peer_weight(peer, now) / (int64_t)max_fails);
    if (fails < max_fails)
        return;
    request_log(selection->request, LOG_LEVEL_WARN, 0, "upstream server temporarily disabled");
    if (series != NULL)
        count_set(&series->down, 1);
}

/* This worker avoids it no more, whoever has found out that it is well. */
static void show_up(const struct peer *peer, const struct worker *worker)
{
    struct series *series = peer_series(peer, worker);

    if (series != NULL && count_read(&series->down) != 0 && !is_ill(peer))
        count_set(&series->down, 0);
}

/* It answered: failures before its last trial are forgotten. */
static void peer_answered(const struct selection *selection, const struct peer *peer)
{
    const struct worker *worker = selection->request->worker;
    struct peer_state *state = peer->state;
    uint32_t fails = atomic_load_explicit(&state->fails, memory_order_relaxed);

    show_up(peer, worker);
    if (fails == 0 || atomic_load_explicit(&state->accessed, memory_order_relaxed) >=
                          atomic_load_explicit(&state->checked, memory_order_relaxed))
        return;
    atomic_store_explicit(&state->fails, 0, memory_order_relaxed);
    if (fails >= peer->options.max_fails)
        atomic_store_explicit(&state->recovered, worker->clock.now, memory_order_relaxed);
}

void peer_release(struct selection *selection, struct peer *peer, bool failed)
{
    change_busy(selection->request->worker, peer, -1);
    if (failed)
        peer_failed(selection, peer);
    else
        peer_answered(selection, peer);
    if (selection->group->waiting != NULL)
        group_wake(selection->group);
}
