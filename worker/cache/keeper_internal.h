/* keeper_internal.h: what the sources of keeper.h share. Nobody else includes it. */
#ifndef MUXD_WORKER_CACHE_KEEPER_INTERNAL_H
#define MUXD_WORKER_CACHE_KEEPER_INTERNAL_H

#include "worker/cache/cache.h"
#include "worker/cache/keeper.h"
#include "worker/cache/table.h"

#include <pthread.h>
#include <stdatomic.h>

struct cache_keeper {
    const struct conf *conf;
    const struct log *log;
    pthread_t thread;
    atomic_bool stops;
    int woken; /* an eventfd(2) that can be read once it is to stop */
};

/* Work that is done a part at a time. */
struct cache_turn {
    struct cache_keeper *keeper;
    const struct cache *cache;
    const struct cache_pace *pace;
    uint64_t began, files; /* of the part under way */
};

struct cache_turn cache_turn_begin(struct cache_keeper *, const struct cache *,
                                   const struct cache_pace *);

/* One file is done: pauses when a part of the work is. False: the keeper is to end, or is no
 * longer the cache's. */
bool cache_turn_next(struct cache_turn *);

/* --- walk.c --- */

/* A file of the cache: false ends the walk. `path` is absolute, `size` in bytes. */
typedef bool cache_visit(struct cache_turn *, const char *path,
                         const unsigned char digest[static CACHE_DIGEST], uint64_t size);

/* Visits each file whose name and place are those of an entry. False: it was ended. */
bool cache_walk(struct cache_turn *, cache_visit *);

/* Removes temporary files of processes that have ended. */
void cache_sweep(struct cache_keeper *, const struct cache *);

/* --- manage.c --- */

/* Finds the files that a table does not know. */
void cache_load(struct cache_keeper *, const struct cache *);

/* Removes what is too much or too old. */
void cache_trim(struct cache_keeper *, const struct cache *);

/* Removes what was purged. */
void cache_purge_files(struct cache_keeper *, const struct cache *);

#endif
