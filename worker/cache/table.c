#include "worker/cache/table.h"

#include "common/key_tree.h"

struct node {
    struct key_node node; /* first: the tree's nodes are these */
    struct node *newer, *older;
    uint64_t used; /* monotonic ms */
    struct cache_known known;
    unsigned char digest[CACHE_DIGEST]; /* the tree's text */
};

struct purge {
    struct purge *next;
    int64_t when;  /* wall-clock nanoseconds */
    uint64_t made; /* monotonic ms */
    bool prefix;
    size_t len;
    char key[];
};

struct cache_table {
    struct shared_memory *memory;
    struct key_tree nodes;
    struct node *newest, *oldest; /* by use */
    struct cache_figures figures;
    uint64_t claims; /* ever made */
    struct purge *purges;
    unsigned purge_count;
    bool loaded;
    pid_t keeper;  /* 0: none */
    uint64_t kept; /* monotonic ms: when the keeper last said so */
};

const char *cache_status_name(enum cache_status status)
{
    static const char *const names[CACHE_STATUSES] = {
        [CACHE_MISS] = "MISS",   [CACHE_BYPASS] = "BYPASS",     [CACHE_EXPIRED] = "EXPIRED",
        [CACHE_STALE] = "STALE", [CACHE_UPDATING] = "UPDATING", [CACHE_REVALIDATED] = "REVALIDATED",
        [CACHE_HIT] = "HIT",
    };

    return names[status];
}

struct cache_table *cache_table_new(struct shared_memory *memory)
{
    struct cache_table *table = shared_memory_alloc(memory, sizeof *table);

    if (table == NULL)
        return NULL;
    *table = (struct cache_table){ .memory = memory };
    key_tree_init(&table->nodes, offsetof(struct node, digest));
    return table;
}

/* --- by age --- */

static void age_remove(struct cache_table *table, const struct node *node)
{
    if (node->newer != NULL)
        node->newer->older = node->older;
    else
        table->newest = node->older;
    if (node->older != NULL)
        node->older->newer = node->newer;
    else
        table->oldest = node->newer;
}

static void age_add(struct cache_table *table, struct node *node)
{
    node->newer = NULL;
    node->older = table->newest;
    if (table->newest != NULL)
        table->newest->newer = node;
    else
        table->oldest = node;
    table->newest = node;
}

/* --- nodes --- */

static struct node *find(const struct cache_table *table, const unsigned char *digest)
{
    return (struct node *)key_tree_find(&table->nodes,
                                        slice_make((const char *)digest, CACHE_DIGEST));
}

static void set_size(struct cache_table *table, struct node *node, bool exists, uint64_t size)
{
    table->figures.size -= node->known.size;
    node->known.exists = exists;
    node->known.size = exists ? size : 0;
    table->figures.size += node->known.size;
}

static struct node *add(struct cache_table *table, const unsigned char *digest, uint64_t now)
{
    struct node *node = shared_memory_alloc(table->memory, sizeof *node);

    if (node == NULL)
        return NULL;
    *node = (struct node){ .used = now };
    key_tree_add(&table->nodes, &node->node, slice_make((const char *)digest, CACHE_DIGEST));
    age_add(table, node);
    table->figures.entries++;
    return node;
}

bool cache_table_evict(struct cache_table *table, uint64_t used_before,
                       struct cache_evicted *evicted)
{
    struct node *node = table->oldest;

    *evicted = (struct cache_evicted){ 0 };
    if (node == NULL || node->used >= used_before)
        return false;
    evicted->exists = node->known.exists;
    memcpy(evicted->digest, node->digest, CACHE_DIGEST);
    set_size(table, node, false, 0);
    age_remove(table, node);
    key_tree_remove(&table->nodes, &node->node);
    shared_memory_free(table->memory, node);
    table->figures.entries--;
    return true;
}

/* --- use --- */

bool cache_table_use(struct cache_table *table, const unsigned char digest[static CACHE_DIGEST],
                     uint64_t now, struct cache_known *known, struct cache_evicted *evicted)
{
    struct node *node = find(table, digest);

    *evicted = (struct cache_evicted){ 0 };
    if (node == NULL)
        node = add(table, digest, now);
    if (node == NULL && cache_table_evict(table, UINT64_MAX, evicted))
        node = add(table, digest, now);
    if (node == NULL)
        return false;
    age_remove(table, node);
    age_add(table, node);
    node->used = now;
    node->known.uses += node->known.uses < UINT32_MAX;
    *known = node->known;
    return true;
}

