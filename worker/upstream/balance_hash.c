/* hash: the same key, the same server; with `consistent` few keys move when servers come
 * and go. Both choose as nginx (and the memcached clients it follows) do. */
#include "common/crc32.h"
#include "worker/http/request.h"
#include "worker/upstream/group.h"

#include <stdio.h>
#include <stdlib.h>

enum { TRIES_MAX = 20, POINTS_PER_WEIGHT = 160 };

/* --- the ring --- */

struct point {
    uint32_t hash;
    unsigned peer; /* the first one of its server */
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

static void add_points(struct hash_ring *ring, const struct peer *peer)
{
    struct slice host, port;
    uint8_t before[4] = { 0 };

    split_server(peer->server, &host, &port);
    uint32_t base = crc32_add(0, host.at, host.len);
    base = crc32_add(base, "", 1);
    base = crc32_add(base, port.at, port.len);
    for (size_t i = 0; i < (size_t)peer->weight * POINTS_PER_WEIGHT; i++) {
        uint32_t hash = crc32_add(base, before, sizeof before);
        ring->points[ring->count++] = (struct point){ hash, peer->index };
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
static bool is_first_of_server(const struct upstream_group *group, const struct peer *peer)
{
    for (size_t i = 0; i < peer->index; i++)
        if (same_server(group->peers[i], peer))
            return false;
    return true;
}

bool hash_ring_build(struct arena *arena, struct upstream_group *group)
{
    struct hash_ring *ring = arena_zalloc(arena, sizeof *ring);

    if (ring == NULL)
        return false;
    ring->points =
        arena_alloc(arena, group->total_weight * POINTS_PER_WEIGHT * sizeof *ring->points);
    if (ring->points == NULL)
        return false;
    for (size_t i = 0; i < group->primaries; i++)
        if (is_first_of_server(group, group->peers[i]))
            add_points(ring, group->peers[i]);
    qsort(ring->points, ring->count, sizeof *ring->points, compare_points);
    size_t kept = 0;
    for (size_t i = 0; i < ring->count; i++)
        if (kept == 0 || ring->points[i].hash != ring->points[kept - 1].hash)
            ring->points[kept++] = ring->points[i];
    ring->count = kept;
    group->ring = ring;
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
    const struct upstream_group *group = selection->group;
    struct peer *best = NULL;
    int64_t total = 0;

    for (size_t i = 0; i < group->primaries; i++) {
        struct peer *peer = group->peers[i];
        if (!same_server(peer, server) || !peer_is_eligible(selection, peer))
            continue;
        peer->current_weight += peer->effective_weight;
        total += peer->effective_weight;
        if (best == NULL || peer->current_weight > best->current_weight)
            best = peer;
    }
    if (best != NULL)
        best->current_weight -= total;
    return best;
}

static struct peer *pick_from_ring(struct selection *selection)
{
    const struct hash_ring *ring = selection->group->ring;

    while (selection->tries++ <= TRIES_MAX) {
        const struct point *point = &ring->points[selection->hash % ring->count];
        struct peer *peer = pick_of_server(selection, selection->group->peers[point->peer]);
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
        struct peer *peer = peer_at_weight(selection->group, selection->hash);
        if (peer_is_eligible(selection, peer))
            return peer;
    }
    return pick_round_robin(selection);
}

struct peer *pick_by_hash(struct selection *selection)
{
    const struct upstream_group *group = selection->group;

    if (!selection->begun) {
        selection->begun = true;
        if (!template_eval(selection->request, &group->hash_key, &selection->key))
            return NULL;
        if (group->ring != NULL && selection->key.len > 0)
            selection->hash = (uint32_t)find_point(
                group->ring, crc32_add(0, selection->key.at, selection->key.len));
    }
    if (group->count == 1 || (selection->key.len == 0 && group->ring == NULL))
        return pick_round_robin(selection);
    return group->ring != NULL ? pick_from_ring(selection) : pick_by_key(selection);
}
