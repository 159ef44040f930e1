/* What the upstream answers, on its way into a file of the cache. */
#include "worker/cache/use_internal.h"

#include "common/anchor.h"
#include "common/read_write.h"
#include "worker/context.h"
#include "worker/handlers/file_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMP_NAME_MAX = sizeof CACHE_TEMP_FOLDER + 48 };

static void failed(const struct cache_use *use, const char *call, const char *path)
{
    request_log(use->exchange->request, LOG_LEVEL_CRIT, errno, "%s \"%s\" failed", call, path);
}

static void remove_temp(struct cache_use *use)
{
    if (use->writing == CACHE_WRITING && unlink(use->temp_path) < 0)
        failed(use, "unlink()", use->temp_path);
    use->writing = CACHE_NOT_WRITING;
}

static void close_file(struct cache_use *use)
{
    if (use->stored.fd >= 0)
        close(use->stored.fd);
    use->stored.fd = -1;
}

void cache_drop_file(struct cache_use *use)
{
    remove_temp(use);
    close_file(use);
}

/* What the client has to get from the file can still be read. */
static void give_up(struct cache_use *use)
{
    remove_temp(use);
    if (use->behind == 0)
        close_file(use);
    cache_release(use);
}

/* --- beginning --- */

/* A name that says whose it is: those of processes that have ended are removed by the
 * keeper. */
static bool open_temp(struct cache_use *use)
{
    struct worker *worker = use->exchange->request->worker;
    size_t room = use->cache->path_len + TEMP_NAME_MAX;

    use->temp_path = arena_text(&use->exchange->request->arena, room);
    if (use->temp_path == NULL)
        return false;
    snprintf(use->temp_path, room, "%s" CACHE_TEMP_FOLDER "/%ld.%llu", use->cache->path,
             (long)getpid(), (unsigned long long)++worker->cache_files);
    use->stored.fd = anchored_open(use->temp_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return use->stored.fd >= 0;
}

static struct slice received_head(const struct exchange *x)
{
    size_t size = x->head.size;

    return slice_make(x->input->data + x->input->start - size, size);
}

/* A variant takes the place of the file that was found when it is the same one; else that of
 * its own. */
static void choose_place(struct cache_use *use)
{
    bool is_main = memcmp(use->digest, use->main, CACHE_DIGEST) == 0;

    if (use->fresh.vary.len > 0)
        cache_variant(use, use->fresh.vary, use->fresh.variant);
    if (is_main || memcmp(use->digest, use->fresh.variant, CACHE_DIGEST) == 0)
        return;
    /* The answer is no longer told apart by what it was looked up with. */
    cache_release(use);
    memcpy(use->digest, use->main, CACHE_DIGEST);
}

/* No other file's: not even that of one of this name before it. */
static uint64_t make_seed(void)
{
    uint64_t seed;
    struct timespec now;

    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed)
        return seed;
    clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec) + ((uint64_t)getpid() << 40);
}

void cache_store(struct cache_use *use, const struct freshness *freshness)
{
    struct exchange *x = use->exchange;
    struct slice head = arena_copy(&x->request->arena, received_head(x));

    use->fresh = (struct cache_entry){ .record = { .date = x->request->worker->clock.wall,
                                                   .valid_until = freshness->valid_until,
                                                   .stale_updating = freshness->stale_updating,
                                                   .stale_error = freshness->stale_error },
                                       .key = use->key,
                                       .vary = freshness->vary,
                                       .head = head,
                                       .seed = make_seed() };
    use->stored = (struct cache_body){
        .fd = -1, .from = cache_file_head_len(&use->fresh), .seed = use->fresh.seed, .open = true
    };
    if (head.at == NULL || head.len > CACHE_HEAD_MAX)
        return;
    choose_place(use);
    if (open_temp(use))
        use->writing = CACHE_WRITING;
    else
        failed(use, "open()", use->temp_path != NULL ? use->temp_path : "");
}

/* --- the body --- */

void cache_write(struct exchange *x, struct slice piece)
{
    struct cache_use *use = x->cache;

    if (use->writing != CACHE_WRITING || cache_body_add(&use->stored, piece))
        return;
    failed(use, "write()", use->temp_path);
    give_up(use);
}

bool cache_is_writing(const struct exchange *x)
{
    return x->cache != NULL && x->cache->writing == CACHE_WRITING;
}

void cache_give_up(struct exchange *x)
{
    if (cache_is_writing(x))
        give_up(x->cache);
}

