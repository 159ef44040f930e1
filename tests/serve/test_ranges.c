/* Byte ranges: RFC 9110 14, as nginx answers them. */
#include "tests/serve/heads.h"

#define SETUP(settings)                                    \
    "types { text/x-own own; } default_type text/plain;\n" \
    "server { listen 127.0.0.1:@port@; root @root@/html; " settings " }"

#define ETAG "\"3b9aca00-a\""

static struct server *start(const char *http)
{
    struct server *server = server_new();

    dated_file(server, "html/file", "0123456789");
    dated_file(server, "html/file.own", "0123456789");
    dated_file(server, "html/empty", "");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(one_range_is_a_part)
{
    static const struct {
        const char *range, *content_range, *body;
    } cases[] = {
        { "bytes=0-3", "bytes 0-3/10", "0123" },   { "bytes=4-", "bytes 4-9/10", "456789" },
        { "bytes=-3", "bytes 7-9/10", "789" },     { "bytes=5-5", "bytes 5-5/10", "5" },
        { "bytes=8-100", "bytes 8-9/10", "89" },   { "bytes=-100", "bytes 0-9/10", "0123456789" },
        { "BYTES= 1 - 2 ", "bytes 1-2/10", "12" }, { "bytes=100-,2-3", "bytes 2-3/10", "23" },
    };
    struct server *server = start(SETUP(""));

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char more[64];
        snprintf(more, sizeof more, "Range: %s\r\n", cases[i].range);
        struct response *response = get_with(server, "/file", more);
        ck_assert_msg(response->status == 206, "%s: %d", cases[i].range, response->status);
        ck_assert_str_eq(header(response, "Content-Range"), cases[i].content_range);
        ck_assert_str_eq(response->body, cases[i].body);
    }
    server_stop(server);
}
END_TEST

START_TEST(a_part_has_its_head)
{
    struct server *server = start(SETUP("add_header X-A a;"));
    struct response *response = get_with(server, "/file", "Range: bytes=0-3\r\n");

    ck_assert_str_eq(response->status_line, "HTTP/1.1 206 Partial Content");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Content-Length "
                                             "Last-Modified Connection ETag X-A Content-Range");
    ck_assert_str_eq(header(response, "Content-Length"), "4");
    ck_assert_str_eq(header_names(get(server, "/file")),
                     "Server Date Content-Type Content-Length Last-Modified Connection ETag X-A "
                     "Accept-Ranges");
    response = ask_method(server, "HEAD", "/file", "Range: bytes=0-3\r\n");
    ck_assert_int_eq(response->status, 206);
    ck_assert_str_eq(header(response, "Content-Length"), "4");
    response = ask(server, "GET /file HTTP/1.0\r\nRange: bytes=0-3\r\n\r\n");
    ck_assert_int_eq(response->status, 206);
    ck_assert_str_eq(response->body, "0123");
    server_stop(server);
}
END_TEST

/* The 20 digits behind "boundary=", checked to be that. */
static const char *boundary_of(const struct response *response)
{
    static const char START[] = "multipart/byteranges; boundary=";
    const char *type = header(response, "Content-Type");

    ck_assert_ptr_nonnull(type);
    ck_assert_int_eq(strncmp(type, START, sizeof START - 1), 0);
    ck_assert_uint_eq(strlen(type), sizeof START - 1 + 20);
    ck_assert_uint_eq(strspn(type + sizeof START - 1, "0123456789"), 20);
    return type + sizeof START - 1;
}

START_TEST(several_ranges_are_a_multipart)
{
    struct server *server = start(SETUP(""));
    struct response *response = get_with(server, "/file.own", "Range: bytes=0-1, 8-, -1\r\n");
    const char *boundary = boundary_of(response);
    char expected[1024];

    snprintf(expected, sizeof expected,
             "\r\n--%s\r\nContent-Type: text/x-own\r\nContent-Range: bytes 0-1/10\r\n\r\n01"
             "\r\n--%s\r\nContent-Type: text/x-own\r\nContent-Range: bytes 8-9/10\r\n\r\n89"
             "\r\n--%s\r\nContent-Type: text/x-own\r\nContent-Range: bytes 9-9/10\r\n\r\n9"
             "\r\n--%s--\r\n",
             boundary, boundary, boundary, boundary);
    ck_assert_int_eq(response->status, 206);
    ck_assert_str_eq(response->body, expected);
    ck_assert_str_eq(header_names(response),
                     "Server Date Content-Type Content-Length Last-Modified Connection ETag");
    char length[16];
    snprintf(length, sizeof length, "%zu", strlen(expected));
    response = ask_method(server, "HEAD", "/file.own", "Range: bytes=0-1, 8-, -1\r\n");
    ck_assert_str_eq(header(response, "Content-Length"), length);
    server_stop(server);
}
END_TEST

START_TEST(parts_without_a_type_name_none)
{
    struct server *server = start(SETUP("default_type '';"));
    struct response *response = get_with(server, "/file", "Range: bytes=0-1,3-4\r\n");

    ck_assert_int_eq(response->status, 206);
    ck_assert_uint_eq(count_of(response->body, "Content-Type"), 0);
    ck_assert_uint_eq(count_of(response->body, "\r\nContent-Range: bytes 3-4/10\r\n\r\n34\r\n"), 1);
    server_stop(server);
}
END_TEST

