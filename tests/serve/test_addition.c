/* add_before_body, add_after_body: answers put together. */
#include "tests/serve/encodings.h"

#define LISTEN "listen 127.0.0.1:@port@; "
#define TYPES "types { text/html html; text/plain txt; } "

static struct server *start(const char *http)
{
    struct server *server = server_new();

    dated_file(server, "html/a.html", "own");
    dated_file(server, "html/a.txt", "own");
    dated_file(server, "html/before.txt", "before ");
    dated_file(server, "html/after.txt", " after");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(bodies_are_joined)
{
    struct server *server =
        start(TYPES "server { " LISTEN "root html; add_after_body /after.txt; "
                    "location /both/ { alias @root@/html/; add_before_body /before.txt; "
                    "add_after_body /after.txt; } "
                    "location /none/ { alias @root@/html/; add_after_body ''; } "
                    "location /types/ { alias @root@/html/; addition_types text/plain; } "
                    "location /computed { add_before_body /uri; default_type text/html; "
                    "return 200 ''; } "
                    "location = /uri { add_after_body ''; default_type text/html; "
                    "return 200 \"$uri $request_uri $arg_a.\"; } }");

    ck_assert_str_eq(get(server, "/a.html")->body, "own after");
    ck_assert_str_eq(get(server, "/both/a.html")->body, "before own after");
    ck_assert_str_eq(get(server, "/none/a.html")->body, "own");
    ck_assert_str_eq(get(server, "/a.txt")->body, "own");
    ck_assert_str_eq(get(server, "/types/a.txt")->body, "own after");
    ck_assert_str_eq(get(server, "/computed?a=1")->body, "/uri /computed?a=1 . after");
    ck_assert_ptr_null(strstr(get(server, "/none")->body, "after")); /* not a 200 */
    server_stop(server);
}
END_TEST

START_TEST(heads)
{
    struct server *server = start(TYPES "server { " LISTEN "root html; add_header X-Own $uri; "
                                        "add_before_body /before.txt; }");
    struct response *response = get_with(server, "/a.html", "Range: bytes=0-1\r\n");

    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(response->body, "before own");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Last-Modified "
                                             "Transfer-Encoding Connection ETag X-Own");
    ck_assert_int_eq(strncmp(header(response, "ETag"), "W/\"", 3), 0);
    response = ask_method(server, "HEAD", "/a.html", "");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Last-Modified "
                                             "Connection ETag X-Own");
    response = get_with(server, "/a.html", "If-Modified-Since: " FILE_DATE "\r\n");
    ck_assert_int_eq(response->status, 304);
    response = ask(server, "GET /a.html HTTP/1.0\r\n\r\n");
    ck_assert_str_eq(response->body, "before own");
    server_stop(server);
}
END_TEST

/* Each part passes the filters of its own location; what they make together is compressed
 * as a whole. */
START_TEST(filters_of_parts)
{
    struct server *server = server_new();
    const char *large = long_text(server, 300000);

    server_file(server, "html/a.html", "own");
    server_file(server, "html/large.txt", large);
    gzip_file(server, "html/packed.txt.gz", "packed ");
    server_run(server,
               &(struct setup){ .http = TYPES
                                "gzip on; gzip_min_length 1; gunzip on; gzip_types text/plain; "
                                "server { " LISTEN
                                "root html; location / { add_before_body /packed.txt; "
                                "add_after_body /large.txt; sub_filter own mine; sub_filter a b; } "
                                "location = /packed.txt { gzip_static always; sub_filter p P; "
                                "sub_filter_types *; } location = /large.txt { } }" });
    char *expected = server_own(server, malloc(strlen(large) + 32));
    sprintf(expected, "Packed mine%s", large);
    expect_gzip(get_with(server, "/a.html", GZIP), expected);
    expect_plain(get(server, "/a.html"), expected);
    struct client *leaving = client_open(server);
    client_send(leaving, "GET /a.html HTTP/1.1\r\nHost: a\r\n\r\n");
    client_read_bytes(leaving, 1000);
    client_reset(leaving);
    server_stop(server);
}
END_TEST

START_TEST(errors_of_parts)
{
    struct server *server = start(
        TYPES "log_subrequest on; log_format f '$uri $status $body_bytes_sent'; "
              "access_log logs/f.log f; server { " LISTEN
              "root html; location /missing/ { alias @root@/html/; add_before_body /none; } "
              "location /cut/ { alias @root@/html/; add_after_body /444; } "
              "location /empty/ { alias @root@/html/; add_before_body /204; add_after_body /204; } "
              "location = /204 { return 204; } location = /444 { return 444; } "
              "location = /none { error_page 404 /before.txt; } }");
    struct client *client = client_open(server);

    ck_assert_str_eq(get(server, "/missing/a.html")->body, "before own");
    ck_assert_str_eq(get(server, "/empty/a.html")->body, "own");
    server_wait_file(server, "logs/f.log", "/before.txt 404 7\n/missing/a.html 200 ");
    client_send(client, "GET /cut/a.html HTTP/1.1\r\nHost: a\r\n\r\n");
    const char *all = client_read_all(client);
    ck_assert_ptr_nonnull(strstr(all, "own"));
    ck_assert_ptr_null(strstr(all, "\r\n0\r\n\r\n"));
    server_stop(server);
}
END_TEST

START_TEST(wrong_directives)
{
    const struct mistake mistakes[] = {
        { "add_before_body;", "invalid number of arguments" },
        { "add_after_body /a; add_after_body /b;", "directive is duplicate" },
        { "addition_types;", "invalid number of arguments" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main("addition", (const TTest *[]){ bodies_are_joined, heads, filters_of_parts,
                                                     errors_of_parts, wrong_directives, NULL });
}
