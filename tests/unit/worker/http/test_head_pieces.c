/* Heads that arrive in pieces: it does not matter in which. */
#include "worker/http/head.h"

#include "tests/unit/worker/http/heads.h"

static const struct slice requests[] = {
    SLICE_INIT("GET / HTTP/1.1\r\nHost: a\r\n\r\nrest"),
    SLICE_INIT("\r\n\nGET /a/0123456789abcdef/./%41//b?c=d#e HTTP/1.1\r\nHost: a\r\n\r\n"),
    SLICE_INIT("GET http://a.b:80/x?y#z HTTP/1.0\nHost:a\nConnection: keep-alive\n\n"),
    SLICE_INIT("GET http://b?y HTTP/1.1 \r\n\r\n"),
    SLICE_INIT("OPTIONS * HTTP/1.1\r\nX:\t\r\nContent-Length: 3\r\nVia: a\r\nVia: b\r\n\r\nabc"),
    SLICE_INIT("CONNECT [::1]:443 HTTP/1.10\r\na_b: c\r\nlonger-than-sixteen-bytes: "
               "0123456789abcdef\t0123456789abcdef\t \r\n\r\n"),
    SLICE_INIT("POST / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n"),
    SLICE_INIT("POST / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n"),
    SLICE_INIT("POST / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"),
    SLICE_INIT("GET / HTTP/2.0\r\n\r\n"),
    SLICE_INIT("GET /\0 HTTP/1.1\r\n\r\n"),
    SLICE_INIT("GET / HTTP/1.1\r\rHost: a\r\n\r\n"),
    SLICE_INIT("GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n"),
};

static void assert_same_text(struct slice a, struct slice b)
{
    ck_assert(slice_equal(a, b));
}

static void assert_same(const struct head *a, const struct head *b)
{
    assert_same_text(a->line, b->line);
    assert_same_text(a->method_text, b->method_text);
    assert_same_text(a->target, b->target);
    assert_same_text(a->scheme, b->scheme);
    assert_same_text(a->host, b->host);
    assert_same_text(a->path, b->path);
    assert_same_text(a->query, b->query);
    ck_assert(a->method == b->method && a->major == b->major && a->minor == b->minor);
    ck_assert(a->has_query == b->has_query && a->complex_path == b->complex_path);
    ck_assert(a->size == b->size && a->field_count == b->field_count);
    ck_assert(a->repeated == b->repeated && a->host_count == b->host_count);
    ck_assert_int_eq(memcmp(a->known, b->known, sizeof a->known), 0);
    for (size_t i = 0; i < a->field_count; i++) {
        assert_same_text(a->fields[i].name, b->fields[i].name);
        assert_same_text(a->fields[i].value, b->fields[i].value);
        ck_assert_int_eq(a->fields[i].known, b->fields[i].known);
    }
}

/* Reads the first `len` bytes in a buffer of their own, as the connection's
 * buffer may move; *buffer is the one before, and is freed. */
static enum head_result read_moved(struct head *head, struct slice text, size_t len, char **buffer)
{
    char *moved = malloc(len);

    ck_assert_ptr_nonnull(moved);
    memcpy(moved, text.at, len);
    if (*buffer != NULL)
        head_rebase(head, *buffer, moved);
    free(*buffer);
    *buffer = moved;
    return head_read(head, slice_make(moved, len));
}

START_TEST(requests_may_be_cut_anywhere)
{
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct slice text = requests[i];
        struct head whole, head;
        char *end = NULL;
        head_init(&whole, &arena, LIMITS);
        enum head_result expected = read_moved(&whole, text, text.len, &end);
        for (size_t cut = 1; cut < text.len; cut++) {
            char *buffer = NULL;
            head_init(&head, &arena, LIMITS);
            enum head_result result = read_moved(&head, text, cut, &buffer);
            if (result == HEAD_MORE)
                result = read_moved(&head, text, text.len, &buffer);
            ck_assert_int_eq(result, expected);
            if (result == HEAD_DONE)
                assert_same(&head, &whole);
            free(buffer);
        }
        free(end);
    }
}
END_TEST

START_TEST(requests_may_come_byte_by_byte)
{
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct slice text = requests[i];
        struct head whole, head;
        char *end = NULL, *buffer = NULL;
        head_init(&whole, &arena, LIMITS);
        enum head_result expected = read_moved(&whole, text, text.len, &end);
        head_init(&head, &arena, LIMITS);
        enum head_result result = HEAD_MORE;
        for (size_t len = 1; len <= text.len && result == HEAD_MORE; len++)
            result = read_moved(&head, text, len, &buffer);
        ck_assert_int_eq(result, expected);
        if (result == HEAD_DONE)
            assert_same(&head, &whole);
        free(buffer);
        free(end);
    }
}
END_TEST

START_TEST(a_head_moves_with_its_buffer)
{
    static const char text[] = "GET http://b?q HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    char from[sizeof text], to[sizeof text];
    struct head head;

    memcpy(from, text, sizeof text);
    memcpy(to, text, sizeof text);
    ck_assert_int_eq(read_text(&head, slice_make(from, sizeof text - 1)), HEAD_DONE);
    head_rebase(&head, from, to);
    memset(from, 'x', sizeof from);
    assert_text(head.line, "GET http://b?q HTTP/1.1");
    assert_text(head.path, "/");
    assert_text(head.query, "q");
    assert_text(head.host, "b");
    assert_text(head_known(&head, FIELD_HOST)->value, "a");
    assert_text(head.fields[1].name, "X");
    ck_assert(head.path.at > to && head.path.at < to + sizeof to);
}
END_TEST

START_TEST(init_forgets_the_request_before)
{
    struct head head;

    ck_assert_int_eq(read_text(&head, requests[4]), HEAD_DONE);
    ck_assert_int_eq(read_text(&head, SLICE("GET / HTTP/1.0\r\n\r\n")), HEAD_DONE);
    ck_assert_uint_eq(head.field_count, 0);
    ck_assert_uint_eq(head.repeated, 0);
    for (enum field_name name = FIELD_OTHER; name < FIELD_NAMES; name++)
        ck_assert_ptr_null(head_known(&head, name));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        requests_may_be_cut_anywhere,
        requests_may_come_byte_by_byte,
        a_head_moves_with_its_buffer,
        init_forgets_the_request_before,
        NULL,
    };

    return unit_main(unit_suite("head pieces", tests));
}