/* --- the end --- */

/* The file's time of modification becomes the stamp; what finer parts of it the file system
 * drops do not matter. */
static bool stamp(int fd, const struct timespec *time)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, *time };

    return futimens(fd, times) == 0;
}

static bool write_head(struct cache_use *use)
{
    size_t len = cache_file_head_len(&use->fresh);
    char *head = arena_text(&use->exchange->request->arena, len);

    if (head == NULL) {
        errno = ENOMEM;
        return false;
    }
    use->fresh.body_size = use->stored.size;
    clock_gettime(CLOCK_REALTIME, &use->fresh.record.stamp);
    cache_file_write(&use->fresh, head);
    return write_exactly(use->stored.fd, slice_make(head, len), 0) &&
           stamp(use->stored.fd, &use->fresh.record.stamp);
}

/* The folders of levels are made when they are first needed. */
static bool move_in(const struct cache_use *use, char *path, size_t len)
{
    if (rename(use->temp_path, path) == 0)
        return true;
    return errno == ENOENT && cache_make_levels(use->cache, path, len) &&
           rename(use->temp_path, path) == 0;
}

static void note_stored(struct cache_use *use)
{
    struct cache_table *table = cache_lock(use);

    if (table == NULL)
        return;
    cache_table_stored(table, use->digest, cache_space(cache_file_size(&use->fresh)),
                       use->exchange->request->worker->clock.now);
    cache_unlock(use);
}

void cache_finish(struct exchange *x)
{
    struct cache_use *use = x->cache;
    char path[PATH_MAX];

    if (!cache_is_writing(x))
        return;
    size_t len = cache_file_path(use->cache, use->digest, path);
    if (!cache_body_end(&use->stored) || !write_head(use)) {
        failed(use, "write()", use->temp_path);
        give_up(use);
        return;
    }
    if (!move_in(use, path, len)) {
        failed(use, "rename()", path);
        give_up(use);
        return;
    }
    use->writing = CACHE_WRITTEN;
    note_stored(use);
    cache_release(use);
}

/* --- an entry that was found to be good --- */

void cache_renew(struct cache_use *use, const struct freshness *freshness)
{
    struct cache_record record = {
        .date = use->exchange->request->worker->clock.wall,
        .valid_until = freshness->valid_until,
        .stale_updating = freshness->stale_updating,
        .stale_error = freshness->stale_error,
    };
    char bytes[CACHE_RECORD], path[PATH_MAX];
    struct stat found;

    cache_file_path(use->cache, use->digest, path);
    int fd = anchored_open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0) {
        if (errno != ENOENT)
            failed(use, "open()", path);
        return;
    }
    /* Only the file that was found: another one has a record of its own. */
    clock_gettime(CLOCK_REALTIME, &record.stamp);
    cache_file_write_record(&record, bytes);
    if (fstat(fd, &found) < 0)
        failed(use, "fstat()", path);
    else if ((uint64_t)found.st_ino == use->file->inode &&
             (!write_exactly(fd, slice_make(bytes, sizeof bytes), 0) || !stamp(fd, &record.stamp)))
        failed(use, "write()", path);
    close(fd);
}

/* --- a client that is slower than the file --- */

bool cache_leave_behind(struct exchange *x, size_t len)
{
    if (x->cache->writing == CACHE_NOT_WRITING)
        return false;
    x->cache->behind += len;
    return true;
}

uint64_t cache_behind(const struct exchange *x)
{
    return x->cache == NULL ? 0 : x->cache->behind;
}

bool cache_read_behind(struct exchange *x, char *room, size_t len, size_t *got)
{
    struct cache_use *use = x->cache;
    uint64_t at = use->stored.size - use->behind;

    *got = 0;
    if (len > use->behind)
        len = (size_t)use->behind;
    if (len == 0)
        return true;
    struct slice bytes = slice_first(cache_read_block(x->request->worker, &use->stored, at), len);
    if (bytes.len == 0) {
        cache_give_up(x);
        errno = EIO;
        return false;
    }
    memcpy(room, bytes.at, bytes.len);
    use->behind -= bytes.len;
    *got = bytes.len;
    return true;
}

char *cache_scratch(struct exchange *x, size_t *len)
{
    struct cache_use *use = x->cache;

    if (use->scratch == NULL)
        use->scratch = buffer_take(&x->request->worker->buffers);
    if (use->scratch == NULL)
        return NULL;
    *len = use->scratch->size;
    return use->scratch->data;
}
