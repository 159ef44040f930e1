/* Range fields, answered as nginx answers them. RFC 9110 14. */
#include "worker/http/range.h"

#include "tests/unit/unit.h"

#include <limits.h>

static struct arena arena;

/* The ranges as "first-end,first-end", or the result's name. */
static const char *parsed(const char *value, uint64_t size, unsigned max)
{
    struct byte_range *ranges;
    size_t count;
    struct slice text = SLICE("");

    switch (range_parse(&arena, slice_of(value), size, max, &ranges, &count)) {
    case RANGE_IGNORE:
        return "ignore";
    case RANGE_UNSATISFIABLE:
        return "unsatisfiable";
    case RANGE_NO_MEMORY:
        return "no memory";
    case RANGE_SATISFIABLE:
        break;
    }
    ck_assert_uint_gt(count, 0);
    for (size_t i = 0; i < count; i++)
        text = arena_printf(&arena, "%.*s%s%llu-%llu", (int)text.len, text.at, i > 0 ? "," : "",
                            (unsigned long long)ranges[i].first, (unsigned long long)ranges[i].end);
    return text.at;
}

START_TEST(ranges_of_a_thousand_bytes)
{
    static const struct {
        const char *value, *ranges;
    } rows[] = {
        { "bytes=0-0", "0-1" },
        { "bytes=0-", "0-1000" },
        { "bytes=0-999", "0-1000" },
        { "bytes=0-1000", "0-1000" },
        { "bytes=0-9223372036854775807", "0-1000" },
        { "bytes=999-", "999-1000" },
        { "bytes=999-5000", "999-1000" },
        { "bytes=-1", "999-1000" },
        { "bytes=-1000", "0-1000" },
        { "bytes=-5000", "0-1000" },
        { "BYTES=1-2", "1-3" },
        { "bytes= 1 - 2 , 5 - ", "1-3,5-1000" },
        { "bytes=1-2,-1,4-4", "1-3,999-1000,4-5" },
        { "bytes=5-6,1-2", "5-7,1-3" },
        { "bytes=0-499,400-500", "0-500,400-501" },
        { "bytes=1-2,1000-", "1-3" },
        { "bytes=1-2,5-3", "1-3" },
        { "bytes=1-2,-0", "1-3" },
        { "bytes=000000000000000000000001-2", "1-3" },
        { "bytes=0-,0-0", "ignore" },
        { "bytes=-1000,-1", "ignore" },
        { "bytes=", "ignore" },
        { "byte=0-0", "ignore" },
        { "items=0-0", "ignore" },
        { "bytes 0-0", "ignore" },
        { "", "ignore" },
        { "bytes=1000-", "unsatisfiable" },
        { "bytes=1000-2000,3000-", "unsatisfiable" },
        { "bytes=5-3", "unsatisfiable" },
        { "bytes=-0", "unsatisfiable" },
        { "bytes=-", "unsatisfiable" },
        { "bytes=--1", "unsatisfiable" },
        { "bytes=- 1", "unsatisfiable" },
        { "bytes=a-b", "unsatisfiable" },
        { "bytes=1", "unsatisfiable" },
        { "bytes=1-2-3", "unsatisfiable" },
        { "bytes=1-2,", "unsatisfiable" },
        { "bytes=,1-2", "unsatisfiable" },
        { "bytes=1-2 3-4", "unsatisfiable" },
        { "bytes=1-2;3-4", "unsatisfiable" },
        { "bytes=+1-2", "unsatisfiable" },
        { "bytes=0x1-2", "unsatisfiable" },
        { "bytes=1-2\t", "unsatisfiable" },
        { "bytes =1-2", "ignore" },
        { "bytes=9223372036854775807-", "unsatisfiable" },
        { "bytes=9223372036854775808-", "unsatisfiable" },
        { "bytes=0-9223372036854775808", "unsatisfiable" },
        { "bytes=-9223372036854775808", "unsatisfiable" },
        { "bytes=18446744073709551617-", "unsatisfiable" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *ranges = parsed(rows[i].value, 1000, UINT_MAX);
        ck_assert_msg(strcmp(ranges, rows[i].ranges) == 0, "\"%s\": %s", rows[i].value, ranges);
    }
}
END_TEST

START_TEST(an_empty_representation_has_no_ranges)
{
    ck_assert_str_eq(parsed("bytes=0-", 0, UINT_MAX), "ignore");
    ck_assert_str_eq(parsed("bytes=0-0", 0, UINT_MAX), "ignore");
    ck_assert_str_eq(parsed("bytes=-1", 0, UINT_MAX), "ignore");
    ck_assert_str_eq(parsed("bytes=-0", 0, UINT_MAX), "ignore");
    ck_assert_str_eq(parsed("bytes=1-", 0, UINT_MAX), "unsatisfiable");
}
END_TEST

START_TEST(more_ranges_than_allowed_are_ignored)
{
    ck_assert_str_eq(parsed("bytes=0-0", 10, 0), "ignore");
    ck_assert_str_eq(parsed("bytes=0-0", 10, 1), "0-1");
    ck_assert_str_eq(parsed("bytes=0-0,2-2", 10, 1), "ignore");
    ck_assert_str_eq(parsed("bytes=0-0,2-2", 10, 2), "0-1,2-3");
    /* Those that have no bytes do not count. */
    ck_assert_str_eq(parsed("bytes=0-0,20-", 10, 1), "0-1");
}
END_TEST

START_TEST(the_largest_representation)
{
    ck_assert_str_eq(parsed("bytes=9223372036854775806-", INT64_MAX, UINT_MAX),
                     "9223372036854775806-9223372036854775807");
    ck_assert_str_eq(parsed("bytes=0-,0-", INT64_MAX, UINT_MAX), "unsatisfiable");
}
END_TEST

START_TEST(many_ranges)
{
    struct slice value = SLICE("bytes=0-0");
    struct byte_range *ranges;
    size_t count;

    for (int i = 1; i < 1000; i++)
        value = arena_join(&arena, value, SLICE(",0-0"));
    ck_assert_int_eq(range_parse(&arena, value, 1000, UINT_MAX, &ranges, &count),
                     RANGE_SATISFIABLE);
    ck_assert_uint_eq(count, 1000);
    ck_assert_int_eq(range_parse(&arena, value, 999, UINT_MAX, &ranges, &count), RANGE_IGNORE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        ranges_of_a_thousand_bytes,
        an_empty_representation_has_no_ranges,
        more_ranges_than_allowed_are_ignored,
        the_largest_representation,
        many_ranges,
        NULL,
    };

    return unit_main(unit_suite("range", tests));
}
