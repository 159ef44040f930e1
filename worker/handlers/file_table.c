#include "worker/handlers/file_table.h"

#include <stdlib.h>

enum { SLOTS_MIN = 16, SLOTS_MAX = 1 << 16 };

static void expire(struct timer *timer);

bool file_table_init(struct file_table *table)
{
    table->slot_count = SLOTS_MIN;
    while (table->slot_count < table->count_max && table->slot_count < SLOTS_MAX)
        table->slot_count *= 2;
    table->slots = calloc(table->slot_count, sizeof *table->slots);
    table->expiry.fire = expire;
    return table->slots != NULL;
}

void file_table_clear(struct file_table *table)
{
    while (table->oldest != NULL)
        file_table_remove(table, table->oldest);
    timer_disarm(table->timers, &table->expiry);
    free(table->slots);
    table->slots = NULL;
}

static struct file_entry **slot_of(const struct file_table *table, uint64_t hash)
{
    return &table->slots[hash & (table->slot_count - 1)];
}

static bool same_guard(struct path_guard a, struct path_guard b)
{
    return a.mode == b.mode && a.from == b.from;
}

struct file_entry *file_table_find(const struct file_table *table, uint64_t hash, struct slice path,
                                   struct path_guard guard)
{
    struct file_entry *entry = *slot_of(table, hash);

    while (entry != NULL && !(entry->hash == hash && slice_equal(entry->file.path, path) &&
                              same_guard(entry->guard, guard)))
        entry = entry->chain;
    return entry;
}

/* --- the order of use --- */

static void link_newest(struct file_table *table, struct file_entry *entry)
{
    entry->newer = NULL;
    entry->older = table->newest;
    if (table->newest != NULL)
        table->newest->newer = entry;
    else
        table->oldest = entry;
    table->newest = entry;
}

static void unlink_entry(struct file_table *table, struct file_entry *entry)
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

static void arm_expiry(struct file_table *table)
{
    if (table->oldest != NULL)
        timer_arm(table->timers, &table->expiry, table->oldest->used + table->limits->inactive + 1);
}

/* Entries that nobody has used for the `inactive` time are closed, so that a deleted
 * file does not keep its disk space for long. */
static void expire(struct timer *timer)
{
    struct file_table *table =
        (struct file_table *)((char *)timer - offsetof(struct file_table, expiry));
    uint64_t now = table->timers->now;

    while (table->oldest != NULL && now - table->oldest->used > table->limits->inactive)
        file_table_remove(table, table->oldest);
    arm_expiry(table);
}

void file_table_touch(struct file_table *table, struct file_entry *entry, uint64_t now)
{
    entry->used = now;
    if (table->newest == entry)
        return;
    unlink_entry(table, entry);
    link_newest(table, entry);
}

/* --- in and out --- */

static void count_entry(struct file_table *table, const struct file_entry *entry, bool in)
{
    struct file_budget *budget = table->budget;
    size_t content = entry->file.content.len + entry->file.head.len;
    size_t descriptors = entry->file.fd >= 0;

    table->count = in ? table->count + 1 : table->count - 1;
    budget->content = in ? budget->content + content : budget->content - content;
    budget->descriptors =
        in ? budget->descriptors + descriptors : budget->descriptors - descriptors;
}

static bool too_full(const struct file_table *table)
{
    const struct file_budget *budget = table->budget;

    return table->count > table->count_max || budget->content > budget->content_max ||
           budget->descriptors > budget->descriptors_max;
}

void file_table_add(struct file_table *table, struct file_entry *entry, uint64_t now)
{
    struct file_entry **slot = slot_of(table, entry->hash);

    entry->used = now;
    entry->chain = *slot;
    *slot = entry;
    entry->listed = true;
    file_hold(&entry->file);
    link_newest(table, entry);
    count_entry(table, entry, true);
    while (table->oldest != NULL && too_full(table))
        file_table_remove(table, table->oldest);
    if (!timer_armed(&table->expiry))
        arm_expiry(table);
}

void file_table_remove(struct file_table *table, struct file_entry *entry)
{
    struct file_entry **link = slot_of(table, entry->hash);

    while (*link != entry)
        link = &(*link)->chain;
    *link = entry->chain;
    unlink_entry(table, entry);
    count_entry(table, entry, false);
    entry->listed = false;
    file_release(&entry->file);
}

size_t file_table_shrink(struct file_table *table, size_t most)
{
    struct file_entry *entry = table->oldest;
    size_t closed = 0;

    while (entry != NULL && closed < most) {
        struct file_entry *newer = entry->newer;
        if (entry->file.fd >= 0 && entry->file.references == 1) {
            file_table_remove(table, entry);
            closed++;
        }
        entry = newer;
    }
    return closed;
}
