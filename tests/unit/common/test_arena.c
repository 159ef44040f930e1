#include "common/arena.h"

#include "tests/unit/unit.h"

#include <stdio.h>

static bool aligned(const void *at)
{
    return (uintptr_t)at % 16 == 0;
}

START_TEST(pieces_are_aligned_and_apart)
{
    struct arena arena;
    unsigned char *pieces[200];

    arena_init(&arena, NULL);
    for (unsigned i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(&arena, i);
        ck_assert(aligned(pieces[i]));
        memset(pieces[i], (int)i, i);
    }
    for (unsigned i = 0; i < 200; i++)
        for (unsigned at = 0; at < i; at++)
            ck_assert_uint_eq(pieces[i][at], i);
    arena_free(&arena);
}
END_TEST

START_TEST(text_needs_no_alignment)
{
    struct arena arena;

    arena_init(&arena, NULL);
    char *first = arena_text(&arena, 3);
    ck_assert_ptr_eq(arena_text(&arena, 3), first + 3);
    ck_assert(aligned(arena_alloc(&arena, 1)));
    arena_free(&arena);
}
END_TEST

/* A large piece has a block of its own; the room left in the newest one is used on. */
START_TEST(large_pieces_do_not_waste_the_block)
{
    struct arena arena;

    arena_init(&arena, NULL);
    char *first = arena_text(&arena, 10);
    char *large = arena_alloc(&arena, 100000);
    ck_assert_ptr_nonnull(large);
    ck_assert(aligned(large));
    memset(large, 'x', 100000);
    ck_assert_ptr_eq(arena_text(&arena, 10), first + 10);
    arena_free(&arena);
}
END_TEST

START_TEST(a_large_piece_may_be_the_first)
{
    struct arena arena;

    arena_init(&arena, NULL);
    for (int i = 0; i < 3; i++)
        memset(arena_alloc(&arena, 5000), 'x', 5000);
    memset(arena_alloc(&arena, 10), 'y', 10);
    ck_assert(!arena.exhausted);
    arena_free(&arena);
    ck_assert_ptr_null(arena.blocks);
}
END_TEST

START_TEST(zalloc_is_zero_in_used_memory)
{
    struct block_cache cache = { .limit = 4 };
    struct arena arena;

    arena_init(&arena, &cache);
    memset(arena_alloc(&arena, 1000), 0xff, 1000);
    arena_free(&arena);
    const char *memory = arena_zalloc(&arena, 1000);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(memory[i], 0);
    arena_free(&arena);
    block_cache_free(&cache);
}
END_TEST

START_TEST(copies_and_strings)
{
    struct arena arena;

    arena_init(&arena, NULL);
    ck_assert(slice_is(arena_copy(&arena, SLICE("abc")), "abc"));
    ck_assert_str_eq(arena_cstr(&arena, SLICE("abc")), "abc");
    ck_assert_str_eq(arena_cstr(&arena, slice_make(NULL, 0)), "");
    ck_assert(slice_is(arena_join(&arena, SLICE("ab"), SLICE("c")), "abc"));
    ck_assert(slice_is(arena_join(&arena, slice_make(NULL, 0), SLICE("c")), "c"));
    struct slice empty = arena_copy(&arena, slice_make(NULL, 0));
    ck_assert_uint_eq(empty.len, 0);
    ck_assert_ptr_nonnull(empty.at);
    arena_free(&arena);
}
END_TEST

START_TEST(printf_of_any_length)
{
    struct arena arena;

    arena_init(&arena, NULL);
    ck_assert(slice_is(arena_printf(&arena, "%s:%d", "host", 80), "host:80"));
    ck_assert_uint_eq(arena_printf(&arena, "%s", "").len, 0);
    for (int width = 1; width < 20000; width += 997) {
        struct slice text = arena_printf(&arena, "%*d", width, 7);
        ck_assert_uint_eq(text.len, (size_t)width);
        ck_assert_int_eq(text.at[width - 1], '7');
        ck_assert_int_eq(text.at[width], '\0');
    }
    arena_free(&arena);
}
END_TEST

START_TEST(impossible_sizes_exhaust)
{
    struct arena arena;

    arena_init(&arena, NULL);
    ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX));
    ck_assert(arena.exhausted);
    arena_free(&arena);
    ck_assert(!arena.exhausted);
    ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX - 15));
    ck_assert(arena.exhausted);
    ck_assert_ptr_nonnull(arena_alloc(&arena, 1));
    arena_free(&arena);
}
END_TEST

START_TEST(blocks_come_from_the_cache_again)
{
    struct block_cache cache = { .limit = 2 };
    struct arena arena;

    arena_init(&arena, &cache);
    for (int i = 0; i < 12; i++) /* four blocks */
        ck_assert_ptr_nonnull(arena_alloc(&arena, 1000));
    arena_alloc(&arena, 50000); /* of another size: never kept */
    arena_free(&arena);
    ck_assert_uint_eq(cache.count, 2);
    const struct arena_block *newest = cache.free;
    arena_alloc(&arena, 1);
    ck_assert_ptr_eq(arena.blocks, newest);
    ck_assert_uint_eq(cache.count, 1);
    arena_free(&arena);
    ck_assert_uint_eq(cache.count, 2);
    block_cache_free(&cache);
    ck_assert_uint_eq(cache.count, 0);
    ck_assert_ptr_null(cache.free);
}
END_TEST

struct item {
    unsigned number;
    char zero[20];
};

START_TEST(arrays_grow_and_keep_their_items)
{
    struct arena arena;
    struct array array = { .item_size = sizeof(struct item) };

    arena_init(&arena, NULL);
    for (unsigned i = 0; i < 1000; i++) {
        struct item *item = array_push(&array, &arena);
        ck_assert_uint_eq(item->number, 0);
        ck_assert_int_eq(item->zero[19], 0);
        item->number = i;
    }
    const struct item *items = array.items;
    ck_assert_uint_eq(array.count, 1000);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_uint_eq(items[i].number, i);
    arena_free(&arena);
}
END_TEST

START_TEST(an_array_that_cannot_grow_stays_as_it_is)
{
    struct arena arena;
    struct array array = { .item_size = SIZE_MAX / 2 };

    arena_init(&arena, NULL);
    ck_assert_ptr_null(array_push(&array, &arena));
    ck_assert_uint_eq(array.count, 0);
    ck_assert(arena.exhausted);
    arena_free(&arena);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        pieces_are_aligned_and_apart,
        text_needs_no_alignment,
        large_pieces_do_not_waste_the_block,
        a_large_piece_may_be_the_first,
        zalloc_is_zero_in_used_memory,
        copies_and_strings,
        printf_of_any_length,
        impossible_sizes_exhaust,
        blocks_come_from_the_cache_again,
        arrays_grow_and_keep_their_items,
        an_array_that_cannot_grow_stays_as_it_is,
        NULL,
    };

    return unit_main(unit_suite("arena", tests));
}