bool cache_table_look(const struct cache_table *table,
                      const unsigned char digest[static CACHE_DIGEST], struct cache_known *known)
{
    const struct node *node = find(table, digest);

    if (node == NULL)
        return false;
    *known = node->known;
    return true;
}

/* --- updates --- */

uint64_t cache_table_claim(struct cache_table *table,
                           const unsigned char digest[static CACHE_DIGEST], pid_t process,
                           uint64_t now, uint64_t younger_than)
{
    struct node *node = find(table, digest);

    if (node == NULL || (node->known.claim != 0 && node->known.claimed_at >= younger_than))
        return 0;
    node->known.claim = ++table->claims;
    node->known.claimed_by = process;
    node->known.claimed_at = now;
    return node->known.claim;
}

void cache_table_release(struct cache_table *table, const unsigned char digest[static CACHE_DIGEST],
                         uint64_t claim)
{
    struct node *node = find(table, digest);

    if (node != NULL && node->known.claim == claim)
        node->known.claim = 0;
}

bool cache_table_stored(struct cache_table *table, const unsigned char digest[static CACHE_DIGEST],
                        uint64_t size, uint64_t now)
{
    struct node *node = find(table, digest);

    if (node == NULL)
        node = add(table, digest, now);
    if (node == NULL)
        return false;
    node->known.uses += node->known.uses == 0;
    node->known.error = 0;
    set_size(table, node, true, size);
    return true;
}

bool cache_table_found(struct cache_table *table, const unsigned char digest[static CACHE_DIGEST],
                       uint64_t size, uint64_t now)
{
    const struct node *node = find(table, digest);

    return (node != NULL && node->known.exists) || cache_table_stored(table, digest, size, now);
}

void cache_table_gone(struct cache_table *table, const unsigned char digest[static CACHE_DIGEST])
{
    struct node *node = find(table, digest);

    if (node != NULL)
        set_size(table, node, false, 0);
}

void cache_table_failed(struct cache_table *table, const unsigned char digest[static CACHE_DIGEST],
                        unsigned status, int64_t until)
{
    struct node *node = find(table, digest);

    if (node == NULL)
        return;
    node->known.error = (uint16_t)status;
    node->known.error_until = until;
}

/* --- purges --- */

bool cache_table_purge(struct cache_table *table, struct slice key, bool prefix, int64_t when,
                       uint64_t now)
{
    struct purge *purge = NULL;

    if (table->purge_count < CACHE_PURGES_MAX)
        purge = shared_memory_alloc(table->memory, sizeof *purge + key.len);
    if (purge == NULL)
        return false;
    *purge = (struct purge){
        .next = table->purges, .when = when, .made = now, .prefix = prefix, .len = key.len
    };
    if (key.len > 0)
        memcpy(purge->key, key.at, key.len);
    table->purges = purge;
    table->purge_count++;
    return true;
}

unsigned cache_table_purges(const struct cache_table *table)
{
    return table->purge_count;
}

bool cache_table_is_purged(const struct cache_table *table, struct slice key, int64_t written)
{
    for (const struct purge *purge = table->purges; purge != NULL; purge = purge->next) {
        struct slice own = slice_make(purge->key, purge->len);
        if (written <= purge->when &&
            (purge->prefix ? slice_starts(key, own) : slice_equal(key, own)))
            return true;
    }
    return false;
}

void cache_table_end_purges(struct cache_table *table, uint64_t before)
{
    struct purge **place = &table->purges;

    while (*place != NULL) {
        struct purge *purge = *place;
        if (purge->made >= before) {
            place = &purge->next;
            continue;
        }
        *place = purge->next;
        shared_memory_free(table->memory, purge);
        table->purge_count--;
    }
}

/* --- upkeep --- */

void cache_table_count(struct cache_table *table, enum cache_status status)
{
    table->figures.requests[status]++;
}

struct cache_figures cache_table_figures(const struct cache_table *table)
{
    return table->figures;
}

bool cache_table_is_cold(const struct cache_table *table)
{
    return !table->loaded;
}

void cache_table_is_loaded(struct cache_table *table)
{
    table->loaded = true;
}

bool cache_table_keep(struct cache_table *table, pid_t process, uint64_t now, uint64_t patience,
                      pid_t *keeper)
{
    *keeper = table->keeper;
    if (table->keeper != 0 && table->keeper != process && now < table->kept + patience)
        return false;
    table->keeper = process;
    table->kept = now;
    return true;
}

void cache_table_drop_keeper(struct cache_table *table, pid_t keeper)
{
    if (table->keeper == keeper)
        table->keeper = 0;
}
