/* Chunked bodies: what is decoded, what is refused, in whatever pieces. RFC 9112 7.1. */
#include "worker/http/chunked.h"

#include "common/arena.h"

#include "tests/unit/unit.h"

static struct arena arena;

/* Feeds `text` in pieces of `step` bytes; the body is put together in `body`
 * and *rest gets what follows it. */
static enum chunked_result decode(struct slice text, size_t step, char *body, size_t *len,
                                  struct slice *rest)
{
    struct chunked chunked;

    chunked_init(&chunked);
    *len = 0;
    for (size_t from = 0; from < text.len; from += step) {
        struct slice in = slice_first(slice_from(text, from), step), data;
        enum chunked_result result;
        while ((result = chunked_read(&chunked, &in, &data)) == CHUNKED_PIECE ||
               result == CHUNKED_LAST) {
            if (result == CHUNKED_LAST)
                continue;
            ck_assert_uint_gt(data.len, 0);
            memcpy(body + *len, data.at, data.len);
            *len += data.len;
        }
        *rest = slice_from(text, (size_t)(in.at - text.at));
        if (result != CHUNKED_MORE)
            return result;
        ck_assert_uint_eq(in.len, 0);
    }
    return CHUNKED_MORE;
}

/* Decodes in pieces of every size, which must not matter. */
static enum chunked_result decode_all_ways(struct slice text, const char *expected,
                                           const char *behind)
{
    char body[256];
    size_t len;
    struct slice rest = { NULL, 0 };
    enum chunked_result whole = decode(text, text.len, body, &len, &rest);

    for (size_t step = 1; step <= text.len; step++) {
        enum chunked_result result = decode(text, step, body, &len, &rest);
        ck_assert_msg(result == whole, "%.*s: %d, in pieces of %zu %d", (int)text.len, text.at,
                      whole, step, result);
        if (expected != NULL)
            ck_assert_msg(slice_is(slice_make(body, len), expected), "%.*s", (int)text.len,
                          text.at);
        if (behind != NULL)
            ck_assert(slice_is(rest, behind));
    }
    return whole;
}

