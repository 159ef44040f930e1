/* Heads: what is read, and what is refused. RFC 9112. */
#include "worker/http/head.h"

#include "tests/unit/worker/http/heads.h"

/* --- the request line --- */

START_TEST(a_request_is_read)
{
    struct slice text = SLICE("GET /a/b?c=d HTTP/1.1\r\nHost: x\r\nX-Y:\t a b \t\r\nEmpty:\r\n\r\n"
                              "GET /next HTTP/1.1");
    struct head head;

    ck_assert_int_eq(read_text(&head, text), HEAD_DONE);
    assert_text(head.line, "GET /a/b?c=d HTTP/1.1");
    assert_text(head.method_text, "GET");
    ck_assert_int_eq(head.method, METHOD_GET);
    assert_text(head.target, "/a/b?c=d");
    assert_text(head.path, "/a/b");
    assert_text(head.query, "c=d");
    ck_assert(head.has_query && !head.complex_path);
    ck_assert(head.major == 1 && head.minor == 1);
    ck_assert_uint_eq(head.scheme.len + head.host.len, 0);
    ck_assert_uint_eq(head.size, text.len - strlen("GET /next HTTP/1.1"));
    ck_assert_uint_eq(head.field_count, 3);
    assert_text(head.fields[1].name, "X-Y");
    assert_text(head.fields[1].value, "a b");
    assert_text(head.fields[2].value, "");
    assert_text(head_known(&head, FIELD_HOST)->value, "x");
    assert_text(head_find(&head, SLICE("x-y"))->value, "a b");
    ck_assert_ptr_null(head_find(&head, SLICE("x")));
    ck_assert_ptr_null(head_known(&head, FIELD_RANGE));
}
END_TEST

START_TEST(a_lone_lf_ends_a_line)
{
    struct head head;

    ck_assert_int_eq(read_text(&head, SLICE("GET / HTTP/1.1\nHost: x\nA: b \n\n")), HEAD_DONE);
    assert_text(head.line, "GET / HTTP/1.1");
    assert_text(head.fields[1].value, "b");
}
END_TEST

START_TEST(a_few_empty_lines_are_skipped)
{
    struct head head;

    ck_assert_int_eq(read_text(&head, SLICE("\r\n\n\r\nGET / HTTP/1.1\r\n\r\n")), HEAD_DONE);
    assert_text(head.line, "GET / HTTP/1.1");
    ck_assert_uint_eq(head.size, 5 + 18);
    ck_assert_int_eq(read_text(&head, SLICE("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n")),
                     HEAD_BAD_LINE);
    ck_assert_int_eq(read_text(&head, SLICE("\rGET / HTTP/1.1\r\n\r\n")), HEAD_BAD_LINE);
}
END_TEST

START_TEST(methods_have_names)
{
    struct head head;

    for (enum method method = METHOD_GET; method <= METHOD_CONNECT; method++) {
        const char *target = method == METHOD_CONNECT ? "a:1" : "/";
        struct slice line = arena_printf(&arena, "%s %s HTTP/1.1", method_name(method), target);
        ck_assert_int_eq(read_line(&head, line.at), HEAD_DONE);
        ck_assert_int_eq(head.method, method);
    }
    ck_assert_ptr_null(method_name(METHOD_UNKNOWN));
    ck_assert_int_eq(read_line(&head, "M-SEARCH_ / HTTP/1.1"), HEAD_DONE);
    ck_assert_int_eq(head.method, METHOD_UNKNOWN);
    assert_text(head.method_text, "M-SEARCH_");
    ck_assert_int_eq(read_line(&head, "GETS / HTTP/1.1"), HEAD_DONE);
    ck_assert_int_eq(head.method, METHOD_UNKNOWN);
}
END_TEST

