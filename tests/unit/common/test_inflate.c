/* The decompressor: data written bit by bit here, bad data of each kind, and what the
 * compressor writes. test_gzip.c has files of gzip(1). */
#include "common/inflate.h"

#include "common/deflate.h"
#include "common/inflate_internal.h"
#include "tests/mix.h"
#include "tests/unit/unit.h"

/* --- data, a few bits at a time --- */

struct bits {
    uint8_t bytes[4096];
    size_t count;
};

/* A number, its lowest bit first: all but words of codes. */
static void put(struct bits *bits, unsigned number, unsigned count)
{
    for (unsigned i = 0; i < count; i++, bits->count++)
        bits->bytes[bits->count / 8] |= (uint8_t)((number >> i & 1) << bits->count % 8);
}

/* A word of a code, as RFC 1951 draws it. */
static void put_word(struct bits *bits, const char *word)
{
    for (; *word != '\0'; word++)
        put(bits, *word == '1', 1);
}

/* A literal in the fixed code, of those with 8 bits. */
static void put_fixed(struct bits *bits, char c)
{
    for (unsigned word = 0x30U + (unsigned char)c, i = 8; i-- > 0;)
        put(bits, word >> i & 1, 1);
}

enum { BLOCK_STORED, BLOCK_FIXED, BLOCK_OWN, BLOCK_RESERVED };

static void put_block(struct bits *bits, bool last, unsigned form)
{
    put(bits, last, 1);
    put(bits, form, 2);
}

#define FIXED_END "0000000"

/* --- decoding --- */

static struct inflate *new_inflate(void)
{
    struct inflate *inflate = malloc(inflate_size());

    ck_assert_ptr_nonnull(inflate);
    inflate_init(inflate);
    return inflate;
}

/* What comes of the input, in pieces of `in` and `out` bytes; at most `size` bytes. */
static enum inflate_result decode(struct slice input, size_t in, size_t out, char *text,
                                  size_t size, size_t *len)
{
    struct inflate *inflate = new_inflate();
    enum inflate_result result;
    struct slice piece = { NULL, 0 };

    *len = 0;
    for (;;) {
        size_t made, room = size - *len < out ? size - *len : out;
        if (piece.len == 0) {
            piece = slice_first(input, in);
            input = slice_from(input, piece.len);
        }
        result = inflate_run(inflate, &piece, text + *len, room, &made);
        if (made > room)
            ck_abort_msg("more was made than there is room for");
        *len += made;
        if (result == INFLATE_ENDED || result == INFLATE_BAD ||
            (result == INFLATE_NEEDS_ROOM && *len == size) ||
            (result == INFLATE_NEEDS_INPUT && input.len == 0 && piece.len == 0))
            break;
    }
    free(inflate);
    return result;
}

/* The same result in one piece and byte by byte. */
static void expect(const struct bits *bits, enum inflate_result expected, const char *expected_text)
{
    struct slice input = slice_make((const char *)bits->bytes, (bits->count + 7) / 8);
    static const size_t sizes[] = { 4096, 1 };
    char text[4096];
    size_t len;

    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(decode(input, sizes[i], sizes[i], text, sizeof text, &len), expected);
        ck_assert_uint_eq(len, strlen(expected_text));
        ck_assert_int_eq(memcmp(text, expected_text, len), 0);
    }
}

static void expect_bad(const struct bits *bits)
{
    expect(bits, INFLATE_BAD, "");
}

START_TEST(stored_blocks)
{
    struct bits bits = { 0 };

    put_block(&bits, false, BLOCK_STORED);
    bits.count = 8;
    put(&bits, 3, 16);
    put(&bits, 3 ^ 0xffff, 16);
    for (const char *c = "abc"; *c != '\0'; c++)
        put(&bits, (unsigned char)*c, 8);
    put_block(&bits, true, BLOCK_STORED);
    bits.count += 8 - bits.count % 8;
    put(&bits, 0, 16);
    put(&bits, 0xffff, 16);
    expect(&bits, INFLATE_ENDED, "abc");
    bits.bytes[1] ^= 1;
    expect_bad(&bits);
}
END_TEST