START_TEST(a_large_file_is_cut_the_same)
{
    struct server *server = server_new();
    enum { SIZE = 300000 };
    char *bytes = server_own(server, malloc(SIZE));

    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)('a' + i % 23);
    server_file_bytes(server, "html/large", bytes, SIZE);
    server_run(server, &(struct setup){ .http = SETUP("sendfile on;") });
    struct response *response = get_with(server, "/large", "Range: bytes=100000-299998\r\n");
    ck_assert_uint_eq(response->body_len, 199999);
    ck_assert_int_eq(memcmp(response->body, bytes + 100000, 199999), 0);
    response = get_with(server, "/large", "Range: bytes=1-100000,200000-299999\r\n");
    const char *boundary = boundary_of(response);
    char expected[256];
    int len = snprintf(expected, sizeof expected,
                       "\r\n--%s\r\nContent-Type: text/plain\r\n"
                       "Content-Range: bytes 1-100000/300000\r\n\r\n",
                       boundary);
    ck_assert_int_eq(memcmp(response->body, expected, (size_t)len), 0);
    ck_assert_int_eq(memcmp(response->body + len, bytes + 1, 100000), 0);
    /* the second part's numbers are 5 digits longer; the end is 28 bytes */
    ck_assert_uint_eq(response->body_len, 2 * 100000 + 2 * (size_t)len + 5 + 28);
    server_stop(server);
}
END_TEST

START_TEST(nothing_in_reach_is_unsatisfiable)
{
    static const char *const ranges[] = {
        "bytes=10-",   "bytes=100-200", "bytes=-0",    "bytes=5-1", "bytes=a-b",
        "bytes=0-1,x", "bytes=1-2-3",   "bytes=0-1;2", "bytes=--1", "bytes=99999999999999999999-"
    };
    struct server *server = start(SETUP(""));

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        char more[64];
        snprintf(more, sizeof more, "Range: %s\r\n", ranges[i]);
        struct response *response = get_with(server, "/file", more);
        ck_assert_msg(response->status == 416, "%s: %d", ranges[i], response->status);
        ck_assert_str_eq(header(response, "Content-Range"), "bytes */10");
        ck_assert_str_eq(header_names(response),
                         "Server Date Content-Type Content-Length Connection Content-Range");
        ck_assert_ptr_nonnull(strstr(response->body, "416 Requested Range Not Satisfiable"));
    }
    ck_assert_int_eq(get_with(server, "/empty", "Range: bytes=0-\r\n")->status, 200);
    ck_assert_str_eq(header(get_with(server, "/empty", "Range: bytes=1-\r\n"), "Content-Range"),
                     "bytes */0");
    server_stop(server);
}
END_TEST

START_TEST(unsatisfiable_has_an_error_page)
{
    struct server *server = start(SETUP("error_page 416 /empty;"));
    struct response *response = get_with(server, "/file", "Range: bytes=10-\r\n");

    ck_assert_int_eq(response->status, 416);
    ck_assert_str_eq(header(response, "Content-Range"), "bytes */10");
    ck_assert_str_eq(response->body, "");
    server_stop(server);
}
END_TEST

START_TEST(what_is_no_range_is_ignored)
{
    static const char *const ranges[] = { "bytes=", "bytes", "lines=1-2", "1-2",
                                          "bytes=0-9,0-9,0-1" };
    struct server *server = start(SETUP("location /text { return 200 0123456789; }"));

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        char more[64];
        snprintf(more, sizeof more, "Range: %s\r\n", ranges[i]);
        struct response *response = get_with(server, "/file", more);
        ck_assert_msg(response->status == 200, "%s: %d", ranges[i], response->status);
        ck_assert_str_eq(header(response, "Accept-Ranges"), "bytes");
        ck_assert_str_eq(response->body, "0123456789");
    }
    struct response *response = get_with(server, "/text", "Range: bytes=1-2\r\n");
    ck_assert_int_eq(response->status, 200);
    ck_assert_ptr_null(header(response, "Accept-Ranges"));
    server_stop(server);
}
END_TEST

START_TEST(max_ranges_bounds_them)
{
    struct server *server = start(SETUP("location / { max_ranges 2; }\n"
                                        "location = /file.own { max_ranges 0; }"));

    ck_assert_int_eq(get_with(server, "/file", "Range: bytes=0-1,3-4\r\n")->status, 206);
    ck_assert_int_eq(get_with(server, "/file", "Range: bytes=0-1,3-4,6-7\r\n")->status, 200);
    struct response *response = get_with(server, "/file.own", "Range: bytes=0-1\r\n");
    ck_assert_int_eq(response->status, 200);
    ck_assert_ptr_null(header(response, "Accept-Ranges"));
    server_stop(server);
}
END_TEST

START_TEST(if_range_wants_the_same_file)
{
    static const struct {
        const char *if_range;
        int status;
    } cases[] = {
        { ETAG, 206 },      { "W/" ETAG, 200 },  { "\"a\"", 200 },
        { FILE_DATE, 206 }, { "nonsense", 200 }, { "Sun, 09 Sep 2001 01:46:41 GMT", 200 },
    };
    struct server *server = start(SETUP(""));

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char more[128];
        snprintf(more, sizeof more, "Range: bytes=0-1\r\nIf-Range: %s\r\n", cases[i].if_range);
        int status = get_with(server, "/file", more)->status;
        ck_assert_msg(status == cases[i].status, "%s: %d", cases[i].if_range, status);
    }
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("ranges", (const TTest *[]){
                                    one_range_is_a_part,
                                    a_part_has_its_head,
                                    several_ranges_are_a_multipart,
                                    parts_without_a_type_name_none,
                                    a_large_file_is_cut_the_same,
                                    nothing_in_reach_is_unsatisfiable,
                                    unsatisfiable_has_an_error_page,
                                    what_is_no_range_is_ignored,
                                    max_ranges_bounds_them,
                                    if_range_wants_the_same_file,
                                    NULL,
                                });
}
