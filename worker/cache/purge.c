/* Requests that remove what is kept. */
#include "worker/cache/use_internal.h"

#include "worker/context.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

enum { PURGED = 204, NOTHING_TO_PURGE = 404 };

static void forget(struct cache_use *use)
{
    struct cache_table *table = cache_lock(use);

    if (table == NULL)
        return;
    cache_table_gone(table, use->digest);
    cache_table_failed(table, use->digest, 0, 0);
    cache_unlock(use);
}

int cache_purge(struct cache_use *use)
{
    struct request *request = use->exchange->request;
    char path[PATH_MAX];

    cache_file_path(use->cache, use->main, path);
    if (unlink(path) == 0) {
        forget(use);
        request->response.status = PURGED;
        return DONE;
    }
    if (errno == ENOENT || errno == ENOTDIR)
        return NOTHING_TO_PURGE;
    request_log(request, LOG_LEVEL_CRIT, errno, "unlink() \"%s\" failed", path);
    return 500;
}