START_TEST(fixed_blocks)
{
    struct bits bits = { 0 };

    put_block(&bits, true, BLOCK_FIXED);
    put_fixed(&bits, 'a');
    put_fixed(&bits, 'b');
    put_word(&bits, "0000011"); /* 259: 5 bytes */
    put_word(&bits, "00001");   /* 2 back */
    put_word(&bits, "0000001"); /* 257: 3 bytes */
    put_word(&bits, "00000");   /* 1 back */
    expect(&bits, INFLATE_NEEDS_INPUT, "abababaaaa");
    put_word(&bits, FIXED_END);
    expect(&bits, INFLATE_ENDED, "abababaaaa");
}
END_TEST

START_TEST(extra_bits)
{
    struct bits bits = { 0 };
    char expected[200] = "0123456789";

    put_block(&bits, true, BLOCK_FIXED);
    for (char c = '0'; c <= '9'; c++)
        put_fixed(&bits, c);
    put_word(&bits, "0010101"); /* 277: 67 and 4 bits */
    put(&bits, 13, 4);
    put_word(&bits, "00101"); /* 7 and a bit */
    put(&bits, 1, 1);
    put_word(&bits, FIXED_END);
    for (size_t i = 10; i < 90; i++)
        expected[i] = expected[i - 8];
    expect(&bits, INFLATE_ENDED, expected);
}
END_TEST

/* A block with a code of its own: lengths of 257 + literals and distances. */
static void put_own(struct bits *bits, const uint8_t *lengths, unsigned literals,
                    unsigned distances)
{
    put_block(bits, true, BLOCK_OWN);
    put(bits, literals - 257, 5);
    put(bits, distances - 1, 5);
    put(bits, 19 - 4, 4);
    /* All code lengths in words of 4 bits, from 0 to 15; no runs. */
    for (unsigned i = 0; i < 19; i++)
        put(bits, i < 3 ? 0 : 4, 3);
    for (unsigned i = 0; i < literals + distances; i++)
        for (unsigned bit = 4; bit-- > 0;)
            put(bits, lengths[i] >> bit & 1U, 1);
}

START_TEST(blocks_with_their_own_code)
{
    struct bits bits = { 0 };
    uint8_t lengths[258 + 2] = { ['a'] = 1, [256] = 2, [257] = 2, [258] = 1, [259] = 1 };

    put_own(&bits, lengths, 258, 2);
    put_word(&bits, "0"); /* a */
    put_word(&bits, "0");
    put_word(&bits, "11"); /* 3 bytes */
    put_word(&bits, "1");  /* 2 back */
    put_word(&bits, "10"); /* the end */
    expect(&bits, INFLATE_ENDED, "aaaaa");
}
END_TEST

START_TEST(one_distance_is_enough)
{
    struct bits bits = { 0 };
    uint8_t lengths[258 + 1] = { ['a'] = 1, [256] = 2, [257] = 2, [258] = 1 };
    struct bits other;

    put_own(&bits, lengths, 258, 1);
    put_word(&bits, "0");
    put_word(&bits, "11");
    other = bits;
    put_word(&bits, "0"); /* 1 back */
    put_word(&bits, "10");
    expect(&bits, INFLATE_ENDED, "aaaa");
    put_word(&other, "1"); /* no such word */
    put_word(&other, "10");
    expect(&other, INFLATE_BAD, "a");
}
END_TEST

START_TEST(no_distance_is_enough_without_matches)
{
    struct bits bits = { 0 };
    uint8_t lengths[258 + 1] = { ['a'] = 1, [256] = 2, [257] = 2 };
    struct bits other;

    put_own(&bits, lengths, 258, 1);
    put_word(&bits, "0");
    other = bits;
    put_word(&bits, "10");
    expect(&bits, INFLATE_ENDED, "a");
    put_word(&other, "11");
    put_word(&other, "0000");
    expect(&other, INFLATE_BAD, "a");
}
END_TEST

