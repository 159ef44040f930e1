/* The container: files of gzip(1), each field of the head, damage. test_deflate.c has the
 * writer. */
#include "common/gzip.h"

#include "common/crc32.h"
#include "tests/gzip_program.h"
#include "tests/mix.h"
#include "tests/unit/unit.h"

static void free_slice(struct slice slice)
{
    free((void *)(uintptr_t)slice.at);
}

/* All of the input in pieces of `size`; the text is at most `room` bytes. */
static enum gzip_result read_all(struct slice input, size_t size, char *text, size_t room,
                                 size_t *len)
{
    struct gzip_reader *reader = malloc(gzip_reader_size());
    enum gzip_result result = GZIP_NEEDS_INPUT;
    struct slice piece = { NULL, 0 };

    ck_assert_ptr_nonnull(reader);
    gzip_reader_init(reader);
    *len = 0;
    while (result != GZIP_BAD && (input.len > 0 || piece.len > 0 || result == GZIP_NEEDS_ROOM)) {
        size_t made;
        if (piece.len == 0) {
            piece = slice_first(input, size);
            input = slice_from(input, piece.len);
        }
        result =
            gzip_read(reader, &piece, text + *len, room - *len < size ? room - *len : size, &made);
        *len += made;
    }
    free(reader);
    return result;
}

START_TEST(files_of_gzip_are_read)
{
    static const size_t sizes[] = { 1, 11, 4096, 500000 };

    for (unsigned kind = 0; kind < MIX_FILES; kind++) {
        struct slice input = mix_make(kind, 1);
        char *text = malloc(input.len + 1);
        for (unsigned i = 0; i < 4; i++) {
            struct slice file = gzip_program((char[]){ '-', (char)('1' + 2 * i), 0 }, input);
            size_t len;
            ck_assert_int_eq(read_all(file, sizes[i], text, input.len + 1, &len), GZIP_COMPLETE);
            ck_assert(slice_equal(slice_make(text, len), input));
            free_slice(file);
        }
        free(text);
        free_slice(input);
    }
}
END_TEST

/* An empty file: two bytes of data, no sum, no length. */
#define DATA "\x03\x00\0\0\0\0\0\0\0\0"
#define HEAD(flags) "\x1f\x8b\x08" flags "\0\0\0\0\0\x03"

static void expect(struct slice file, enum gzip_result expected)
{
    char text[100];
    size_t len;

    for (size_t size = 1; size < 30; size += 7)
        ck_assert_int_eq(read_all(file, size, text, sizeof text, &len), expected);
    ck_assert_uint_eq(len, 0);
}

START_TEST(every_field_of_the_head)
{
    expect(SLICE(HEAD("\0") DATA), GZIP_COMPLETE);
    expect(SLICE(HEAD("\x01") DATA), GZIP_COMPLETE); /* "probably text" */
    expect(SLICE(HEAD("\x04") "\x05\0extra" DATA), GZIP_COMPLETE);
    expect(SLICE(HEAD("\x04") "\0\0" DATA), GZIP_COMPLETE);
    expect(SLICE(HEAD("\x08") "name\0" DATA), GZIP_COMPLETE);
    expect(SLICE(HEAD("\x10") "comment\0" DATA), GZIP_COMPLETE);
    expect(SLICE(HEAD("\x1c") "\x01\0e"
                              "name\0"
                              "\0" DATA),
           GZIP_COMPLETE);
    expect(SLICE(HEAD("\x08") "name"), GZIP_NEEDS_INPUT);
    expect(SLICE(HEAD("\x04") "\xff\xff"), GZIP_NEEDS_INPUT);
}
END_TEST

START_TEST(the_sum_of_the_head)
{
    char file[] = HEAD("\x0a") "name\0"
                               "??" DATA;
    uint32_t crc = crc32_add(0, file, 15);

    file[15] = (char)crc;
    file[16] = (char)(crc >> 8);
    expect(slice_make(file, sizeof file - 1), GZIP_COMPLETE);
    file[16] ^= 1;
    expect(slice_make(file, sizeof file - 1), GZIP_BAD);
}
END_TEST

