/* Ranges of addresses: read, put into each other, taken away and found. */
#include "worker/http/geo_ranges.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct geo_ranges ranges;
static const struct slice a = SLICE_INIT("a"), b = SLICE_INIT("b"), c = SLICE_INIT("c");

static void setup(void)
{
    arena_init(&arena, NULL);
    ranges = (struct geo_ranges){ .list = { .item_size = sizeof(struct geo_range) } };
}

static void teardown(void)
{
    arena_free(&arena);
}

static enum geo_added add(uint32_t first, uint32_t last, const struct slice *value)
{
    struct geo_range other;

    return geo_ranges_add(&ranges, &arena, &(struct geo_range){ first, last, value }, &other);
}

/* The values of the addresses from 0 on, as one letter each; '.' for none. */
static void expect_values(const char *values)
{
    for (uint32_t i = 0; values[i] != '\0'; i++) {
        const struct slice *found = geo_ranges_find(&ranges, i);
        char letter = found == NULL ? '.' : *found->at;
        ck_assert_msg(letter == values[i], "%u: %c, not %c", i, letter, values[i]);
    }
}

START_TEST(texts_are_read)
{
    static const struct {
        const char *text;
        bool good;
        uint32_t first, last;
    } rows[] = {
        { "0.0.0.0-255.255.255.255", true, 0, UINT32_MAX },
        { "10.0.0.1-10.0.0.9", true, 0x0a000001, 0x0a000009 },
        { "10.0.0.1-10.0.0.1", true, 0x0a000001, 0x0a000001 },
        { "10.0.0.2-10.0.0.1", false, 0, 0 },
        { "10.0.0.1", false, 0, 0 },
        { "10.0.0.1-", false, 0, 0 },
        { "-10.0.0.1", false, 0, 0 },
        { "10.0.0.1-10.0.0.256", false, 0, 0 },
        { "10.0.0.1-::1", false, 0, 0 },
        { "::1-::2", false, 0, 0 },
        { "10.0.0.1-10.0.0.2-10.0.0.3", false, 0, 0 },
        { "", false, 0, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct geo_range range = { 0, 0, NULL };
        ck_assert_msg(geo_range_read(slice_of(rows[i].text), &range) == rows[i].good, "%s",
                      rows[i].text);
        if (!rows[i].good)
            continue;
        ck_assert_uint_eq(range.first, rows[i].first);
        ck_assert_uint_eq(range.last, rows[i].last);
    }
}
END_TEST

START_TEST(ranges_are_found_in_any_order)
{
    expect_values("....");
    ck_assert_int_eq(add(8, 9, &c), GEO_ADDED);
    ck_assert_int_eq(add(0, 1, &a), GEO_ADDED);
    ck_assert_int_eq(add(3, 3, &b), GEO_ADDED);
    ck_assert_int_eq(add(UINT32_MAX, UINT32_MAX, &a), GEO_ADDED);
    expect_values("aa.b....cc..");
    ck_assert_ptr_eq(geo_ranges_find(&ranges, UINT32_MAX), &a);
    ck_assert_ptr_null(geo_ranges_find(&ranges, UINT32_MAX - 1));
}
END_TEST

START_TEST(a_range_inside_of_another_cuts_it)
{
    ck_assert_int_eq(add(0, 9, &a), GEO_ADDED);
    ck_assert_int_eq(add(4, 5, &b), GEO_ADDED);
    expect_values("aaaabbaaaa.");
    ck_assert_int_eq(add(0, 0, &c), GEO_ADDED);
    ck_assert_int_eq(add(9, 9, &c), GEO_ADDED);
    expect_values("caaabbaaac.");
    ck_assert_uint_eq(ranges.list.count, 5);
}
END_TEST

START_TEST(what_overlaps_is_refused)
{
    struct geo_range other;

    ck_assert_int_eq(add(4, 8, &a), GEO_ADDED);
    ck_assert_int_eq(add(0, 4, &b), GEO_OVERLAPS);
    ck_assert_int_eq(add(8, 9, &b), GEO_OVERLAPS);
    ck_assert_int_eq(add(3, 9, &b), GEO_OVERLAPS);
    expect_values("....aaaaa.");
    ck_assert_int_eq(geo_ranges_add(&ranges, &arena, &(struct geo_range){ 4, 8, &c }, &other),
                     GEO_REPLACED);
    ck_assert_ptr_eq(other.value, &a);
    expect_values("....ccccc.");
}
END_TEST

START_TEST(ranges_are_taken_away)
{
    ck_assert_int_eq(add(0, 1, &a), GEO_ADDED);
    ck_assert_int_eq(add(2, 3, &b), GEO_ADDED);
    ck_assert_int_eq(add(4, 5, &c), GEO_ADDED);
    ck_assert(!geo_ranges_delete(&ranges, &(struct geo_range){ 2, 4, NULL }));
    ck_assert(geo_ranges_delete(&ranges, &(struct geo_range){ 2, 3, NULL }));
    ck_assert(!geo_ranges_delete(&ranges, &(struct geo_range){ 2, 3, NULL }));
    expect_values("aa..cc.");
}
END_TEST

/* Beside an array with a value for each address. */
START_TEST(it_is_what_an_array_would_be)
{
    enum { ADDRESSES = 200, ROUNDS = 2000 };
    const struct slice *model[ADDRESSES] = { NULL }, *values[] = { &a, &b, &c };

    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t first = (uint32_t)rand() % ADDRESSES;
        uint32_t last = first + (uint32_t)rand() % (ADDRESSES - first);
        const struct slice *value = values[rand() % 3];
        enum geo_added added = add(first, last, value);
        if (added == GEO_OVERLAPS)
            continue;
        ck_assert(added == GEO_ADDED || added == GEO_REPLACED);
        for (uint32_t i = first; i <= last; i++)
            model[i] = value;
        for (uint32_t i = 0; i < ADDRESSES; i++)
            ck_assert_ptr_eq(geo_ranges_find(&ranges, i), model[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("geo_ranges");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, texts_are_read);
    tcase_add_test(cases, ranges_are_found_in_any_order);
    tcase_add_test(cases, a_range_inside_of_another_cuts_it);
    tcase_add_test(cases, what_overlaps_is_refused);
    tcase_add_test(cases, ranges_are_taken_away);
    tcase_add_test(cases, it_is_what_an_array_would_be);
    suite_add_tcase(suite, cases);
    return unit_main(suite);
}
