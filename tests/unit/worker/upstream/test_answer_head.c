/* Heads of upstreams' answers: what is read, what is refused, in whatever pieces. */
#include "worker/upstream/answer_head.h"

#include "tests/unit/unit.h"

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, NULL);
}

static void tear_down(void)
{
    arena_free(&arena);
}

/* Reads the text when its first `first` bytes have come, and then when all have. */
static enum answer_result read_twice(struct answer_head *head, enum answer_kind kind,
                                     struct slice text, size_t first)
{
    answer_head_init(head, &arena, kind);
    enum answer_result result = answer_head_read(head, slice_first(text, first));
    return result == ANSWER_MORE ? answer_head_read(head, text) : result;
}

static enum answer_result read_bytewise(struct answer_head *head, enum answer_kind kind,
                                        struct slice text)
{
    enum answer_result result = ANSWER_MORE;

    answer_head_init(head, &arena, kind);
    for (size_t len = 0; len <= text.len && result == ANSWER_MORE; len++)
        result = answer_head_read(head, slice_first(text, len));
    return result;
}

static void expect_same(const struct answer_head *a, const struct answer_head *b)
{
    const struct answer_field *x = a->fields.items, *y = b->fields.items;

    ck_assert_uint_eq(a->status, b->status);
    ck_assert_uint_eq(a->size, b->size);
    ck_assert_uint_eq(a->minor, b->minor);
    ck_assert(slice_equal(a->status_text, b->status_text));
    ck_assert_uint_eq(a->fields.count, b->fields.count);
    ck_assert_uint_eq(a->repeated, b->repeated);
    for (size_t i = 0; i < a->fields.count; i++) {
        ck_assert(slice_equal(x[i].name, y[i].name));
        ck_assert(slice_equal(x[i].value, y[i].value));
        ck_assert_int_eq(x[i].known, y[i].known);
    }
}

/* Reads it whole, byte by byte, and cut in two everywhere: that must not matter. */
static enum answer_result read_all_ways(struct answer_head *whole, enum answer_kind kind,
                                        struct slice text)
{
    struct answer_head cut;
    enum answer_result expected = read_twice(whole, kind, text, text.len);

    ck_assert_int_eq(read_bytewise(&cut, kind, text), expected);
    for (size_t first = 0; first <= text.len; first++) {
        ck_assert_msg(read_twice(&cut, kind, text, first) == expected, "%.*s, cut at %zu",
                      (int)text.len, text.at, first);
        if (expected == ANSWER_DONE)
            expect_same(whole, &cut);
    }
    return expected;
}

START_TEST(heads_are_read)
{
    struct answer_head head;
    struct slice text = SLICE("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-A:\t b c \r\n"
                              "x-empty:\nSet-Cookie: a=1\r\nSET-COOKIE: b=2\r\n\r\nhello");

    ck_assert_int_eq(read_all_ways(&head, ANSWER_HTTP, text), ANSWER_DONE);
    const struct answer_field *fields = head.fields.items;
    ck_assert_uint_eq(head.status, 404);
    ck_assert(slice_is(head.status_text, "404 Not Found"));
    ck_assert_uint_eq(head.size, text.len - strlen("hello"));
    ck_assert_uint_eq(head.fields.count, 5);
    ck_assert(slice_is(answer_known(&head, ANSWER_CONTENT_LENGTH)->value, "5"));
    ck_assert(slice_is(fields[1].name, "X-A") && slice_is(fields[1].value, "b c"));
    ck_assert(slice_is(fields[2].value, ""));
    ck_assert(slice_is(answer_known(&head, ANSWER_SET_COOKIE)->value, "a=1"));
    ck_assert_uint_eq(head.repeated >> ANSWER_SET_COOKIE, 1);
    ck_assert_ptr_null(answer_known(&head, ANSWER_ETAG));
}
END_TEST

