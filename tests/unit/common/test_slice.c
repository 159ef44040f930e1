#include "common/slice.h"

#include "tests/unit/unit.h"

#include <stdio.h>

START_TEST(equality_is_of_bytes)
{
    ck_assert(slice_equal(SLICE(""), slice_make(NULL, 0)));
    ck_assert(slice_equal(SLICE("a\0b"), SLICE("a\0b")));
    ck_assert(!slice_equal(SLICE("a\0b"), SLICE("a\0c")));
    ck_assert(!slice_equal(SLICE("ab"), SLICE("abc")));
    ck_assert(slice_is(SLICE("GET"), "GET"));
    ck_assert(!slice_is(SLICE("get"), "GET"));
}
END_TEST

START_TEST(case_is_ignored_for_ascii_only)
{
    ck_assert(slice_is_nocase(SLICE("HoSt"), "hOsT"));
    ck_assert(!slice_is_nocase(SLICE("host"), "hos"));
    ck_assert(!slice_equal_nocase(SLICE("@"), SLICE("`")));
    ck_assert(!slice_equal_nocase(SLICE("["), SLICE("{")));
    ck_assert(!slice_equal_nocase(SLICE("\xc4"), SLICE("\xe4")));
}
END_TEST

START_TEST(starts_and_ends)
{
    ck_assert(slice_starts(SLICE("/a/b"), SLICE("/a")));
    ck_assert(slice_starts(SLICE("/a"), SLICE("")));
    ck_assert(!slice_starts(SLICE("/"), SLICE("/a")));
    ck_assert(slice_ends(SLICE("x.html"), SLICE(".html")));
    ck_assert(slice_ends(slice_make(NULL, 0), slice_make(NULL, 0)));
    ck_assert(!slice_ends(SLICE("html"), SLICE(".html")));
}
END_TEST

START_TEST(parts_never_leave_the_whole)
{
    struct slice text = SLICE("abcdef");

    ck_assert(slice_is(slice_from(text, 2), "cdef"));
    ck_assert_uint_eq(slice_from(text, 6).len, 0);
    ck_assert_ptr_eq(slice_from(text, SIZE_MAX).at, text.at + 6);
    ck_assert(slice_is(slice_first(text, 2), "ab"));
    ck_assert(slice_is(slice_first(text, SIZE_MAX), "abcdef"));
}
END_TEST

START_TEST(bytes_are_found)
{
    ck_assert_int_eq(slice_find(SLICE("a:b:c"), ':'), 1);
    ck_assert_int_eq(slice_find_last(SLICE("a:b:c"), ':'), 3);
    ck_assert_int_eq(slice_find(SLICE("abc"), ':'), -1);
    ck_assert_int_eq(slice_find_last(SLICE("abc"), ':'), -1);
    ck_assert_int_eq(slice_find(slice_make(NULL, 0), ':'), -1);
    ck_assert_int_eq(slice_find_last(slice_make(NULL, 0), ':'), -1);
}
END_TEST

START_TEST(parts_are_found)
{
    struct slice text = SLICE("keep-alive, close");

    ck_assert_ptr_eq(slice_search(text, SLICE("close")), text.at + 12);
    ck_assert_ptr_eq(slice_search(text, SLICE("")), text.at);
    ck_assert_ptr_null(slice_search(text, SLICE("closed")));
    ck_assert_ptr_null(slice_search(slice_make(NULL, 0), SLICE("a")));
}
END_TEST

START_TEST(trim_takes_spaces_and_tabs)
{
    ck_assert(slice_is(slice_trim(SLICE(" \t a b \t")), "a b"));
    ck_assert(slice_is(slice_trim(SLICE("\ra\n")), "\ra\n"));
    ck_assert_uint_eq(slice_trim(SLICE(" \t ")).len, 0);
    ck_assert_uint_eq(slice_trim(SLICE("")).len, 0);
}
END_TEST

START_TEST(order_is_bytewise_and_shorter_first)
{
    ck_assert_int_lt(slice_compare(SLICE("a"), SLICE("b")), 0);
    ck_assert_int_lt(slice_compare(SLICE("a"), SLICE("ab")), 0);
    ck_assert_int_gt(slice_compare(SLICE("\xff"), SLICE("a")), 0);
    ck_assert_int_eq(slice_compare(SLICE("ab"), SLICE("ab")), 0);
    ck_assert_int_lt(slice_compare(SLICE(""), SLICE("a")), 0);
}
END_TEST

START_TEST(numbers_within_the_limit)
{
    static const struct {
        const char *text;
        uint64_t max;
        uint64_t value;
    } rows[] = {
        { "0", 0, 0 },
        { "1", 1, 1 },
        { "007", 7, 7 },
        { "65535", 65535, 65535 },
        { "18446744073709551615", UINT64_MAX, UINT64_MAX },
        { "000000000000000000000000000001", 1, 1 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t value = 99;
        ck_assert(slice_to_number(slice_of(rows[i].text), rows[i].max, &value));
        ck_assert_uint_eq(value, rows[i].value);
    }
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
    static const struct {
        const char *text;
        uint64_t max;
    } rows[] = {
        { "", 9 },          { "-1", 9 },        { "+1", 9 },
        { " 1", 9 },        { "1 ", 9 },        { "0x1", 99 },
        { "1", 0 },         { "5", 3 },         { "10", 9 },
        { "65536", 65535 }, { "99999", 65535 }, { "18446744073709551616", UINT64_MAX },
        { "\xb2", 9 },      { "1.0", 99 },      { "184467440737095516150", UINT64_MAX },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t value = 77;
        ck_assert_msg(!slice_to_number(slice_of(rows[i].text), rows[i].max, &value), "\"%s\"",
                      rows[i].text);
        ck_assert_uint_eq(value, 77);
    }
}
END_TEST

START_TEST(numbers_around_every_limit)
{
    for (uint64_t max = 0; max < 300; max++)
        for (uint64_t number = 0; number < 400; number++) {
            char text[8];
            uint64_t value;
            snprintf(text, sizeof text, "%u", (unsigned)number);
            ck_assert_int_eq(slice_to_number(slice_of(text), max, &value), number <= max);
        }
}
END_TEST

START_TEST(hexadecimal_digits)
{
    for (int c = 0; c < 256; c++) {
        const char *digits = "0123456789abcdef";
        const char *at = c == 0 ? NULL : strchr(digits, ascii_lower((char)c));
        ck_assert_int_eq(hex_digit((char)c), at == NULL ? -1 : at - digits);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        equality_is_of_bytes,
        case_is_ignored_for_ascii_only,
        starts_and_ends,
        parts_never_leave_the_whole,
        bytes_are_found,
        parts_are_found,
        trim_takes_spaces_and_tabs,
        order_is_bytewise_and_shorter_first,
        numbers_within_the_limit,
        what_is_no_number_is_refused,
        numbers_around_every_limit,
        hexadecimal_digits,
        NULL,
    };

    return unit_main(unit_suite("slice", tests));
}
