#include "common/inflate_internal.h"

#include <string.h>

/* RFC 1951 3.2.5 */
static const struct {
    uint16_t base;
    uint8_t extra : 4;
} lengths_table[] = {
    { 3, 0 },   { 4, 0 },   { 5, 0 },   { 6, 0 },   { 7, 0 },   { 8, 0 },  { 9, 0 },  { 10, 0 },
    { 11, 1 },  { 13, 1 },  { 15, 1 },  { 17, 1 },  { 19, 2 },  { 23, 2 }, { 27, 2 }, { 31, 2 },
    { 35, 3 },  { 43, 3 },  { 51, 3 },  { 59, 3 },  { 67, 4 },  { 83, 4 }, { 99, 4 }, { 115, 4 },
    { 131, 5 }, { 163, 5 }, { 195, 5 }, { 227, 5 }, { 258, 0 },
};

struct inflate_entry inflate_literal(unsigned symbol)
{
    if (symbol < 256)
        return (struct inflate_entry){ .kind = INFLATE_LITERAL, .value = (uint16_t)symbol };
    if (symbol == 256)
        return (struct inflate_entry){ .kind = INFLATE_END };
    symbol -= 257;
    if (symbol >= sizeof lengths_table / sizeof *lengths_table)
        return (struct inflate_entry){ .kind = INFLATE_INVALID };
    return (struct inflate_entry){ .kind = INFLATE_BASE,
                                   .value = lengths_table[symbol].base,
                                   .extra = lengths_table[symbol].extra };
}

struct inflate_entry inflate_distance(unsigned symbol)
{
    if (symbol < 4)
        return (struct inflate_entry){ .kind = INFLATE_BASE, .value = (uint16_t)(symbol + 1) };
    if (symbol >= 30)
        return (struct inflate_entry){ .kind = INFLATE_INVALID };
    unsigned extra = symbol / 2 - 1;
    return (struct inflate_entry){ .kind = INFLATE_BASE,
                                   .value = (uint16_t)(((2 + (symbol & 1)) << extra) + 1),
                                   .extra = extra & 0xf };
}

struct inflate_entry inflate_code_length(unsigned symbol)
{
    return (struct inflate_entry){ .kind = INFLATE_LITERAL, .value = (uint16_t)symbol };
}

/* A code on its way into a table. */
struct builder {
    struct inflate_entry *table;
    size_t entries, used; /* places of the table */
    unsigned root;
    unsigned counts[INFLATE_BITS_MAX + 1]; /* words of each length that are still to come */
    uint32_t sub_prefix;                   /* the root bits that the last subtable is for */
    size_t sub_start;
    unsigned sub_bits;
};

/* Whether the words fit; *left: of the space of all words of INFLATE_BITS_MAX bits, how
 * much is not taken. */
static bool measure(const unsigned *counts, unsigned *left)
{
    *left = 1;
    for (unsigned bits = 1; bits <= INFLATE_BITS_MAX; bits++) {
        *left <<= 1;
        if (counts[bits] > *left)
            return false;
        *left -= counts[bits];
    }
    return true;
}

/* How many bits the longest word with this beginning has left: words of rising length
 * fill a subtable until it is full. */
static unsigned subtable_bits(const struct builder *builder, unsigned length)
{
    unsigned bits = length - builder->root;
    unsigned space = 1U << bits;

    while (bits + builder->root < INFLATE_BITS_MAX) {
        unsigned here = builder->counts[bits + builder->root];
        if (here >= space)
            break;
        space = (space - here) << 1;
        bits++;
    }
    return bits;
}

/* The subtable for the word; false when there is no place for it. */
static bool open_subtable(struct builder *builder, uint32_t word, unsigned length)
{
    uint32_t prefix = word & ((1U << builder->root) - 1);

    if (builder->sub_bits > 0 && prefix == builder->sub_prefix)
        return true;
    builder->sub_bits = subtable_bits(builder, length);
    builder->sub_prefix = prefix;
    builder->sub_start = builder->used;
    builder->used += (size_t)1 << builder->sub_bits;
    if (builder->used > builder->entries)
        return false;
    builder->table[prefix] = (struct inflate_entry){ .kind = INFLATE_SUBTABLE,
                                                     .bits = (uint8_t)builder->root,
                                                     .extra = builder->sub_bits & 0xf,
                                                     .value = (uint16_t)builder->sub_start };
    return true;
}

/* Every place whose index ends in the word. */
static bool put_word(struct builder *builder, uint32_t word, unsigned length,
                     struct inflate_entry entry)
{
    struct inflate_entry *table = builder->table;
    size_t size = (size_t)1 << builder->root;

    entry.bits = (uint8_t)length;
    if (length > builder->root) {
        if (!open_subtable(builder, word, length))
            return false;
        table += builder->sub_start;
        size = (size_t)1 << builder->sub_bits;
        word >>= builder->root;
        length -= builder->root;
        entry.bits = (uint8_t)length;
    }
    for (size_t place = word; place < size; place += (size_t)1 << length)
        table[place] = entry;
    return true;
}

/* The next word of the same length, its first bit lowest. */
static uint32_t next_word(uint32_t word, unsigned length)
{
    uint32_t bit = 1U << (length - 1);

    while (word & bit)
        bit >>= 1;
    return bit == 0 ? 0 : (word & (bit - 1)) + bit;
}

/* Symbols in the order of their words. */
static void sort_symbols(const uint8_t *lengths, size_t count, const unsigned *counts,
                         uint16_t *sorted)
{
    unsigned place[INFLATE_BITS_MAX + 2] = { 0 };

    for (unsigned bits = 1; bits <= INFLATE_BITS_MAX; bits++)
        place[bits + 1] = place[bits] + counts[bits];
    for (size_t i = 0; i < count; i++)
        if (lengths[i] > 0)
            sorted[place[lengths[i]]++] = (uint16_t)i;
}

static bool is_allowed(const unsigned *counts, enum inflate_lack lack)
{
    unsigned left, words = 0;

    if (!measure(counts, &left))
        return false;
    for (unsigned bits = 1; bits <= INFLATE_BITS_MAX; bits++)
        words += counts[bits];
    return left == 0 || (words == 1 && counts[1] == 1 && lack >= INFLATE_ONE_WORD) ||
           (words == 0 && lack == INFLATE_NO_WORD);
}

bool inflate_table(struct inflate_entry *table, size_t entries, unsigned root,
                   const uint8_t *lengths, size_t count, inflate_meaning *meaning,
                   enum inflate_lack lack)
{
    struct builder builder = {
        .table = table, .entries = entries, .used = (size_t)1 << root, .root = root
    };
    uint16_t sorted[INFLATE_LITERALS] = { 0 };
    uint32_t word = 0;
    size_t words = 0;

    for (size_t i = 0; i < count; i++)
        words += lengths[i] > 0;
    for (size_t i = 0; i < count; i++)
        builder.counts[lengths[i]]++;
    builder.counts[0] = 0;
    if (!is_allowed(builder.counts, lack))
        return false;
    if (words < 2)
        for (size_t i = 0; i < builder.used; i++)
            table[i] = (struct inflate_entry){ .kind = INFLATE_INVALID, .bits = 1 };
    sort_symbols(lengths, count, builder.counts, sorted);
    for (size_t i = 0; i < words; i++) {
        unsigned length = lengths[sorted[i]];
        if (!put_word(&builder, word, length, meaning(sorted[i])))
            return false;
        word = next_word(word, length);
        builder.counts[length]--;
    }
    return true;
}
