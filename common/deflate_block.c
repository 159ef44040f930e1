#include "common/deflate_internal.h"
#include "common/huffman.h"

#include <endian.h>
#include <string.h>

enum {
    FORM_STORED,
    FORM_FIXED,
    FORM_OWN,
    CODE_BITS_MAX = 7, /* of the code that code lengths are written in */
    CODE_SYMBOLS = 19,
    REPEAT = 16,     /* the length before, 3 to 6 times */
    ZEROS_FEW = 17,  /* 3 to 10 */
    ZEROS_MANY = 18, /* 11 to 138 */
    STORED_MAX = 65535,
    TOKEN_BITS_MAX = 48, /* 15 + 5 for a length, 15 + 13 for a distance */
};

/* The order in which the code of the code lengths is told (RFC 1951 3.2.7). */
static const uint8_t code_order[CODE_SYMBOLS] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                  11, 4,  12, 3, 13, 2, 14, 1, 15 };

/* --- bits --- */

/* Adds bits to the 64 that wait; there are never more than 7 before a token. */
static inline void put_bits(struct deflate *d, uint64_t word, unsigned count)
{
    d->bits |= word << d->bit_count;
    d->bit_count += count;
}

/* Whole bytes go to the pending ones, which have 8 bytes to spare. */
static inline void flush_bits(struct deflate *d)
{
    uint64_t word = htole64(d->bits);
    unsigned bytes = d->bit_count / 8;

    memcpy(d->pending + d->pending_end, &word, sizeof word);
    d->pending_end += bytes;
    d->bits = bytes == 8 ? 0 : d->bits >> (bytes * 8);
    d->bit_count -= bytes * 8;
}

static void put_and_flush(struct deflate *d, uint64_t word, unsigned count)
{
    put_bits(d, word, count);
    flush_bits(d);
}

/* The rest of the last byte is zero. */
static void align(struct deflate *d)
{
    put_and_flush(d, 0, (8 - d->bit_count % 8) % 8);
}

/* --- lengths --- */

static unsigned length_symbol(unsigned length)
{
    unsigned from = length - MATCH_MIN;

    if (length == MATCH_MAX)
        return 285;
    if (from < 8)
        return 257 + from;
    unsigned high = highest_bit(from);
    return 257 + 4 * (high - 1) + (from >> (high - 2) & 3);
}

static unsigned length_extra_bits(unsigned length)
{
    unsigned from = length - MATCH_MIN;

    return from < 8 || length == MATCH_MAX ? 0 : highest_bit(from) - 2;
}

static void count_lengths(struct deflate *d)
{
    for (unsigned length = MATCH_MIN; length <= MATCH_MAX; length++)
        d->literal_counts[length_symbol(length)] += d->length_counts[length - MATCH_MIN];
    d->literal_counts[BLOCK_END] = 1;
}

/* --- a block's own code, and how it is told --- */

struct told_code {
    uint8_t symbols[LITERALS + DISTANCES]; /* lengths, and runs of them */
    uint8_t extra[LITERALS + DISTANCES];   /* how long a run is */
    size_t count;
    size_t literals, distances;      /* lengths told */
    uint8_t code_bits[CODE_SYMBOLS]; /* of the code that they are told in */
    size_t code_told;
    uint64_t size; /* bits of it all */
};

static unsigned run_extra_bits(unsigned symbol)
{
    return symbol == REPEAT ? 2 : symbol == ZEROS_FEW ? 3 : symbol == ZEROS_MANY ? 7 : 0;
}

static void tell(struct told_code *told, unsigned symbol, size_t extra)
{
    told->symbols[told->count] = (uint8_t)symbol;
    told->extra[told->count++] = (uint8_t)extra;
}

/* A run of one length. */
static void tell_run(struct told_code *told, uint8_t bits, size_t run)
{
    while (bits == 0 && run >= 11) {
        size_t part = run > 138 ? 138 : run;
        tell(told, ZEROS_MANY, part - 11);
        run -= part;
    }
    if (bits == 0 && run >= 3) {
        tell(told, ZEROS_FEW, run - 3);
        return;
    }
    if (bits > 0 && run > 0) {
        tell(told, bits, 0);
        run--;
    }
    while (bits > 0 && run >= 3) {
        size_t part = run > 6 ? 6 : run;
        tell(told, REPEAT, part - 3);
        run -= part;
    }
    for (; run > 0; run--)
        tell(told, bits, 0);
}

static size_t used(const uint8_t *bits, size_t count, size_t least)
{
    while (count > least && bits[count - 1] == 0)
        count--;
    return count;
}

