/* hash: the same key, the same server; with `consistent` few keys move when servers come
 * and go. Both choose as nginx (and the memcached clients it follows) do. */
#include "common/crc32.h"
#include "worker/context.h"
#include "worker/http/request.h"
#include "worker/upstream/selection.h"

#include <stdio.h>
#include <stdlib.h>

enum { TRIES_MAX = 20, POINTS_PER_WEIGHT = 160 };

/* --- the ring --- */

struct point {
    uint32_t hash;
    size_t peer; /* in the set: the first one of its server */
};

struct hash_ring {
    struct point *points; /* in the order of their hashes */
    size_t count;
};

/* The parts of "host:port" that are hashed; a unix socket's path has no port. */
static void split_server(struct slice server, struct slice *host, struct slice *port)
{
    ptrdiff_t colon = slice_find_last(server, ':');

    *host = server;
    *port = SLICE("");
    if (server.len >= 5 && slice_equal_nocase(slice_first(server, 5), SLICE("unix:"))) {
        *host = slice_from(server, 5);
        return;
    }
    if (colon < 0)
        return;
    for (size_t i = (size_t)colon + 1; i < server.len; i++)
        if (server.at[i] < '0' || server.at[i] > '9')
            return;
    *host = slice_first(server, (size_t)colon);
    *port = slice_from(server, (size_t)colon + 1);
}

static void add_points(struct hash_ring *ring, const struct peer *peer, size_t index)
{
    struct slice host, port;
    uint8_t before[4] = { 0 };

    split_server(peer->server, &host, &port);
    uint32_t base = crc32_add(0, host.at, host.len);
    base = crc32_add(base, "", 1);
    base = crc32_add(base, port.at, port.len);
    for (size_t i = 0; i < peer->options.weight * POINTS_PER_WEIGHT; i++) {
        uint32_t hash = crc32_add(base, before, sizeof before);
        ring->points[ring->count++] = (struct point){ hash, index };
        for (size_t byte = 0; byte < sizeof before; byte++)
            before[byte] = (uint8_t)(hash >> 8 * byte);
    }
}

static int compare_points(const void *a, const void *b)
{
    const struct point *left = a, *right = b;

    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    return (left->peer > right->peer) - (left->peer < right->peer);
}

static bool same_server(const struct peer *a, const struct peer *b)
{
    return slice_equal(a->server, b->server);
}

/* The first of the addresses that a server's name stands for. */
static bool is_first_of_server(const struct peer_set *set, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (same_server(set->peers[i], set->peers[index]))
            return false;
    return true;
}

bool hash_ring_build(struct arena *arena, struct peer_set *set)
{
    struct hash_ring *ring = arena_zalloc(arena, sizeof *ring);

    if (ring == NULL)
        return false;
    ring->points = arena_alloc(arena, set->total_weight * POINTS_PER_WEIGHT * sizeof *ring->points);
    if (ring->points == NULL)
        return false;
    for (size_t i = 0; i < set->primaries; i++)
        if (is_first_of_server(set, i))
            add_points(ring, set->peers[i], i);
    qsort(ring->points, ring->count, sizeof *ring->points, compare_points);
    size_t kept = 0;
    for (size_t i = 0; i < ring->count; i++)
        if (kept == 0 || ring->points[i].hash != ring->points[kept - 1].hash)
            ring->points[kept++] = ring->points[i];
    ring->count = kept;
    set->ring = ring;
    return true;
}

/* The first point at or behind the hash; behind the last comes the first. */
static size_t find_point(const struct hash_ring *ring, uint32_t hash)
{
    size_t from = 0, to = ring->count;

    while (from < to) {
        size_t middle = (from + to) / 2;
        if (hash > ring->points[middle].hash)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Of a server's addresses one that is eligible, in turns. */
static struct peer *pick_of_server(const struct selection *selection, const struct peer *server)
{
    uint64_t now = selection->request->worker->clock.now;
    struct smooth_turn turn = { 0 };

    for (size_t i = 0; i < selection->set->primaries; i++) {
        struct peer *peer = selection->set->peers[i];
        if (same_server(peer, server) && peer_is_eligible(selection, peer))
            smooth_gain(&turn, peer, peer_effective_weight(peer, now));
    }
    return smooth_pay(&turn);
}

static struct peer *pick_from_ring(struct selection *selection)
{
    const struct hash_ring *ring = selection->set->ring;

    while (selection->tries++ <= TRIES_MAX) {
        const struct point *point = &ring->points[selection->hash % ring->count];
        struct peer *peer = pick_of_server(selection, selection->set->peers[point->peer]);
        if (peer != NULL)
            return peer;
        selection->hash++;
    }
    return pick_round_robin(selection);
}

/* --- without a ring --- */

/* From the second time on the number of the time stands before the key. */
static uint32_t hash_key(struct slice key, unsigned time)
{
    char digits[12];
    uint32_t crc = 0;

    if (time > 0)
        crc = crc32_add(crc, digits, (size_t)snprintf(digits, sizeof digits, "%u", time));
    return crc32_add(crc, key.at, key.len) >> 16 & 0x7fff;
}

static struct peer *pick_by_key(struct selection *selection)
{
    while (selection->tries <= TRIES_MAX) {
        selection->hash += hash_key(selection->key, selection->tries++);
        struct peer *peer = peer_at_weight(selection->set, selection->hash);
        if (peer_is_eligible(selection, peer))
            return peer;
    }
    return pick_round_robin(selection);
}

struct peer *pick_by_hash(struct selection *selection)
{
    const struct hash_ring *ring = selection->set->ring;

    if (!selection->begun) {
        selection->begun = true;
        if (!template_eval(selection->request, &selection->group->hash_key, &selection->key))
            return NULL;
        if (ring != NULL && selection->key.len > 0)
            selection->hash =
                (uint32_t)find_point(ring, crc32_add(0, selection->key.at, selection->key.len));
    }
    if (selection->set->count == 1 || (selection->key.len == 0 && ring == NULL))
        return pick_round_robin(selection);
    return ring != NULL ? pick_from_ring(selection) : pick_by_key(selection);
}
