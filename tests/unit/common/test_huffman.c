#include "common/huffman.h"

#include "tests/unit/unit.h"

#include <string.h>

/* How much of the space of words the lengths take, in 2^-15. */
static unsigned taken(const uint8_t *lengths, size_t count)
{
    unsigned sum = 0;

    for (size_t i = 0; i < count; i++)
        if (lengths[i] > 0)
            sum += 1U << (HUFFMAN_BITS_MAX - lengths[i]);
    return sum;
}

static uint64_t cost(const uint32_t *frequencies, const uint8_t *lengths, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (uint64_t)frequencies[i] * lengths[i];
    return sum;
}

/* What the best code without a limit costs: the sum of all joins of the two smallest. */
static uint64_t best_cost(const uint32_t *frequencies, size_t count)
{
    uint64_t weights[HUFFMAN_SYMBOLS_MAX], sum = 0;
    size_t left = 0;

    for (size_t i = 0; i < count; i++)
        if (frequencies[i] > 0)
            weights[left++] = frequencies[i];
    while (left > 1) {
        for (int end = 1; end <= 2; end++) { /* the smallest two to the end */
            size_t least = 0;
            for (size_t i = 1; i + (size_t)end <= left; i++)
                if (weights[i] < weights[least])
                    least = i;
            uint64_t swap = weights[least];
            weights[least] = weights[left - (size_t)end];
            weights[left - (size_t)end] = swap;
        }
        weights[left - 2] += weights[left - 1];
        sum += weights[--left - 1];
    }
    return sum;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* A tree can be deeper than 15 only when the sum reaches Fibonacci's 18th number; then the
 * limit costs a little. */
static void expect_least(const uint32_t *frequencies, const uint8_t *lengths, size_t count)
{
    uint64_t sum = 0, best = best_cost(frequencies, count);

    for (size_t i = 0; i < count; i++)
        sum += frequencies[i];
    ck_assert_uint_ge(cost(frequencies, lengths, count), best);
    ck_assert_uint_le(cost(frequencies, lengths, count), sum < 2584 ? best : best + best / 1000);
}

START_TEST(codes_are_complete_and_optimal)
{
    uint32_t state = 7, frequencies[286];
    uint8_t lengths[286];

    for (int round = 0; round < 300; round++) {
        size_t count = 2 + next_random(&state) % 285;
        unsigned shift = next_random(&state) % 10;
        for (size_t i = 0; i < count; i++)
            frequencies[i] = (next_random(&state) & 0x3ff) >> shift;
        frequencies[0] = frequencies[1] = 1;
        huffman_lengths(frequencies, count, 15, lengths);
        ck_assert_uint_eq(taken(lengths, count), 1U << 15);
        expect_least(frequencies, lengths, count);
        for (size_t i = 0; i < count; i++)
            ck_assert_int_eq(lengths[i] > 0, frequencies[i] > 0);
    }
}
END_TEST

/* Fibonacci's numbers make the deepest tree. */
START_TEST(no_word_is_longer_than_the_limit)
{
    uint32_t frequencies[22] = { 1, 1 };
    uint8_t lengths[22];

    for (size_t i = 2; i < 22; i++)
        frequencies[i] = frequencies[i - 1] + frequencies[i - 2];
    for (unsigned most = 5; most <= 15; most++) {
        huffman_lengths(frequencies, 22, most, lengths);
        ck_assert_uint_eq(taken(lengths, 22), 1U << 15);
        for (size_t i = 0; i < 22; i++) {
            ck_assert_uint_le(lengths[i], most);
            ck_assert(i == 0 || lengths[i] <= lengths[i - 1]);
        }
    }
}
END_TEST

START_TEST(few_symbols_have_words_of_one_bit)
{
    uint32_t none[4] = { 0 }, one[4] = { 0, 0, 9 }, first[4] = { 9 };
    uint8_t lengths[4];

    huffman_lengths(none, 4, 15, lengths);
    ck_assert_int_eq(memcmp(lengths, (uint8_t[]){ 1, 1, 0, 0 }, 4), 0);
    huffman_lengths(one, 4, 15, lengths);
    ck_assert_int_eq(memcmp(lengths, (uint8_t[]){ 1, 0, 1, 0 }, 4), 0);
    huffman_lengths(first, 4, 15, lengths);
    ck_assert_int_eq(memcmp(lengths, (uint8_t[]){ 1, 1, 0, 0 }, 4), 0);
}
END_TEST

/* The example of RFC 1951 3.2.2; the words are told with their first bit lowest. */
START_TEST(words_are_canonical)
{
    const uint8_t lengths[] = { 3, 3, 3, 3, 3, 2, 4, 4, 0 };
    const uint16_t expected[] = { 2, 6, 1, 5, 3, 0, 7, 15, 0 };
    uint16_t words[9];

    huffman_codes(lengths, 9, words);
    ck_assert_int_eq(memcmp(words, expected, sizeof expected), 0);
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("huffman", (const TTest *[]){ codes_are_complete_and_optimal,
                                                              no_word_is_longer_than_the_limit,
                                                              few_symbols_have_words_of_one_bit,
                                                              words_are_canonical, NULL }));
}
