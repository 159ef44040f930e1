/* The compressor by gzip(1), which reads what it writes, and by the decompressor. */
#include "common/deflate.h"

#include "common/gzip.h"
#include "tests/gzip_program.h"
#include "tests/mix.h"
#include "tests/unit/unit.h"

static const size_t ANY_PIECE = SIZE_MAX / 2;

/* How a compressor is used. */
struct way {
    int level;
    size_t expected;    /* of the input, as told beforehand */
    size_t piece, room; /* given at a time */
    size_t sync;        /* flush after each piece */
    void *memory;       /* of a writer; NULL: its own */
};

static void *new_writer(void)
{
    void *memory = calloc(1, gzip_writer_size());

    ck_assert_ptr_nonnull(memory);
    return memory;
}

/* `input` as a gzip file, in memory from malloc. */
static struct slice compress(struct slice input, struct way way)
{
    struct gzip_writer *writer = way.memory != NULL ? way.memory : new_writer();
    size_t size = input.len + input.len / 8 + 1000 + way.sync * 16, len = 0;
    char *out = malloc(size);
    enum deflate_result result = DEFLATE_NEEDS_INPUT;
    struct slice piece = { NULL, 0 };

    ck_assert_ptr_nonnull(out);
    gzip_writer_init(writer, way.level, way.expected);
    while (result != DEFLATE_ENDED) {
        size_t made, room = way.room < size - len ? way.room : size - len;
        if (piece.len == 0 && result == DEFLATE_NEEDS_INPUT) {
            piece = slice_first(input, way.piece);
            input = slice_from(input, piece.len);
        }
        ck_assert_uint_gt(room, 0);
        result = gzip_write(writer, &piece,
                            input.len == 0 ? DEFLATE_FINISH
                            : way.sync     ? DEFLATE_SYNC
                                           : DEFLATE_MORE,
                            out + len, room, &made);
        ck_assert_uint_le(made, room);
        len += made;
    }
    ck_assert_uint_eq(gzip_written(writer), len);
    if (way.memory == NULL)
        free(writer);
    return slice_make(out, len);
}

static void free_slice(struct slice slice)
{
    free((void *)(uintptr_t)slice.at);
}

static struct way usual(int level)
{
    return (struct way){ level, SIZE_MAX, 16384, 16384, 0, NULL };
}

/* gzip makes the same of it again. */
static void expect_round_trip(struct slice input, struct way way, const char *name)
{
    struct slice file = compress(input, way);
    struct slice back = gzip_program("-d", file);

    ck_assert_msg(slice_equal(back, input), "%s at level %d", name, way.level);
    free_slice(file);
    free_slice(back);
}

START_TEST(gzip_reads_every_file_of_every_level)
{
    for (unsigned kind = 0; kind < MIX_FILES; kind++) {
        struct slice input = mix_make(kind, 1);
        for (int level = DEFLATE_LEVEL_MIN; level <= DEFLATE_LEVEL_MAX; level++)
            expect_round_trip(input, usual(level), mix_kinds[kind].name);
        free_slice(input);
    }
}
END_TEST

/* Each file at most a tenth larger, the whole at most a hundredth. */
START_TEST(files_are_as_small_as_those_of_gzip)
{
    for (int level = DEFLATE_LEVEL_MIN; level <= DEFLATE_LEVEL_MAX; level++) {
        size_t ours = 0, theirs = 0;
        for (unsigned kind = 0; kind < MIX_FILES; kind++) {
            struct slice input = mix_make(kind, 1);
            struct slice file = compress(input, usual(level));
            struct slice other = gzip_program((char[]){ '-', (char)('0' + level), 0 }, input);
            ck_assert_msg(file.len <= other.len + other.len / 10, "%s at level %d: %zu, gzip %zu",
                          mix_kinds[kind].name, level, file.len, other.len);
            ours += file.len;
            theirs += other.len;
            free_slice(input);
            free_slice(file);
            free_slice(other);
        }
        ck_assert_msg(ours <= theirs + theirs / 100, "level %d: %zu, gzip %zu", level, ours,
                      theirs);
    }
}
END_TEST

START_TEST(pieces_may_have_any_size)
{
    static const size_t sizes[] = { 1, 2, 7, 100, 257, 4096, 40000, ANY_PIECE };
    struct slice input = mix_make(2, 1);

    for (size_t in = 0; in < sizeof sizes / sizeof *sizes; in++)
        for (size_t out = 0; out < sizeof sizes / sizeof *sizes; out++)
            expect_round_trip(
                slice_first(input, 20000),
                (struct way){ in % 2 == 0 ? 6 : 2, SIZE_MAX, sizes[in], sizes[out],
                              out % 3 == 0 && sizes[in] >= 7 ? input.len / sizes[in] + 1 : 0,
                              NULL },
                "page");
    free_slice(input);
}
END_TEST

/* Few bytes: every decision that looks ahead meets the end. */
START_TEST(short_inputs)
{
    for (size_t len = 0; len < 600; len += len < 20 ? 1 : 37)
        for (int level = 1; level <= 9; level += 4) {
            char text[600];
            for (unsigned period = 1; period < 6; period += 2) {
                for (size_t i = 0; i < len; i++)
                    text[i] = (char)('a' + i % period);
                struct way way = usual(level);
                way.expected = len;
                expect_round_trip(slice_make(text, len), way, "short");
            }
        }
}
END_TEST

