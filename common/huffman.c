#include "common/huffman.h"

#include <stdbool.h>
#include <string.h>

/* A symbol that occurs: frequency << 16 | symbol. */
typedef uint32_t keyed;

static void sort_by_byte(const keyed *from, size_t count, unsigned shift, keyed *to)
{
    size_t place[256] = { 0 }, sum = 0;

    for (size_t i = 0; i < count; i++)
        place[from[i] >> shift & 0xff]++;
    for (size_t i = 0; i < sizeof place / sizeof *place; i++) {
        size_t here = place[i];
        place[i] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++)
        to[place[from[i] >> shift & 0xff]++] = from[i];
}

/* The symbols that occur, the rarest first; how many. */
static size_t sort_symbols(const uint32_t *frequencies, size_t count, keyed *sorted)
{
    keyed unsorted[HUFFMAN_SYMBOLS_MAX] = { 0 }, scratch[HUFFMAN_SYMBOLS_MAX] = { 0 };
    size_t used = 0;

    for (size_t i = 0; i < count; i++)
        if (frequencies[i] > 0)
            unsorted[used++] = frequencies[i] << 16 | (keyed)i;
    sort_by_byte(unsorted, used, 16, scratch);
    sort_by_byte(scratch, used, 24, sorted);
    return used;
}

/* Moffat and Katajainen, "In-place calculation of minimum-redundancy codes": of weights in
 * rising order each becomes the index of its parent among the inner nodes, which stand in
 * the same array; weights[count - 2] is the root. */
static void join_weights(uint32_t *weights, size_t count)
{
    size_t leaf = 0, inner = 0;

    for (size_t next = 0; next < count - 1; next++) {
        uint32_t sum = 0;
        for (int child = 0; child < 2; child++) {
            if (leaf >= count || (inner < next && weights[inner] < weights[leaf])) {
                sum += weights[inner];
                weights[inner++] = (uint32_t)next;
            } else {
                sum += weights[leaf++];
            }
        }
        weights[next] = sum;
    }
}

/* How many leaves there are at each depth; those that are too deep count as `most`. */
static void count_depths(uint32_t *parents, size_t count, unsigned most, unsigned *at_depth)
{
    size_t root = count - 2;

    /* The parent of a node stands behind it: depths are known from the root down. */
    parents[root] = 0;
    at_depth[1] = 2;
    for (size_t node = root; node-- > 0;) {
        unsigned depth = parents[parents[node]] + 1;
        parents[node] = depth;
        if (depth >= most)
            depth = most - 1;
        /* An inner node here instead of a leaf gives two leaves below. */
        while (at_depth[depth] == 0)
            depth--;
        at_depth[depth]--;
        at_depth[depth + 1] += 2;
    }
}

/* The shortest codes to the symbols that occur most. */
static void give_lengths(const keyed *sorted, const unsigned *at_depth, unsigned most,
                         uint8_t *lengths)
{
    size_t next = 0;

    for (unsigned depth = most; depth > 0; depth--)
        for (unsigned i = 0; i < at_depth[depth]; i++)
            lengths[sorted[next++] & 0xffff] = (uint8_t)depth;
}

/* A code of two words, one of them for a symbol that does not occur. */
static void give_one_bit(const keyed *sorted, size_t used, uint8_t *lengths)
{
    size_t symbol = used > 0 ? sorted[0] & 0xffff : 0;

    lengths[symbol] = 1;
    lengths[symbol == 0 ? 1 : 0] = 1;
}

void huffman_lengths(const uint32_t *frequencies, size_t count, unsigned most, uint8_t *lengths)
{
    keyed sorted[HUFFMAN_SYMBOLS_MAX];
    uint32_t weights[HUFFMAN_SYMBOLS_MAX];
    unsigned at_depth[HUFFMAN_BITS_MAX + 1] = { 0 };
    size_t used = sort_symbols(frequencies, count, sorted);

    memset(lengths, 0, count);
    if (used < 2) {
        give_one_bit(sorted, used, lengths);
        return;
    }
    for (size_t i = 0; i < used; i++)
        weights[i] = sorted[i] >> 16;
    join_weights(weights, used);
    count_depths(weights, used, most, at_depth);
    give_lengths(sorted, at_depth, most, lengths);
}

static uint16_t reverse(uint16_t word, unsigned bits)
{
    uint16_t reversed = 0;

    for (unsigned i = 0; i < bits; i++)
        reversed = (uint16_t)(reversed << 1 | (word >> i & 1));
    return reversed;
}

void huffman_codes(const uint8_t *lengths, size_t count, uint16_t *codes)
{
    uint16_t next[HUFFMAN_BITS_MAX + 2] = { 0 };

    for (size_t i = 0; i < count; i++)
        if (lengths[i] > 0)
            next[lengths[i] + 1]++;
    for (unsigned bits = 1; bits <= HUFFMAN_BITS_MAX; bits++)
        next[bits] = (uint16_t)((next[bits] + next[bits - 1]) << 1);
    for (size_t i = 0; i < count; i++)
        codes[i] = lengths[i] > 0 ? reverse(next[lengths[i]]++, lengths[i]) : 0;
}
