#include "common/slab.h"

#include <stdint.h>

/* Sizes of chunks: steps of at most a third, so that little of a chunk is wasted. The
 * last one that is smaller than a page's half is the largest: what does not fit gets
 * pages of its own. */
static const uint16_t chunk_sizes[] = {
    16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 336, 448, 576, 816, 1024, 1360, 2048,
};

enum {
    CLASSES = sizeof chunk_sizes / sizeof *chunk_sizes,
    ALIGNMENT = 64, /* of the first page */
    NONE = 0,       /* of a link: pages and chunks are counted from 1 in links */
};

enum page_kind {
    PAGE_FREE,
    PAGE_CHUNKS, /* of one size */
    PAGE_RUN,    /* the first one of a run */
    PAGE_INSIDE, /* of a run */
};

struct page {
    uint32_t next, prev; /* PAGE_CHUNKS with a free chunk: the list of its class */
    uint32_t length;     /* PAGE_RUN: pages */
    uint16_t free;       /* PAGE_CHUNKS: the first of the chunks that were given back */
    uint16_t used;       /* chunks in use */
    uint16_t fresh;      /* chunks that were never in use begin here */
    uint8_t kind;        /* enum page_kind */
    uint8_t size_class;
};

/* The first bytes of a chunk that was given back. */
struct free_chunk {
    uint16_t next;
};

struct slab {
    char *first_page;
    size_t count;             /* of pages */
    size_t free;              /* of these */
    size_t lowest;            /* no page below this one is free */
    uint32_t partly[CLASSES]; /* pages that have a free chunk, by class */
    struct page pages[];
};

/* --- pages --- */

static size_t page_number(const struct slab *slab, const struct page *page)
{
    return (size_t)(page - slab->pages);
}

static char *page_memory(const struct slab *slab, size_t number)
{
    return slab->first_page + number * SLAB_PAGE_SIZE;
}

/* The first of `count` free pages in a row, or slab->count. */
static size_t find_pages(struct slab *slab, size_t count)
{
    size_t found = 0;

    for (size_t i = slab->lowest; i < slab->count; i++) {
        const struct page *page = &slab->pages[i];
        if (page->kind == PAGE_RUN)
            i += page->length - 1;
        found = page->kind == PAGE_FREE ? found + 1 : 0;
        if (found == count)
            return i + 1 - count;
    }
    return slab->count;
}

/* NULL when there are not so many in a row. */
static struct page *take_pages(struct slab *slab, size_t count, enum page_kind kind)
{
    if (count > slab->free)
        return NULL;
    size_t first = find_pages(slab, count);
    if (first == slab->count)
        return NULL;
    struct page *page = &slab->pages[first];
    *page = (struct page){ .kind = (uint8_t)kind, .length = (uint32_t)count };
    for (size_t i = 1; i < count; i++)
        page[i].kind = PAGE_INSIDE;
    slab->free -= count;
    /* What a single page has been looked for up to here is in use. */
    if (count == 1 || first == slab->lowest)
        slab->lowest = first + count;
    return page;
}

static void give_pages_back(struct slab *slab, struct page *page)
{
    size_t count = page->length;
    size_t first = page_number(slab, page);

    for (size_t i = 0; i < count; i++)
        page[i].kind = PAGE_FREE;
    slab->free += count;
    if (first < slab->lowest)
        slab->lowest = first;
}

/* --- chunks --- */

static unsigned chunks_in_page(unsigned size_class)
{
    return SLAB_PAGE_SIZE / chunk_sizes[size_class];
}

static void list_add(struct slab *slab, struct page *page)
{
    uint32_t *first = &slab->partly[page->size_class];
    uint32_t link = (uint32_t)page_number(slab, page) + 1;

    page->prev = NONE;
    page->next = *first;
    if (*first != NONE)
        slab->pages[*first - 1].prev = link;
    *first = link;
}

static void list_remove(struct slab *slab, const struct page *page)
{
    if (page->prev != NONE)
        slab->pages[page->prev - 1].next = page->next;
    else
        slab->partly[page->size_class] = page->next;
    if (page->next != NONE)
        slab->pages[page->next - 1].prev = page->prev;
}

static void *chunk_alloc(struct slab *slab, unsigned size_class)
{
    struct page *page;

    if (slab->partly[size_class] != NONE) {
        page = &slab->pages[slab->partly[size_class] - 1];
    } else {
        page = take_pages(slab, 1, PAGE_CHUNKS);
        if (page == NULL)
            return NULL;
        page->size_class = (uint8_t)size_class;
        list_add(slab, page);
    }
    char *memory = page_memory(slab, page_number(slab, page));
    void *chunk;
    if (page->free != NONE) {
        chunk = memory + (size_t)(page->free - 1) * chunk_sizes[size_class];
        page->free = ((const struct free_chunk *)chunk)->next;
    } else {
        chunk = memory + (size_t)page->fresh++ * chunk_sizes[size_class];
    }
    if (++page->used == chunks_in_page(size_class))
        list_remove(slab, page);
    return chunk;
}

static void chunk_free(struct slab *slab, struct page *page, char *chunk)
{
    size_t offset = (size_t)(chunk - page_memory(slab, page_number(slab, page)));

    if (page->used == chunks_in_page(page->size_class))
        list_add(slab, page);
    ((struct free_chunk *)chunk)->next = page->free;
    page->free = (uint16_t)(offset / chunk_sizes[page->size_class] + 1);
    if (--page->used > 0)
        return;
    list_remove(slab, page);
    give_pages_back(slab, page);
}

/* --- the face --- */

struct slab *slab_init(void *memory, size_t size)
{
    size_t aligned = -(uintptr_t)memory % _Alignof(struct slab);
    size_t least = aligned + sizeof(struct slab) + sizeof(struct page) + ALIGNMENT;

    if (size < least + SLAB_PAGE_SIZE)
        return NULL;
    struct slab *slab = (struct slab *)((char *)memory + aligned);
    size_t count = (size - least) / (SLAB_PAGE_SIZE + sizeof(struct page));
    if (count > UINT32_MAX - 1)
        count = UINT32_MAX - 1;
    *slab = (struct slab){ .count = count, .free = count };
    for (size_t i = 0; i < count; i++)
        slab->pages[i].kind = PAGE_FREE;
    char *end = (char *)&slab->pages[count];
    slab->first_page = end + -(uintptr_t)end % ALIGNMENT;
    return count > 0 ? slab : NULL;
}

void *slab_alloc(struct slab *slab, size_t size)
{
    unsigned size_class = 0;

    while (size_class < CLASSES && chunk_sizes[size_class] < size)
        size_class++;
    if (size_class < CLASSES)
        return chunk_alloc(slab, size_class);
    if (size > slab->count * SLAB_PAGE_SIZE)
        return NULL;
    const struct page *run =
        take_pages(slab, (size + SLAB_PAGE_SIZE - 1) / SLAB_PAGE_SIZE, PAGE_RUN);
    return run != NULL ? page_memory(slab, page_number(slab, run)) : NULL;
}

void slab_free(struct slab *slab, void *memory)
{
    if (memory == NULL)
        return;
    struct page *page = &slab->pages[(size_t)((char *)memory - slab->first_page) / SLAB_PAGE_SIZE];
    if (page->kind == PAGE_CHUNKS)
        chunk_free(slab, page, memory);
    else
        give_pages_back(slab, page);
}

size_t slab_free_pages(const struct slab *slab)
{
    return slab->free;
}

size_t slab_pages(const struct slab *slab)
{
    return slab->count;
}
