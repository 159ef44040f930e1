/* Any bytes as the records of a FastCGI application: what comes out of them does not depend
 * on the pieces they come in, and lies inside of them.
 *
 * The first byte says in how large pieces they come; what is left are the records. */
#include "worker/upstream/fastcgi_records.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

struct outcome {
    enum fastcgi_result result;
    char *out, *err;
    size_t out_len, err_len, errors;
};

static void keep(char *text, size_t *len, struct slice piece, struct slice in)
{
    expect(piece.len > 0 && piece.at >= in.at && piece.at + piece.len <= in.at + in.len,
           "a piece lies inside");
    memcpy(text + *len, piece.at, piece.len);
    *len += piece.len;
}

static struct outcome read_in_pieces(struct slice text, size_t step)
{
    struct outcome outcome = { .out = malloc(text.len + 1), .err = malloc(text.len + 1) };
    struct fastcgi_records records;

    expect(outcome.out != NULL && outcome.err != NULL, "there is memory");
    fastcgi_records_init(&records);
    for (size_t at = 0; at < text.len && outcome.result == FASTCGI_MORE; at += step) {
        struct slice part = slice_first(slice_from(text, at), step), in = part, piece;
        for (bool going_on = true; going_on;) {
            switch (outcome.result = fastcgi_read(&records, &in, &piece)) {
            case FASTCGI_OUT:
                keep(outcome.out, &outcome.out_len, piece, part);
                break;
            case FASTCGI_ERR:
                keep(outcome.err, &outcome.err_len, piece, part);
                break;
            case FASTCGI_ERR_END:
                outcome.errors++;
                break;
            default:
                going_on = false;
            }
        }
        expect(outcome.result != FASTCGI_MORE || in.len == 0, "all of a piece is used");
    }
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice text = { (const char *)data + 1, size - 1 };
    struct outcome whole = read_in_pieces(text, text.len);
    struct outcome cut = read_in_pieces(text, 1U + data[0]);

    expect(whole.result == cut.result && whole.errors == cut.errors, "the same end in any pieces");
    expect(whole.out_len == cut.out_len && memcmp(whole.out, cut.out, whole.out_len) == 0 &&
               whole.err_len == cut.err_len && memcmp(whole.err, cut.err, whole.err_len) == 0,
           "the same text in any pieces");
    free(whole.out);
    free(whole.err);
    free(cut.out);
    free(cut.err);
    return 0;
}