START_TEST(bodies_are_decoded)
{
    static const struct {
        const char *text, *body, *rest;
    } rows[] = {
        { "0\r\n\r\n", "", "" },
        { "5\r\nhello\r\n0\r\n\r\nGET /", "hello", "GET /" },
        { "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", "" },
        { "5\r\n\r\n0\r\n\r\n0\r\n\r\n", "\r\n0\r\n", "" },
        { "a\r\n0123456789\r\n0\r\n\r\n", "0123456789", "" },
        { "A\r\n0123456789\r\n00\r\n\r\n", "0123456789", "" },
        { "000000000000001\r\nx\r\n0\r\n\r\n", "x", "" },
        { "1;a\r\nx\r\n0;b=c\r\n\r\n", "x", "" },
        { "1 ;a = \"b\xff;c\"\r\nx\r\n0 \t;\r\n\r\n", "x", "" },
        { "0\r\nA: b\r\nC!d:\r\n\r\nrest", "", "rest" },
        { "0\r\nA:\tb\xc3\xa9 : c\t\r\n\r\n", "", "" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_int_eq(decode_all_ways(slice_of(rows[i].text), rows[i].body, rows[i].rest),
                         CHUNKED_END);
}
END_TEST

START_TEST(bodies_that_are_not_whole_want_more)
{
    struct slice text = SLICE("5;x\r\nhello\r\n0\r\nA: b\r\n\r\n");

    for (size_t len = 1; len < text.len; len++)
        ck_assert_int_eq(decode_all_ways(slice_first(text, len), NULL, NULL), CHUNKED_MORE);
}
END_TEST

START_TEST(bad_bodies_are_refused)
{
    static const struct slice texts[] = {
        SLICE_INIT("\r\n"),
        SLICE_INIT("x\r\n"),
        SLICE_INIT(";a\r\n"),
        SLICE_INIT(" 5\r\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("5 \r\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("5 0\r\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("+5\r\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("-5\r\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("0x5\r\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("5_\r\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("5\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("5\rhello\r\n0\r\n\r\n"),
        SLICE_INIT("5\r\r\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("5;a\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("5;a\rb\r\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("5;a\0\r\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("5;\x01\r\nhello\r\n0\r\n\r\n"),
        SLICE_INIT("5\r\nhello\n0\r\n\r\n"),
        SLICE_INIT("5\r\nhello\r0\r\n\r\n"),
        SLICE_INIT("5\r\nhello0\r\n\r\n"),
        SLICE_INIT("5\r\nhell\r\n0\r\n\r\n"),
        SLICE_INIT("0\r\n\n"),
        SLICE_INIT("0\r\n\rx"),
        SLICE_INIT("0\n\n"),
        SLICE_INIT("0\r\n A: b\r\n\r\n"),
        SLICE_INIT("0\r\nA: b\r\n c\r\n\r\n"),
        SLICE_INIT("0\r\nA : b\r\n\r\n"),
        SLICE_INIT("0\r\n: b\r\n\r\n"),
        SLICE_INIT("0\r\nA\r\n\r\n"),
        SLICE_INIT("0\r\nA: b\n\r\n"),
        SLICE_INIT("0\r\nA: b\rc\r\n\r\n"),
        SLICE_INIT("0\r\nA: b\0\r\n\r\n"),
        SLICE_INIT("0\r\nA\0: b\r\n\r\n"),
        SLICE_INIT("8000000000000000\r\n"),
        SLICE_INIT("ffffffffffffffff\r\n"),
        SLICE_INIT("10000000000000000\r\n"),
        SLICE_INIT("10000000000000005\r\nhello\r\n0\r\n\r\n"),
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(decode_all_ways(texts[i], NULL, NULL) == CHUNKED_BAD, "%.*s",
                      (int)texts[i].len, texts[i].at);
}
END_TEST

START_TEST(the_largest_size_is_taken)
{
    ck_assert_int_eq(decode_all_ways(SLICE("7fffffffffffffff\r\nabc"), "abc", NULL), CHUNKED_MORE);
}
END_TEST

START_TEST(what_was_refused_stays_refused)
{
    struct slice in = SLICE("5\nhello"), data;
    struct chunked chunked;

    chunked_init(&chunked);
    ck_assert_int_eq(chunked_read(&chunked, &in, &data), CHUNKED_BAD);
    ck_assert_int_eq(chunked_read(&chunked, &in, &data), CHUNKED_BAD);
}
END_TEST

START_TEST(the_end_stays_the_end)
{
    struct slice in = SLICE("0\r\n\r\n0\r\n"), data;
    struct chunked chunked;

    chunked_init(&chunked);
    ck_assert_int_eq(chunked_read(&chunked, &in, &data), CHUNKED_LAST);
    ck_assert_int_eq(chunked_read(&chunked, &in, &data), CHUNKED_END);
    ck_assert_int_eq(chunked_read(&chunked, &in, &data), CHUNKED_END);
    ck_assert(slice_is(in, "0\r\n"));
}
END_TEST

/* What follows `start` when `count` bytes 'a' come behind it. */
static enum chunked_result read_padded(const char *start, size_t count, const char *end)
{
    char *padding = arena_text(&arena, count);
    struct chunked chunked;
    struct slice data;

    memset(padding, 'a', count);
    struct slice in = arena_join(&arena, slice_of(start), slice_make(padding, count));
    in = arena_join(&arena, in, slice_of(end));
    chunked_init(&chunked);
    enum chunked_result result = chunked_read(&chunked, &in, &data);
    return result == CHUNKED_LAST ? chunked_read(&chunked, &in, &data) : result;
}

START_TEST(there_is_an_end_to_extensions_and_trailers)
{
    ck_assert_int_eq(read_padded("5;", CHUNKED_OVERHEAD_MAX, "\r\nhello"), CHUNKED_PIECE);
    ck_assert_int_eq(read_padded("5;", CHUNKED_OVERHEAD_MAX + 1, "\r\nhello"), CHUNKED_BAD);
    ck_assert_int_eq(read_padded("0\r\nA:", CHUNKED_OVERHEAD_MAX - 1, "\r\n\r\n"), CHUNKED_END);
    ck_assert_int_eq(read_padded("0\r\nA:", CHUNKED_OVERHEAD_MAX, "\r\n\r\n"), CHUNKED_BAD);
    ck_assert_int_eq(read_padded("0\r\nA: b\r\n", CHUNKED_OVERHEAD_MAX, ":\r\n\r\n"), CHUNKED_BAD);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        bodies_are_decoded,
        bodies_that_are_not_whole_want_more,
        bad_bodies_are_refused,
        the_largest_size_is_taken,
        what_was_refused_stays_refused,
        the_end_stays_the_end,
        there_is_an_end_to_extensions_and_trailers,
        NULL,
    };

    return unit_main(unit_suite("chunked", tests));
}