START_TEST(versions_are_read_as_nginx_reads_them)
{
    static const struct {
        const char *version;
        enum head_result result;
        unsigned minor;
    } rows[] = {
        { "HTTP/1.0", HEAD_DONE, 0 },
        { "HTTP/1.1", HEAD_DONE, 1 },
        { "HTTP/1.2", HEAD_DONE, 2 },
        { "HTTP/1.01", HEAD_DONE, 1 },
        { "HTTP/1.0001", HEAD_DONE, 1 },
        { "HTTP/1.10", HEAD_DONE, 10 },
        { "HTTP/1.999", HEAD_DONE, 255 },
        { "HTTP/1.1000", HEAD_BAD_LINE, 0 },
        { "HTTP/1.1  ", HEAD_DONE, 1 },
        { "HTTP/2.0", HEAD_BAD_VERSION, 0 },
        { "HTTP/3", HEAD_BAD_VERSION, 0 },
        { "HTTP/10.1", HEAD_BAD_VERSION, 0 },
        { "HTTP/0.9", HEAD_BAD_LINE, 0 },
        { "HTTP/01.1", HEAD_BAD_LINE, 0 },
        { "HTTP/1", HEAD_BAD_LINE, 0 },
        { "HTTP/1.", HEAD_BAD_LINE, 0 },
        { "HTTP/.1", HEAD_BAD_LINE, 0 },
        { "HTTP/1.x", HEAD_BAD_LINE, 0 },
        { "HTTP/1.1x", HEAD_BAD_LINE, 0 },
        { "http/1.1", HEAD_BAD_LINE, 0 },
        { "HTTQ/1.1", HEAD_BAD_LINE, 0 },
        { "HTTP 1.1", HEAD_BAD_LINE, 0 },
        { "HTTP/1.1 more", HEAD_BAD_LINE, 0 },
        { "HTTP/1.1\t", HEAD_BAD_LINE, 0 },
        { "", HEAD_BAD_LINE, 0 },
        { "HTTP/1,1", HEAD_BAD_LINE, 0 },
        { "HTTP/1.0000000", HEAD_DONE, 0 },
    };
    struct head head;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice line = arena_printf(&arena, "GET / %s", rows[i].version);
        enum head_result result = read_line(&head, line.at);
        ck_assert_msg(result == rows[i].result, "%s: %d", rows[i].version, result);
        if (result == HEAD_DONE)
            ck_assert_uint_eq(head.minor, rows[i].minor);
    }
}
END_TEST

START_TEST(request_lines_that_are_refused)
{
    static const char *const lines[] = {
        "GET",
        "GET ",
        "GET /",
        "GET  HTTP/1.1",
        " / HTTP/1.1",
        "get / HTTP/1.1",
        "G1 / HTTP/1.1",
        "G\"T / HTTP/1.1",
        "G\x80 / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET ok HTTP/1.1",
        "GET * HTTP/1.1",
        "GET ?a HTTP/1.1",
        "GET /\x01 HTTP/1.1",
        "GET /\x7f HTTP/1.1",
        "GET /a\rb HTTP/1.1",
        "GET /a\tb HTTP/1.1",
        "GET /?\x1f HTTP/1.1",
        "GET /#\x01 HTTP/1.1",
        "GET /%\x01 HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET / HTTP/1.1\r",
        "GET / HTTP/1.1 \r ",
        "CONNECT / HTTP/1.1",
        "\x16\x03\x01",
    };
    struct head head;

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(read_line(&head, lines[i]) == HEAD_BAD_LINE, "%s", lines[i]);
    ck_assert_int_eq(read_text(&head, SLICE("GET /\0 HTTP/1.1\r\n\r\n")), HEAD_BAD_LINE);
}
END_TEST

START_TEST(a_refused_line_is_there_for_the_log)
{
    struct head head;

    ck_assert_int_eq(read_text(&head, SLICE("get /x HTTP/1.1\r\nHost: a\r\n")), HEAD_BAD_LINE);
    assert_text(head.line, "get /x HTTP/1.1");
}
END_TEST

/* --- targets --- */

struct target_row {
    const char *line;
    const char *scheme, *host, *path, *query;
    bool complex;
};

