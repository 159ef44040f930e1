/* slab.h: an allocator inside one bounded piece of memory.
 *
 * The memory is cut into pages; a page holds chunks of one size, or belongs to
 * a run of pages for something larger. Everything the allocator knows stands in
 * the memory itself, so that it can be shared by processes that have the memory
 * at the same address; a lock is the caller's. Nothing grows: when the memory is
 * used up, there is none. */
#ifndef MUXD_COMMON_SLAB_H
#define MUXD_COMMON_SLAB_H

#include <stddef.h>

enum { SLAB_PAGE_SIZE = 4096 };

struct slab;

/* Makes `size` bytes at `memory` (any address) an empty slab, whatever they hold; the slab
 * begins somewhere in them. NULL when they are too few for one page. At most 2^32 pages
 * are used. */
struct slab *slab_init(void *memory, size_t size);

/* `size` bytes aligned to 16, not zeroed; NULL when there is no room. */
void *slab_alloc(struct slab *, size_t size);

/* Gives back what slab_alloc returned; NULL is nothing. */
void slab_free(struct slab *, void *);

/* Pages of which nothing is in use; and all of them. */
size_t slab_free_pages(const struct slab *);
size_t slab_pages(const struct slab *);

#endif
