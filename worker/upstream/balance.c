/* least_conn, ip_hash and random: which peer is picked, as nginx does. */
#include "common/ip_address.h"
#include "worker/context.h"
#include "worker/http/request.h"
#include "worker/upstream/selection.h"

#include <sys/random.h>

enum { TRIES_MAX = 20 }; /* hashes and lots; then the peers have their turns */

/* `a` is less busy for its weight than `b`: <0, as much: 0. */
static int compare_load(const struct selection *selection, const struct peer *a,
                        const struct peer *b)
{
    const struct worker *worker = selection->request->worker;
    uint64_t left = peer_connections(a, worker) * b->options.weight;
    uint64_t right = peer_connections(b, worker) * a->options.weight;

    return (left > right) - (left < right);
}

/* Of those that are busy with the least the smooth round robin picks one. */
static struct peer *pick_among_least(const struct selection *selection, const struct peer *least)
{
    uint64_t now = selection->request->worker->clock.now;
    struct smooth_turn turn = { 0 };

    for (size_t i = 0; i < selection->set->primaries; i++) {
        struct peer *peer = selection->set->peers[i];
        if (peer_is_eligible(selection, peer) && compare_load(selection, peer, least) == 0)
            smooth_gain(&turn, peer, peer_effective_weight(peer, now));
    }
    return smooth_pay(&turn);
}

struct peer *pick_least_connections(struct selection *selection)
{
    const struct peer *least = NULL;

    for (size_t i = 0; i < selection->set->primaries; i++) {
        const struct peer *peer = selection->set->peers[i];
        if (peer_is_eligible(selection, peer) &&
            (least == NULL || compare_load(selection, peer, least) < 0))
            least = peer;
    }
    return least == NULL ? NULL : pick_among_least(selection, least);
}

/* The primary peer in whose part of all weights `point` falls. */
struct peer *peer_at_weight(const struct peer_set *set, uint64_t point)
{
    point %= set->total_weight;
    for (size_t i = 0; i < set->primaries; i++) {
        if (point < set->peers[i]->options.weight)
            return set->peers[i];
        point -= set->peers[i]->options.weight;
    }
    return set->peers[0];
}

/* --- ip_hash --- */

enum { ADDRESS_HASH_FIRST = 89, ADDRESS_HASH_FACTOR = 113, ADDRESS_HASH_MODULUS = 6271 };

/* The network of an IPv4 client, all of an IPv6 address, as nginx has it. */
static uint32_t hash_address(const struct ip_address *client, uint32_t hash)
{
    size_t len = client->family == AF_INET6 ? 16 : client->family == AF_INET ? 3 : 0;

    if (len == 0) /* unix sockets have no address: nginx takes three zeros */
        return hash * ADDRESS_HASH_FACTOR % ADDRESS_HASH_MODULUS;
    for (size_t i = 0; i < len; i++)
        hash = (hash * ADDRESS_HASH_FACTOR + client->ip[i]) % ADDRESS_HASH_MODULUS;
    return hash;
}

struct peer *pick_by_address(struct selection *selection)
{
    if (!selection->begun)
        selection->hash = ADDRESS_HASH_FIRST;
    selection->begun = true;
    while (selection->tries++ <= TRIES_MAX && selection->set->count > 1) {
        selection->hash = hash_address(selection->request->client, selection->hash);
        struct peer *peer = peer_at_weight(selection->set, selection->hash);
        if (peer_is_eligible(selection, peer))
            return peer;
    }
    return pick_round_robin(selection);
}

/* --- random --- */

static uint64_t draw_lot(const struct selection *selection)
{
    uint64_t lot;

    if (getrandom(&lot, sizeof lot, GRND_NONBLOCK) != (ssize_t)sizeof lot)
        lot = selection->request->worker->clock.now * UINT64_C(0x9e3779b97f4a7c15) >> 16;
    return lot;
}

struct peer *pick_at_random(struct selection *selection)
{
    struct peer *first = NULL;

    for (unsigned tries = 0; tries <= TRIES_MAX && selection->set->count > 1; tries++) {
        struct peer *peer = peer_at_weight(selection->set, draw_lot(selection));
        if (peer == first || !peer_is_eligible(selection, peer))
            continue;
        if (selection->group->random_choices < 2)
            return peer;
        if (first != NULL)
            return compare_load(selection, peer, first) < 0 ? peer : first;
        first = peer;
    }
    return first != NULL ? first : pick_round_robin(selection);
}
