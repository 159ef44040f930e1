#include "worker/handlers/limit_conn_table.h"

#include "common/key_tree.h"
#include "common/list.h"

struct entry {
    struct key_node node; /* first: the tree's nodes are entries */
    struct list_node shares;
    uint64_t count; /* of all shares together */
    char key[];
};

/* A worker that counts, or counted before it died. */
struct owner {
    struct list_node others; /* first: the table's list is of owners */
    unsigned lane;
    uint32_t tenancy;
    struct list_node shares;
};

struct limit_conn_share {
    struct list_node of_entry; /* first: an entry's list is of shares */
    struct list_node of_owner;
    struct entry *entry;
    struct owner *owner;
    uint64_t count; /* at least 1 */
};

struct limit_conn_table {
    struct shared_memory *memory;
    struct key_tree entries;
    struct list_node owners;
};

struct limit_conn_table *limit_conn_table_new(struct shared_memory *memory)
{
    struct limit_conn_table *table = shared_memory_alloc(memory, sizeof *table);

    if (table == NULL)
        return NULL;
    *table = (struct limit_conn_table){ .memory = memory };
    key_tree_init(&table->entries, offsetof(struct entry, key));
    list_init(&table->owners);
    return table;
}

/* --- taking off --- */

static void forget_if_unused(struct limit_conn_table *table, struct entry *entry)
{
    if (entry->count > 0)
        return;
    key_tree_remove(&table->entries, &entry->node);
    shared_memory_free(table->memory, entry);
}

static void end_share(struct limit_conn_table *table, struct limit_conn_share *share)
{
    struct entry *entry = share->entry;

    entry->count -= share->count;
    list_remove(&share->of_entry);
    list_remove(&share->of_owner);
    shared_memory_free(table->memory, share);
    forget_if_unused(table, entry);
}

static void end_owner(struct limit_conn_table *table, struct owner *owner)
{
    struct list_node *node;

    while ((node = list_first(&owner->shares)) != NULL)
        end_share(table, (struct limit_conn_share *)((char *)node -
                                                     offsetof(struct limit_conn_share, of_owner)));
    list_remove(&owner->others);
    shared_memory_free(table->memory, owner);
}

/* What workers counted that are dead. True: there was one. */
static bool sweep(struct limit_conn_table *table, const struct board *board)
{
    struct owner *owner = (struct owner *)list_first(&table->owners);
    bool swept = false;

    while (owner != NULL) {
        struct owner *next = (struct owner *)list_next(&table->owners, &owner->others);
        if (!board_tenant_lives(board, owner->lane, owner->tenancy)) {
            end_owner(table, owner);
            swept = true;
        }
        owner = next;
    }
    return swept;
}

/* --- counting --- */

/* Memory, if there is some when the dead have none. */
static void *alloc(struct limit_conn_table *table, const struct limit_conn_ask *ask, size_t size)
{
    void *memory = shared_memory_alloc(table->memory, size);

    return memory == NULL && sweep(table, ask->board) ? shared_memory_alloc(table->memory, size)
                                                      : memory;
}

static uint32_t tenancy_of(const struct limit_conn_ask *ask)
{
    return ask->board->lane[ask->lane].owner.tenancy;
}

static bool is_own(const struct owner *owner, const struct limit_conn_ask *ask)
{
    return owner->lane == ask->lane && owner->tenancy == tenancy_of(ask);
}

/* The worker that asks. NULL: there is no room. */
static struct owner *own(struct limit_conn_table *table, const struct limit_conn_ask *ask)
{
    struct list_node *node = list_first(&table->owners);

    for (; node != NULL; node = list_next(&table->owners, node))
        if (is_own((struct owner *)node, ask))
            return (struct owner *)node;
    struct owner *owner = alloc(table, ask, sizeof *owner);
    if (owner == NULL)
        return NULL;
    *owner = (struct owner){ .lane = ask->lane, .tenancy = tenancy_of(ask) };
    list_init(&owner->shares);
    list_add_first(&table->owners, &owner->others);
    return owner;
}

static struct entry *find(const struct limit_conn_table *table, const struct limit_conn_ask *ask)
{
    return (struct entry *)key_tree_find(&table->entries, ask->key);
}

static struct entry *add_entry(struct limit_conn_table *table, const struct limit_conn_ask *ask)
{
    struct entry *entry = alloc(table, ask, sizeof *entry + ask->key.len);

    if (entry == NULL)
        return NULL;
    entry->count = 0;
    list_init(&entry->shares);
    key_tree_add(&table->entries, &entry->node, ask->key);
    return entry;
}

static struct limit_conn_share *find_share(const struct entry *entry, const struct owner *owner)
{
    struct list_node *node = list_first(&entry->shares);

    while (node != NULL && ((struct limit_conn_share *)node)->owner != owner)
        node = list_next(&entry->shares, node);
    return (struct limit_conn_share *)node;
}

/* A share of the key's entry, which is made when it is new. NULL: there is no room. The share
 * has its memory first: what is swept for it may be the entry. */
static struct limit_conn_share *add_share(struct limit_conn_table *table, struct owner *owner,
                                          const struct limit_conn_ask *ask)
{
    struct limit_conn_share *share = alloc(table, ask, sizeof *share);

    if (share == NULL)
        return NULL;
    struct entry *entry = find(table, ask);
    if (entry == NULL)
        entry = add_entry(table, ask);
    if (entry == NULL) {
        shared_memory_free(table->memory, share);
        return NULL;
    }
    *share = (struct limit_conn_share){ .entry = entry, .owner = owner };
    list_add_first(&entry->shares, &share->of_entry);
    list_add_first(&owner->shares, &share->of_owner);
    return share;
}

enum limit_conn_result limit_conn_take(struct limit_conn_table *table,
                                       const struct limit_conn_ask *ask,
                                       struct limit_conn_share **share)
{
    struct owner *owner = own(table, ask);
    struct entry *entry = find(table, ask);

    if (entry != NULL && entry->count >= ask->most && sweep(table, ask->board))
        entry = find(table, ask);
    if (entry != NULL && entry->count >= ask->most)
        return LIMIT_CONN_BUSY;
    if (owner == NULL)
        return LIMIT_CONN_NO_ROOM;
    *share = entry == NULL ? NULL : find_share(entry, owner);
    if (*share == NULL)
        *share = add_share(table, owner, ask);
    if (*share == NULL)
        return LIMIT_CONN_NO_ROOM;
    (*share)->count++;
    (*share)->entry->count++;
    return LIMIT_CONN_PASSED;
}

void limit_conn_give(struct limit_conn_table *table, struct limit_conn_share *share)
{
    share->count--;
    share->entry->count--;
    if (share->count == 0)
        end_share(table, share);
}
