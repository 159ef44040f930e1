/* Any bytes as a chunked body: it does not matter in which pieces they come, and
 * what is written as chunks is read as what was written.
 *
 * The first byte says how long the pieces are; what is left is the body. */
#include "worker/http/chunked.h"

#include <stdio.h>
#include <stdlib.h>

struct decoded {
    enum chunked_result result;
    char *body;
    size_t len;
    size_t used; /* bytes of the input */
};

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static struct decoded decode(struct slice text, size_t step)
{
    struct decoded decoded = { .result = CHUNKED_MORE, .body = malloc(text.len + 1) };
    struct chunked chunked;
    struct slice data;

    expect(decoded.body != NULL, "there is memory");
    chunked_init(&chunked);
    while (decoded.used < text.len && decoded.result == CHUNKED_MORE) {
        struct slice in = slice_first(slice_from(text, decoded.used), step);
        while ((decoded.result = chunked_read(&chunked, &in, &data)) == CHUNKED_PIECE ||
               decoded.result == CHUNKED_LAST) {
            if (decoded.result == CHUNKED_LAST)
                continue;
            expect(data.len > 0 && data.at >= text.at && data.at + data.len <= in.at,
                   "a piece lies inside what was used");
            memcpy(decoded.body + decoded.len, data.at, data.len);
            decoded.len += data.len;
        }
        expect(decoded.result != CHUNKED_MORE || in.len == 0, "all is used up");
        decoded.used = (size_t)(in.at - text.at);
    }
    return decoded;
}

static void check_pieces(struct slice text, size_t step)
{
    struct decoded whole = decode(text, text.len), cut = decode(text, step);

    expect(whole.result == cut.result, "the same result in any pieces");
    expect(slice_equal(slice_make(whole.body, whole.len), slice_make(cut.body, cut.len)),
           "the same body in any pieces");
    expect(whole.result == CHUNKED_BAD || whole.used == cut.used, "the same end in any pieces");
    free(whole.body);
    free(cut.body);
}

/* Writes the bytes as chunks of `step` bytes, and reads them back. */
static void check_round_trip(struct slice text, size_t step)
{
    char *chunks = malloc(text.len * 10 + 16), *out = chunks;

    expect(chunks != NULL, "there is memory");
    for (size_t from = 0; from < text.len; from += step) {
        struct slice piece = slice_first(slice_from(text, from), step);
        out += sprintf(out, "%zx\r\n", piece.len);
        memcpy(out, piece.at, piece.len);
        out += piece.len;
        out += sprintf(out, "\r\n");
    }
    out += sprintf(out, "0\r\n\r\n");
    struct decoded decoded = decode(slice_make(chunks, (size_t)(out - chunks)), step + 1);
    expect(decoded.result == CHUNKED_END, "chunks are read to their end");
    expect(slice_equal(slice_make(decoded.body, decoded.len), text), "what is written is read");
    free(decoded.body);
    free(chunks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice text = { (const char *)data + 1, size - 1 };
    size_t step = 1 + data[0] % text.len;

    check_pieces(text, step);
    check_round_trip(text, step);
    return 0;
}
