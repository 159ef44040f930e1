/* How a body is framed, and whether its connection is kept: RFC 9112 6.3 and 9.3. */
#include "tests/unit/worker/http/heads.h"

START_TEST(bodies_are_framed)
{
    static const struct {
        const char *fields;
        enum framing framing;
        uint64_t length;
    } rows[] = {
        { "X: y", FRAMING_NONE, 0 },
        { "Content-Length: 0", FRAMING_LENGTH, 0 },
        { "Content-Length: 15", FRAMING_LENGTH, 15 },
        { "Content-Length: 0015", FRAMING_LENGTH, 15 },
        { "Content-Length: 9223372036854775807", FRAMING_LENGTH, INT64_MAX },
        { "Content-Length: 9223372036854775808", FRAMING_BAD, 0 },
        { "Content-Length: 99999999999999999999", FRAMING_BAD, 0 },
        { "Content-Length: 18446744073709551621", FRAMING_BAD, 0 },
        { "Content-Length:", FRAMING_BAD, 0 },
        { "Content-Length: +3", FRAMING_BAD, 0 },
        { "Content-Length: -3", FRAMING_BAD, 0 },
        { "Content-Length: 0x3", FRAMING_BAD, 0 },
        { "Content-Length: 3 3", FRAMING_BAD, 0 },
        { "Content-Length: 3, 3", FRAMING_BAD, 0 },
        { "Content-Length: 3,", FRAMING_BAD, 0 },
        { "Content-Length: 3.0", FRAMING_BAD, 0 },
        { "Content-Length: 3\r\nContent-Length: 4", FRAMING_BAD, 0 },
        { "Content-Length: 3\r\nContent-Length: 3", FRAMING_BAD, 0 },
        { "Transfer-Encoding: chunked", FRAMING_CHUNKED, 0 },
        { "transfer-encoding: CHUNKED", FRAMING_CHUNKED, 0 },
        { "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", FRAMING_BAD, 0 },
        { "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", FRAMING_BAD, 0 },
        { "Transfer-Encoding: chunked, chunked", FRAMING_BAD, 0 },
        { "Transfer-Encoding: gzip, chunked", FRAMING_BAD, 0 },
        { "Transfer-Encoding: chunked,", FRAMING_BAD, 0 },
        { "Transfer-Encoding: gzip", FRAMING_UNKNOWN, 0 },
        { "Transfer-Encoding: identity", FRAMING_UNKNOWN, 0 },
        { "Transfer-Encoding: xchunked", FRAMING_UNKNOWN, 0 },
        { "Transfer-Encoding: chunked;q=1", FRAMING_UNKNOWN, 0 },
        { "Transfer-Encoding:", FRAMING_UNKNOWN, 0 },
        { "Transfer-Encoding: chunked\r\nContent-Length: 3", FRAMING_BAD, 0 },
        { "Content-Length: 3\r\nTransfer-Encoding: chunked", FRAMING_BAD, 0 },
        { "Content-Length: 3\r\nTransfer-Encoding: gzip", FRAMING_BAD, 0 },
    };
    struct head head;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t length = 0;
        ck_assert_int_eq(read_field(&head, slice_of(rows[i].fields)), HEAD_DONE);
        enum framing framing = head_framing(&head, &length);
        ck_assert_msg(framing == rows[i].framing, "%s: %d", rows[i].fields, framing);
        ck_assert_uint_eq(length, rows[i].length);
    }
}
END_TEST

START_TEST(http_1_0_has_no_transfer_codings)
{
    struct slice text = SLICE("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
    struct head head;
    uint64_t length;

    ck_assert_int_eq(read_text(&head, text), HEAD_DONE);
    ck_assert_int_eq(head_framing(&head, &length), FRAMING_BAD);
}
END_TEST

START_TEST(connections_are_kept)
{
    static const struct {
        const char *version, *fields;
        bool keep;
    } rows[] = {
        { "1.1", "X: y", true },
        { "1.1", "Connection: close", false },
        { "1.1", "Connection: keep-alive", true },
        { "1.1", "Connection: Upgrade , CLOSE", false },
        { "1.1", "Connection: closed, xclose", true },
        { "1.1", "Connection: a\r\nConnection: b\r\nConnection: close", false },
        { "1.1", "Connection:", true },
        { "1.1", "Connection: ,,", true },
        { "1.2", "X: y", true },
        { "1.0", "X: y", false },
        { "1.0", "Connection: Keep-Alive", true },
        { "1.0", "Connection: a,keep-alive,b", true },
        { "1.0", "Connection: keep-alive, close", false },
        { "1.0", "Connection: a\r\nConnection: keep-alive", true },
    };
    struct head head;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice text =
            arena_printf(&arena, "GET / HTTP/%s\r\n%s\r\n\r\n", rows[i].version, rows[i].fields);
        ck_assert_int_eq(read_text(&head, text), HEAD_DONE);
        ck_assert_msg(head_keep_alive(&head) == rows[i].keep, "%s %s", rows[i].version,
                      rows[i].fields);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        bodies_are_framed,
        http_1_0_has_no_transfer_codings,
        connections_are_kept,
        NULL,
    };

    return unit_main(unit_suite("framing", tests));
}
