/* Any texts to look for, and any text in any pieces: what is found piece by piece is what
 * is found by looking at each place for each text.
 *
 * The first byte says how many bytes there are in a piece, the second how many texts are
 * looked for; each text begins with a byte that says how long it is. */
#include "common/matcher.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXTS_MAX = 8, TEXT_MAX = 16 };

struct texts {
    struct slice list[TEXTS_MAX];
    size_t count;
};

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

/* The index of the first text at the front of `in`; count when there is none. */
static size_t text_at(const struct texts *texts, struct slice in)
{
    size_t i = 0;

    while (i < texts->count &&
           !(texts->list[i].len <= in.len &&
             slice_equal_nocase(texts->list[i], slice_first(in, texts->list[i].len))))
        i++;
    return i;
}

/* From `start` on, the text stands first at `found`, and none before it. */
static void check_found(const struct texts *texts, struct slice in, size_t start, size_t found,
                        size_t index)
{
    for (; start < found; start++)
        expect(text_at(texts, slice_from(in, start)) == texts->count, "none was passed over");
    if (found < in.len)
        expect(text_at(texts, slice_from(in, found)) == index, "the first one is found");
}

static void search(const struct matcher *matcher, const struct texts *texts, struct slice in,
                   size_t piece)
{
    size_t start = 0, end = 0, checked = 0;

    while (start < in.len) {
        size_t at, index;
        bool whole = end == in.len;
        if (matcher_find(matcher, slice_make(in.at + start, end - start), whole, NULL, &at,
                         &index)) {
            check_found(texts, in, checked, start + at, index);
            start += at + matcher_length(matcher, index);
            checked = start;
            expect(start <= end, "a text that is found is there");
            continue;
        }
        expect(at <= end - start, "what is given again is there");
        expect(end - start - at < matcher_longest(matcher), "less than a text is given again");
        start += at;
        if (whole)
            break;
        end = in.len - end < piece ? in.len : end + piece;
    }
    expect(start == in.len, "all was looked at");
    check_found(texts, in, checked, in.len, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct texts texts = { 0 };
    struct arena arena;

    if (size < 2)
        return 0;
    size_t piece = data[0] + 1U, count = data[1] % TEXTS_MAX + 1U;
    struct slice rest = { (const char *)data + 2, size - 2 };
    while (texts.count < count && rest.len > 1) {
        size_t len = (unsigned char)*rest.at % TEXT_MAX + 1U;
        texts.list[texts.count] = slice_first(slice_from(rest, 1), len);
        rest = slice_from(rest, 1 + texts.list[texts.count++].len);
    }
    if (texts.count == 0)
        return 0;
    arena_init(&arena, NULL);
    const struct matcher *matcher = matcher_new(&arena, texts.list, texts.count);
    if (matcher != NULL)
        search(matcher, &texts, rest, piece);
    arena_free(&arena);
    return 0;
}