START_TEST(status_lines)
{
    static const struct {
        const char *line;
        enum answer_result result;
        unsigned status;
    } rows[] = {
        { "HTTP/1.0 200 OK", ANSWER_DONE, 200 },
        { "HTTP/1.1 200", ANSWER_DONE, 200 },
        { "HTTP/1.1 200 ", ANSWER_DONE, 200 },
        { "HTTP/1.9 999 \xff", ANSWER_DONE, 999 },
        { "HTTP/1.1 099 Low", ANSWER_BAD_LINE, 0 },
        { "HTTP/1.1 20 Short", ANSWER_BAD_LINE, 0 },
        { "HTTP/1.1 2000 Long", ANSWER_BAD_LINE, 0 },
        { "HTTP/1.1 200OK", ANSWER_BAD_LINE, 0 },
        { "HTTP/1.1  200 OK", ANSWER_BAD_LINE, 0 },
        { "HTTP/1.1 +20 OK", ANSWER_BAD_LINE, 0 },
        { "HTTP/1. 200 OK", ANSWER_BAD_LINE, 0 },
        { "HTTP/2.0 200 OK", ANSWER_BAD_LINE, 0 },
        { "HTTP/1.11 200 OK", ANSWER_BAD_LINE, 0 },
        { "http/1.1 200 OK", ANSWER_BAD_LINE, 0 },
        { " HTTP/1.1 200 OK", ANSWER_BAD_LINE, 0 },
        { "ICY 200 OK", ANSWER_BAD_LINE, 0 },
        { "<html>", ANSWER_BAD_LINE, 0 },
        { "", ANSWER_BAD_LINE, 0 },
        { "HTTP/1.1 200 O\rK", ANSWER_BAD_LINE, 0 },
        { "HTTP/1.1 200 O\x01K", ANSWER_BAD_LINE, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer_head head;
        struct slice text = arena_printf(&arena, "%s\r\nA: b\r\n\r\n", rows[i].line);
        ck_assert_msg(read_all_ways(&head, ANSWER_HTTP, text) == rows[i].result, "%s",
                      rows[i].line);
        if (rows[i].result == ANSWER_DONE)
            ck_assert_uint_eq(head.status, rows[i].status);
    }
}
END_TEST

START_TEST(bad_fields_are_refused)
{
    static const struct slice lines[] = {
        SLICE_INIT(": b\r\n"),         SLICE_INIT("A\r\n"),        SLICE_INIT("A : b\r\n"),
        SLICE_INIT("A\t: b\r\n"),      SLICE_INIT(" A: b\r\n"),    SLICE_INIT("A: b\r\n c\r\n"),
        SLICE_INIT("A: b\r\n\tc\r\n"), SLICE_INIT("A: b\rc\r\n"),  SLICE_INIT("A: b\r\r\n"),
        SLICE_INIT("A: b\0c\r\n"),     SLICE_INIT("A\0: b\r\n"),   SLICE_INIT("A: b\x01\r\n"),
        SLICE_INIT("A: b\x7f\r\n"),    SLICE_INIT("A\xe9: b\r\n"), SLICE_INIT("A(b): c\r\n"),
        SLICE_INIT("\rA: b\r\n"),
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct answer_head head;
        struct slice text = arena_join(&arena, SLICE("HTTP/1.1 200 OK\r\n"), lines[i]);
        text = arena_join(&arena, text, SLICE("\r\n"));
        ck_assert_msg(read_all_ways(&head, ANSWER_HTTP, text) == ANSWER_BAD_FIELD, "row %zu", i);
    }
}
END_TEST

START_TEST(there_is_an_end_to_fields)
{
    struct answer_head head;
    struct slice line = SLICE("A:\n");
    size_t start = strlen("HTTP/1.1 200 OK\r\n");
    char *bomb = arena_text(&arena, start + (ANSWER_FIELDS_MAX + 1) * line.len);
    size_t len = start;

    memcpy(bomb, "HTTP/1.1 200 OK\r\n", start);
    for (size_t i = 0; i <= ANSWER_FIELDS_MAX; i++, len += line.len)
        memcpy(bomb + len, line.at, line.len);
    answer_head_init(&head, &arena, ANSWER_HTTP);
    ck_assert_int_eq(answer_head_read(&head, slice_make(bomb, len - line.len)), ANSWER_MORE);
    ck_assert_int_eq(answer_head_read(&head, slice_make(bomb, len)), ANSWER_TOO_MANY);
}
END_TEST

START_TEST(answers_of_cgi_programs)
{
    static const struct {
        const char *text;
        enum answer_result result;
        unsigned status;
    } rows[] = {
        { "Content-Type: a/b\r\n\r\n", ANSWER_DONE, 200 },
        { "Status: 404 Gone Fishing\nContent-Type: a/b\n\n", ANSWER_DONE, 404 },
        { "Content-Type: a/b\r\nstatus:301\r\nLocation: /\r\n\r\n", ANSWER_DONE, 301 },
        { "Location: http://h/\r\n\r\n", ANSWER_DONE, 302 },
        { "HTTP/1.1 403 No\r\nStatus: 200\r\n\r\n", ANSWER_DONE, 403 },
        { "\r\n", ANSWER_DONE, 200 },
        { "Status: x\r\n\r\n", ANSWER_BAD_FIELD, 0 },
        { "Status: 2000\r\n\r\n", ANSWER_BAD_FIELD, 0 },
        { "Status:\r\n\r\n", ANSWER_BAD_FIELD, 0 },
        { "<html>\r\n\r\n", ANSWER_BAD_FIELD, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer_head head;
        struct slice text = slice_of(rows[i].text);
        ck_assert_msg(read_all_ways(&head, ANSWER_CGI, text) == rows[i].result, "%s", rows[i].text);
        if (rows[i].result == ANSWER_DONE)
            ck_assert_uint_eq(head.status, rows[i].status);
    }
}
END_TEST

START_TEST(bodies_have_one_framing)
{
    static const struct {
        const char *head;
        bool to_head;
        enum answer_framing framing;
        uint64_t length;
    } rows[] = {
        { "1.1 200\r\n", false, ANSWER_CLOSED, UINT64_MAX },
        { "1.1 200\r\nContent-Length: 0\r\n", false, ANSWER_LENGTH, 0 },
        { "1.0 200\r\nContent-Length: 9223372036854775807\r\n", false, ANSWER_LENGTH, INT64_MAX },
        { "1.1 200\r\nContent-Length: 5\r\n", true, ANSWER_EMPTY, 5 },
        { "1.1 204\r\n", false, ANSWER_EMPTY, UINT64_MAX },
        { "1.1 304\r\nContent-Length: 5\r\n", false, ANSWER_EMPTY, 5 },
        { "1.1 200\r\nTransfer-Encoding: Chunked\r\n", false, ANSWER_CHUNKED, UINT64_MAX },
        { "1.1 200\r\nTransfer-Encoding: chunked\r\n", true, ANSWER_EMPTY, UINT64_MAX },
        { "1.1 200\r\nContent-Length:\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 200\r\nContent-Length: -1\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 200\r\nContent-Length: +1\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 200\r\nContent-Length: 1 2\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 200\r\nContent-Length: 1, 1\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 200\r\nContent-Length: 0x5\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 200\r\nContent-Length: 9223372036854775808\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 200\r\nContent-Length: 99999999999999999999\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 200\r\nContent-Length: 1\r\nContent-Length: 2\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 200\r\nContent-Length: 1\r\nContent-Length: 1\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 304\r\nContent-Length: x\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 200\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", false, ANSWER_BROKEN,
          0 },
        { "1.1 200\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", false,
          ANSWER_BROKEN, 0 },
        { "1.1 200\r\nTransfer-Encoding: gzip, chunked\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 200\r\nTransfer-Encoding: identity\r\n", false, ANSWER_BROKEN, 0 },
        { "1.1 200\r\nTransfer-Encoding:\r\n", false, ANSWER_BROKEN, 0 },
        { "1.0 200\r\nTransfer-Encoding: chunked\r\n", false, ANSWER_BROKEN, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer_head head;
        uint64_t length = 1;
        struct slice text = arena_printf(&arena, "HTTP/%s\r\n", rows[i].head);
        ck_assert_int_eq(read_twice(&head, ANSWER_HTTP, text, text.len), ANSWER_DONE);
        enum answer_framing framing = answer_framing(&head, rows[i].to_head, &length);
        ck_assert_msg(framing == rows[i].framing, "%s", rows[i].head);
        if (framing != ANSWER_BROKEN)
            ck_assert_uint_eq(length, rows[i].length);
    }
}
END_TEST

START_TEST(connections_that_may_be_used_again)
{
    static const struct {
        const char *head;
        bool keeps;
    } rows[] = {
        { "1.1 200\r\n", true },
        { "1.0 200\r\n", false },
        { "1.1 200\r\nConnection: keep-alive\r\n", true },
        { "1.1 200\r\nConnection: Close\r\n", false },
        { "1.1 200\r\nConnection: a, close\r\n", false },
        { "1.1 200\r\nConnection: a\r\nConnection: close\r\n", false },
        { "1.1 200\r\nConnection: closed\r\n", true },
        { "1.0 200\r\nConnection: keep-alive\r\n", false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer_head head;
        struct slice text = arena_printf(&arena, "HTTP/%s\r\n", rows[i].head);
        ck_assert_int_eq(read_twice(&head, ANSWER_HTTP, text, text.len), ANSWER_DONE);
        ck_assert_msg(answer_keeps_alive(&head) == rows[i].keeps, "%s", rows[i].head);
    }
}
END_TEST

START_TEST(names_are_known_in_any_case)
{
    static const struct {
        const char *name;
        enum answer_field_name known;
    } rows[] = {
        { "Content-Type", ANSWER_CONTENT_TYPE },
        { "x-accel-REDIRECT", ANSWER_X_ACCEL_REDIRECT },
        { "ETag", ANSWER_ETAG },
        { "LINK", ANSWER_LINK },
        { "Content-Typ", ANSWER_OTHER },
        { "", ANSWER_OTHER },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_int_eq(answer_field_name(slice_of(rows[i].name)), rows[i].known);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        heads_are_read,
        status_lines,
        bad_fields_are_refused,
        there_is_an_end_to_fields,
        answers_of_cgi_programs,
        bodies_have_one_framing,
        connections_that_may_be_used_again,
        names_are_known_in_any_case,
        NULL,
    };
    Suite *suite = unit_suite("answer_head", tests);

    set_up();
    int status = unit_main(suite);
    tear_down();
    return status;
}
