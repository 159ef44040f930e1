/* Answers in gzip for clients that do not take it. */
#include "tests/serve/encodings.h"

#define LISTEN "listen 127.0.0.1:@port@; "
#define HTTP                                                    \
    "types { text/plain txt; } gzip_static always; gunzip on; " \
    "gunzip_buffers 4 8k; "
#define LARGE 3000000

static const char *large;

static struct server *start(const char *http)
{
    struct server *server = server_new();

    large = long_text(server, LARGE);
    gzip_file(server, "html/a.txt.gz", "Hello, world!");
    gzip_file(server, "html/large.txt.gz", large);
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(it_is_decompressed)
{
    struct server *server = start(HTTP "server { " LISTEN "}");
    struct response *response = get(server, "/a.txt");

    expect_plain(response, "Hello, world!");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Last-Modified "
                                             "Transfer-Encoding Connection ETag");
    ck_assert_int_eq(strncmp(header(response, "ETag"), "W/\"", 3), 0);
    response = ask_method(server, "HEAD", "/a.txt", "");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Last-Modified "
                                             "Connection ETag");
    expect_plain(get(server, "/large.txt"), large);
    response = ask(server, "GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect_plain(response, "Hello, world!");
    ck_assert(response->to_close);
    server_stop(server);
}
END_TEST

START_TEST(for_whom)
{
    struct server *server = start(HTTP "server { " LISTEN "location /off/ { alias @root@/html/; "
                                       "gunzip off; } }");
    struct response *response = get_with(server, "/a.txt", GZIP);

    expect_gzip(response, "Hello, world!");
    ck_assert_ptr_nonnull(header(response, "Content-Length"));
    expect_plain(get_with(server, "/a.txt", "Accept-Encoding: gzip;q=0, br\r\n"), "Hello, world!");
    expect_plain(get_with(server, "/a.txt", GZIP "Via: a\r\n"), "Hello, world!");
    expect_gzip(get(server, "/off/a.txt"), "Hello, world!");
    server_stop(server);
}
END_TEST

/* As it is decompressed because the client cannot take it, it is not compressed again. */
START_TEST(caches_are_told)
{
    struct server *server =
        start(HTTP "gzip on; gzip_min_length 1; gzip_types *; gzip_vary on; server { " LISTEN "}");

    expect_plain(get(server, "/a.txt"), "Hello, world!");
    ck_assert_uint_eq(header_count(get(server, "/a.txt"), "Vary"), 1);
    ck_assert_uint_eq(header_count(get_with(server, "/a.txt", GZIP), "Vary"), 1);
    server_stop(server);
}
END_TEST

START_TEST(there_are_no_ranges)
{
    struct server *server = start(HTTP "server { " LISTEN "}");
    struct response *response = get_with(server, "/a.txt", "Range: bytes=0-3\r\n");

    ck_assert_int_eq(response->status, 200);
    expect_plain(response, "Hello, world!");
    server_stop(server);
}
END_TEST

START_TEST(a_connection_goes_on)
{
    struct server *server = start(HTTP "server { " LISTEN "}");
    struct client *client = client_open(server), *leaving[10];

    for (int i = 0; i < 10; i++) {
        leaving[i] = client_open(server);
        client_send(leaving[i], "GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        client_read_bytes(leaving[i], 1000);
        client_reset(leaving[i]);
    }
    for (int i = 0; i < 3; i++)
        client_send(client, "GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n"
                            "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        expect_plain(client_read(client), large);
        expect_plain(client_read(client), "Hello, world!");
    }
    server_stop(server);
}
END_TEST

/* The connection is cut before the body's end, so that nobody takes it for whole. */
static void expect_cut(struct server *server, const char *path)
{
    struct client *client = client_open(server);
    const char *all;

    client_send(client, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    all = client_read_all(client);
    ck_assert_msg(strstr(all, "\r\n0\r\n\r\n") == NULL, "%s", all);
}

START_TEST(damaged_files)
{
    struct server *server = start(HTTP "server { " LISTEN "}");
    struct slice file = gzip_program("-6", slice_of(large));
    char *bytes = (char *)(uintptr_t)file.at;

    server_allow(server, "inflate() failed"); /* nginx's own words */
    server_allow(server, "inflate() returned");
    server_file(server, "html/none.txt.gz", "");
    server_file(server, "html/text.txt.gz", "This is no gzip file.");
    server_file_bytes(server, "html/short.txt.gz", bytes, file.len - 1);
    server_file_bytes(server, "html/half.txt.gz", bytes, file.len / 2);
    bytes[file.len - 1] ^= 1;
    server_file_bytes(server, "html/length.txt.gz", bytes, file.len);
    bytes[file.len / 2] ^= 1;
    server_file_bytes(server, "html/data.txt.gz", bytes, file.len);
    expect_cut(server, "/text.txt");
    expect_cut(server, "/short.txt");
    expect_cut(server, "/half.txt");
    expect_cut(server, "/length.txt");
    expect_cut(server, "/data.txt");
    expect_plain(get(server, "/a.txt"), "Hello, world!");
    free(bytes);
    server_stop(server);
}
END_TEST

/* A few kilobytes that become a hundred megabytes: they are made as they are taken. */
START_TEST(a_bomb_is_sent_as_it_is_taken)
{
    enum { SIZE = 100 * 1000 * 1000 };
    struct server *server = start(HTTP "server { " LISTEN "}");
    char *zeros = calloc(1, SIZE);
    struct slice file = gzip_program("-9", slice_make(zeros, SIZE));
    struct client *client = client_open(server);

    server_file_bytes(server, "html/bomb.txt.gz", file.at, file.len);
    client_send(client, "GET /bomb.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    client_read_bytes(client, 100000);
    expect_plain(get(server, "/a.txt"), "Hello, world!");
    client_close(client);
    free(zeros);
    free((void *)(uintptr_t)file.at);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("gunzip",
                      (const TTest *[]){ it_is_decompressed, for_whom, caches_are_told,
                                         there_are_no_ranges, a_connection_goes_on, damaged_files,
                                         a_bomb_is_sent_as_it_is_taken, NULL });
}
