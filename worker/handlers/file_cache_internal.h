/* file_cache_internal.h: the cache as file_cache.c and file_lookup.c see it. */
#ifndef MUXD_WORKER_HANDLERS_FILE_CACHE_INTERNAL_H
#define MUXD_WORKER_HANDLERS_FILE_CACHE_INTERNAL_H

#include "worker/handlers/file_table.h"

struct file_cache {
    uint64_t seed;                   /* of the hash, so that nobody can foresee collisions */
    struct file_budget budget;       /* of all tables */
    struct file_cache_limits limits; /* of the built-in table */
    struct file_table built_in;      /* for open_file_cache off */
    struct file_table *configured;   /* one an open_file_cache directive in use */
};

/* The table of an open_file_cache directive, made when it is first used; of NULL the
 * built-in one. NULL when memory is out. */
struct file_table *file_cache_table(struct file_cache *, const struct file_cache_limits *);

/* No descriptor is free: gives up some of idle files. False when there are none. */
bool file_cache_shrink(struct file_cache *);

/* Takes a reference that the request's end gives back. False when memory is out. */
bool file_hold_for_request(struct request *, struct open_file *);

#endif