/* Words longer than what is looked up at once. */
START_TEST(long_words)
{
    struct bits bits = { 0 };
    uint8_t lengths[257 + 1] = {
        ['a'] = 1,  ['b'] = 2,  ['c'] = 3,  ['d'] = 4,  ['e'] = 5,  ['f'] = 6,
        ['g'] = 7,  ['h'] = 8,  ['i'] = 9,  ['j'] = 10, ['k'] = 11, ['l'] = 12,
        ['m'] = 13, ['n'] = 14, ['o'] = 15, [256] = 15
    };

    put_own(&bits, lengths, 257, 1);
    put_word(&bits, "111111111111110"); /* o */
    put_word(&bits, "0");
    put_word(&bits, "11111111110"); /* k */
    put_word(&bits, "11111111111110");
    put_word(&bits, "1111111110"); /* j */
    put_word(&bits, "111111111111111");
    expect(&bits, INFLATE_ENDED, "oaknj");
}
END_TEST

/* --- what no compressor writes --- */

START_TEST(a_block_of_no_form)
{
    struct bits bits = { 0 };

    put_block(&bits, true, BLOCK_RESERVED);
    expect_bad(&bits);
}
END_TEST

START_TEST(symbols_without_a_meaning)
{
    static const char *const words[] = { "11000110", "11000111" }; /* 286, 287 */

    for (int i = 0; i < 2; i++) {
        struct bits bits = { 0 };
        put_block(&bits, true, BLOCK_FIXED);
        put_word(&bits, words[i]);
        put(&bits, 0, 32);
        expect_bad(&bits);
    }
    for (unsigned distance = 30; distance < 32; distance++) {
        struct bits bits = { 0 };
        put_block(&bits, true, BLOCK_FIXED);
        put_fixed(&bits, 'a');
        put_word(&bits, "0000001");
        put_word(&bits, distance == 30 ? "11110" : "11111");
        put(&bits, 0, 32);
        expect(&bits, INFLATE_BAD, "a");
    }
}
END_TEST

START_TEST(distances_beyond_the_beginning)
{
    struct bits bits = { 0 };

    put_block(&bits, true, BLOCK_FIXED);
    put_fixed(&bits, 'a');
    put_word(&bits, "0000001");
    put_word(&bits, "00001");
    put_word(&bits, FIXED_END);
    expect(&bits, INFLATE_BAD, "a");
}
END_TEST

START_TEST(too_many_symbols)
{
    for (unsigned kind = 0; kind < 3; kind++) {
        struct bits bits = { 0 };
        put_block(&bits, true, BLOCK_OWN);
        put(&bits, kind == 0 ? 30 : kind == 1 ? 31 : 0, 5);
        put(&bits, kind == 2 ? 30 : 0, 5);
        put(&bits, 0, 4);
        expect_bad(&bits);
    }
}
END_TEST

/* Each of these codes of literals and distances is refused. */
START_TEST(bad_codes)
{
    static const struct {
        uint8_t literals[4], distances[3]; /* lengths of a, b, the end, 257; of 0, 1, 2 */
    } codes[] = {
        { { 1, 1, 1, 0 }, { 1, 1, 0 } }, /* too many words */
        { { 1, 3, 3, 0 }, { 1, 1, 0 } }, /* too few */
        { { 2, 0, 0, 0 }, { 1, 1, 0 } }, /* one, but not of one bit */
        { { 1, 1, 0, 0 }, { 1, 1, 0 } }, /* the block never ends */
        { { 1, 2, 2, 0 }, { 1, 1, 1 } }, { { 1, 2, 2, 0 }, { 1, 2, 0 } },
        { { 1, 2, 2, 0 }, { 2, 0, 0 } },
    };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct bits bits = { 0 };
        uint8_t lengths[258 + 3] = { 0 };
        lengths['a'] = codes[i].literals[0];
        lengths['b'] = codes[i].literals[1];
        lengths[256] = codes[i].literals[2];
        lengths[257] = codes[i].literals[3];
        memcpy(lengths + 258, codes[i].distances, 3);
        put_own(&bits, lengths, 258, 3);
        put(&bits, 0, 32);
        expect_bad(&bits);
    }
}
END_TEST

