#include "worker/upstream/peers.h"

#include "worker/context.h"
#include "worker/status/tallies.h"
#include "worker/upstream/group.h"
#include "worker/upstream/peer_table.h"

#include <stdlib.h>

/* --- who has a peer --- */

struct peer *peer_hold(struct peer *peer)
{
    peer->references++;
    return peer;
}

void peer_drop(struct peer *peer)
{
    if (--peer->references > 0 || !peer->counted)
        return;
    if (peer->slot != NULL)
        peer_slot_leave(peer->worker, peer->slot);
    free(peer);
}

/* --- what is known of it --- */

int64_t peer_weight(const struct peer *peer, uint64_t now)
{
    uint64_t recovered = atomic_load_explicit(&peer->state->recovered, memory_order_relaxed);
    uint64_t since = elapsed(now, recovered), weight = peer->options.weight * WEIGHT_SCALE;

    if (peer->options.slow_start == 0 || recovered == 0 || since >= peer->options.slow_start)
        return (int64_t)weight;
    int64_t part = (int64_t)(weight * since / peer->options.slow_start);
    return part > 0 ? part : 1;
}

uint64_t peer_connections(const struct peer *peer, const struct worker *worker)
{
    return peer->slot == NULL ? peer->busy
                              : peer_slot_connections(worker, peer->group->zone, peer->slot);
}

struct series *peer_series(const struct peer *peer, const struct worker *worker)
{
    return peer->tally == NULL ? NULL : &worker->lane->series[peer->tally->series];
}

/* --- servers --- */

const struct server_options server_defaults = {
    .weight = 1,
    .max_fails = 1,
    .fail_timeout = 10000,
};

bool server_set_addresses(struct group_server *server, struct arena *arena,
                          const struct address *addresses, size_t count)
{
    server->addresses = arena_alloc(arena, count * sizeof *server->addresses);
    if (server->addresses == NULL)
        return false;
    server->count = count;
    for (size_t i = 0; i < count; i++)
        server->addresses[i] = (struct server_address){ .address = addresses[i], .weight = 1 };
    return true;
}

/* --- sets --- */

struct peer_set *peer_set_hold(struct peer_set *set)
{
    set->references++;
    return set;
}

void peer_set_release(struct peer_set *set)
{
    if (set == NULL || --set->references > 0 || !set->counted)
        return;
    for (size_t i = 0; i < set->count; i++)
        peer_drop(set->peers[i]);
    arena_free(&set->arena);
    free(set);
}

/* What is put together. */
struct making {
    struct upstream_group *group;
    struct arena *arena; /* of what lives as long as the configuration; NULL: counted */
    const struct peer_set *known;
    struct peer_set *set;
};

/* The same address of the same server, for the `ordinal`th time. */
static struct peer *find_peer(const struct peer_set *set, struct slice server,
                              const struct address *address, unsigned ordinal)
{
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        struct peer *peer = set->peers[i];
        if (peer->ordinal == ordinal && slice_equal(peer->server, server) &&
            address_equal(&peer->address, address))
            return peer;
    }
    return NULL;
}

static struct peer *new_peer(const struct making *making, const struct group_server *server,
                             const struct address *address, unsigned ordinal)
{
    struct peer *peer =
        making->arena != NULL ? arena_zalloc(making->arena, sizeof *peer) : calloc(1, sizeof *peer);

    if (peer == NULL)
        return NULL;
    peer->group = making->group;
    peer->address = *address;
    peer->name = slice_make(peer->name_text, address_text(address, peer->name_text));
    peer->server = server->text;
    peer->tally = server->tally;
    peer->route = server->route;
    peer->ordinal = ordinal;
    peer->state = &peer->own_state;
    peer->counted = making->arena == NULL;
    return peer;
}

/* The rest of a service's servers are backups of those that come first. */
static bool is_backup(const struct group_server *server, const struct server_address *address)
{
    return server->options.backup || address->lesser;
}

/* `backup` of a service: only those that come first. */
static bool is_left_out(const struct group_server *server, const struct server_address *address)
{
    return server->options.backup && address->lesser;
}

static bool add_peer(const struct making *making, const struct group_server *server,
                     const struct server_address *address)
{
    struct peer_set *set = making->set;
    unsigned ordinal = 0;

    while (find_peer(set, server->text, &address->address, ordinal) != NULL)
        ordinal++;
    struct peer *peer = find_peer(making->known, server->text, &address->address, ordinal);
    if (peer == NULL)
        peer = new_peer(making, server, &address->address, ordinal);
    if (peer == NULL)
        return false;
    peer->options = server->options;
    peer->options.weight *= address->weight;
    peer->options.backup = is_backup(server, address);
    set->peers[set->count++] = peer_hold(peer);
    return true;
}

/* Primaries, or backups. */
static bool add_peers(const struct making *making, bool backup)
{
    struct group_server *const *servers = making->group->servers.items;

    for (size_t i = 0; i < making->group->servers.count; i++)
        for (size_t j = 0; j < servers[i]->count; j++) {
            const struct server_address *address = &servers[i]->addresses[j];
            if (is_backup(servers[i], address) != backup || is_left_out(servers[i], address))
                continue;
            if (!add_peer(making, servers[i], address))
                return false;
        }
    return true;
}

static size_t count_addresses(const struct upstream_group *group)
{
    struct group_server *const *servers = group->servers.items;
    size_t count = 0;

    for (size_t i = 0; i < group->servers.count; i++)
        count += servers[i]->count;
    return count;
}

static bool fill_set(const struct making *making, struct arena *arena)
{
    struct peer_set *set = making->set;

    set->peers = arena_alloc(arena, (count_addresses(making->group) + 1) * sizeof *set->peers);
    if (set->peers == NULL || !add_peers(making, false))
        return false;
    set->primaries = set->count;
    for (size_t i = 0; i < set->count; i++)
        set->total_weight += set->peers[i]->options.weight;
    return add_peers(making, true) &&
           (!making->group->consistent || set->primaries == 0 || hash_ring_build(arena, set));
}

struct peer_set *peer_set_make(struct upstream_group *group, struct arena *arena,
                               const struct peer_set *known)
{
    struct peer_set *set =
        arena != NULL ? arena_zalloc(arena, sizeof *set) : calloc(1, sizeof *set);
    struct making making = { group, arena, known, set };

    if (set == NULL)
        return NULL;
    set->references = 1;
    set->counted = arena == NULL;
    arena_init(&set->arena, NULL);
    if (fill_set(&making, arena != NULL ? arena : &set->arena))
        return set;
    peer_set_release(set);
    return NULL;
}
