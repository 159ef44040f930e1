/* The file of an entry: opened, read, and looked at before it is believed. */
#include "worker/cache/use_internal.h"

#include "common/crc32.h"
#include "common/read_write.h"
#include "worker/context.h"
#include "worker/handlers/file_cache.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

enum {
    HEAD_USUAL = 2048,              /* bytes that are read at first */
    BODY_CHECKED = 4 * 1024 * 1024, /* bytes of a body that a worker can wait for */
};

/* --- the head --- */

/* The first `len` bytes of a file that is not in memory, or all there are. */
static struct slice read_beginning(struct cache_use *use, size_t len)
{
    struct buffer_pool *pool = &use->exchange->request->worker->buffers;
    struct slice nothing = { NULL, 0 };

    buffer_give(pool, use->bytes);
    use->bytes = len > pool->size ? buffer_take_sized(pool, len) : buffer_take(pool);
    if (use->bytes == NULL)
        return nothing;
    ssize_t got = read_up_to(use->file->fd, use->bytes->data, len, 0);
    return got < 0 ? nothing : slice_make(use->bytes->data, (size_t)got);
}

static enum cache_file_result read_head(struct cache_use *use, struct slice bytes, size_t *needed)
{
    return bytes.at == NULL ? CACHE_FILE_BAD : cache_file_read(bytes, &use->entry, needed);
}

static bool read_entry(struct cache_use *use)
{
    struct open_file *file = use->file;
    bool in_memory = file->content.at != NULL || file->head.at != NULL;
    struct slice bytes = file->content.at != NULL ? file->content : file->head;
    size_t needed = HEAD_USUAL;

    if (!in_memory)
        bytes = read_beginning(use, needed);
    enum cache_file_result result = read_head(use, bytes, &needed);
    if (result == CACHE_FILE_MORE && !in_memory && needed > bytes.len) {
        bytes = read_beginning(use, needed);
        result = read_head(use, bytes, &needed);
    }
    if (result == CACHE_FILE_OK && !in_memory)
        file_keep_head(use->exchange->request, file, slice_first(bytes, needed));
    return result == CACHE_FILE_OK;
}

/* --- the body --- */

/* The checksum of a body that is not in memory. False: it cannot be read. */
static bool add_body(const struct cache_use *use, uint32_t *crc)
{
    uint64_t at = cache_file_body_at(&use->entry);
    struct buffer_pool *pool = &use->exchange->request->worker->buffers;
    struct buffer *buffer = buffer_take(pool);
    ssize_t got = -1;

    while (buffer != NULL && at < use->file->size) {
        got = pread(use->file->fd, buffer->data, buffer->size, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        *crc = crc32_add(*crc, buffer->data, (size_t)got);
        at += (uint64_t)got;
    }
    buffer_give(pool, buffer);
    return at >= use->file->size;
}

static bool has_checksum(const struct cache_use *use)
{
    struct slice content = use->file->content;
    uint32_t crc = 0;

    if (content.at != NULL) {
        struct slice body = slice_from(content, (size_t)cache_file_body_at(&use->entry));
        crc = crc32_add(0, body.at, body.len);
    } else if (!add_body(use, &crc)) {
        return false;
    }
    return crc == use->entry.body_crc;
}

/* Which file it is, and as of when: no change of it leaves both as they are. Never 0. */
static uint64_t seal_of(const struct open_file *file)
{
    uint64_t time = (uint64_t)file->changed.tv_sec * 1000000000 + (uint64_t)file->changed.tv_nsec;

    return (time * UINT64_C(0x9e3779b97f4a7c15) ^ file->inode) | 1;
}

static void note_seal(const struct cache_use *use, uint64_t seal)
{
    struct cache_table *table = cache_lock(use);

    if (table == NULL)
        return;
    cache_table_seal(table, use->digest, seal);
    cache_unlock(use);
}

/* The body is looked at once after each change of the file: all workers know then. */
static bool body_is_sound(struct cache_use *use, uint64_t known_seal)
{
    struct open_file *file = use->file;
    uint64_t seal = seal_of(file);

    if (file->verified)
        return true;
    bool sealed = known_seal == seal || use->entry.body_size > BODY_CHECKED;
    if (!sealed && !has_checksum(use))
        return false;
    if (!file_is_settled(use->exchange->request, file))
        return true;
    file->verified = true;
    if (!sealed)
        note_seal(use, seal);
    return true;
}

/* --- all together --- */

static bool is_whole(const struct open_file *file)
{
    struct timespec modified = { file->modified, file->modified_nanoseconds };

    return cache_file_is_whole(file->fd, file->size, modified);
}

static bool is_sound(struct cache_use *use, uint64_t known_seal)
{
    struct open_file *file = use->file;
    struct timespec modified = { file->modified, file->modified_nanoseconds };

    file->is_whole = is_whole;
    return file->kind == FILE_REGULAR && read_entry(use) &&
           cache_file_is_untouched(&use->entry, file->size, modified) &&
           body_is_sound(use, known_seal);
}

static void log_unopened(const struct cache_use *use, const char *path, int error)
{
    if (error != ENOENT && error != ENOTDIR)
        request_log(use->exchange->request, LOG_LEVEL_CRIT, error, "open() \"%s\" failed", path);
}

/* What was opened is not what was looked for. */
static void log_useless(const struct cache_use *use, const char *path, bool sound)
{
    struct request *request = use->exchange->request;

    if (sound)
        request_log(request, LOG_LEVEL_CRIT, 0, "cache file \"%s\" has md5 collision", path);
    else
        request_log(request, LOG_LEVEL_WARN, 0, "cache file \"%s\" is damaged: it is fetched again",
                    path);
}

/* One whose record is just being written anew, by a revalidation, is good at a second look. */
void cache_open_entry(struct cache_use *use, uint64_t known_seal)
{
    char text[PATH_MAX];
    struct slice path = slice_make(text, cache_file_path(use->cache, use->digest, text));
    bool sound = false;

    for (unsigned look = 0; look < 2 && !sound; look++) {
        int error = file_open_own(use->exchange->request, path, &use->file);
        if (error != 0) {
            use->file = NULL;
            log_unopened(use, text, error);
            return;
        }
        sound = is_sound(use, known_seal);
    }
    if (sound && slice_equal(use->entry.key, use->key))
        return;
    use->file = NULL;
    log_useless(use, text, sound);
}
