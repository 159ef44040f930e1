#include "worker/upstream/spool.h"

#include "common/read_write.h"
#include "worker/temp_file.h"

#include <unistd.h>

struct spool {
    struct buffer_pool *pool;
    struct buffer *first, *last;   /* what is in memory: the oldest bytes */
    uint64_t memory, memory_limit; /* bytes of the buffers taken */
    struct buffer *scratch;        /* what is to be written to the file */
    const char *folder;
    int file;                  /* -1: none */
    uint64_t read_at, written; /* offsets in the file */
    uint64_t file_limit;
    bool to_file; /* where the reserved room leads */
};

struct spool *spool_new(struct arena *arena, struct buffer_pool *pool, uint64_t memory,
                        const char *folder, uint64_t file)
{
    struct spool *spool = arena_zalloc(arena, sizeof *spool);

    if (spool == NULL)
        return NULL;
    spool->pool = pool;
    spool->memory_limit = memory;
    spool->folder = folder;
    spool->file = -1;
    spool->file_limit = file;
    return spool;
}

bool spool_has_file(const struct spool *spool)
{
    return spool->file >= 0;
}

bool spool_is_empty(const struct spool *spool)
{
    return spool == NULL || (spool->first == NULL && spool->read_at == spool->written);
}

/* Room in the last buffer, or a new one. NULL: the limit is reached. */
static char *reserve_memory(struct spool *spool, size_t *len)
{
    struct buffer *last = spool->last;

    if (last == NULL || last->end == last->size) {
        if (spool->memory + spool->pool->size > spool->memory_limit && spool->memory > 0)
            return NULL;
        last = buffer_take(spool->pool);
        if (last == NULL)
            return NULL;
        if (spool->last == NULL)
            spool->first = last;
        else
            spool->last->next = last;
        spool->last = last;
        spool->memory += last->size;
    }
    *len = last->size - last->end;
    return last->data + last->end;
}

static char *reserve_file(struct spool *spool, size_t *len)
{
    if (spool->written >= spool->file_limit)
        return NULL;
    if (spool->scratch == NULL)
        spool->scratch = buffer_take(spool->pool);
    if (spool->scratch == NULL)
        return NULL;
    uint64_t left = spool->file_limit - spool->written;
    *len = left < spool->scratch->size ? (size_t)left : spool->scratch->size;
    return spool->scratch->data;
}

/* What is in the file is younger than all that is in memory: nothing may go to memory
 * behind it. */
char *spool_reserve(struct spool *spool, size_t *len)
{
    char *room = NULL;

    spool->to_file = spool->read_at < spool->written;
    if (!spool->to_file)
        room = reserve_memory(spool, len);
    if (room != NULL)
        return room;
    spool->to_file = true;
    return reserve_file(spool, len);
}

bool spool_commit(struct spool *spool, size_t len)
{
    if (!spool->to_file) {
        spool->last->end += len;
        return true;
    }
    if (spool->file < 0)
        spool->file = temp_file_open(spool->folder);
    if (spool->file < 0 ||
        !write_exactly(spool->file, slice_make(spool->scratch->data, len), spool->written))
        return false;
    spool->written += len;
    return true;
}

static size_t read_memory(struct spool *spool, char *room, size_t len)
{
    size_t done = 0;

    while (spool->first != NULL && done < len) {
        struct buffer *first = spool->first;
        size_t here = first->end - first->start;
        if (here > len - done)
            here = len - done;
        memcpy(room + done, first->data + first->start, here);
        first->start += here;
        done += here;
        if (first->start < first->end)
            break;
        spool->first = first->next;
        if (spool->first == NULL)
            spool->last = NULL;
        spool->memory -= first->size;
        buffer_give(spool->pool, first);
    }
    return done;
}

bool spool_read(struct spool *spool, char *room, size_t len, size_t *got)
{
    uint64_t left = spool->written - spool->read_at;

    *got = read_memory(spool, room, len);
    len -= *got;
    if (spool->first != NULL || left == 0 || len == 0)
        return true;
    if (left < len)
        len = (size_t)left;
    if (!read_exactly(spool->file, room + *got, len, spool->read_at))
        return false;
    *got += len;
    spool->read_at += len;
    if (spool->read_at == spool->written) /* its place is used again */
        spool->read_at = spool->written = 0;
    return true;
}

void spool_free(struct spool *spool)
{
    if (spool == NULL)
        return;
    while (spool->first != NULL) {
        struct buffer *next = spool->first->next;
        buffer_give(spool->pool, spool->first);
        spool->first = next;
    }
    buffer_give(spool->pool, spool->scratch);
    spool->scratch = NULL;
    spool->last = NULL;
    if (spool->file >= 0)
        close(spool->file);
    spool->file = -1;
    spool->read_at = spool->written = 0;
}
