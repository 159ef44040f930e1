/* The file of an entry: opened, read, and looked at before it is believed. */
#include "worker/cache/use_internal.h"

#include "common/read_write.h"
#include "worker/context.h"
#include "worker/handlers/file_cache.h"
#include "worker/http/range.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { HEAD_USUAL = 2048 }; /* bytes that are read at first */

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

struct slice cache_read_block(struct worker *worker, const struct cache_body *body, uint64_t at)
{
    if (worker->cache_block == NULL)
        worker->cache_block = calloc(1, sizeof *worker->cache_block);
    if (worker->cache_block == NULL)
        return SLICE("");
    return cache_body_read(body, at, worker->cache_block);
}

/* Where in the body the range begins that is asked for; 0: none is. */
static uint64_t first_wanted(const struct cache_use *use)
{
    struct request *request = use->exchange->request;
    const struct field *range = head_known(&request->head, FIELD_RANGE);
    struct byte_range *ranges;
    size_t count;

    if (range == NULL || range_parse(&request->arena, range->value, use->found.size, UINT_MAX,
                                     &ranges, &count) != RANGE_SATISFIABLE)
        return 0;
    return ranges[0].first;
}

static bool has_block(const struct cache_use *use, uint64_t at)
{
    return cache_read_block(use->exchange->request->worker, &use->found, at).len > 0;
}

/* Whether a range that is asked for will be what is sent is not known yet. */
bool cache_begins_well(struct cache_use *use)
{
    struct open_file *file = use->file;

    if (use->found.size == 0 || use->exchange->request->head_only || use->purges)
        return true;
    if (file->content.at == NULL)
        return has_block(use, 0) && has_block(use, first_wanted(use));
    if (!file->verified)
        file->verified = cache_body_is_sound(&use->found, file->content.at + use->found.from);
    return file->verified;
}

static void find_body(struct cache_use *use)
{
    cache_block_forget(use->exchange->request->worker->cache_block, &use->found);
    use->found = (struct cache_body){ .fd = use->file->fd,
                                      .from = cache_file_head_len(&use->entry),
                                      .seed = use->entry.seed,
                                      .size = use->entry.body_size };
}

/* --- all together --- */

static bool is_sound(struct cache_use *use)
{
    const struct open_file *file = use->file;
    struct timespec modified = { file->modified, file->modified_nanoseconds };

    if (file->kind != FILE_REGULAR || !read_entry(use) ||
        !cache_file_is_untouched(&use->entry, file->size, modified))
        return false;
    find_body(use);
    return cache_begins_well(use);
}

static void log_unopened(const struct cache_use *use, const char *path, int error)
{
    if (error != ENOENT && error != ENOTDIR)
        request_log(use->exchange->request, LOG_LEVEL_CRIT, error, "open() \"%s\" failed", path);
}

/* Another file may have taken its place meanwhile: that one stays. */
static bool is_at(const char *path, const struct open_file *file)
{
    struct stat found;

    return lstat(path, &found) == 0 && S_ISREG(found.st_mode) &&
           (uint64_t)found.st_ino == file->inode;
}

void cache_discard(struct cache_use *use)
{
    struct request *request = use->exchange->request;
    const char *path = use->file->path.at;

    request_log(request, LOG_LEVEL_WARN, 0, "cache file \"%s\" is damaged: it is fetched again",
                path);
    if (!is_at(path, use->file))
        return;
    if (unlink(path) < 0 && errno != ENOENT)
        request_log(request, LOG_LEVEL_CRIT, errno, "unlink() \"%s\" failed", path);
    cache_note_gone(use);
}

/* One whose record is just being written anew, by a revalidation, is good at a second look. */
void cache_open_entry(struct cache_use *use)
{
    struct request *request = use->exchange->request;
    char text[PATH_MAX];
    struct slice path = slice_make(text, cache_file_path(use->cache, use->digest, text));
    bool sound = false;

    for (unsigned look = 0; look < 2 && !sound; look++) {
        int error = file_open_own(request, path, &use->file);
        if (error != 0) {
            use->file = NULL;
            log_unopened(use, text, error);
            return;
        }
        sound = is_sound(use);
    }
    if (sound && slice_equal(use->entry.key, use->key))
        return;
    if (sound)
        request_log(request, LOG_LEVEL_CRIT, 0, "cache file \"%s\" has md5 collision", text);
    else if (!use->purges)
        cache_discard(use);
    use->file = NULL;
}
