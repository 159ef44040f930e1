/* What a cache's keeper does: it finds, and it removes. */
#include "common/anchor.h"
#include "worker/cache/keeper_internal.h"

#include "common/clock.h"
#include "common/read_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void remove_file(const struct cache_keeper *keeper, const char *path)
{
    if (unlink(path) < 0 && errno != ENOENT)
        log_write(keeper->log, LOG_LEVEL_CRIT, errno, 0, "unlink() \"%s\" failed", path);
}

/* --- finding --- */

/* A file that the zone has no room for would never be removed by anybody. */
static bool find_file(struct cache_turn *turn, const char *path,
                      const unsigned char digest[static CACHE_DIGEST], uint64_t size)
{
    struct cache_table *table = zone_lock(turn->cache->zone, turn->keeper->log);

    if (table == NULL)
        return false;
    bool known = cache_table_found(table, digest, cache_space(size), clock_monotonic());
    zone_unlock(turn->cache->zone);
    if (!known)
        remove_file(turn->keeper, path);
    return cache_turn_next(turn);
}

static bool is_cold(struct cache_keeper *keeper, const struct cache *cache)
{
    const struct cache_table *table = zone_lock(cache->zone, keeper->log);

    if (table == NULL)
        return false;
    bool cold = cache_table_is_cold(table);
    zone_unlock(cache->zone);
    return cold;
}

void cache_load(struct cache_keeper *keeper, const struct cache *cache)
{
    struct cache_turn turn = cache_turn_begin(keeper, cache, &cache->loader);
    struct cache_table *table;

    if (!is_cold(keeper, cache) || !cache_walk(&turn, find_file) ||
        (table = zone_lock(cache->zone, keeper->log)) == NULL)
        return;
    cache_table_is_loaded(table);
    struct cache_figures figures = cache_table_figures(table);
    zone_unlock(cache->zone);
    log_write(keeper->log, LOG_LEVEL_NOTICE, 0, 0,
              "cache \"%s\" is loaded: %llu entries, %llu bytes", cache->path,
              (unsigned long long)figures.entries, (unsigned long long)figures.size);
}

/* --- removing --- */

static bool is_disk_full(const struct cache *cache)
{
    struct statvfs found;

    return cache->min_free > 0 && statvfs(cache->path, &found) == 0 &&
           (uint64_t)found.f_bavail * found.f_frsize < cache->min_free;
}

/* Takes an entry out that has to go. */
static bool choose(struct cache_keeper *keeper, const struct cache *cache, bool full,
                   struct cache_evicted *evicted)
{
    uint64_t now = clock_monotonic(),
             used_before = now > cache->inactive ? now - cache->inactive : 0;
    struct cache_table *table = zone_lock(cache->zone, keeper->log);

    if (table == NULL)
        return false;
    full |= cache_table_figures(table).size > cache->max_size;
    bool chosen = cache_table_evict(table, full ? UINT64_MAX : used_before, evicted);
    zone_unlock(cache->zone);
    return chosen;
}

void cache_trim(struct cache_keeper *keeper, const struct cache *cache)
{
    struct cache_turn turn = cache_turn_begin(keeper, cache, &cache->manager);
    struct cache_evicted evicted;
    char path[PATH_MAX];

    while (choose(keeper, cache, is_disk_full(cache), &evicted)) {
        cache_file_path(cache, evicted.digest, path);
        if (evicted.exists)
            remove_file(keeper, path);
        if (!cache_turn_next(&turn))
            return;
    }
}

/* --- purging --- */

enum { HEAD_USUAL = 8192 }; /* bytes that are read at first */

/* Reads the head of a file; its texts are parts of what is returned, which is to be freed. NULL:
 * it has none that is good, or memory is out. */
static char *read_entry(int fd, struct cache_entry *entry)
{
    enum cache_file_result result = CACHE_FILE_MORE;
    size_t needed = HEAD_USUAL;
    char *head = NULL;

    for (unsigned try = 0; try < 2 && result == CACHE_FILE_MORE; try++) {
        char *larger = realloc(head, needed);
        if (larger == NULL)
            break;
        head = larger;
        ssize_t len = read_up_to(fd, head, needed, 0);
        result = len < 0 ? CACHE_FILE_BAD
                         : cache_file_read(slice_make(head, (size_t)len), entry, &needed);
    }
    if (result == CACHE_FILE_OK)
        return head;
    free(head);
    return NULL;
}

/* The file was purged; it is gone in the table, too. */
static bool is_purged(struct cache_turn *turn, const char *path,
                      const unsigned char digest[static CACHE_DIGEST])
{
    int fd = anchored_open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    struct cache_entry entry;
    char *head = fd < 0 ? NULL : read_entry(fd, &entry);
    struct cache_table *table =
        head == NULL ? NULL : zone_lock(turn->cache->zone, turn->keeper->log);
    bool purged = false;

    if (table != NULL) {
        purged = cache_table_is_purged(table, entry.key, cache_file_written(&entry));
        if (purged)
            cache_table_gone(table, digest);
        zone_unlock(turn->cache->zone);
    }
    free(head);
    if (fd >= 0)
        close(fd);
    return purged;
}

static bool purge_file(struct cache_turn *turn, const char *path,
                       const unsigned char digest[static CACHE_DIGEST], uint64_t size)
{
    (void)size;
    if (is_purged(turn, path, digest))
        remove_file(turn->keeper, path);
    return cache_turn_next(turn);
}

static unsigned count_purges(struct cache_keeper *keeper, const struct cache *cache)
{
    const struct cache_table *table = zone_lock(cache->zone, keeper->log);

    if (table == NULL)
        return 0;
    unsigned count = cache_table_purges(table);
    zone_unlock(cache->zone);
    return count;
}

/* Without a purger, what nobody asks for is removed as inactive; what somebody asks for is found
 * to be purged then. */
void cache_purge_files(struct cache_keeper *keeper, const struct cache *cache)
{
    uint64_t now = clock_monotonic(), before = now > cache->inactive ? now - cache->inactive : 0;

    if (count_purges(keeper, cache) == 0)
        return;
    if (cache->purges) {
        struct cache_turn turn = cache_turn_begin(keeper, cache, &cache->purger);
        if (!cache_walk(&turn, purge_file))
            return;
        before = now;
    }
    struct cache_table *table = zone_lock(cache->zone, keeper->log);
    if (table == NULL)
        return;
    cache_table_end_purges(table, before);
    zone_unlock(cache->zone);
}
