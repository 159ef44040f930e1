/* file_table.h: the entries of one file cache: by path, and by age of their last use.
 *
 * A table is bounded by its number of entries, and all tables of a worker together by
 * bytes of content and open descriptors; the least recently used entry of the table
 * that grows gives way. An entry that is taken out while requests
 * still hold its file lives until the last of them is done. */
#ifndef MUXD_WORKER_HANDLERS_FILE_TABLE_H
#define MUXD_WORKER_HANDLERS_FILE_TABLE_H

#include "worker/event/timer.h"
#include "worker/handlers/file_open.h"

/* What must be equal for a path to still be the same unchanged file. */
struct file_identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct file_entry {
    struct open_file file;            /* first: a file is its entry */
    struct file_entry *chain;         /* of its hash */
    struct file_entry *newer, *older; /* by last use */
    uint64_t hash;
    struct path_guard guard; /* it was opened under */
    struct file_identity identity;
    int error;              /* a failure that is kept; 0: none */
    bool unsettled;         /* it had just been changed when its content was read */
    bool listed;            /* in the table, which then holds a reference */
    uint64_t uses;          /* of the path, while it was in the table */
    uint64_t checked, used; /* monotonic ms: last look at the path, last use */
    uint64_t checked_when;  /* worker->heard at the last look */
};

/* What the tables of a worker hold together, and may hold. */
struct file_budget {
    size_t content, content_max;
    size_t descriptors, descriptors_max;
};

struct file_table {
    struct file_table *next;
    struct timers *timers;
    struct timer expiry; /* when the oldest entry is inactive for too long */
    const struct file_cache_limits *limits;
    struct file_entry **slots;
    size_t slot_count; /* a power of two */
    struct file_entry *newest, *oldest;
    size_t count, count_max;
    struct file_budget *budget;
};

/* Starts an empty table; the caller has set timers, limits, count_max and budget. False
 * when memory is out. */
bool file_table_init(struct file_table *);

/* Takes every entry out and frees the table's own memory. */
void file_table_clear(struct file_table *);

/* The entry of this path under this guard, or NULL. */
struct file_entry *file_table_find(const struct file_table *, uint64_t hash, struct slice path,
                                   struct path_guard);

/* Adds an entry as the newest; others give way. `now`: monotonic ms. */
void file_table_add(struct file_table *, struct file_entry *, uint64_t now);

/* The entry was used: it is the newest. */
void file_table_touch(struct file_table *, struct file_entry *, uint64_t now);

/* Takes an entry out and gives the table's reference back: it may be gone after. */
void file_table_remove(struct file_table *, struct file_entry *);

/* Closes up to `most` descriptors that no request uses, oldest first, by taking their
 * entries out. How many were closed. */
size_t file_table_shrink(struct file_table *, size_t most);

#endif
