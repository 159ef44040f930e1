/* log_file_cache.h: open_log_file_cache: log files whose paths have variables.
 *
 * Such a path is known only when a line is written. The cache keeps the files
 * that were written to last open; after `valid` a file that was renamed or
 * removed is noticed and opened anew. Each worker fills its own. */
#ifndef MUXD_WORKER_HTTP_LOG_FILE_CACHE_H
#define MUXD_WORKER_HTTP_LOG_FILE_CACHE_H

#include "common/slice.h"

#include <sys/types.h>

struct cached_log;

struct log_file_cache {
    struct log_file_cache *next; /* of the configuration */
    uint64_t max;                /* files */
    uint64_t inactive;           /* ms without a line until a file is closed */
    uint64_t valid;              /* ms until the path is looked at again */
    uint64_t min_uses;           /* lines within `inactive` that make a file worth keeping open */

    /* a worker's own */
    struct cached_log **buckets; /* `bucket_count` lists, a power of two; NULL until first used */
    size_t bucket_count, count;
    struct cached_log *newest, *oldest; /* by last use */
};

/* Appends text to the file at `path` (NUL-terminated behind its length), by one write(2). `cache`
 * may be NULL: the file is opened and closed. `now` is in monotonic ms. 0, or an errno with
 * *failed set to the call that failed: "open" or "write". */
int log_file_append(struct log_file_cache *, struct slice path, struct slice text, uint64_t now,
                    const char **failed);

/* Closes every file: they are opened anew when next written to (USR1). */
void log_file_cache_drop(struct log_file_cache *);

#endif
