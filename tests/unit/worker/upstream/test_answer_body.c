/* Bodies of upstreams' answers: taken out of their framing in place, in whatever pieces. */
#include "worker/upstream/answer_body.h"

#include "tests/unit/unit.h"

static struct arena arena;

enum { ROOM = 512 };

/* What came of a body that was read in two pieces, or in many. */
struct outcome {
    enum answer_body_result result;
    char body[ROOM];
    size_t len;
    struct slice trailers;
};

/* Reads `text` from `from` to `to`; true when there may be more. */
static bool feed(struct answer_body *body, struct slice text, size_t from, size_t to,
                 struct outcome *outcome)
{
    char piece[ROOM];
    size_t len = to - from;

    memcpy(piece, text.at + from, len);
    outcome->result = answer_body_read(body, piece, &len);
    ck_assert_uint_le(len, to - from);
    memcpy(outcome->body + outcome->len, piece, len);
    outcome->len += len;
    outcome->trailers = body->trailers;
    return outcome->result == ANSWER_BODY_MORE;
}

static void expect_same(const struct outcome *a, const struct outcome *b, const char *text)
{
    ck_assert_msg(a->result == b->result, "%s: %d, else %d", text, a->result, b->result);
    if (a->result == ANSWER_BODY_BAD) /* how much of it came out before does not matter */
        return;
    ck_assert_msg(a->len == b->len && memcmp(a->body, b->body, a->len) == 0, "%s", text);
    ck_assert_msg(slice_equal(a->trailers, b->trailers), "%s", text);
}

/* Reads it whole, byte by byte, and cut in two everywhere. What comes behind the end is
 * seen only when it comes along with it, so such texts are read whole. */
static struct outcome read_all_ways(enum answer_framing framing, uint64_t length, const char *bytes)
{
    struct slice text = slice_of(bytes);
    struct outcome whole = { .len = 0 };
    struct answer_body body;

    answer_body_init(&body, &arena, framing, length);
    feed(&body, text, 0, text.len, &whole);
    if (whole.result == ANSWER_BODY_EXTRA)
        return whole;
    for (size_t cut = 1; cut < text.len; cut++) {
        struct outcome parts = { .len = 0 };
        answer_body_init(&body, &arena, framing, length);
        if (feed(&body, text, 0, cut, &parts))
            feed(&body, text, cut, text.len, &parts);
        expect_same(&whole, &parts, bytes);
    }
    struct outcome single = { .len = 0 };
    answer_body_init(&body, &arena, framing, length);
    for (size_t i = 0; i < text.len && feed(&body, text, i, i + 1, &single);)
        i++;
    expect_same(&whole, &single, bytes);
    return whole;
}

