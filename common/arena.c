#include "common/arena.h"

#include <stdio.h>
#include <stdlib.h>

struct arena_block {
    struct arena_block *next;
    size_t size; /* of the whole block, this header included */
} __attribute__((aligned(16)));

void arena_init(struct arena *arena, struct block_cache *cache)
{
    *arena = (struct arena){ .cache = cache };
}

static struct arena_block *block_take(struct arena *arena, size_t size)
{
    struct block_cache *cache = arena->cache;
    struct arena_block *block;

    if (size == ARENA_BLOCK_SIZE && cache != NULL && cache->free != NULL) {
        block = cache->free;
        cache->free = block->next;
        cache->count--;
        return block;
    }
    block = malloc(size);
    if (block == NULL)
        arena->exhausted = true;
    else
        block->size = size;
    return block;
}

static void block_give(struct arena *arena, struct arena_block *block)
{
    struct block_cache *cache = arena->cache;

    if (block->size == ARENA_BLOCK_SIZE && cache != NULL && cache->count < cache->limit) {
        block->next = cache->free;
        cache->free = block;
        cache->count++;
        return;
    }
    free(block);
}

/* A piece larger than a quarter of a block gets a block of its own, put behind
 * the newest one so that the room left there is not lost. */
static void *alloc_large(struct arena *arena, size_t size)
{
    struct arena_block *block;

    if (size > SIZE_MAX - sizeof *block) {
        arena->exhausted = true;
        return NULL;
    }
    block = block_take(arena, size + sizeof *block);
    if (block == NULL)
        return NULL;
    if (arena->blocks == NULL) {
        block->next = NULL;
        arena->blocks = block;
    } else {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    }
    return block + 1;
}

static void *alloc_aligned(struct arena *arena, size_t size, size_t alignment)
{
    uintptr_t start = ((uintptr_t)arena->at + alignment - 1) & ~(uintptr_t)(alignment - 1);

    if (arena->at != NULL && start <= (uintptr_t)arena->end &&
        size <= (uintptr_t)arena->end - start) {
        arena->at = (char *)start + size;
        return (char *)start;
    }
    if (size > ARENA_BLOCK_SIZE / 4)
        return alloc_large(arena, size);

    struct arena_block *block = block_take(arena, ARENA_BLOCK_SIZE);
    if (block == NULL)
        return NULL;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->at = (char *)(block + 1) + size;
    arena->end = (char *)block + ARENA_BLOCK_SIZE;
    return block + 1;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return alloc_aligned(arena, size, 16);
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    void *memory = arena_alloc(arena, size);
    return memory == NULL ? NULL : memset(memory, 0, size);
}

char *arena_text(struct arena *arena, size_t len)
{
    return alloc_aligned(arena, len, 1);
}

struct slice arena_copy(struct arena *arena, struct slice text)
{
    char *copy = arena_text(arena, text.len);

    if (copy == NULL)
        return (struct slice){ NULL, 0 };
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return slice_make(copy, text.len);
}

char *arena_cstr(struct arena *arena, struct slice text)
{
    char *copy = text.len == SIZE_MAX ? NULL : arena_text(arena, text.len + 1);

    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return copy;
}

struct slice arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;

    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = len < 0 ? NULL : arena_text(arena, (size_t)len + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text == NULL ? (struct slice){ NULL, 0 } : slice_make(text, (size_t)len);
}

struct slice arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    struct slice text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

struct slice arena_join(struct arena *arena, struct slice a, struct slice b)
{
    char *text = arena_text(arena, a.len + b.len);

    if (text == NULL)
        return (struct slice){ NULL, 0 };
    if (a.len > 0)
        memcpy(text, a.at, a.len);
    if (b.len > 0)
        memcpy(text + a.len, b.at, b.len);
    return slice_make(text, a.len + b.len);
}

void arena_free(struct arena *arena)
{
    struct arena_block *block = arena->blocks;

    while (block != NULL) {
        struct arena_block *next = block->next;
        block_give(arena, block);
        block = next;
    }
    arena_init(arena, arena->cache);
}

void block_cache_free(struct block_cache *cache)
{
    while (cache->free != NULL) {
        struct arena_block *next = cache->free->next;
        free(cache->free);
        cache->free = next;
    }
    cache->count = 0;
}

void *array_push(struct array *array, struct arena *arena)
{
    if (array->count == array->capacity) {
        size_t capacity = array->capacity == 0 ? 4 : array->capacity * 2;
        if (capacity > SIZE_MAX / array->item_size) {
            arena->exhausted = true;
            return NULL;
        }
        void *items = arena_alloc(arena, capacity * array->item_size);
        if (items == NULL)
            return NULL;
        if (array->count > 0)
            memcpy(items, array->items, array->count * array->item_size);
        array->items = items;
        array->capacity = capacity;
    }
    void *item = (char *)array->items + array->count * array->item_size;
    array->count++;
    return memset(item, 0, array->item_size);
}
