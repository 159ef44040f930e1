#include "common/histogram.h"

#include "tests/unit/unit.h"

START_TEST(buckets_are_log_linear)
{
    static const struct {
        uint64_t value;
        unsigned bucket;
    } rows[] = {
        { 0, 0 },           { 1, 1 },       { 3, 3 },       { 4, 4 },       { 7, 7 },
        { 8, 8 },           { 9, 8 },       { 10, 9 },      { 15, 11 },     { 16, 12 },
        { 19, 12 },         { 20, 13 },     { 31, 15 },     { 32, 16 },     { 65535, 59 },
        { 65536, 60 },      { 114687, 62 }, { 114688, 63 }, { 131071, 63 }, { 131072, 63 },
        { UINT64_MAX, 63 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_uint_eq(histogram_bucket(rows[i].value), rows[i].bucket);
}
END_TEST

START_TEST(bounds_and_buckets_agree)
{
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS - 1; bucket++) {
        uint64_t bound = histogram_bound(bucket);
        ck_assert_uint_eq(histogram_bucket(bound), bucket);
        ck_assert_uint_eq(histogram_bucket(bound + 1), bucket + 1);
    }
    ck_assert_uint_eq(histogram_bound(HISTOGRAM_BUCKETS - 1), UINT64_MAX);
}
END_TEST

/* A bucket is no wider than a quarter of where it begins. */
START_TEST(values_are_known_to_a_fifth)
{
    for (unsigned bucket = 4; bucket < HISTOGRAM_BUCKETS - 1; bucket++) {
        uint64_t begins = histogram_bound(bucket - 1) + 1;
        ck_assert_uint_le((histogram_bound(bucket) - begins) * 5, histogram_bound(bucket));
    }
}
END_TEST

START_TEST(percentiles_of_known_values)
{
    uint64_t counts[HISTOGRAM_BUCKETS] = { 0 };

    ck_assert_uint_eq(histogram_percentile(counts, 500), 0);
    for (uint64_t value = 1; value <= 1000; value++)
        counts[histogram_bucket(value)]++;
    ck_assert_uint_eq(histogram_count(counts), 1000);
    static const unsigned per_mille[] = { 1, 2, 3, 10, 500, 900, 990, 1000 };
    for (size_t i = 0; i < sizeof per_mille / sizeof *per_mille; i++)
        ck_assert_uint_eq(histogram_percentile(counts, per_mille[i]),
                          histogram_bound(histogram_bucket(per_mille[i])));
}
END_TEST

START_TEST(a_single_slow_value_among_many)
{
    uint64_t counts[HISTOGRAM_BUCKETS] = { 0 };

    counts[0] = 999;
    counts[histogram_bucket(3000)] = 1;
    ck_assert_uint_eq(histogram_percentile(counts, 500), 0);
    ck_assert_uint_eq(histogram_percentile(counts, 999), 0);
    ck_assert_uint_ge(histogram_percentile(counts, 1000), 3000);
}
END_TEST

START_TEST(the_last_bucket_has_no_bound)
{
    uint64_t counts[HISTOGRAM_BUCKETS] = { 0 };

    counts[HISTOGRAM_BUCKETS - 1] = UINT64_MAX / 2;
    ck_assert_uint_eq(histogram_percentile(counts, 990), 114688);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        buckets_are_log_linear,
        bounds_and_buckets_agree,
        values_are_known_to_a_fifth,
        percentiles_of_known_values,
        a_single_slow_value_among_many,
        the_last_bucket_has_no_bound,
        NULL,
    };

    return unit_main(unit_suite("histogram", tests));
}
