/* Any bytes as a gzip file, or as bare DEFLATE data: no more comes out than there is room
 * for, each call does something, and pieces make no difference.
 *
 * The first byte says which, the second how large the pieces and the rooms of a second
 * run are. */
#include "common/gzip.h"

#include "common/crc32.h"

#include <stdio.h>
#include <stdlib.h>

enum { OUTPUT_MAX = 1 << 20 };

/* What a run has come to. */
struct outcome {
    int result;
    uint32_t crc;
    uint64_t len;
};

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static int read_piece(void *memory, bool bare, struct slice *piece, char *room, size_t len,
                      size_t *made)
{
    return bare ? (int)inflate_run(memory, piece, room, len, made)
                : (int)gzip_read(memory, piece, room, len, made);
}

/* Bare data ends, a file may be followed by another. */
static bool is_over(int result, bool bare, bool no_more)
{
    if (bare)
        return result == INFLATE_ENDED || result == INFLATE_BAD ||
               (result == INFLATE_NEEDS_INPUT && no_more);
    return result == GZIP_BAD || (result != GZIP_NEEDS_ROOM && no_more);
}

static struct outcome run(void *memory, bool bare, struct slice input, size_t size)
{
    static char room[4096 + 1];
    struct outcome outcome = { 0, 0, 0 };
    struct slice piece = { NULL, 0 };
    size_t len = size < sizeof room - 1 ? size : sizeof room - 1;

    if (bare)
        inflate_init(memory);
    else
        gzip_reader_init(memory);
    do {
        size_t before, made;
        if (piece.len == 0) {
            piece = slice_first(input, size);
            input = slice_from(input, piece.len);
        }
        before = piece.len;
        room[len] = 'x';
        outcome.result = read_piece(memory, bare, &piece, room, len, &made);
        expect(made <= len && room[len] == 'x', "there was room");
        expect(outcome.result != INFLATE_NEEDS_ROOM || made == len, "the room was full");
        expect(made > 0 || piece.len < before || before == 0 || outcome.result == INFLATE_BAD ||
                   outcome.result == INFLATE_ENDED,
               "a call does something");
        outcome.crc = crc32_add(outcome.crc, room, made);
        outcome.len += made;
    } while (!is_over(outcome.result, bare, piece.len == 0 && input.len == 0) &&
             outcome.len < OUTPUT_MAX);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *bare_memory, *memory;

    if (memory == NULL) {
        memory = malloc(gzip_reader_size());
        bare_memory = malloc(inflate_size());
    }
    if (size < 2 || memory == NULL || bare_memory == NULL)
        return 0;
    struct slice input = slice_make((const char *)data + 2, size - 2);
    bool bare = data[0] % 2 == 0;
    void *used = bare ? bare_memory : memory;
    struct outcome whole = run(used, bare, input, SIZE_MAX);
    struct outcome pieces = run(used, bare, input, 1 + (size_t)data[1] * 3);
    if (whole.len >= OUTPUT_MAX || pieces.len >= OUTPUT_MAX)
        return 0;
    expect(whole.result == pieces.result && whole.len == pieces.len && whole.crc == pieces.crc,
           "pieces make no difference");
    return 0;
}