START_TEST(bodies_are_read)
{
    static const struct {
        enum answer_framing framing;
        uint64_t length;
        const char *text;
        enum answer_body_result result;
        const char *body, *trailers;
    } rows[] = {
        { ANSWER_LENGTH, 5, "hello", ANSWER_BODY_END, "hello", "" },
        { ANSWER_LENGTH, 6, "hello", ANSWER_BODY_MORE, "hello", "" },
        { ANSWER_LENGTH, 4, "hello", ANSWER_BODY_EXTRA, "hell", "" },
        { ANSWER_LENGTH, INT64_MAX, "hello", ANSWER_BODY_MORE, "hello", "" },
        { ANSWER_CLOSED, 0, "hello", ANSWER_BODY_MORE, "hello", "" },
        { ANSWER_EMPTY, 0, "hello", ANSWER_BODY_EXTRA, "", "" },
        { ANSWER_CHUNKED, 0, "0\r\n\r\n", ANSWER_BODY_END, "", "" },
        { ANSWER_CHUNKED, 0, "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", ANSWER_BODY_END, "hello", "" },
        { ANSWER_CHUNKED, 0, "5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n", ANSWER_BODY_END, "hello",
          "A: b\r\nC: d\r\n" },
        { ANSWER_CHUNKED, 0, "5\r\nhello\r\n0\r\nA: b\r\n", ANSWER_BODY_MORE, "hello", "A: b\r\n" },
        { ANSWER_CHUNKED, 0, "5\r\nhello\r\n", ANSWER_BODY_MORE, "hello", "" },
        { ANSWER_CHUNKED, 0, "5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200", ANSWER_BODY_EXTRA, "hello",
          "" },
        { ANSWER_CHUNKED, 0, "5\r\nhello\r\n0\r\nA: b\r\n\r\nx", ANSWER_BODY_EXTRA, "hello",
          "A: b\r\n" },
        { ANSWER_CHUNKED, 0, "hello", ANSWER_BODY_BAD, NULL, NULL },
        { ANSWER_CHUNKED, 0, "5\r\nhello0\r\n\r\n", ANSWER_BODY_BAD, NULL, NULL },
        { ANSWER_CHUNKED, 0, "5\r\nhello\n0\r\n\r\n", ANSWER_BODY_BAD, NULL, NULL },
        { ANSWER_CHUNKED, 0, "-1\r\nhello\r\n", ANSWER_BODY_BAD, NULL, NULL },
        { ANSWER_CHUNKED, 0, "fffffffffffffffff\r\nhello\r\n", ANSWER_BODY_BAD, NULL, NULL },
        { ANSWER_CHUNKED, 0, "0\r\nA b\r\n\r\n", ANSWER_BODY_BAD, NULL, NULL },
        { ANSWER_CHUNKED, 0, "0\r\nA: b\r\n c\r\n\r\n", ANSWER_BODY_BAD, NULL, NULL },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome outcome = read_all_ways(rows[i].framing, rows[i].length, rows[i].text);
        ck_assert_msg(outcome.result == rows[i].result, "%s", rows[i].text);
        if (rows[i].body == NULL)
            continue;
        ck_assert_msg(slice_is(slice_make(outcome.body, outcome.len), rows[i].body), "%s",
                      rows[i].text);
        ck_assert_msg(slice_is(outcome.trailers, rows[i].trailers), "%s: %.*s", rows[i].text,
                      (int)outcome.trailers.len, outcome.trailers.at);
    }
}
END_TEST

START_TEST(some_bodies_end_with_the_connection)
{
    struct answer_body body;

    ck_assert(answer_body_init(&body, &arena, ANSWER_CLOSED, 0));
    ck_assert(answer_body_may_end(&body));
    ck_assert(answer_body_init(&body, &arena, ANSWER_LENGTH, 1));
    ck_assert(!answer_body_may_end(&body));
    ck_assert(answer_body_init(&body, &arena, ANSWER_CHUNKED, 0));
    ck_assert(!answer_body_may_end(&body));
}
END_TEST

START_TEST(some_have_nothing_to_come)
{
    struct answer_body body;

    ck_assert(!answer_body_init(&body, &arena, ANSWER_LENGTH, 0));
    ck_assert(!answer_body_init(&body, &arena, ANSWER_EMPTY, 0));
}
END_TEST

/* Trailers that come byte by byte take no more memory than a few times their length. */
START_TEST(trailers_take_bounded_memory)
{
    struct answer_body body;
    struct arena own;
    char start[] = "0\r\nA: ", x = 'x';
    size_t len = strlen(start), one = 1, sent = 0;

    arena_init(&own, NULL);
    answer_body_init(&body, &own, ANSWER_CHUNKED, 0);
    ck_assert_int_eq(answer_body_read(&body, start, &len), ANSWER_BODY_MORE);
    while (answer_body_read(&body, &x, &one) == ANSWER_BODY_MORE) {
        ck_assert_uint_le(++sent, CHUNKED_OVERHEAD_MAX);
        x = 'x';
        one = 1;
    }
    ck_assert_uint_le(body.trailers_room, 2 * CHUNKED_OVERHEAD_MAX);
    arena_free(&own);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        bodies_are_read,
        some_bodies_end_with_the_connection,
        some_have_nothing_to_come,
        trailers_take_bounded_memory,
        NULL,
    };
    Suite *suite = unit_suite("answer_body", tests);

    arena_init(&arena, NULL);
    int status = unit_main(suite);
    arena_free(&arena);
    return status;
}
