/* Requests that remove what is kept. */
#include "worker/cache/use_internal.h"

#include "worker/context.h"
#include "worker/handlers/file_cache.h"

#include <errno.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

enum { PURGED = 204, NOTHING_TO_PURGE = 404 };

static int purged(struct request *request)
{
    request->response.status = PURGED;
    return DONE;
}

/* Whatever was written up to now counts as gone; its files are removed later. */
static int purge_many(struct cache_use *use, struct slice key, bool prefix)
{
    struct request *request = use->exchange->request;
    struct cache_table *table = cache_lock(use);
    struct timespec now;

    if (table == NULL)
        return 500;
    clock_gettime(CLOCK_REALTIME, &now);
    bool noted =
        cache_table_purge(table, key, prefix, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec,
                          request->worker->clock.now);
    cache_unlock(use);
    if (noted)
        return purged(request);
    request_log(request, LOG_LEVEL_ERROR, 0, "too many purges of cache \"%.*s\"",
                (int)use->cache->zone->name.len, use->cache->zone->name.at);
    return 503;
}

static void forget(struct cache_use *use)
{
    struct cache_table *table = cache_lock(use);

    if (table == NULL)
        return;
    cache_table_gone(table, use->main);
    cache_table_failed(table, use->main, 0, 0);
    cache_unlock(use);
}

static int purge_one(struct cache_use *use)
{
    struct request *request = use->exchange->request;
    char path[PATH_MAX];

    cache_file_path(use->cache, use->main, path);
    if (unlink(path) == 0) {
        forget(use);
        return purged(request);
    }
    if (errno == ENOENT || errno == ENOTDIR)
        return NOTHING_TO_PURGE;
    request_log(request, LOG_LEVEL_CRIT, errno, "unlink() \"%s\" failed", path);
    return 500;
}

int cache_purge(struct cache_use *use)
{
    if (slice_ends(use->key, SLICE("*")))
        return purge_many(use, slice_first(use->key, use->key.len - 1), true);
    cache_open_entry(use);
    bool varies = use->file != NULL && use->entry.vary.len > 0;
    int outcome = purge_one(use);
    /* Its variants have names that nobody can tell from the key. */
    return outcome == DONE && varies ? purge_many(use, use->key, false) : outcome;
}
