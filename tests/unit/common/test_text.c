#include "common/text.h"

#include "tests/unit/unit.h"

#include <stdio.h>

START_TEST(grows_and_keeps_what_is_there)
{
    struct arena arena;
    arena_init(&arena, NULL);
    struct text text = { .arena = &arena };

    ck_assert_uint_eq(text_end(&text).len, 0);
    for (unsigned i = 0; i < 10000; i++) {
        text_add(&text, SLICE("ab"));
        text_add_spaces(&text, 2);
        text_format(&text, "%u;", i % 10);
    }
    struct slice whole = text_end(&text);
    ck_assert_uint_eq(whole.len, 60000);
    for (size_t i = 0; i < 10000; i++) {
        char wanted[8];
        snprintf(wanted, sizeof wanted, "ab  %zu;", i % 10);
        ck_assert_int_eq(memcmp(whole.at + i * 6, wanted, 6), 0);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(reserved_room_is_used)
{
    struct arena arena;
    arena_init(&arena, NULL);
    struct text text = { .arena = &arena };

    ck_assert(text_reserve(&text, 1000));
    const char *at = text.at;
    for (unsigned i = 0; i < 100; i++)
        text_add(&text, SLICE("0123456789"));
    ck_assert_ptr_eq(text_end(&text).at, at);
    arena_free(&arena);
}
END_TEST

START_TEST(a_long_format_is_cut)
{
    struct arena arena;
    arena_init(&arena, NULL);
    struct text text = { .arena = &arena };

    text_format(&text, "%500d", 1);
    ck_assert_uint_eq(text_end(&text).len, TEXT_FORMAT_MAX - 1);
    arena_free(&arena);
}
END_TEST

START_TEST(memory_that_ran_out_is_told)
{
    struct arena arena;
    arena_init(&arena, NULL);
    struct text text = { .arena = &arena };

    text_add(&text, SLICE("x"));
    arena.exhausted = true;
    ck_assert_ptr_null(text_end(&text).at);
    arena_free(&arena);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        grows_and_keeps_what_is_there,
        reserved_room_is_used,
        a_long_format_is_cut,
        memory_that_ran_out_is_told,
        NULL,
    };

    return unit_main(unit_suite("text", tests));
}
