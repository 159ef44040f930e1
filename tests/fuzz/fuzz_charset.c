/* Any text, recoded by a map that knows every other character, in any pieces: what comes of it is
 * the same, is never much longer, and, from bytes to UTF-8 and back, is the text again.
 *
 * The first byte says the direction, the second and third how many bytes are read and made at
 * a time. */
#include "common/charset_map.h"

#include <stdio.h>
#include <stdlib.h>

enum { GROWTH = 10 /* "&#1114111;" for one byte would be too many */ };

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static struct charset_map *make_map(struct arena *arena, bool utf8)
{
    struct charset_map *map =
        charset_map_new(arena, SLICE("bytes"), utf8 ? SLICE("utf-8") : SLICE("others"));

    for (unsigned byte = 128; map != NULL && byte < 256; byte += 2) {
        uint16_t character = (uint16_t)(utf8 ? byte * 0xe0 : 255 - byte + 128);
        if (!charset_map_add(map, arena, (uint8_t)byte, character))
            return NULL;
    }
    return map;
}

/* The whole text recoded, in the arena. */
static struct slice recode(struct arena *arena, struct charset_recoder recoder, struct slice text,
                           size_t read, size_t made)
{
    size_t most = text.len * GROWTH + 1, len = 0;
    char *out = arena_text(arena, most + made);
    struct slice none = { NULL, 0 };

    if (out == NULL)
        return none;
    while (text.len > 0) {
        struct slice piece = slice_first(text, read);
        text = slice_from(text, piece.len);
        while (piece.len > 0) {
            len += charset_recode(&recoder, &piece, out + len, made);
            expect(len <= most, "it is not longer than that");
        }
    }
    do
        len += charset_recode(&recoder, &none, out + len, most + made - len);
    while (charset_recode_end(&recoder));
    return slice_make(out, len);
}

/* A "?" may stand for anything; the other bytes come back. */
static void check_return(struct arena *arena, const struct charset_map *map, struct slice text,
                         struct slice there)
{
    struct slice back =
        recode(arena, (struct charset_recoder){ .map = map, .backwards = true }, there, 7, 5);

    expect(back.len == text.len, "as many characters come back");
    for (size_t i = 0; i < back.len; i++)
        expect(back.at[i] == text.at[i] || back.at[i] == '?', "the same ones");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;

    if (size < 3)
        return 0;
    arena_init(&arena, NULL);
    struct charset_recoder recoder = {
        .map = make_map(&arena, (data[0] & 1) != 0),
        .backwards = (data[0] & 2) != 0,
    };
    struct slice text = { (const char *)data + 3, size - 3 };
    if (recoder.map != NULL) {
        struct slice whole = recode(&arena, recoder, text, text.len + 1, text.len + 1);
        struct slice parts = recode(&arena, recoder, text, data[1] + 1U, data[2] + 1U);
        expect(slice_equal(whole, parts), "the pieces make no difference");
        if (!recoder.backwards)
            check_return(&arena, recoder.map, text, whole);
    }
    arena_free(&arena);
    return 0;
}