/* How the code is told in as few bits as runs allow. */
static void tell_code(const struct deflate_code *code, struct told_code *told)
{
    uint8_t lengths[LITERALS + DISTANCES];
    uint32_t counts[CODE_SYMBOLS] = { 0 };
    size_t total;

    told->count = 0;
    told->literals = used(code->bits, LITERALS, 257);
    told->distances = used(code->distance_bits, DISTANCES, 1);
    total = told->literals + told->distances;
    memcpy(lengths, code->bits, told->literals);
    memcpy(lengths + told->literals, code->distance_bits, told->distances);
    for (size_t i = 0, run; i < total; i += run) {
        run = 1;
        while (i + run < total && lengths[i + run] == lengths[i])
            run++;
        tell_run(told, lengths[i], run);
    }
    for (size_t i = 0; i < told->count; i++)
        counts[told->symbols[i]]++;
    huffman_lengths(counts, CODE_SYMBOLS, CODE_BITS_MAX, told->code_bits);
    told->code_told = CODE_SYMBOLS;
    while (told->code_told > 4 && told->code_bits[code_order[told->code_told - 1]] == 0)
        told->code_told--;
    told->size = 5 + 5 + 4 + 3 * told->code_told;
    for (unsigned i = 0; i < CODE_SYMBOLS; i++)
        told->size += (uint64_t)counts[i] * (told->code_bits[i] + run_extra_bits(i));
}

static void write_told(struct deflate *d, const struct told_code *told)
{
    uint16_t words[CODE_SYMBOLS];

    huffman_codes(told->code_bits, CODE_SYMBOLS, words);
    put_and_flush(d, told->literals - 257, 5);
    put_and_flush(d, told->distances - 1, 5);
    put_and_flush(d, told->code_told - 4, 4);
    for (size_t i = 0; i < told->code_told; i++)
        put_and_flush(d, told->code_bits[code_order[i]], 3);
    for (size_t i = 0; i < told->count; i++) {
        unsigned symbol = told->symbols[i];
        put_bits(d, words[symbol], told->code_bits[symbol]);
        put_and_flush(d, told->extra[i], run_extra_bits(symbol));
    }
}

/* --- the forms --- */

/* The fixed code (RFC 1951 3.2.6): of the 288 words that it has, two have no meaning. */
static uint8_t fixed_bits(unsigned symbol)
{
    return symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
}

static void use_fixed(struct deflate_code *code)
{
    uint8_t bits[HUFFMAN_SYMBOLS_MAX];
    uint16_t words[HUFFMAN_SYMBOLS_MAX];

    for (unsigned i = 0; i < HUFFMAN_SYMBOLS_MAX; i++)
        bits[i] = fixed_bits(i);
    huffman_codes(bits, HUFFMAN_SYMBOLS_MAX, words);
    memcpy(code->bits, bits, sizeof code->bits);
    memcpy(code->words, words, sizeof code->words);
    memset(bits, 5, 32);
    huffman_codes(bits, 32, words);
    memcpy(code->distance_bits, bits, sizeof code->distance_bits);
    memcpy(code->distance_words, words, sizeof code->distance_words);
}

static void use_own(struct deflate *d)
{
    struct deflate_code *code = &d->code;

    huffman_lengths(d->literal_counts, LITERALS, HUFFMAN_BITS_MAX, code->bits);
    huffman_lengths(d->distance_counts, DISTANCES, HUFFMAN_BITS_MAX, code->distance_bits);
}

/* Bits of the tokens' words, without the extra bits, which no code changes. */
static uint64_t words_size(const struct deflate *d, bool fixed)
{
    uint64_t size = 0;

    for (unsigned i = 0; i < LITERALS; i++)
        size += (uint64_t)d->literal_counts[i] * (fixed ? fixed_bits(i) : d->code.bits[i]);
    for (unsigned i = 0; i < DISTANCES; i++)
        size += (uint64_t)d->distance_counts[i] * (fixed ? 5 : d->code.distance_bits[i]);
    return size;
}

static uint64_t extra_size(const struct deflate *d)
{
    uint64_t size = 0;

    for (unsigned length = MATCH_MIN; length <= MATCH_MAX; length++)
        size += (uint64_t)d->length_counts[length - MATCH_MIN] * length_extra_bits(length);
    for (unsigned i = 0; i < DISTANCES; i++)
        size += (uint64_t)d->distance_counts[i] * distance_extra_bits(i);
    return size;
}

