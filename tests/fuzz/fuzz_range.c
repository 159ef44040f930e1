/* Any bytes as a Range field: the ranges that are answered lie within the
 * representation, and together they are not more than it.
 *
 * The first byte says how large the representation is, the second how many
 * ranges are allowed; the ranges follow. */
#include "worker/http/range.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static void check_ranges(struct slice value, uint64_t size, unsigned max)
{
    struct byte_range *ranges;
    struct arena arena;
    uint64_t sum = 0;
    size_t count;

    arena_init(&arena, NULL);
    if (range_parse(&arena, value, size, max, &ranges, &count) == RANGE_SATISFIABLE) {
        expect(count > 0 && count <= max, "there are ranges, and no more than allowed");
        for (size_t i = 0; i < count; i++) {
            expect(ranges[i].first < ranges[i].end && ranges[i].end <= size,
                   "a range lies within the representation");
            sum += ranges[i].end - ranges[i].first;
        }
        expect(sum <= size, "the ranges are not more than the whole");
    }
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice list = { (const char *)data + 2, size - 2 };
    uint64_t whole = data[0] == UINT8_MAX ? INT64_MAX : data[0];
    unsigned max = data[1] == UINT8_MAX ? UINT_MAX : data[1] % 8;
    struct arena arena;

    check_ranges(list, whole, max);
    arena_init(&arena, NULL);
    check_ranges(arena_join(&arena, SLICE("bytes="), list), whole, max);
    arena_free(&arena);
    return 0;
}