/* The code of the code lengths: of 19 lengths these, in the order they are told. */
static void put_code_code(struct bits *bits, const uint8_t *lengths, unsigned count)
{
    put_block(bits, true, BLOCK_OWN);
    put(bits, 0, 5);
    put(bits, 0, 5);
    put(bits, count - 4, 4);
    for (unsigned i = 0; i < count; i++)
        put(bits, lengths[i], 3);
}

START_TEST(bad_codes_of_code_lengths)
{
    static const uint8_t codes[][4] = {
        { 0, 0, 0, 0 },                 /* none */
        { 1, 1, 1, 0 }, { 2, 2, 2, 0 }, /* too many, too few words */
        { 1, 0, 0, 0 }, { 7, 0, 0, 0 },
    };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct bits bits = { 0 };
        put_code_code(&bits, codes[i], 4);
        put(&bits, 0, 32);
        expect_bad(&bits);
    }
}
END_TEST

START_TEST(runs_of_nothing_and_beyond_the_end)
{
    static const uint8_t codes[] = { 1, 0, 1, 0 }; /* 16 is "0", 18 is "1" */
    struct bits first = { 0 }, beyond = { 0 };

    put_code_code(&first, codes, 4);
    put_word(&first, "0");
    put(&first, 0, 2);
    put(&first, 0, 32);
    expect_bad(&first);
    put_code_code(&beyond, codes, 4);
    for (int i = 0; i < 2; i++) {
        put_word(&beyond, "1");
        put(&beyond, i == 0 ? 127 : 110, 7); /* 138 and 121 of 258 */
    }
    put(&beyond, 0, 32);
    expect_bad(&beyond);
}
END_TEST

/* --- streams --- */

static struct slice compress(struct slice input, int level)
{
    struct deflate *deflate = calloc(1, deflate_size());
    char *out = malloc(input.len + 1000);
    size_t len;

    ck_assert(deflate != NULL && out != NULL);
    deflate_init(deflate, level, SIZE_MAX);
    ck_assert_int_eq(deflate_run(deflate, &input, DEFLATE_FINISH, out, input.len + 1000, &len),
                     DEFLATE_ENDED);
    free(deflate);
    return slice_make(out, len);
}

static void free_slice(struct slice slice)
{
    free((void *)(uintptr_t)slice.at);
}

START_TEST(pieces_may_have_any_size)
{
    static const size_t sizes[] = { 1, 3, 16, 1000, 70000, 1000000 };

    for (unsigned kind = 0; kind < MIX_FILES; kind++) {
        struct slice input = mix_make(kind, 1), file = compress(input, 6);
        char *text = malloc(input.len);
        for (size_t in = 0; in < 6; in++)
            for (size_t out = 0; out < 6; out++) {
                size_t len;
                ck_assert_int_eq(decode(file, sizes[in], sizes[out], text, input.len, &len),
                                 INFLATE_ENDED);
                ck_assert(slice_equal(slice_make(text, len), input));
            }
        free(text);
        free_slice(input);
        free_slice(file);
    }
}
END_TEST