static int choose_form(struct deflate *d, struct told_code *told)
{
    uint64_t extra = extra_size(d);
    uint64_t span = (uint64_t)((int64_t)(d->at) - (d->held ? 1 : 0) - d->block_start);
    uint64_t fixed = words_size(d, true) + extra;
    uint64_t least = fixed;
    int form = FORM_FIXED;

    use_own(d);
    tell_code(&d->code, told);
    if (told->size + words_size(d, false) + extra < least) {
        least = told->size + words_size(d, false) + extra;
        form = FORM_OWN;
    }
    if (d->block_start >= 0 && span <= STORED_MAX && 7 + 32 + span * 8 <= least)
        form = FORM_STORED;
    return form;
}

/* Each length's word with its extra bits behind it. */
static void make_length_words(struct deflate_code *code)
{
    for (unsigned length = MATCH_MIN; length <= MATCH_MAX; length++) {
        unsigned symbol = length_symbol(length), extra = length_extra_bits(length);
        uint32_t value = (length - MATCH_MIN) & ((1U << extra) - 1);
        code->length_words[length - MATCH_MIN] = code->words[symbol] | value << code->bits[symbol];
        code->length_bits[length - MATCH_MIN] = (uint8_t)(code->bits[symbol] + extra);
    }
}

static void begin_stored(struct deflate *d)
{
    uint32_t end = d->at - (d->held ? 1 : 0);
    uint32_t len = end - (uint32_t)d->block_start;

    align(d);
    put_and_flush(d, len | (uint64_t)(len ^ 0xffff) << 16, 32);
    d->stored_at = (uint32_t)d->block_start;
    d->stored_end = end;
    d->state = DEFLATE_STORED;
}

void deflate_block_begin(struct deflate *d, bool last)
{
    struct told_code told;

    count_lengths(d);
    int form = choose_form(d, &told);
    put_and_flush(d, (unsigned)last | (unsigned)form << 1, 3);
    d->last_block = last;
    d->next_token = 0;
    d->state = DEFLATE_TOKENS;
    if (form == FORM_STORED) {
        begin_stored(d);
        return;
    }
    if (form == FORM_FIXED) {
        use_fixed(&d->code);
    } else {
        huffman_codes(d->code.bits, LITERALS, d->code.words);
        huffman_codes(d->code.distance_bits, DISTANCES, d->code.distance_words);
        write_told(d, &told);
    }
    make_length_words(&d->code);
}

/* --- writing --- */

static inline void write_token(struct deflate *d, const struct deflate_code *code, uint32_t token)
{
    unsigned length = d->token_lengths[token], distance = d->token_distances[token];

    if (distance == 0) {
        put_bits(d, code->words[length], code->bits[length]);
        return;
    }
    unsigned symbol = distance_symbol(distance), extra = distance_extra_bits(symbol);
    put_bits(d, code->length_words[length], code->length_bits[length]);
    put_bits(d, code->distance_words[symbol], code->distance_bits[symbol]);
    put_bits(d, (distance - 1) & ((1U << extra) - 1), extra);
}

static void block_ended(struct deflate *d)
{
    d->block_start = (int64_t)d->at - (d->held ? 1 : 0);
    d->token_count = 0;
    memset(d->literal_counts, 0, sizeof d->literal_counts);
    memset(d->length_counts, 0, sizeof d->length_counts);
    memset(d->distance_counts, 0, sizeof d->distance_counts);
    d->state = DEFLATE_GATHER;
    if (!d->last_block)
        return;
    align(d);
    d->state = DEFLATE_LEFT;
}

static bool write_stored(struct deflate *d)
{
    uint32_t room = PENDING_MAX - d->pending_end, left = d->stored_end - d->stored_at;
    uint32_t piece = left < room ? left : room;

    memcpy(d->pending + d->pending_end, d->window + d->stored_at, piece);
    d->pending_end += piece;
    d->stored_at += piece;
    if (d->stored_at < d->stored_end)
        return false;
    block_ended(d);
    return true;
}

bool deflate_block_write(struct deflate *d)
{
    if (d->state == DEFLATE_STORED)
        return write_stored(d);
    while (d->next_token < d->token_count) {
        if (d->pending_end > PENDING_MAX - 8)
            return false;
        write_token(d, &d->code, d->next_token++);
        flush_bits(d);
    }
    if (d->pending_end > PENDING_MAX - 16)
        return false;
    put_and_flush(d, d->code.words[BLOCK_END], d->code.bits[BLOCK_END]);
    block_ended(d);
    return true;
}

void deflate_block_sync(struct deflate *d)
{
    put_and_flush(d, FORM_STORED << 1, 3);
    align(d);
    put_and_flush(d, 0xffff0000U, 32);
}
