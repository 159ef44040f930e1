#include "worker/upstream/group.h"

#include "worker/context.h"
#include "worker/http/core.h"
#include "worker/http/request.h"

const struct group_settings *group_settings(const struct upstream_group *group)
{
    static const struct group_settings none;

    return group->scope == NULL ? &none : conf_settings(group->scope, &upstream_module);
}

struct upstream_group *group_find(struct upstream_group *groups, struct slice name)
{
    for (struct upstream_group *group = groups; group != NULL; group = group->next)
        if (!group->implicit && slice_equal_nocase(group->name, name))
            return group;
    return NULL;
}

enum { SCALE = 20 }; /* of weights: peer_weight */

/* --- implicit groups --- */

struct upstream_group *group_find_implicit(struct upstream_group *groups, struct slice name,
                                           unsigned default_port)
{
    for (struct upstream_group *group = groups; group != NULL; group = group->next)
        if (group->implicit && group->default_port == default_port &&
            slice_equal_nocase(group->name, name))
            return group;
    return NULL;
}

static bool peer_init(struct peer *peer, struct arena *arena, struct upstream_group *group,
                      const struct address *address)
{
    char text[ADDRESS_TEXT_MAX];
    size_t len = address_text(address, text);

    *peer = (struct peer){
        .group = group,
        .address = *address,
        .name = arena_copy(arena, slice_make(text, len)),
        .server = group->name,
        .weight = 1,
        .effective_weight = SCALE,
        .max_fails = 1,
        .fail_timeout = 10000,
    };
    peer->state = &peer->own_state;
    return peer->name.at != NULL;
}

struct upstream_group *group_of_addresses(struct arena *arena, struct slice name,
                                          const struct address *addresses, size_t count)
{
    struct upstream_group *group = arena_zalloc(arena, sizeof *group);
    struct peer *peers = arena_zalloc(arena, count * sizeof *peers);
    static const struct balancer round_robin = { "round robin", false, pick_round_robin };

    if (group == NULL || peers == NULL)
        return NULL;
    group->name = name;
    group->implicit = true;
    group->balancer = &round_robin;
    group->peers = arena_alloc(arena, count * sizeof *group->peers);
    if (group->peers == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (!peer_init(&peers[i], arena, group, &addresses[i]))
            return NULL;
        peers[i].index = (unsigned)i;
        group->peers[i] = &peers[i];
    }
    group->count = group->primaries = count;
    group->total_weight = count;
    return group;
}

struct upstream_group *group_of_address(struct conf *conf, struct conf_scope *scope,
                                        struct position at, struct slice address,
                                        unsigned default_port)
{
    struct http *http = http_of(scope);
    struct address addresses[ADDRESSES_MAX];
    size_t count = 0;
    struct upstream_group *group = group_find_implicit(http->upstreams, address, default_port);

    if (group != NULL)
        return group;
    enum address_result result = address_parse_remote(address, default_port, addresses, &count);
    if (result != ADDRESS_OK) {
        conf_error(conf, at, "%s in upstream \"%.*s\"", address_problem(result), (int)address.len,
                   address.at);
        return NULL;
    }
    group = group_of_addresses(conf->arena, address, addresses, count);
    if (group == NULL) {
        conf_error(conf, at, "no memory for this upstream");
        return NULL;
    }
    group->default_port = default_port;
    group->at = at;
    group->next = http->upstreams;
    http->upstreams = group;
    return group;
}

/* --- selection --- */

enum { BITS = 64 };

static bool is_tried(const struct selection *selection, const struct peer *peer)
{
    return (selection->tried[peer->index / BITS] >> peer->index % BITS & 1) != 0;
}

static void set_tried(struct selection *selection, const struct peer *peer)
{
    selection->tried[peer->index / BITS] |= UINT64_C(1) << peer->index % BITS;
}

void selection_forget(struct selection *selection, const struct peer *peer)
{
    selection->tried[peer->index / BITS] &= ~(UINT64_C(1) << peer->index % BITS);
}

bool selection_begin(struct selection *selection, struct request *request,
                     struct upstream_group *group)
{
    size_t words = group->count / BITS + 1;

    *selection = (struct selection){ .group = group, .request = request };
    selection->tried = arena_zalloc(&request->arena, words * sizeof *selection->tried);
    return selection->tried != NULL;
}

static bool is_failed(const struct peer *peer, uint64_t now)
{
    const struct peer_state *state = peer->state;

    return peer->max_fails > 0 &&
           atomic_load_explicit(&state->fails, memory_order_relaxed) >= peer->max_fails &&
           now - atomic_load_explicit(&state->checked, memory_order_relaxed) <= peer->fail_timeout;
}

