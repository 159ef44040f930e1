#include "worker/http/log_file_cache.h"

#include "common/anchor.h"
#include "worker/http/name_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUCKETS_MAX = 1024 };

struct cached_log {
    struct cached_log *next_in_bucket;
    struct cached_log *newer, *older;
    uint64_t hash;
    int fd; /* -1: used too seldom yet to be kept open */
    dev_t device;
    ino_t inode;
    uint64_t looked_at; /* ms: when path and descriptor were known to be the same file */
    uint64_t used;      /* ms */
    uint64_t uses;
    size_t path_len;
    char path[];
};

/* A FIFO without a reader must not hold the worker up: O_NONBLOCK. */
static int open_log(const char *path)
{
    int fd;

    do
        fd = anchored_open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static int write_text(int fd, struct slice text)
{
    ssize_t written;

    do
        written = write(fd, text.at, text.len);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        return errno;
    return (size_t)written < text.len ? ENOSPC : 0;
}

/* --- the list by last use --- */

static void list_remove(struct log_file_cache *cache, struct cached_log *log)
{
    if (log->newer != NULL)
        log->newer->older = log->older;
    else
        cache->newest = log->older;
    if (log->older != NULL)
        log->older->newer = log->newer;
    else
        cache->oldest = log->newer;
}

static void list_insert(struct log_file_cache *cache, struct cached_log *log)
{
    log->newer = NULL;
    log->older = cache->newest;
    if (cache->newest != NULL)
        cache->newest->newer = log;
    else
        cache->oldest = log;
    cache->newest = log;
}

/* --- the table --- */

static struct cached_log **bucket_of(struct log_file_cache *cache, uint64_t hash)
{
    return &cache->buckets[(hash ^ hash >> 32) & (cache->bucket_count - 1)];
}

static bool make_buckets(struct log_file_cache *cache)
{
    size_t count = 16;

    while (count < cache->max && count < BUCKETS_MAX)
        count *= 2;
    cache->buckets = calloc(count, sizeof(struct cached_log *));
    cache->bucket_count = count;
    return cache->buckets != NULL;
}

static void forget(struct log_file_cache *cache, struct cached_log *log)
{
    struct cached_log **link = bucket_of(cache, log->hash);

    while (*link != log)
        link = &(*link)->next_in_bucket;
    *link = log->next_in_bucket;
    list_remove(cache, log);
    if (log->fd >= 0)
        close(log->fd);
    free(log);
    cache->count--;
}

void log_file_cache_drop(struct log_file_cache *cache)
{
    while (cache->oldest != NULL)
        forget(cache, cache->oldest);
}

static void forget_inactive(struct log_file_cache *cache, uint64_t now)
{
    while (cache->oldest != NULL && now - cache->oldest->used > cache->inactive)
        forget(cache, cache->oldest);
}

static struct cached_log *find(struct log_file_cache *cache, uint64_t hash, struct slice path)
{
    struct cached_log *log = *bucket_of(cache, hash);

    while (log != NULL &&
           (log->hash != hash || !slice_equal(slice_make(log->path, log->path_len), path)))
        log = log->next_in_bucket;
    return log;
}

static struct cached_log *remember(struct log_file_cache *cache, uint64_t hash, struct slice path)
{
    struct cached_log *log = malloc(sizeof *log + path.len + 1);
    struct cached_log **bucket = bucket_of(cache, hash);

    if (log == NULL)
        return NULL;
    if (cache->count >= cache->max)
        forget(cache, cache->oldest);
    *log = (struct cached_log){ .next_in_bucket = *bucket, .hash = hash, .fd = -1 };
    log->path_len = path.len;
    memcpy(log->path, path.at, path.len);
    log->path[path.len] = '\0';
    *bucket = log;
    list_insert(cache, log);
    cache->count++;
    return log;
}

/* --- files --- */

/* The descriptor still is what its path names. */
static bool is_valid(const struct log_file_cache *cache, struct cached_log *log, uint64_t now)
{
    struct stat named;

    if (now - log->looked_at < cache->valid)
        return true;
    if (stat(log->path, &named) < 0 || named.st_dev != log->device || named.st_ino != log->inode)
        return false;
    log->looked_at = now;
    return true;
}

/* An open descriptor in log->fd. 0 or an errno. */
static int log_open(const struct log_file_cache *cache, struct cached_log *log, uint64_t now)
{
    struct stat opened;

    if (log->fd >= 0) {
        if (is_valid(cache, log, now))
            return 0;
        close(log->fd);
        log->fd = -1;
    }
    log->fd = open_log(log->path);
    if (log->fd < 0)
        return errno;
    if (fstat(log->fd, &opened) < 0)
        opened = (struct stat){ 0 }; /* looked at again after `valid` */
    log->device = opened.st_dev;
    log->inode = opened.st_ino;
    log->looked_at = now;
    return 0;
}

static int append_once(struct slice path, struct slice text, const char **failed)
{
    int fd = open_log(path.at);

    *failed = "open";
    if (fd < 0)
        return errno;
    *failed = "write";
    int status = write_text(fd, text);
    close(fd);
    return status;
}

static struct cached_log *take(struct log_file_cache *cache, struct slice path, uint64_t now)
{
    uint64_t hash = name_hash(path);

    if (cache->buckets == NULL && !make_buckets(cache))
        return NULL;
    forget_inactive(cache, now);
    struct cached_log *log = find(cache, hash, path);
    if (log == NULL)
        log = remember(cache, hash, path);
    if (log == NULL)
        return NULL;
    list_remove(cache, log);
    list_insert(cache, log);
    log->used = now;
    log->uses++;
    return log;
}

int log_file_append(struct log_file_cache *cache, struct slice path, struct slice text,
                    uint64_t now, const char **failed)
{
    struct cached_log *log = cache == NULL ? NULL : take(cache, path, now);

    if (log == NULL || log->uses < cache->min_uses)
        return append_once(path, text, failed);
    *failed = "open";
    int status = log_open(cache, log, now);
    if (status != 0)
        return status;
    *failed = "write";
    return write_text(log->fd, text);
}