static void check_target(const struct target_row *row)
{
    struct head head;

    ck_assert_msg(read_line(&head, row->line) == HEAD_DONE, "%s", row->line);
    assert_text(head.scheme, row->scheme);
    assert_text(head.host, row->host);
    assert_text(head.path, row->path);
    assert_text(head.query, row->query == NULL ? "" : row->query);
    ck_assert_msg(head.has_query == (row->query != NULL), "%s", row->line);
    ck_assert_msg(head.complex_path == row->complex, "%s", row->line);
}

START_TEST(origin_form)
{
    static const struct target_row rows[] = {
        { "GET / HTTP/1.1", "", "", "/", NULL, false },
        { "GET  /  HTTP/1.1", "", "", "/", NULL, false },
        { "GET /? HTTP/1.1", "", "", "/", "", false },
        { "GET /a?b?c HTTP/1.1", "", "", "/a", "b?c", false },
        { "GET /a?b/../%zz//. HTTP/1.1", "", "", "/a", "b/../%zz//.", false },
        { "GET /a#b HTTP/1.1", "", "", "/a", NULL, false },
        { "GET /a#b?c HTTP/1.1", "", "", "/a", NULL, false },
        { "GET /a?b#c?d HTTP/1.1", "", "", "/a", "b", false },
        { "GET /a%20b HTTP/1.1", "", "", "/a%20b", NULL, true },
        { "GET /a%20b?c#d HTTP/1.1", "", "", "/a%20b", "c", true },
        { "GET /a%20b#d?c HTTP/1.1", "", "", "/a%20b", NULL, true },
        { "GET //a HTTP/1.1", "", "", "//a", NULL, true },
        { "GET /a/b/. HTTP/1.1", "", "", "/a/b/.", NULL, true },
        { "GET /a/.b HTTP/1.1", "", "", "/a/.b", NULL, true },
        { "GET /a.b/c.d HTTP/1.1", "", "", "/a.b/c.d", NULL, false },
        { "GET /0123456789abcd// HTTP/1.1", "", "", "/0123456789abcd//", NULL, true },
        { "GET /0123456789abcde/.?x HTTP/1.1", "", "", "/0123456789abcde/.", "x", true },
        { "GET /\xc3\xa9 HTTP/1.1", "", "", "/\xc3\xa9", NULL, false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_target(&rows[i]);
}
END_TEST

START_TEST(other_forms)
{
    static const struct target_row rows[] = {
        { "GET http://b:80/x?y HTTP/1.1", "http", "b:80", "/x", "y", false },
        { "GET HTTP://B HTTP/1.1", "HTTP", "B", "/", NULL, false },
        { "GET http://b?y HTTP/1.1", "http", "b", "/", "y", false },
        { "GET http://b:/ HTTP/1.1", "http", "b:", "/", NULL, false },
        { "GET h1+-.://b/%41 HTTP/1.1", "h1+-.", "b", "/%41", NULL, true },
        { "GET http://[::1]:8/ HTTP/1.1", "http", "[::1]:8", "/", NULL, false },
        { "GET http://[v1.a~b]/ HTTP/1.1", "http", "[v1.a~b]", "/", NULL, false },
        { "OPTIONS * HTTP/1.1", "", "", "*", NULL, false },
        { "OPTIONS /x HTTP/1.1", "", "", "/x", NULL, false },
        { "CONNECT a.b:443 HTTP/1.1", "", "a.b:443", "/", NULL, false },
        { "CONNECT [::1]:443 HTTP/1.0", "", "[::1]:443", "/", NULL, false },
    };
    static const char *const bad[] = {
        "http:///x",     "http://:80/",   "http://a_b/",   "http://u@b/",
        "http://[::1/x", "http://[::/]/", "http://b#",     "http://b:9x",
        "http:/b/",      "http:b",        "1http://b/",    "http",
        "http://",       "http://[",      "http://[::1]x", "*x",
        "://b/",
    };
    struct head head;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_target(&rows[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct slice line = arena_printf(&arena, "OPTIONS %s HTTP/1.1", bad[i]);
        ck_assert_msg(read_line(&head, line.at) == HEAD_BAD_LINE, "%s", bad[i]);
    }
}
END_TEST

/* --- fields --- */

START_TEST(field_lines_that_are_refused)
{
    static const struct slice lines[] = {
        SLICE_INIT("X : a"),
        SLICE_INIT("X\t: a"),
        SLICE_INIT(" X: a"),
        SLICE_INIT("\tX: a"),
        SLICE_INIT("X: a\r\n b"),
        SLICE_INIT("X: a\r\n\tb"),
        SLICE_INIT("nonsense"),
        SLICE_INIT(": a"),
        SLICE_INIT("X\x01: a"),
        SLICE_INIT("X\x7f: a"),
        SLICE_INIT("X\0: a"),
        SLICE_INIT("X_\0: a"),
        SLICE_INIT("X: a\0b"),
        SLICE_INIT("X: a\x01"),
        SLICE_INIT("X: \x1f"),
        SLICE_INIT("X: a\x7f"
                   "b"),
        SLICE_INIT("X: a\rb"),
        SLICE_INIT("X: a\r"),
        SLICE_INIT("X\r: a"),
        SLICE_INIT("\rX: a"),
        SLICE_INIT("X(\x02): a"),
        SLICE_INIT("X: 0123456789abcdef\x01"),
        SLICE_INIT("0123456789abcdef\x01: x"),
        SLICE_INIT("0123456789abcdef : x"),
    };
    struct head head;

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(read_field(&head, lines[i]) == HEAD_BAD_FIELD, "%.*s", (int)lines[i].len,
                      lines[i].at);
}
END_TEST

START_TEST(values_keep_what_is_not_forbidden)
{
    struct head head;

    ck_assert_int_eq(read_field(&head, SLICE("X: \t a\tb\xc3\xa9\xff : c\t ")), HEAD_DONE);
    assert_text(head.fields[0].value, "a\tb\xc3\xa9\xff : c");
    ck_assert_int_eq(read_field(&head, SLICE("X: 0123456789abcdef\t0123456789abcdef\t")),
                     HEAD_DONE);
    assert_text(head.fields[0].value, "0123456789abcdef\t0123456789abcdef");
    ck_assert_int_eq(read_field(&head, SLICE("X: \t ")), HEAD_DONE);
    assert_text(head.fields[0].value, "");
}
END_TEST

START_TEST(unusual_names_are_dropped_unless_wanted)
{
    struct slice text = SLICE("GET / HTTP/1.1\r\na_b: 1\r\na!b: 2\r\n\xc3: 3\r\nOK: 4\r\n\r\n");
    struct head_limits limits = LIMITS;
    struct head head;

    ck_assert_int_eq(read_text(&head, text), HEAD_DONE);
    ck_assert_uint_eq(head.field_count, 1);
    assert_text(head.fields[0].name, "OK");
    limits.allow_underscores = true;
    head_init(&head, &arena, limits);
    ck_assert_int_eq(head_read(&head, text), HEAD_DONE);
    ck_assert_uint_eq(head.field_count, 2);
    assert_text(head.fields[0].name, "a_b");
    limits.keep_unusual = true;
    head_init(&head, &arena, limits);
    ck_assert_int_eq(head_read(&head, text), HEAD_DONE);
    ck_assert_uint_eq(head.field_count, 4);
    assert_text(head.fields[2].name, "\xc3");
}
END_TEST

static const struct {
    const char *name;
    enum field_name known;
} names[] = {
    { "Host", FIELD_HOST },
    { "Connection", FIELD_CONNECTION },
    { "Content-Length", FIELD_CONTENT_LENGTH },
    { "Transfer-Encoding", FIELD_TRANSFER_ENCODING },
    { "Expect", FIELD_EXPECT },
    { "Upgrade", FIELD_UPGRADE },
    { "If-Match", FIELD_IF_MATCH },
    { "If-None-Match", FIELD_IF_NONE_MATCH },
    { "If-Modified-Since", FIELD_IF_MODIFIED_SINCE },
    { "If-Unmodified-Since", FIELD_IF_UNMODIFIED_SINCE },
    { "If-Range", FIELD_IF_RANGE },
    { "Range", FIELD_RANGE },
    { "User-Agent", FIELD_USER_AGENT },
    { "Referer", FIELD_REFERER },
    { "Accept-Encoding", FIELD_ACCEPT_ENCODING },
    { "Authorization", FIELD_AUTHORIZATION },
    { "Cookie", FIELD_COOKIE },
    { "X-Forwarded-For", FIELD_X_FORWARDED_FOR },
    { "Content-Type", FIELD_CONTENT_TYPE },
    { "Via", FIELD_VIA },
    { "Keep-Alive", FIELD_KEEP_ALIVE },
    { "TE", FIELD_TE },
    { "Trailer", FIELD_TRAILER },
    { "Date", FIELD_DATE },
    { "Depth", FIELD_DEPTH },
    { "Destination", FIELD_DESTINATION },
    { "Overwrite", FIELD_OVERWRITE },
    { "Accept", FIELD_ACCEPT },
    { "Accept-Language", FIELD_ACCEPT_LANGUAGE },
};

/* What the first field is known as when its name is `text`. */
static enum field_name known_as(struct slice text)
{
    struct head head;

    ck_assert_int_eq(read_field(&head, arena_join(&arena, text, SLICE(": x"))), HEAD_DONE);
    return head.field_count == 0 ? FIELD_OTHER : head.fields[0].known;
}

START_TEST(known_names_are_known_in_any_case)
{
    ck_assert_uint_eq(sizeof names / sizeof *names, FIELD_NAMES - 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[32];
        size_t len = strlen(names[i].name);
        for (int form = 0; form < 3; form++) {
            for (size_t at = 0; at < len; at++) {
                char c = names[i].name[at];
                bool upper = form == 1 && c != '-';
                text[at] = upper ? (char)(c & ~0x20) : form == 2 ? (char)(c | 0x20) : c;
            }
            ck_assert_msg(known_as(slice_make(text, len)) == names[i].known, "%.*s", (int)len,
                          text);
        }
    }
}
END_TEST

/* One byte changed, added or missing: another name. */
START_TEST(names_that_resemble_known_ones_are_other)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct slice name = slice_of(names[i].name);
        for (size_t at = 0; at < name.len; at++)
            for (const char *c = "-0Mz9_\xcd"; *c != '\0'; c++) {
                char changed[32];
                memcpy(changed, name.at, name.len);
                if (ascii_lower(changed[at]) == ascii_lower(*c))
                    continue;
                changed[at] = *c;
                ck_assert_int_eq(known_as(slice_make(changed, name.len)), FIELD_OTHER);
            }
        ck_assert_int_eq(known_as(arena_join(&arena, name, SLICE("x"))), FIELD_OTHER);
        ck_assert_int_eq(known_as(slice_first(name, name.len - 1)), FIELD_OTHER);
        ck_assert_int_eq(known_as(slice_from(name, 1)), FIELD_OTHER);
    }
}
END_TEST

START_TEST(the_first_of_a_name_is_known_and_repeats_are_noted)
{
    struct head head;

    ck_assert_int_eq(read_field(&head, SLICE("Via: 1\r\nhost: a\r\nVIA: 2\r\nHost: b")), HEAD_DONE);
    assert_text(head_known(&head, FIELD_VIA)->value, "1");
    ck_assert_uint_eq(head.host_count, 2);
    ck_assert_uint_eq(head.repeated, 1U << FIELD_VIA | 1U << FIELD_HOST);
}
END_TEST

START_TEST(host_count_does_not_wrap)
{
    struct slice text = SLICE("GET / HTTP/1.1\r\n");
    struct head head;

    for (int i = 0; i < 257; i++)
        text = arena_join(&arena, text, SLICE("Host: a\r\n"));
    ck_assert_int_eq(read_text(&head, arena_join(&arena, text, SLICE("\r\n"))), HEAD_DONE);
    ck_assert_uint_eq(head.host_count, 255);
    ck_assert_uint_eq(head.field_count, 257);
    assert_text(head.fields[256].value, "a");
    ck_assert_uint_eq(head.known[FIELD_HOST], 1);
}
END_TEST

/* --- limits --- */

static enum head_result read_limited(struct slice text, size_t line, size_t total, size_t fields)
{
    struct head head;
    enum head_result result = HEAD_MORE;

    /* All at once, and byte by byte: a limit is not a matter of luck. */
    head_init(&head, &arena,
              (struct head_limits){ .line = line, .total = total, .fields = fields });
    enum head_result whole = head_read(&head, text);
    head_init(&head, &arena,
              (struct head_limits){ .line = line, .total = total, .fields = fields });
    for (size_t len = 1; len <= text.len && result == HEAD_MORE; len++)
        result = head_read(&head, slice_first(text, len));
    ck_assert_int_eq(result, whole);
    return whole;
}

START_TEST(limits_are_exact)
{
    struct slice text = SLICE("GET / HTTP/1.1\r\nHost: abcdefghijkl\r\nA: b\r\n\r\n");

    ck_assert_int_eq(read_limited(text, 20, 28, 2), HEAD_DONE);
    ck_assert_int_eq(read_limited(text, 15, 28, 2), HEAD_LINE_TOO_LONG);
    ck_assert_int_eq(read_limited(text, 16, 28, 2), HEAD_FIELD_TOO_LONG);
    ck_assert_int_eq(read_limited(text, 19, 28, 2), HEAD_FIELD_TOO_LONG);
    ck_assert_int_eq(read_limited(text, 20, 27, 2), HEAD_TOO_LARGE);
    ck_assert_int_eq(read_limited(text, 20, 19, 2), HEAD_TOO_LARGE);
    ck_assert_int_eq(read_limited(text, 20, 28, 1), HEAD_TOO_MANY);
    ck_assert_int_eq(read_limited(slice_first(text, 15), 16, 28, 2), HEAD_MORE);
}
END_TEST

START_TEST(empty_lines_do_not_count_as_the_request_line)
{
    ck_assert_int_eq(read_limited(SLICE("\r\n\r\nGET / HTTP/1.1\r\n\r\n"), 16, 2, 0), HEAD_DONE);
}
END_TEST

START_TEST(the_list_of_fields_grows)
{
    struct slice text = SLICE("GET / HTTP/1.1\r\n");
    struct head head;

    for (int i = 0; i < 300; i++)
        text = arena_join(&arena, text, arena_printf(&arena, "X-%d: value %d\r\n", i, i));
    ck_assert_int_eq(read_text(&head, arena_join(&arena, text, SLICE("\r\n"))), HEAD_DONE);
    ck_assert_uint_eq(head.field_count, 300);
    assert_text(head_find(&head, SLICE("x-0"))->value, "value 0");
    assert_text(head_find(&head, SLICE("x-299"))->value, "value 299");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_request_is_read,
        a_lone_lf_ends_a_line,
        a_few_empty_lines_are_skipped,
        methods_have_names,
        versions_are_read_as_nginx_reads_them,
        request_lines_that_are_refused,
        a_refused_line_is_there_for_the_log,
        origin_form,
        other_forms,
        field_lines_that_are_refused,
        values_keep_what_is_not_forbidden,
        unusual_names_are_dropped_unless_wanted,
        known_names_are_known_in_any_case,
        names_that_resemble_known_ones_are_other,
        the_first_of_a_name_is_known_and_repeats_are_noted,
        host_count_does_not_wrap,
        limits_are_exact,
        empty_lines_do_not_count_as_the_request_line,
        the_list_of_fields_grows,
        NULL,
    };

    return unit_main(unit_suite("head", tests));
}
