/* Any bytes as the body of an upstream's answer: what comes out of the framing does not
 * depend on the pieces it comes in, and is never more than went in.
 *
 * The first byte says how the body is framed, the second how long it is said to be, the
 * third in how large pieces it comes; what is left is the body. */
#include "worker/upstream/answer_body.h"

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
    enum answer_body_result result;
    char *body;
    size_t len, used;
    struct slice trailers;
};

static struct outcome read_in_pieces(struct arena *arena, enum answer_framing framing,
                                     uint64_t length, struct slice text, size_t step)
{
    struct outcome outcome = { ANSWER_BODY_MORE, malloc(text.len + 1), 0, 0, { NULL, 0 } };
    struct answer_body body;

    expect(outcome.body != NULL, "there is memory");
    if (!answer_body_init(&body, arena, framing, length))
        outcome.result = ANSWER_BODY_END;
    while (outcome.used < text.len && outcome.result == ANSWER_BODY_MORE) {
        struct slice part = slice_first(slice_from(text, outcome.used), step);
        size_t len = part.len;
        char *piece = malloc(len);
        expect(piece != NULL, "there is memory");
        memcpy(piece, part.at, len);
        outcome.result = answer_body_read(&body, piece, &len);
        expect(len <= part.len, "no more comes out than went in");
        memcpy(outcome.body + outcome.len, piece, len);
        outcome.len += len;
        outcome.used += part.len;
        free(piece);
    }
    outcome.trailers = body.trailers;
    return outcome;
}

/* The end of the body was seen; what came along behind it depends on the pieces. */
static bool has_ended(const struct outcome *outcome)
{
    return outcome->result == ANSWER_BODY_END || outcome->result == ANSWER_BODY_EXTRA;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum answer_framing framings[] = { ANSWER_EMPTY, ANSWER_LENGTH, ANSWER_CHUNKED,
                                                    ANSWER_CLOSED };

    if (size < 4)
        return 0;
    enum answer_framing framing = framings[data[0] % 4];
    struct slice text = { (const char *)data + 3, size - 3 };
    struct arena arena;

    arena_init(&arena, NULL);
    struct outcome whole = read_in_pieces(&arena, framing, data[1], text, text.len);
    struct outcome cut = read_in_pieces(&arena, framing, data[1], text, 1U + data[2]);
    expect(has_ended(&whole) == has_ended(&cut) &&
               (whole.result == ANSWER_BODY_BAD) == (cut.result == ANSWER_BODY_BAD),
           "the same end in any pieces");
    if (whole.result != ANSWER_BODY_BAD)
        expect(whole.len == cut.len && memcmp(whole.body, cut.body, whole.len) == 0 &&
                   slice_equal(whole.trailers, cut.trailers),
               "the same body in any pieces");
    free(whole.body);
    free(cut.body);
    arena_free(&arena);
    return 0;
}