/* The data is cut anywhere: what there is comes out, and no end. */
START_TEST(the_end_is_missed)
{
    struct slice input = mix_make(1, 1), file = compress(input, 6);
    char *text = malloc(input.len);

    for (size_t cut = 0; cut < file.len; cut += 97) {
        size_t len;
        ck_assert_int_eq(decode(slice_first(file, cut), 4096, 4096, text, input.len, &len),
                         INFLATE_NEEDS_INPUT);
        ck_assert(slice_equal(slice_make(text, len), slice_first(input, len)));
    }
    free(text);
    free_slice(input);
    free_slice(file);
}
END_TEST

/* A small input that would become large: no more comes than there is room for. */
START_TEST(output_is_bounded)
{
    enum { ZEROS = 10000000 };
    char *zeros = calloc(1, ZEROS), text[101];
    struct slice file = compress(slice_make(zeros, ZEROS), 9), whole = file;
    struct inflate *inflate = new_inflate();
    size_t made;

    ck_assert_uint_lt(file.len, ZEROS / 900);
    for (int i = 0; i < 3000; i++) {
        text[100] = 'x';
        ck_assert_int_eq(inflate_run(inflate, &file, text, 100, &made), INFLATE_NEEDS_ROOM);
        ck_assert_uint_eq(made, 100);
        ck_assert_int_eq(text[100], 'x');
    }
    ck_assert_uint_gt(file.len, ZEROS / 1200);
    free_slice(whole);
    free(inflate);
    free(zeros);
}
END_TEST

START_TEST(what_is_behind_is_not_lost)
{
    struct slice file = compress(SLICE("hello"), 6);
    char bytes[100], text[100], unread[INFLATE_UNREAD_MAX];

    for (size_t behind = 0; behind < 20; behind++) {
        struct inflate *inflate = new_inflate();
        struct slice input = slice_make(bytes, file.len + behind);
        size_t made, count;
        memcpy(bytes, file.at, file.len);
        memcpy(bytes + file.len, "0123456789abcdefghij", behind);
        ck_assert_int_eq(inflate_run(inflate, &input, text, sizeof text, &made), INFLATE_ENDED);
        count = inflate_unread(inflate, unread);
        ck_assert_uint_eq(count + input.len, behind);
        ck_assert_int_eq(memcmp(unread, bytes + file.len, count), 0);
        free(inflate);
    }
    free_slice(file);
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* The tables' sizes are those of the worst complete codes. */
START_TEST(the_largest_tables_fit)
{
    struct inflate_entry table[INFLATE_LITERAL_ENTRIES];
    uint8_t lengths[INFLATE_LITERALS];
    uint32_t state = 1;

    for (int round = 0; round < 2000; round++) {
        /* Words are split at random, in odd rounds rather long ones, until all symbols
         * have one. */
        size_t count = 1;
        lengths[0] = 0;
        while (count < INFLATE_LITERALS) {
            size_t split = next_random(&state) % count, other = next_random(&state) % count;
            if (round % 2 == 1 && lengths[other] > lengths[split])
                split = other;
            if (lengths[split] < INFLATE_BITS_MAX)
                lengths[count++] = ++lengths[split];
        }
        ck_assert(inflate_table(table, INFLATE_LITERAL_ENTRIES, INFLATE_LITERAL_ROOT, lengths,
                                count, inflate_literal, INFLATE_COMPLETE));
    }
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("inflate", (const TTest *[]){ stored_blocks,
                                                              fixed_blocks,
                                                              extra_bits,
                                                              blocks_with_their_own_code,
                                                              one_distance_is_enough,
                                                              no_distance_is_enough_without_matches,
                                                              long_words,
                                                              a_block_of_no_form,
                                                              symbols_without_a_meaning,
                                                              distances_beyond_the_beginning,
                                                              too_many_symbols,
                                                              bad_codes,
                                                              bad_codes_of_code_lengths,
                                                              runs_of_nothing_and_beyond_the_end,
                                                              pieces_may_have_any_size,
                                                              the_end_is_missed,
                                                              output_is_bounded,
                                                              what_is_behind_is_not_lost,
                                                              the_largest_tables_fit,
                                                              NULL }));
}
