#include "common/slab.h"

#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { MEMORY = 64 * SLAB_PAGE_SIZE, PIECES = 4096 };

static char memory[MEMORY];

static struct slab *new_slab(void)
{
    struct slab *slab = slab_init(memory, sizeof memory);

    ck_assert_ptr_nonnull(slab);
    ck_assert_uint_eq(slab_free_pages(slab), slab_pages(slab));
    return slab;
}

static bool holds(const char *piece, size_t size, char value)
{
    for (size_t at = 0; at < size; at++)
        if (piece[at] != value)
            return false;
    return true;
}

START_TEST(too_little_memory_is_no_slab)
{
    ck_assert_ptr_null(slab_init(memory, 0));
    ck_assert_ptr_null(slab_init(memory, 100));
    ck_assert_ptr_null(slab_init(memory, SLAB_PAGE_SIZE));
    ck_assert_ptr_nonnull(slab_init(memory, 2 * SLAB_PAGE_SIZE));
    ck_assert_ptr_nonnull(slab_init(memory + 1, 2 * SLAB_PAGE_SIZE));
}
END_TEST

/* Pages take all of the memory but for what describes them. */
START_TEST(little_is_spent_on_the_tables)
{
    ck_assert_uint_ge(slab_pages(new_slab()), MEMORY / SLAB_PAGE_SIZE - 1);
}
END_TEST

START_TEST(pieces_of_every_size_are_aligned_inside_and_apart)
{
    for (size_t size = 0; size <= 3 * SLAB_PAGE_SIZE; size += size < 100 ? 1 : 61) {
        struct slab *slab = new_slab();
        char *pieces[16];
        for (unsigned i = 0; i < 16; i++) {
            pieces[i] = slab_alloc(slab, size);
            ck_assert_ptr_nonnull(pieces[i]);
            ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
            ck_assert(pieces[i] >= memory && pieces[i] + size <= memory + MEMORY);
            memset(pieces[i], (int)i, size);
        }
        for (unsigned i = 0; i < 16; i++)
            ck_assert(holds(pieces[i], size, (char)i));
        for (unsigned i = 0; i < 16; i++)
            slab_free(slab, pieces[i]);
        ck_assert_uint_eq(slab_free_pages(slab), slab_pages(slab));
    }
}
END_TEST

/* Full: NULL, for as long as nothing is given back; then all of it is there again. */
START_TEST(it_is_bounded_and_nothing_is_lost)
{
    static void *pieces[MEMORY / 16];
    struct slab *slab = new_slab();

    for (unsigned round = 0; round < 3; round++) {
        size_t size = round == 0 ? 16 : round == 1 ? 100 : 2000;
        size_t count = 0;
        while ((pieces[count] = slab_alloc(slab, size)) != NULL)
            count++;
        ck_assert_uint_ge(count * size * 5, MEMORY * 4U * 95 / 100);
        ck_assert_ptr_null(slab_alloc(slab, 3000));
        slab_free(slab, pieces[count / 2]);
        ck_assert_ptr_eq(slab_alloc(slab, size), pieces[count / 2]);
        ck_assert_ptr_null(slab_alloc(slab, size));
        while (count-- > 0)
            slab_free(slab, pieces[count]);
        ck_assert_uint_eq(slab_free_pages(slab), slab_pages(slab));
    }
}
END_TEST

START_TEST(large_pieces_take_pages_in_a_row)
{
    struct slab *slab = new_slab();
    size_t pages = slab_pages(slab);
    void *first = slab_alloc(slab, 10 * SLAB_PAGE_SIZE);
    void *second = slab_alloc(slab, SLAB_PAGE_SIZE + 1);

    ck_assert_uint_eq(slab_free_pages(slab), pages - 12);
    ck_assert_ptr_null(slab_alloc(slab, (pages - 11) * SLAB_PAGE_SIZE));
    ck_assert_ptr_null(slab_alloc(slab, SIZE_MAX));
    slab_free(slab, first);
    /* Ten free pages before it, the rest behind it: not one more in a row than the rest. */
    ck_assert_ptr_null(slab_alloc(slab, (pages - 11) * SLAB_PAGE_SIZE));
    first = slab_alloc(slab, (pages - 12) * SLAB_PAGE_SIZE);
    ck_assert_ptr_nonnull(first);
    slab_free(slab, second);
    slab_free(slab, first);
    void *all = slab_alloc(slab, pages * SLAB_PAGE_SIZE);
    ck_assert_ptr_nonnull(all);
    slab_free(slab, all);
    slab_free(slab, NULL);
    ck_assert_uint_eq(slab_free_pages(slab), pages);
}
END_TEST

/* A long random life: what is in use keeps its bytes, and all of it comes back. */
START_TEST(a_random_life)
{
    static struct {
        char *at;
        size_t size;
        char mark;
    } pieces[PIECES];
    struct slab *slab = new_slab();
    unsigned seed = 12345, torn = 0;

    for (unsigned step = 0; step < 200000; step++) {
        seed = seed * 1103515245 + 12345;
        unsigned i = seed >> 8 & (PIECES - 1);
        if (pieces[i].at != NULL) {
            torn += !holds(pieces[i].at, pieces[i].size, pieces[i].mark);
            slab_free(slab, pieces[i].at);
            pieces[i].at = NULL;
            continue;
        }
        pieces[i].size = (seed >> 20) % 50 == 0 ? seed >> 18 : (seed >> 20) % 200;
        pieces[i].mark = (char)step;
        pieces[i].at = slab_alloc(slab, pieces[i].size);
        if (pieces[i].at != NULL)
            memset(pieces[i].at, pieces[i].mark, pieces[i].size);
    }
    for (unsigned i = 0; i < PIECES; i++)
        slab_free(slab, pieces[i].at);
    ck_assert_uint_eq(torn, 0);
    ck_assert_uint_eq(slab_free_pages(slab), slab_pages(slab));
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("slab", (const TTest *[]){
                                            too_little_memory_is_no_slab,
                                            little_is_spent_on_the_tables,
                                            pieces_of_every_size_are_aligned_inside_and_apart,
                                            it_is_bounded_and_nothing_is_lost,
                                            large_pieces_take_pages_in_a_row,
                                            a_random_life,
                                            NULL,
                                        }));
}
