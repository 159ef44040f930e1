/* cache.h: a cache: a folder of files, and the zone in which all workers know them.
 *
 * proxy_cache_path declares one. Its folder has the files of its entries below the levels
 * that the digest's last digits name, and, in TEMP_FOLDER, those that are being written. */
#ifndef MUXD_WORKER_CACHE_CACHE_H
#define MUXD_WORKER_CACHE_CACHE_H

#include "conf/values.h"
#include "worker/cache/file.h"
#include "worker/zones.h"

enum {
    CACHE_LEVELS_MAX = 3,
    CACHE_NAME = 2 * CACHE_DIGEST, /* hexadecimal digits of a file's name */
    /* bytes of a path below the folder: '/', levels, name, NUL */
    CACHE_PATH_MAX = 1 + CACHE_LEVELS_MAX * 3 + CACHE_NAME + 1,
};

/* How much is done at a time before others get their turn: manager_*, loader_*, purger_*. */
struct cache_pace {
    uint64_t files;
    uint64_t sleep, threshold; /* ms */
};

struct cache {
    const char *path; /* absolute, without a trailing '/' */
    size_t path_len;
    uint8_t levels[CACHE_LEVELS_MAX]; /* digits of each; 0: no such level */
    struct zone *zone;
    uint64_t inactive;           /* ms */
    uint64_t max_size, min_free; /* bytes; UINT64_MAX, 0: any */
    struct cache_pace manager, loader, purger;
    bool purges; /* purger=on */
};

extern const struct zone_kind cache_zones;
extern const struct value_type as_cache_path;

/* The cache of a zone of the kind. */
static inline const struct cache *cache_of(const struct zone *zone)
{
    return zone->owner;
}

/* The first cache from `zone` on in the list of zones; NULL: there is none. */
const struct cache *cache_next(const struct zone *zone);

/* Bytes of the disk that a file takes: whole blocks. */
static inline uint64_t cache_space(uint64_t size)
{
    enum { BLOCK = 4096 };

    return (size + BLOCK - 1) / BLOCK * BLOCK;
}

/* The cache's directives, likewise (worker/upstream/exchange_settings.h). */
extern const struct directive cache_directives[];

struct cache_figures; /* table.h */

/* The figures of a cache as they are now. False: its table does not fit the zone. */
bool cache_figures(const struct cache *, const struct log *, struct cache_figures *);

/* The folder of files that are being written, with a '/' before it. */
#define CACHE_TEMP_FOLDER "/.temp"

/* Writes the path of an entry's file, with a NUL, to `out`, which has path_len + CACHE_PATH_MAX
 * bytes. Its length. */
size_t cache_file_path(const struct cache *, const unsigned char digest[static CACHE_DIGEST],
                       char *out);

/* Makes the folders on the way to a file of this path, which is changed meanwhile. False with
 * errno. */
bool cache_make_levels(const struct cache *, char *path, size_t len);

/* The digest that a file of this name has; false: the name is none of an entry. */
bool cache_name_digest(const char *name, unsigned char digest[static CACHE_DIGEST]);

#endif