START_TEST(bad_heads)
{
    expect(SLICE("\x1e\x8b\x08\0\0\0\0\0\0\x03" DATA), GZIP_BAD);
    expect(SLICE("\x1f\x8a\x08\0\0\0\0\0\0\x03" DATA), GZIP_BAD);
    expect(SLICE("\x1f\x8b\x07\0\0\0\0\0\0\x03" DATA), GZIP_BAD);
    expect(SLICE(HEAD("\x20") DATA), GZIP_BAD);
    expect(SLICE(HEAD("\x40") DATA), GZIP_BAD);
    expect(SLICE(HEAD("\x80") DATA), GZIP_BAD);
    expect(SLICE(""), GZIP_NEEDS_INPUT);
    expect(SLICE("\x1f"), GZIP_NEEDS_INPUT);
}
END_TEST

START_TEST(sum_and_length_are_checked)
{
    char file[] = HEAD("\0") DATA;
    size_t len = sizeof file - 1;

    for (size_t i = len - 8; i < len; i++) {
        file[i] ^= 4;
        expect(slice_make(file, len), GZIP_BAD);
        file[i] ^= 4;
        expect(slice_make(file, i), GZIP_NEEDS_INPUT);
    }
    expect(slice_make(file, len), GZIP_COMPLETE);
}
END_TEST

START_TEST(files_may_follow_each_other)
{
    struct slice first = gzip_program("-1", SLICE("Hello, ")),
                 second = gzip_program("-9", SLICE("world"));
    char both[200], text[100];
    size_t len, size = first.len + second.len;

    memcpy(both, first.at, first.len);
    memcpy(both + first.len, second.at, second.len);
    for (size_t piece = 1; piece < 100; piece++) {
        ck_assert_int_eq(read_all(slice_make(both, size), piece, text, sizeof text, &len),
                         GZIP_COMPLETE);
        ck_assert(slice_equal(slice_make(text, len), SLICE("Hello, world")));
    }
    both[size] = 'x';
    both[size + 1] = 'y';
    ck_assert_int_eq(read_all(slice_make(both, size + 10), 100, text, sizeof text, &len), GZIP_BAD);
    free_slice(first);
    free_slice(second);
}
END_TEST

/* Any byte of a file is changed: its damage is noticed, but where nothing depends on it. */
START_TEST(damage_is_noticed)
{
    struct slice input = mix_make(1, 1);
    struct slice file = gzip_program("-6", slice_first(input, 3000));
    char *copy = malloc(file.len), text[8000];

    for (size_t i = 10; i < file.len; i++) {
        size_t len;
        memcpy(copy, file.at, file.len);
        copy[i] ^= (char)(1 << i % 8);
        enum gzip_result result =
            read_all(slice_make(copy, file.len), 4096, text, sizeof text, &len);
        if (result == GZIP_COMPLETE)
            ck_assert(slice_equal(slice_make(text, len), slice_first(input, 3000)));
    }
    free(copy);
    free_slice(file);
    free_slice(input);
}
END_TEST

static void expect_head(int level, uint8_t extra)
{
    struct gzip_writer *writer = calloc(1, gzip_writer_size());
    struct slice none = { NULL, 0 };
    char file[100];
    size_t made;

    gzip_writer_init(writer, level, 0);
    ck_assert_int_eq(gzip_write(writer, &none, DEFLATE_FINISH, file, sizeof file, &made),
                     DEFLATE_ENDED);
    ck_assert_uint_eq(made, 20);
    ck_assert_int_eq(memcmp(file, "\x1f\x8b\x08\0\0\0\0\0", 8), 0);
    ck_assert_uint_eq((uint8_t)file[8], extra);
    ck_assert_uint_eq((uint8_t)file[9], 3);
    ck_assert_int_eq(memcmp(file + 10, DATA, 10), 0);
    free(writer);
}

START_TEST(the_head_says_how_hard_it_was_tried)
{
    expect_head(1, 4);
    expect_head(6, 0);
    expect_head(9, 2);
}
END_TEST

int main(void)
{
    return unit_main(unit_suite(
        "gzip",
        (const TTest *[]){ files_of_gzip_are_read, every_field_of_the_head, the_sum_of_the_head,
                           bad_heads, sum_and_length_are_checked, files_may_follow_each_other,
                           damage_is_noticed, the_head_says_how_hard_it_was_tried, NULL }));
}
