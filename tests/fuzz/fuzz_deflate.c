/* Any bytes, compressed in any pieces at any level with any flushes, come back.
 *
 * Six bytes say how: the level, how large pieces and rooms are, whether pieces are
 * flushed, how large the input is said to be, and how often what is left is repeated. */
#include "common/gzip.h"

#include <stdio.h>
#include <stdlib.h>

enum { PLAN = 6, INPUT_MAX = 150000, FLUSHES_MAX = 64 };

/* What takes a compressed file apart again and compares. */
struct check {
    struct gzip_reader *reader;
    struct slice expected;
    enum gzip_result result;
};

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

/* The file goes on with these bytes. */
static void check_bytes(struct check *check, struct slice file, size_t room)
{
    do {
        char text[4096];
        size_t made;
        check->result =
            gzip_read(check->reader, &file, text, room < sizeof text ? room : sizeof text, &made);
        expect(check->result != GZIP_BAD, "what was written can be read");
        expect(slice_equal(slice_make(text, made), slice_first(check->expected, made)),
               "the same bytes come back");
        check->expected = slice_from(check->expected, made);
    } while (file.len > 0 || check->result == GZIP_NEEDS_ROOM);
}

static void run(struct gzip_writer *writer, struct check *check, const uint8_t *plan,
                struct slice input)
{
    static char file[8192];
    size_t piece_size = 1 + (size_t)plan[1] * plan[1], room = 1 + (size_t)plan[2] * plan[2] / 8;
    enum deflate_result result = DEFLATE_NEEDS_INPUT;
    bool flushed = plan[3] % 4 == 0;
    struct slice piece = { NULL, 0 };

    if (flushed && piece_size < input.len / FLUSHES_MAX)
        piece_size = input.len / FLUSHES_MAX;
    gzip_writer_init(writer, 1 + plan[0] % 9, plan[4] < 128 ? input.len : (size_t)plan[4] * 100);
    while (result != DEFLATE_ENDED) {
        size_t made;
        if (result == DEFLATE_NEEDS_INPUT) {
            expect(piece.len == 0, "all input was taken");
            piece = slice_first(input, piece_size);
            input = slice_from(input, piece.len);
        }
        result = gzip_write(writer, &piece,
                            input.len == 0 ? DEFLATE_FINISH
                            : flushed      ? DEFLATE_SYNC
                                           : DEFLATE_MORE,
                            file, room, &made);
        expect(made <= room, "there was room");
        check_bytes(check, slice_make(file, made), room);
        if (result == DEFLATE_NEEDS_INPUT && flushed)
            expect(check->expected.len == input.len, "a flush sends all");
    }
    expect(check->result == GZIP_COMPLETE && check->expected.len == 0, "all has come back");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* One for all inputs, as a worker uses them again. */
    static struct gzip_writer *writer;
    static struct check check;
    static char input[INPUT_MAX];
    size_t len = 0;

    if (writer == NULL) {
        writer = calloc(1, gzip_writer_size());
        check.reader = malloc(gzip_reader_size());
    }
    if (size < PLAN || writer == NULL || check.reader == NULL)
        return 0;
    struct slice rest = slice_make((const char *)data + PLAN, size - PLAN);
    for (unsigned i = 0; i <= data[5] && rest.len > 0; i++) {
        struct slice piece = slice_first(rest, sizeof input - len);
        memcpy(input + len, piece.at, piece.len);
        len += piece.len;
    }
    gzip_reader_init(check.reader);
    check.expected = slice_make(input, len);
    run(writer, &check, data, check.expected);
    return 0;
}