bool peer_is_eligible(const struct selection *selection, const struct peer *peer)
{
    const struct peer_state *state = peer->state;

    if (peer->down || is_tried(selection, peer) ||
        atomic_load_explicit(&state->unhealthy, memory_order_relaxed) != 0)
        return false;
    if (selection->group->count == 1)
        return peer->max_conns == 0 ||
               atomic_load_explicit(&state->connections, memory_order_relaxed) < peer->max_conns;
    if (is_failed(peer, selection->request->worker->clock.now))
        return false;
    return peer->max_conns == 0 ||
           atomic_load_explicit(&state->connections, memory_order_relaxed) < peer->max_conns;
}

/* Weights are counted in twentieths, so that there is something between nothing and 1. */
int64_t peer_weight(const struct peer *peer, uint64_t now)
{
    uint64_t recovered = atomic_load_explicit(&peer->state->recovered, memory_order_relaxed);
    uint64_t since = now - recovered;

    if (peer->slow_start == 0 || recovered == 0 || since >= peer->slow_start)
        return (int64_t)peer->weight * SCALE;
    int64_t part = (int64_t)(peer->weight * SCALE * since / peer->slow_start);
    return part > 0 ? part : 1;
}

/* nginx's smooth weighted round robin: every peer gains its weight, the richest is taken
 * and pays the sum of all. */
struct peer *pick_smoothly(const struct selection *selection, size_t from, size_t to)
{
    uint64_t now = selection->request->worker->clock.now;
    struct peer *best = NULL;
    int64_t total = 0;

    for (size_t i = from; i < to; i++) {
        struct peer *peer = selection->group->peers[i];
        if (!peer_is_eligible(selection, peer))
            continue;
        int64_t weight = peer_weight(peer, now);
        if (peer->effective_weight > weight)
            peer->effective_weight = weight;
        peer->current_weight += peer->effective_weight;
        total += peer->effective_weight;
        peer->effective_weight += SCALE; /* a step back after a failure */
        if (peer->effective_weight > weight)
            peer->effective_weight = weight;
        if (best == NULL || peer->current_weight > best->current_weight)
            best = peer;
    }
    if (best != NULL)
        best->current_weight -= total;
    return best;
}

struct peer *pick_round_robin(struct selection *selection)
{
    const struct upstream_group *group = selection->group;

    if (group->count == 1)
        return peer_is_eligible(selection, group->peers[0]) ? group->peers[0] : NULL;
    return pick_smoothly(selection, 0, group->primaries);
}

/* A peer that has failed is tried again once in fail_timeout. */
static void note_trial(const struct peer *peer, uint64_t now)
{
    struct peer_state *state = peer->state;

    if (now - atomic_load_explicit(&state->checked, memory_order_relaxed) > peer->fail_timeout)
        atomic_store_explicit(&state->checked, now, memory_order_relaxed);
}

struct peer *selection_next(struct selection *selection)
{
    const struct upstream_group *group = selection->group;
    struct peer *peer = group->balancer->pick(selection);

    if (peer == NULL && group->primaries < group->count)
        peer = pick_smoothly(selection, group->primaries, group->count);
    if (peer == NULL)
        return NULL;
    set_tried(selection, peer);
    if (peer->max_fails > 0 && group->count > 1)
        note_trial(peer, selection->request->worker->clock.now);
    atomic_fetch_add_explicit(&peer->state->connections, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&peer->state->requests, 1, memory_order_relaxed);
    return peer;
}

static void peer_failed(const struct selection *selection, struct peer *peer)
{
    struct peer_state *state = peer->state;
    uint64_t now = selection->request->worker->clock.now;

    atomic_fetch_add_explicit(&state->failures, 1, memory_order_relaxed);
    if (selection->group->count == 1 || peer->max_fails == 0)
        return;
    uint32_t fails = atomic_fetch_add_explicit(&state->fails, 1, memory_order_relaxed) + 1;
    atomic_store_explicit(&state->accessed, now, memory_order_relaxed);
    atomic_store_explicit(&state->checked, now, memory_order_relaxed);
    peer->effective_weight -= peer_weight(peer, now) / (int64_t)peer->max_fails;
    if (peer->effective_weight < 0)
        peer->effective_weight = 0;
    if (fails >= peer->max_fails)
        request_log(selection->request, LOG_LEVEL_WARN, 0, "upstream server temporarily disabled");
}

/* It answered: failures before its last trial are forgotten. */
static void peer_answered(const struct selection *selection, const struct peer *peer)
{
    struct peer_state *state = peer->state;
    uint32_t fails = atomic_load_explicit(&state->fails, memory_order_relaxed);

    if (fails == 0 || atomic_load_explicit(&state->accessed, memory_order_relaxed) >=
                          atomic_load_explicit(&state->checked, memory_order_relaxed))
        return;
    atomic_store_explicit(&state->fails, 0, memory_order_relaxed);
    if (fails >= peer->max_fails)
        atomic_store_explicit(&state->recovered, selection->request->worker->clock.now,
                              memory_order_relaxed);
}

void peer_release(struct selection *selection, struct peer *peer, bool failed)
{
    atomic_fetch_sub_explicit(&peer->state->connections, 1, memory_order_relaxed);
    if (failed)
        peer_failed(selection, peer);
    else
        peer_answered(selection, peer);
}
