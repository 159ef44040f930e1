/* histogram.h: how values are spread, in a fixed number of buckets.
 *
 * The buckets are log-linear: 0, 1, 2 and 3 have one each, and each doubling from
 * there on has four of equal width, so that a value is known to within a fifth
 * over all of the range: 0 to 131,071 of whatever unit is counted; the last bucket
 * takes what is above. The counts are the caller's: an array of HISTOGRAM_BUCKETS. */
#ifndef MUXD_COMMON_HISTOGRAM_H
#define MUXD_COMMON_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 64 };

/* The bucket that counts this value. */
static inline unsigned histogram_bucket(uint64_t value)
{
    if (value < 4)
        return (unsigned)value;
    unsigned highest = 63U - (unsigned)__builtin_clzll(value);
    unsigned bucket = (highest - 1) * 4 + (unsigned)(value >> (highest - 2) & 3);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The highest value that the bucket counts; UINT64_MAX for the last. */
uint64_t histogram_bound(unsigned bucket);

/* How many values are counted. */
uint64_t histogram_count(const uint64_t *counts);

/* The value that `per_mille` thousandths of all counted values do not exceed: the bound of
 * its bucket; of the last bucket, which has none, the value where it begins. 0 when nothing
 * is counted. */
uint64_t histogram_percentile(const uint64_t *counts, unsigned per_mille);

#endif
