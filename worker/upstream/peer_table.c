#include "worker/upstream/peer_table.h"

#include "common/md5.h"
#include "worker/context.h"
#include "worker/status/board.h"

#include <unistd.h>

enum { LANES_LEAST = 32, LANES_MOST = 256, LANES_A_PROCESSOR = 4 };

struct peer_table {
    unsigned lanes;   /* places in each slot */
    size_t slot_size; /* bytes */
    size_t slot_count;
    char slots[] __attribute__((aligned(64)));
};

static struct peer_slot *slot_at(struct peer_table *table, size_t number)
{
    return (struct peer_slot *)(table->slots + number * table->slot_size);
}

/* Workers of several configurations run side by side for a while. */
static unsigned count_lanes(void)
{
    long processors = sysconf(_SC_NPROCESSORS_CONF);
    long lanes = processors * LANES_A_PROCESSOR;

    return lanes < LANES_LEAST ? LANES_LEAST : lanes > LANES_MOST ? LANES_MOST : (unsigned)lanes;
}

/* All memory is one piece: a worker that has not noticed yet that the zone was emptied writes
 * into slots, never into what the allocator keeps there. */
static void *make_table(const struct zone *zone, struct shared_memory *memory)
{
    unsigned lanes = count_lanes();
    size_t slot_size = sizeof(struct peer_slot) + lanes * sizeof(_Atomic uint64_t);

    slot_size = (slot_size + 63) / 64 * 64;
    size_t count = zone->size / slot_size;
    struct peer_table *table = NULL;
    while (count > 0 && table == NULL) {
        table = shared_memory_alloc(memory, sizeof *table + count * slot_size);
        count -= table == NULL;
    }
    if (table == NULL)
        return NULL;
    memset(table, 0, sizeof *table + count * slot_size);
    table->lanes = lanes;
    table->slot_size = slot_size;
    table->slot_count = count;
    return table;
}

const struct zone_kind peer_zone_kind = { "zone", make_table };

/* --- lanes --- */

static size_t lane_number(const struct worker *worker)
{
    return (size_t)(worker->lane - worker->setup->board->lane);
}

/* The place of this worker; false: it has none. */
static bool has_place(const struct worker *worker, const struct peer_table *table)
{
    return worker->own_lane == NULL && lane_number(worker) < table->lanes;
}

/* What the worker in the lane says of the slot: 1 + its requests; 0: nothing, or that one is
 * dead. */
static uint32_t read_place(const struct worker *worker, const struct peer_slot *slot, size_t lane)
{
    const struct lane_owner *owner = &worker->setup->board->lane[lane].owner;
    uint64_t place = atomic_load_explicit(&slot->holders[lane], memory_order_relaxed);

    if (place == 0 || atomic_load_explicit(&owner->state, memory_order_relaxed) == WORKER_NONE ||
        (uint32_t)atomic_load_explicit(&owner->pid, memory_order_relaxed) != place >> 32)
        return 0;
    return (uint32_t)place;
}

static void write_place(const struct worker *worker, struct peer_slot *slot, uint32_t value)
{
    atomic_store_explicit(&slot->holders[lane_number(worker)],
                          value == 0 ? 0 : (uint64_t)worker->pid << 32 | value,
                          memory_order_relaxed);
}

/* Lanes that somebody has had. */
static size_t used_lanes(const struct worker *worker, const struct peer_table *table)
{
    size_t used = atomic_load_explicit(&worker->setup->board->used, memory_order_acquire);

    return used < table->lanes ? used : table->lanes;
}

bool worker_lives(const struct worker *worker, uint32_t pid)
{
    const struct board *board = worker->setup->board;
    size_t used = atomic_load_explicit(&board->used, memory_order_acquire);

    for (size_t lane = 0; lane < used; lane++) {
        const struct lane_owner *owner = &board->lane[lane].owner;
        if ((uint32_t)atomic_load_explicit(&owner->pid, memory_order_relaxed) == pid)
            return atomic_load_explicit(&owner->state, memory_order_relaxed) != WORKER_NONE;
    }
    return false;
}

/* --- slots --- */

static bool is_used(const struct worker *worker, const struct peer_table *table,
                    const struct peer_slot *slot)
{
    for (size_t lane = 0; lane < used_lanes(worker, table); lane++)
        if (read_place(worker, slot, lane) != 0)
            return true;
    return false;
}

/* The slot with the digest, else one that was never used, else one that nobody uses now. */
static struct peer_slot *find_slot(const struct worker *worker, struct peer_table *table,
                                   const uint8_t digest[MD5_SIZE])
{
    struct peer_slot *fresh = NULL, *left = NULL;

    for (size_t i = 0; i < table->slot_count; i++) {
        struct peer_slot *slot = slot_at(table, i);
        if (slot->taken && memcmp(slot->digest, digest, MD5_SIZE) == 0)
            return slot;
        if (!slot->taken && fresh == NULL)
            fresh = slot;
        if (slot->taken && left == NULL && fresh == NULL && !is_used(worker, table, slot))
            left = slot;
    }
    struct peer_slot *slot = fresh != NULL ? fresh : left;
    if (slot == NULL)
        return NULL;
    memset(slot, 0, table->slot_size);
    memcpy(slot->digest, digest, MD5_SIZE);
    slot->taken = true;
    return slot;
}

static void make_digest(const struct slot_name *name, uint8_t digest[MD5_SIZE])
{
    const struct slice nul = SLICE_INIT("\0");
    struct md5 md5;

    md5_init(&md5);
    md5_add(&md5, name->group);
    md5_add(&md5, nul);
    md5_add(&md5, name->server);
    md5_add(&md5, nul);
    md5_add(&md5, name->address);
    md5_add(&md5, slice_make((const char *)&name->ordinal, sizeof name->ordinal));
    md5_end(&md5, digest);
}

struct peer_slot *peer_table_take(const struct worker *worker, const struct zone *zone,
                                  const struct slot_name *name)
{
    struct peer_table *table = zone_lock(zone, worker->log);
    uint8_t digest[MD5_SIZE];

    if (table == NULL)
        return NULL;
    make_digest(name, digest);
    struct peer_slot *slot = has_place(worker, table) ? find_slot(worker, table, digest) : NULL;
    if (slot != NULL)
        write_place(worker, slot, 1);
    zone_unlock(zone);
    if (slot == NULL)
        log_write(worker->log, LOG_LEVEL_WARN, 0, 0,
                  "no room in zone \"%.*s\": this worker counts \"%.*s\" by itself",
                  (int)zone->name.len, zone->name.at, (int)name->address.len, name->address.at);
    return slot;
}

void peer_slot_leave(const struct worker *worker, struct peer_slot *slot)
{
    if (slot != NULL)
        write_place(worker, slot, 0);
}

void peer_slot_show(const struct worker *worker, struct peer_slot *slot, uint32_t busy)
{
    write_place(worker, slot, busy + 1);
}

uint64_t peer_slot_connections(const struct worker *worker, const struct zone *zone,
                               const struct peer_slot *slot)
{
    const struct peer_table *table = shared_memory_root(zone->memory);
    uint64_t sum = 0;

    for (size_t lane = 0; table != NULL && lane < used_lanes(worker, table); lane++) {
        uint32_t held = read_place(worker, slot, lane);
        sum += held > 0 ? held - 1 : 0;
    }
    return sum;
}
