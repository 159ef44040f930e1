#include "worker/handlers/limit_req_table.h"

#include "common/key_tree.h"

enum {
    REQUEST = 1000,       /* what one adds to the excess */
    FORGET_AFTER = 60000, /* ms: an entry that is empty by then is removed */
};

struct entry {
    struct key_node node; /* first: the tree's nodes are entries */
    struct entry *newer, *older;
    uint64_t last;   /* monotonic ms, when the excess was what it is */
    uint64_t excess; /* thousandths of a request */
    char key[];
};

struct limit_req_table {
    struct shared_memory *memory;
    struct key_tree entries;
    struct entry *newest, *oldest; /* by when they were asked for */
};

struct limit_req_table *limit_req_table_new(struct shared_memory *memory)
{
    struct limit_req_table *table = shared_memory_alloc(memory, sizeof *table);

    if (table == NULL)
        return NULL;
    *table = (struct limit_req_table){ .memory = memory };
    key_tree_init(&table->entries, offsetof(struct entry, key));
    return table;
}

/* --- by age --- */

static void age_remove(struct limit_req_table *table, const struct entry *entry)
{
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        table->newest = entry->older;
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        table->oldest = entry->newer;
}

static void age_add(struct limit_req_table *table, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = table->newest;
    if (table->newest != NULL)
        table->newest->newer = entry;
    else
        table->oldest = entry;
    table->newest = entry;
}

static void forget(struct limit_req_table *table, struct entry *entry)
{
    age_remove(table, entry);
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
    for (unsigned i = 0; i < 2 && table->oldest != NULL && is_over(table->oldest, ask); i++)
        forget(table, table->oldest);
}

static struct entry *add_entry(struct limit_req_table *table, const struct limit_req_ask *ask)
{
    size_t size = sizeof(struct entry) + ask->key.len;

    forget_what_is_over(table, ask);
    struct entry *entry = shared_memory_alloc(table->memory, size);
    if (entry == NULL && table->oldest != NULL) {
        forget(table, table->oldest);
        forget_what_is_over(table, ask);
        entry = shared_memory_alloc(table->memory, size);
    }
    if (entry == NULL)
        return NULL;
    entry->excess = 0;
    entry->last = 0;
    key_tree_add(&table->entries, &entry->node, ask->key);
    age_add(table, entry);
    return entry;
}

/* --- asking --- */

enum limit_req_result limit_req_ask(struct limit_req_table *table, const struct limit_req_ask *ask,
                                    bool charge, uint64_t *excess)
{
    struct entry *entry = (struct entry *)key_tree_find(&table->entries, ask->key);

    *excess = 0;
    if (entry == NULL) {
        entry = add_entry(table, ask);
        if (entry == NULL)
            return LIMIT_REQ_NO_ROOM;
        if (charge)
            entry->last = ask->now;
        return LIMIT_REQ_PASSED;
    }
    age_remove(table, entry);
    age_add(table, entry);
    *excess = excess_now(entry, ask);
    if (*excess > ask->burst)
        return LIMIT_REQ_BUSY;
    if (charge)
        charge_entry(entry, *excess, ask->now);
    return LIMIT_REQ_PASSED;
}

uint64_t limit_req_charge(struct limit_req_table *table, const struct limit_req_ask *ask)
{
    struct entry *entry = (struct entry *)key_tree_find(&table->entries, ask->key);

    if (entry == NULL) /* forgotten since */
        entry = add_entry(table, ask);
    if (entry == NULL)
        return 0;
    uint64_t excess = excess_now(entry, ask);
    charge_entry(entry, excess, ask->now);
    return excess;
}
