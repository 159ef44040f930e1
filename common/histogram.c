#include "common/histogram.h"

/* The lowest value that the bucket counts. */
static uint64_t lowest(unsigned bucket)
{
    if (bucket < 4)
        return bucket;
    return (uint64_t)(4 + bucket % 4) << (bucket / 4 - 1);
}

uint64_t histogram_bound(unsigned bucket)
{
    return bucket < HISTOGRAM_BUCKETS - 1 ? lowest(bucket + 1) - 1 : UINT64_MAX;
}

uint64_t histogram_count(const uint64_t *counts)
{
    uint64_t count = 0;

    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++)
        count += counts[bucket];
    return count;
}

uint64_t histogram_percentile(const uint64_t *counts, unsigned per_mille)
{
    uint64_t count = histogram_count(counts);
    /* Split, so that large counts do not overflow. Rounded up: 99 % of 10 values are all. */
    uint64_t wanted = count / 1000 * per_mille + (count % 1000 * per_mille + 999) / 1000;
    uint64_t seen = 0;
    unsigned bucket = 0;

    if (count == 0)
        return 0;
    while (bucket < HISTOGRAM_BUCKETS - 1 && seen + counts[bucket] < wanted)
        seen += counts[bucket++];
    return bucket < HISTOGRAM_BUCKETS - 1 ? histogram_bound(bucket) : lowest(bucket);
}
