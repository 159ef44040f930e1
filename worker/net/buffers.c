#include "worker/net/buffers.h"

#include <stdint.h>
#include <stdlib.h>

void buffer_pool_init(struct buffer_pool *pool, size_t size, size_t limit)
{
    *pool = (struct buffer_pool){ .size = size, .limit = limit };
}

struct buffer *buffer_take_sized(struct buffer_pool *pool, size_t size)
{
    struct buffer *buffer;

    if (size == pool->size && pool->free != NULL) {
        buffer = pool->free;
        pool->free = buffer->next;
        pool->count--;
    } else {
        if (size > SIZE_MAX - sizeof *buffer)
            return NULL;
        buffer = malloc(sizeof *buffer + size);
        if (buffer == NULL)
            return NULL;
        buffer->size = size;
    }
    buffer->next = NULL;
    buffer->start = 0;
    buffer->end = 0;
    return buffer;
}

struct buffer *buffer_take(struct buffer_pool *pool)
{
    return buffer_take_sized(pool, pool->size);
}

void buffer_give(struct buffer_pool *pool, struct buffer *buffer)
{
    if (buffer == NULL)
        return;
    if (buffer->size != pool->size || pool->count >= pool->limit) {
        free(buffer);
        return;
    }
    buffer->next = pool->free;
    pool->free = buffer;
    pool->count++;
}

void buffer_pool_free(struct buffer_pool *pool)
{
    while (pool->free != NULL) {
        struct buffer *next = pool->free->next;
        free(pool->free);
        pool->free = next;
    }
    pool->count = 0;
}
