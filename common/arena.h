/* arena.h: memory that is freed all at once.
 *
 * An arena hands out pieces of larger blocks; nothing is freed one by one, the
 * whole arena is. Blocks of the standard size come from and go back to a block
 * cache when the arena has one, so that a request costs no malloc in the
 * steady state. Configuration, connection and request each have an arena. */
#ifndef MUXD_COMMON_ARENA_H
#define MUXD_COMMON_ARENA_H

#include "common/slice.h"

#include <stdarg.h>

enum { ARENA_BLOCK_SIZE = 4096 };

struct arena_block;

/* Free blocks of ARENA_BLOCK_SIZE, kept for the next arena; zero-initialise,
 * then set `limit`: how many are kept before memory goes back to malloc. */
struct block_cache {
    struct arena_block *free;
    size_t count;
    size_t limit;
};

struct arena {
    struct arena_block *blocks; /* newest first */
    char *at;                   /* next free byte of the newest block */
    char *end;
    struct block_cache *cache; /* NULL: plain malloc */
    bool exhausted;            /* some allocation failed since init */
};

/* Starts an empty arena; allocates nothing. `cache` may be NULL. */
void arena_init(struct arena *, struct block_cache *cache);

/* `size` bytes aligned to 16, not zeroed; NULL when memory is out (and
 * `exhausted` is set). Valid until the arena is freed or reset. */
void *arena_alloc(struct arena *, size_t size);

/* As arena_alloc, zeroed. */
void *arena_zalloc(struct arena *, size_t size);

/* `len` bytes with alignment 1, for text. NULL when memory is out. */
char *arena_text(struct arena *, size_t len);

/* A copy of the slice; {NULL, 0} when memory is out. */
struct slice arena_copy(struct arena *, struct slice);

/* A NUL-terminated copy of the slice, for system calls; NULL when memory is
 * out. NUL bytes inside are copied as they are. */
char *arena_cstr(struct arena *, struct slice);

/* Text by printf(3) format; {NULL, 0} when memory is out. The text is followed
 * by a NUL that is not counted. */
struct slice arena_printf(struct arena *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct slice arena_vprintf(struct arena *, const char *format, va_list);

/* Joins two slices in the arena; {NULL, 0} when memory is out. */
struct slice arena_join(struct arena *, struct slice, struct slice);

/* Gives every block back; the arena is empty and usable again. */
void arena_free(struct arena *);

/* Gives the cache's blocks back to malloc. */
void block_cache_free(struct block_cache *);

/* A growable array in an arena: `items` is an array of `count` elements of
 * `item_size` bytes each. Zero-initialise with item_size set. */
struct array {
    void *items;
    size_t count;
    size_t capacity;
    size_t item_size;
};

/* A zeroed new element at the end, or NULL when memory is out. Elements move
 * when the array grows: keep indexes, not pointers, while it does. */
void *array_push(struct array *, struct arena *);

#endif