START_TEST(a_short_input_can_be_told_beforehand)
{
    struct slice input = mix_make(1, 1);

    for (size_t len = 100; len < input.len; len *= 3) {
        struct way way = usual(6);
        way.expected = len;
        expect_round_trip(slice_first(input, len), way, "program");
    }
    struct way wrong = usual(6);
    wrong.expected = 10; /* it costs only size */
    expect_round_trip(input, wrong, "program");
    free_slice(input);
}
END_TEST

START_TEST(noise_hardly_grows)
{
    struct slice input = mix_make(7, 4);

    for (int level = 1; level <= 9; level++) {
        struct slice file = compress(input, usual(level));
        ck_assert_uint_le(file.len, input.len + input.len / 1000 + 64);
        free_slice(file);
    }
    free_slice(input);
}
END_TEST

START_TEST(runs_shrink_to_almost_nothing)
{
    enum { LEN = 1000000 };
    char *zeros = calloc(1, LEN);

    for (int level = 1; level <= 9; level++) {
        struct slice input = slice_make(zeros, LEN);
        struct slice file = compress(input, usual(level));
        ck_assert_uint_le(file.len, LEN / 200);
        expect_round_trip(input, usual(level), "zeros");
        free_slice(file);
    }
    free(zeros);
}
END_TEST

/* Repetitions just within reach, and just beyond. */
START_TEST(repetitions_far_back)
{
    enum { REACH = 32768 };

    for (size_t gap = REACH - 300; gap <= REACH + 300; gap += 25) {
        struct slice noise = mix_make(7, 1);
        memcpy((char *)(uintptr_t)noise.at + gap, noise.at, 258);
        expect_round_trip(noise, usual(9), "noise with a repetition");
        free_slice(noise);
    }
}
END_TEST

START_TEST(memory_that_was_used_gives_the_same_bytes)
{
    void *memory = new_writer();
    struct way fresh = usual(6), used = usual(6);
    struct slice input = mix_make(0, 1), other = mix_make(4, 1);

    used.memory = memory;
    free_slice(compress(other, used));
    struct slice first = compress(input, fresh), second = compress(input, used);
    ck_assert(slice_equal(first, second));
    free_slice(first);
    free_slice(second);
    free_slice(input);
    free_slice(other);
    free(memory);
}
END_TEST

/* What was taken before a flush can be decoded without what comes after. */
START_TEST(a_flush_sends_all)
{
    struct gzip_writer *writer = new_writer();
    struct gzip_reader *reader = malloc(gzip_reader_size());
    struct slice input = mix_make(0, 1);

    gzip_writer_init(writer, 6, SIZE_MAX);
    gzip_reader_init(reader);
    for (size_t at = 0, len = 1; at < input.len; at += len, len = len * 2 + 1) {
        struct slice piece = slice_first(slice_from(input, at), len);
        char file[100000], back[100000];
        size_t made, got;
        len = piece.len;
        ck_assert_int_eq(gzip_write(writer, &piece, DEFLATE_SYNC, file, sizeof file, &made),
                         DEFLATE_NEEDS_INPUT);
        struct slice written = slice_make(file, made);
        ck_assert_int_eq(gzip_read(reader, &written, back, sizeof back, &got), GZIP_NEEDS_INPUT);
        ck_assert_uint_eq(got, len);
        ck_assert_int_eq(memcmp(back, input.at + at, len), 0);
        /* A second flush has nothing to say. */
        ck_assert_int_eq(gzip_write(writer, &piece, DEFLATE_SYNC, file, sizeof file, &made),
                         DEFLATE_NEEDS_INPUT);
        ck_assert_uint_eq(made, 0);
    }
    free_slice(input);
    free(writer);
    free(reader);
}
END_TEST

/* Which form a block has: its first byte says (RFC 1951 3.2.3). */
static unsigned form_of(struct slice input)
{
    struct slice file = compress(input, usual(6));
    unsigned first = (uint8_t)file.at[10];

    ck_assert_uint_eq(first & 1, 1);
    free_slice(file);
    return first >> 1 & 3;
}

START_TEST(the_cheapest_form_is_taken)
{
    struct slice noise = mix_make(7, 1), prose = mix_make(0, 1);

    ck_assert_uint_eq(form_of(slice_first(noise, 10000)), 0);
    ck_assert_uint_eq(form_of(SLICE("Hello, hello")), 1);
    ck_assert_uint_eq(form_of(SLICE("")), 1);
    ck_assert_uint_eq(form_of(slice_first(prose, 10000)), 2);
    free_slice(noise);
    free_slice(prose);
}
END_TEST

START_TEST(memory_is_bounded)
{
    ck_assert_uint_le(gzip_writer_size(), 300 * 1024);
    ck_assert_uint_le(gzip_reader_size(), 80 * 1024);
}
END_TEST

int main(void)
{
    return unit_main(unit_suite(
        "deflate", (const TTest *[]){
                       gzip_reads_every_file_of_every_level, files_are_as_small_as_those_of_gzip,
                       pieces_may_have_any_size, short_inputs, a_short_input_can_be_told_beforehand,
                       noise_hardly_grows, runs_shrink_to_almost_nothing, repetitions_far_back,
                       memory_that_was_used_gives_the_same_bytes, a_flush_sends_all,
                       the_cheapest_form_is_taken, memory_is_bounded, NULL }));
}
