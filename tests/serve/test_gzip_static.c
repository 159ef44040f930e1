/* Files that were compressed beforehand. */
#include "tests/serve/encodings.h"

#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define HTTP "types { text/plain txt; } default_type text/html; "
#define PLAIN "The file itself."
#define PACKED "What was packed beforehand."

static struct server *start(const char *http)
{
    struct server *server = server_new();

    dated_file(server, "html/a.txt", PLAIN);
    gzip_file(server, "html/a.txt.gz", PACKED);
    server_file(server, "html/plain.txt", PLAIN);
    gzip_file(server, "html/alone.txt.gz", PACKED);
    server_file(server, "html/folder.txt", PLAIN);
    server_file(server, "html/folder.txt.gz/x", "");
    gzip_file(server, "html/sub/index.html.gz", PACKED);
    server_file(server, "html/sub/index.html", PLAIN);
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(the_packed_file_is_sent)
{
    struct server *server = start(HTTP "gzip_static on; server { " LISTEN "}");
    struct response *response = get_with(server, "/a.txt", GZIP);

    expect_gzip(response, PACKED);
    ck_assert_str_eq(header(response, "Content-Type"), "text/plain");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Content-Length "
                                             "Last-Modified Connection ETag Content-Encoding");
    ck_assert_str_ne(header(response, "Last-Modified"), FILE_DATE);
    ck_assert_int_eq(*header(response, "ETag"), '"');
    response = get_with(server, "/a.txt", GZIP "Range: bytes=0-1\r\n");
    ck_assert_int_eq(response->status, 200);
    expect_gzip(response, PACKED);
    response = get(server, "/a.txt");
    expect_plain(response, PLAIN);
    ck_assert_str_eq(header(response, "Accept-Ranges"), "bytes");
    expect_plain(get_with(server, "/plain.txt", GZIP), PLAIN);
    expect_gzip(get_with(server, "/alone.txt", GZIP), PACKED);
    ck_assert_int_eq(get(server, "/alone.txt")->status, 404);
    expect_plain(get_with(server, "/folder.txt", GZIP), PLAIN);
    expect_gzip(get_with(server, "/sub/", GZIP), PACKED);
    server_stop(server);
}
END_TEST

START_TEST(methods)
{
    struct server *server = start(HTTP "gzip_static on; server { " LISTEN "}");
    struct response *response = ask_method(server, "HEAD", "/a.txt", GZIP);

    ck_assert_str_eq(header(response, "Content-Encoding"), "gzip");
    ck_assert_str_ne(header(response, "Content-Length"), "16");
    ck_assert_int_eq(ask_method(server, "POST", "/a.txt", GZIP)->status, 405);
    server_stop(server);
}
END_TEST

START_TEST(conditions_are_those_of_the_packed_file)
{
    struct server *server = start(HTTP "gzip_static on; server { " LISTEN "}");
    struct response *response = get_with(server, "/a.txt", GZIP);
    char more[200];

    snprintf(more, sizeof more, GZIP "If-None-Match: %s\r\n", header(response, "ETag"));
    ck_assert_int_eq(get_with(server, "/a.txt", more)->status, 304);
    snprintf(more, sizeof more, "If-None-Match: %s\r\n", header(response, "ETag"));
    ck_assert_int_eq(get_with(server, "/a.txt", more)->status, 200);
    server_stop(server);
}
END_TEST

/* The settings of gzip say who may get it. */
START_TEST(for_whom)
{
    struct server *server = start(HTTP "gzip_static on; gzip_disable Old; server { " LISTEN
                                       "location /any/ { alias @root@/html/; "
                                       "gzip_proxied any; gzip_http_version 1.0; } }");

    expect_plain(get_with(server, "/a.txt", GZIP "Via: x\r\n"), PLAIN);
    expect_gzip(get_with(server, "/any/a.txt", GZIP "Via: x\r\n"), PACKED);
    expect_plain(get_with(server, "/a.txt", GZIP "User-Agent: old\r\n"), PLAIN);
    expect_plain(get_with(server, "/a.txt", "Accept-Encoding: gzip;q=0\r\n"), PLAIN);
    expect_plain(ask(server, "GET /a.txt HTTP/1.0\r\n" GZIP "\r\n"), PLAIN);
    expect_gzip(ask(server, "GET /any/a.txt HTTP/1.0\r\n" GZIP "\r\n"), PACKED);
    server_stop(server);
}
END_TEST

START_TEST(caches_are_told)
{
    struct server *server = start(HTTP "gzip_static on; gzip_vary on; server { " LISTEN
                                       "location /always/ { alias @root@/html/; "
                                       "gzip_static always; } }");

    ck_assert_uint_eq(header_count(get_with(server, "/a.txt", GZIP), "Vary"), 1);
    ck_assert_uint_eq(header_count(get(server, "/a.txt"), "Vary"), 1);
    ck_assert_uint_eq(header_count(get(server, "/plain.txt"), "Vary"), 0);
    ck_assert_uint_eq(header_count(get(server, "/always/a.txt"), "Vary"), 0);
    server_stop(server);
}
END_TEST

START_TEST(for_all)
{
    struct server *server =
        start(HTTP "gzip_static always; server { " LISTEN "location /not/ { alias @root@/html/; "
                   "gzip_static off; } }");

    expect_gzip(get(server, "/a.txt"), PACKED);
    expect_gzip(get(server, "/alone.txt"), PACKED);
    expect_plain(get(server, "/plain.txt"), PLAIN);
    expect_plain(get_with(server, "/not/a.txt", GZIP), PLAIN);
    server_stop(server);
}
END_TEST

START_TEST(it_is_not_compressed_again)
{
    struct server *server = start(
        HTTP "gzip on; gzip_min_length 1; gzip_types *; gzip_static on; server { " LISTEN "}");
    struct response *response = get_with(server, "/a.txt", GZIP);

    expect_gzip(response, PACKED);
    ck_assert_ptr_nonnull(header(response, "Content-Length"));
    expect_gzip(get_with(server, "/plain.txt", GZIP), PLAIN);
    server_stop(server);
}
END_TEST

START_TEST(a_file_that_may_not_be_read)
{
    struct server *server = server_new();

    server_file(server, "html/a.txt", PLAIN);
    ck_assert_int_eq(symlink("a.txt.gz", server_path(server, "html/a.txt.gz")), 0);
    server_run(server, &(struct setup){ .http = HTTP "gzip_static on; server { " LISTEN "}" });
    expect_plain(get_with(server, "/a.txt", GZIP), PLAIN);
    ck_assert_ptr_nonnull(strstr(server_read(server, "logs/error.log"), "html/a.txt.gz\" failed"));
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("gzip_static",
                      (const TTest *[]){ the_packed_file_is_sent, methods,
                                         conditions_are_those_of_the_packed_file, for_whom,
                                         caches_are_told, for_all, it_is_not_compressed_again,
                                         a_file_that_may_not_be_read, NULL });
}
