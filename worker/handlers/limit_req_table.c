#include "worker/handlers/limit_req_table.h"

#include "common/key_tree.h"
#include "common/list.h"

enum {
    REQUEST = 1000,       /* what one adds to the excess */
    FORGET_AFTER = 60000, /* ms: an entry that is empty by then is removed */
};

struct entry {
    struct list_node age; /* first: the list's nodes are entries */
    struct key_node node;
    uint64_t last;   /* monotonic ms, when the excess was what it is */
    uint64_t excess; /* thousandths of a request */
    char key[];
};

struct limit_req_table {
    struct shared_memory *memory;
    struct key_tree entries;
    struct list_node ages; /* of all entries, the one that was asked for last first */
};

struct limit_req_table *limit_req_table_new(struct shared_memory *memory)
{
    struct limit_req_table *table = shared_memory_alloc(memory, sizeof *table);

    if (table == NULL)
        return NULL;
    *table = (struct limit_req_table){ .memory = memory };
    key_tree_init(&table->entries, offsetof(struct entry, key) - offsetof(struct entry, node));
    list_init(&table->ages);
    return table;
}

static struct entry *find(const struct limit_req_table *table, struct slice key)
{
    struct key_node *node = key_tree_find(&table->entries, key);

    return node == NULL ? NULL : (struct entry *)((char *)node - offsetof(struct entry, node));
}

static struct entry *oldest(const struct limit_req_table *table)
{
    return (struct entry *)list_last(&table->ages);
}

static void forget(struct limit_req_table *table, struct entry *entry)
{
    list_remove(&entry->age);
    key_tree_remove(&table->entries, &entry->node);
    shared_memory_free(table->memory, entry);
}

/* --- arithmetic --- */

/* Workers read their clocks at different instants: the other one's may be a little ahead. */
static uint64_t since(const struct entry *entry, uint64_t now)
{
    return now > entry->last ? now - entry->last : 0;
}

/* `excess` after `elapsed` ms; without the products that could overflow. */
static uint64_t drained(uint64_t excess, uint64_t rate, uint64_t elapsed)
{
    if (elapsed / 1000 > excess / rate)
        return 0;
    uint64_t gone = rate * elapsed / 1000;
    return gone < excess ? excess - gone : 0;
}

static uint64_t excess_now(const struct entry *entry, const struct limit_req_ask *ask)
{
    return drained(entry->excess + REQUEST, ask->rate, since(entry, ask->now));
}

static void charge_entry(struct entry *entry, uint64_t excess, uint64_t now)
{
    entry->excess = excess;
    if (now > entry->last)
        entry->last = now;
}

/* --- room --- */

static bool is_over(const struct entry *entry, const struct limit_req_ask *ask)
{
    uint64_t elapsed = since(entry, ask->now);

    return elapsed >= FORGET_AFTER && drained(entry->excess, ask->rate, elapsed) == 0;
}

/* A few at each new entry: the table never has many that mean nothing any more. */
static void forget_what_is_over(struct limit_req_table *table, const struct limit_req_ask *ask)
{
    struct entry *entry;

    for (unsigned i = 0; i < 2 && (entry = oldest(table)) != NULL && is_over(entry, ask); i++)
        forget(table, entry);
}

static struct entry *add_entry(struct limit_req_table *table, const struct limit_req_ask *ask)
{
    size_t size = sizeof(struct entry) + ask->key.len;

    forget_what_is_over(table, ask);
    struct entry *entry = shared_memory_alloc(table->memory, size);
    if (entry == NULL && oldest(table) != NULL) {
        forget(table, oldest(table));
        forget_what_is_over(table, ask);
        entry = shared_memory_alloc(table->memory, size);
    }
    if (entry == NULL)
        return NULL;
    entry->excess = 0;
    entry->last = 0;
    key_tree_add(&table->entries, &entry->node, ask->key);
    list_add_first(&table->ages, &entry->age);
    return entry;
}

/* --- asking --- */

enum limit_req_result limit_req_ask(struct limit_req_table *table, const struct limit_req_ask *ask,
                                    bool charge, uint64_t *excess)
{
    struct entry *entry = find(table, ask->key);

    *excess = 0;
    if (entry == NULL) {
        entry = add_entry(table, ask);
        if (entry == NULL)
            return LIMIT_REQ_NO_ROOM;
        if (charge)
            entry->last = ask->now;
        return LIMIT_REQ_PASSED;
    }
    list_remove(&entry->age);
    list_add_first(&table->ages, &entry->age);
    *excess = excess_now(entry, ask);
    if (*excess > ask->burst)
        return LIMIT_REQ_BUSY;
    if (charge)
        charge_entry(entry, *excess, ask->now);
    return LIMIT_REQ_PASSED;
}

uint64_t limit_req_charge(struct limit_req_table *table, const struct limit_req_ask *ask)
{
    struct entry *entry = find(table, ask->key);

    if (entry == NULL) /* forgotten since */
        entry = add_entry(table, ask);
    if (entry == NULL)
        return 0;
    uint64_t excess = excess_now(entry, ask);
    charge_entry(entry, excess, ask->now);
    return excess;
}
