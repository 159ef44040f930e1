/* Compressed answers: which, for whom, and what their heads say. */
#include "tests/serve/encodings.h"

#define LISTEN "listen 127.0.0.1:@port@; "
#define HTTP "types { text/html html; text/plain txt; image/png png; } default_type text/html; "
#define TEXT "A text that is a bit longer than the twenty bytes of gzip_min_length."
#define SMALL 5000
#define LARGE 5000000

static const char *small, *large;

static struct server *start(const char *http)
{
    struct server *server = server_new();

    small = long_text(server, SMALL);
    large = long_text(server, LARGE);
    dated_file(server, "html/page.html", small);
    server_file(server, "html/text.txt", small);
    server_file(server, "html/image.png", small);
    server_file(server, "html/large.html", large);
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(an_answer_is_compressed)
{
    struct server *server = start(HTTP "gzip on; server { " LISTEN "}");
    struct response *response = get_with(server, "/page.html", GZIP);

    expect_gzip(response, small);
    ck_assert_uint_lt(response->body_len, SMALL / 2);
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Last-Modified "
                                             "Transfer-Encoding Connection ETag "
                                             "Content-Encoding");
    ck_assert_str_eq(header(response, "ETag"), "W/\"3b9aca00-1388\"");
    response = ask_method(server, "HEAD", "/page.html", GZIP);
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Last-Modified "
                                             "Connection ETag Content-Encoding");
    response = get(server, "/page.html");
    expect_plain(response, small);
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Content-Length "
                                             "Last-Modified Connection ETag Accept-Ranges");
    server_stop(server);
}
END_TEST

START_TEST(nothing_is_compressed_by_default)
{
    struct server *server =
        start(HTTP "server { " LISTEN "location /on { gzip on; return 200 '" TEXT
                   "'; location /on/off { gzip off; return 200 '" TEXT "'; } } }");

    ck_assert(!is_gzip(server, "/page.html", GZIP));
    ck_assert(is_gzip(server, "/on", GZIP));
    ck_assert(!is_gzip(server, "/on/off", GZIP));
    server_stop(server);
}
END_TEST

START_TEST(only_for_clients_that_take_it)
{
    static const struct {
        const char *value;
        bool gzip;
    } accepted[] = {
        { "gzip", true },
        { "GZip", true },
        { "gzip, deflate, br", true },
        { "deflate,gzip", true },
        { "deflate, gzip", true },
        { "gzip;q=1", true },
        { "gzip;q=0.5", true },
        { "gzip; q=0.001", true },
        { "gzip;Q=1.000", true },
        { "gzip ;q=1, br", true },
        { "br;q=1, gzip;q=0.1, *;q=0", true },
        { "gzip;q=1 ", true },
        { "gzip;", true },
        { "", false },
        { "gzi", false },
        { "deflate", false },
        { "*", false },
        { "identity", false },
        { "x-gzip", false },
        { "gzipped", false },
        { "gzip;q=0", false },
        { "gzip;q=0.0", false },
        { "gzip;q=0.000, br", false },
        { "gzip;q=2", false },
        { "gzip;q=1.5", false },
        { "gzip;q=0.0001", false },
        { "gzip;q=x", false },
        { "gzip;q", false },
        { "gzip;x=1", false },
        { "deflate;gzip", false },
    };
    struct server *server = start(HTTP "gzip on; server { " LISTEN "}");

    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        char more[200];
        snprintf(more, sizeof more, "Accept-Encoding: %s\r\n", accepted[i].value);
        ck_assert_msg(is_gzip(server, "/page.html", more) == accepted[i].gzip, "%s", more);
    }
    server_stop(server);
}
END_TEST

START_TEST(by_the_type)
{
    struct server *server =
        start(HTTP "gzip on; gzip_types text/plain; server { " LISTEN
                   "location /any/ { alias @root@/html/; gzip_types *; } "
                   "location /other/ { alias @root@/html/; gzip_types image/png Text/CSS; } "
                   "location /css { default_type text/css; gzip_types image/png Text/CSS; "
                   "return 200 '" TEXT "'; } "
                   "location /param { default_type 'text/html; charset=utf-8'; return 200 '" TEXT
                   "'; } }");

    ck_assert(is_gzip(server, "/page.html", GZIP));
    ck_assert(is_gzip(server, "/text.txt", GZIP));
    ck_assert(!is_gzip(server, "/image.png", GZIP));
    ck_assert(is_gzip(server, "/any/image.png", GZIP));
    ck_assert(is_gzip(server, "/other/page.html", GZIP));
    ck_assert(!is_gzip(server, "/other/text.txt", GZIP));
    ck_assert(is_gzip(server, "/other/image.png", GZIP));
    ck_assert(is_gzip(server, "/css", GZIP));
    server_stop(server);
}
END_TEST

START_TEST(by_the_status_and_the_length)
{
    struct server *server =
        start(HTTP "gzip on; server { " LISTEN "location /200 { return 200 '" TEXT "'; } "
                   "location /201 { return 201 '" TEXT "'; } location /403 { return 403; } "
                   "location /500 { return 500; } location /302 { return 302 /; } "
                   "location /20 { return 200 12345678901234567890; } "
                   "location /19 { return 200 1234567890123456789; } "
                   "location /19/0 { gzip_min_length 0; return 200 1; } "
                   "location /min { gzip_min_length 1k; return 200 '" TEXT "'; } }");

    expect_gzip(get_with(server, "/200", GZIP), TEXT);
    ck_assert(!is_gzip(server, "/201", GZIP));
    ck_assert(is_gzip(server, "/403", GZIP));
    ck_assert(is_gzip(server, "/404", GZIP));
    ck_assert(!is_gzip(server, "/500", GZIP));
    ck_assert(!is_gzip(server, "/302", GZIP));
    ck_assert(is_gzip(server, "/20", GZIP));
    ck_assert(!is_gzip(server, "/19", GZIP));
    expect_gzip(get_with(server, "/19/0", GZIP), "1");
    ck_assert(!is_gzip(server, "/min", GZIP));
    server_stop(server);
}
END_TEST

START_TEST(error_pages_too)
{
    struct server *server = start(HTTP "gzip on; server { " LISTEN "error_page 404 /page.html; }");
    struct response *response = get_with(server, "/missing", GZIP);

    ck_assert_int_eq(response->status, 404);
    expect_gzip(response, small);
    server_stop(server);
}
END_TEST

START_TEST(caches_are_told)
{
    struct server *server = start(HTTP "gzip on; gzip_vary on; server { " LISTEN
                                       "location /off/ { alias @root@/html/; gzip off; } "
                                       "location /silent/ { alias @root@/html/; "
                                       "gzip_vary off; } }");
    struct response *response = get_with(server, "/page.html", GZIP);

    ck_assert_str_eq(header(response, "Vary"), "Accept-Encoding");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Last-Modified "
                                             "Transfer-Encoding Connection Vary ETag "
                                             "Content-Encoding");
    ck_assert_uint_eq(header_count(get(server, "/page.html"), "Vary"), 1);
    ck_assert_uint_eq(header_count(get(server, "/missing"), "Vary"), 1);
    ck_assert_uint_eq(header_count(get(server, "/image.png"), "Vary"), 0);
    ck_assert_uint_eq(header_count(get(server, "/off/page.html"), "Vary"), 0);
    ck_assert_uint_eq(header_count(get_with(server, "/silent/page.html", GZIP), "Vary"), 0);
    server_stop(server);
}
END_TEST

/* What a proxy on the way may get, by what the answer says of its keeping. */
START_TEST(by_the_proxy)
{
    struct server *server = start(
        HTTP "gzip on; server { " LISTEN "etag off; "
             "location /off { return 200 '" TEXT "'; } "
             "location /any { gzip_proxied any; return 200 '" TEXT "'; } "
             "location /expired { gzip_proxied expired; expires epoch; return 200 '" TEXT "'; } "
             "location /fresh { gzip_proxied expired no-cache; expires 1h; return 200 '" TEXT
             "'; } "
             "location /nocache { gzip_proxied no-cache; add_header Cache-Control "
             "'max-age=0, No-Cache'; return 200 '" TEXT "'; } "
             "location /nostore { gzip_proxied no-store; add_header Cache-Control 'no-store'; "
             "return 200 '" TEXT "'; } "
             "location /private { gzip_proxied no-store private; add_header Cache-Control "
             "'private'; return 200 '" TEXT "'; } "
             "location /argument { gzip_proxied private; add_header Cache-Control "
             "'private=\"a\"'; return 200 '" TEXT "'; } "
             "location /public { gzip_proxied no-cache no-store private; add_header "
             "Cache-Control public; return 200 '" TEXT "'; } "
             "location /plain { gzip_proxied no-cache; return 200 '" TEXT "'; } "
             "location /auth { gzip_proxied auth expired; expires 1h; return 200 '" TEXT "'; } "
             "location /etag/ { alias @root@/html/; etag on; gzip_proxied no_etag; } "
             "location /noetag/ { alias @root@/html/; gzip_proxied no_etag; } "
             "location /modified { gzip_proxied no_last_modified; return 200 '" TEXT "'; } }");

    ck_assert(is_gzip(server, "/off", GZIP));
    ck_assert(!is_gzip(server, "/off", GZIP "Via: a\r\n"));
    ck_assert(is_gzip(server, "/any", GZIP "Via: a\r\n"));
    ck_assert(is_gzip(server, "/expired", GZIP "Via: a\r\n"));
    ck_assert(!is_gzip(server, "/fresh", GZIP "Via: a\r\n"));
    ck_assert(is_gzip(server, "/nocache", GZIP "Via: a\r\n"));
    ck_assert(is_gzip(server, "/nostore", GZIP "Via: a\r\n"));
    ck_assert(is_gzip(server, "/private", GZIP "Via: a\r\n"));
    ck_assert(!is_gzip(server, "/argument", GZIP "Via: a\r\n"));
    ck_assert(!is_gzip(server, "/public", GZIP "Via: a\r\n"));
    ck_assert(is_gzip(server, "/plain", GZIP "Via: a\r\n"));
    ck_assert(!is_gzip(server, "/auth", GZIP "Via: a\r\n"));
    ck_assert(is_gzip(server, "/auth", GZIP "Via: a\r\nAuthorization: x\r\n"));
    ck_assert(!is_gzip(server, "/etag/page.html", GZIP "Via: a\r\n"));
    ck_assert(is_gzip(server, "/noetag/page.html", GZIP "Via: a\r\n"));
    ck_assert(is_gzip(server, "/modified", GZIP "Via: a\r\n"));
    server_stop(server);
}
END_TEST

START_TEST(by_the_browser)
{
    struct server *server =
        start(HTTP "gzip on; gzip_disable msie6 'Old(er)?/[12]\\.'; server { " LISTEN "}");
    static const struct {
        const char *agent;
        bool gzip;
    } agents[] = {
        { "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", false },
        { "Mozilla/4.0 (compatible; MSIE 5.5; Windows 98)", false },
        { "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)", true },
        { "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1) Opera 7", true },
        { "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.0)", true },
        { "older/2.7", false },
        { "Old/1.0", false },
        { "Old/3.0", true },
    };

    for (size_t i = 0; i < sizeof agents / sizeof *agents; i++) {
        char more[200];
        snprintf(more, sizeof more, GZIP "User-Agent: %s\r\n", agents[i].agent);
        ck_assert_msg(is_gzip(server, "/page.html", more) == agents[i].gzip, "%s", more);
    }
    ck_assert(is_gzip(server, "/page.html", GZIP));
    server_stop(server);
}
END_TEST

START_TEST(by_the_version)
{
    struct server *server =
        start(HTTP "gzip on; server { " LISTEN "location /10/ { alias @root@/html/; "
                   "gzip_http_version 1.0; } }");
    struct response *response =
        ask(server, "GET /page.html HTTP/1.0\r\nConnection: keep-alive\r\n" GZIP "\r\n");

    expect_plain(response, small);
    response = ask(server, "GET /10/page.html HTTP/1.0\r\nConnection: keep-alive\r\n" GZIP "\r\n");
    expect_gzip(response, small);
    ck_assert(!response->chunked && response->to_close);
    ck_assert_str_eq(header(response, "Connection"), "close");
    server_stop(server);
}
END_TEST

START_TEST(there_are_no_ranges_of_it)
{
    struct server *server = start(HTTP "gzip on; server { " LISTEN "}");
    struct response *response = get_with(server, "/page.html", GZIP "Range: bytes=0-9\r\n");

    ck_assert_int_eq(response->status, 200);
    expect_gzip(response, small);
    response = get_with(server, "/page.html", GZIP "Range: bytes=9999-\r\n");
    ck_assert_int_eq(response->status, 200);
    response = get_with(server, "/page.html", "Range: bytes=0-3\r\n");
    ck_assert_int_eq(response->status, 206);
    expect_plain(response, "Line");
    server_stop(server);
}
END_TEST

START_TEST(its_etag_is_known_again)
{
    struct server *server = start(HTTP "gzip on; server { " LISTEN "}");
    struct response *response =
        get_with(server, "/page.html", GZIP "If-None-Match: W/\"3b9aca00-1388\"\r\n");

    ck_assert_int_eq(response->status, 304);
    ck_assert_str_eq(header(response, "ETag"), "\"3b9aca00-1388\"");
    ck_assert_ptr_null(header(response, "Content-Encoding"));
    server_stop(server);
}
END_TEST

START_TEST(every_level)
{
    struct server *server = start(HTTP "gzip on; gzip_buffers 4 8k; server { " LISTEN
                                       "location /1/ { alias @root@/html/; gzip_comp_level 1; } "
                                       "location /2/ { alias @root@/html/; gzip_comp_level 2; } "
                                       "location /5/ { alias @root@/html/; gzip_comp_level 5; } "
                                       "location /9/ { alias @root@/html/; gzip_comp_level 9; } }");
    static const char *const paths[] = { "/1/large.html", "/2/large.html", "/5/large.html",
                                         "/9/large.html" };
    size_t before = SIZE_MAX;

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct response *response = get_with(server, paths[i], GZIP);
        expect_gzip(response, large);
        ck_assert_uint_lt(response->body_len, before);
        before = response->body_len;
    }
    server_stop(server);
}
END_TEST

START_TEST(a_connection_goes_on)
{
    struct server *server =
        start(HTTP "gzip on; server { " LISTEN "location /t { return 200 '" TEXT "'; } }");
    struct client *client = client_open(server);

    for (int i = 0; i < 3; i++)
        client_send(client, "GET /large.html HTTP/1.1\r\nHost: a\r\n" GZIP "\r\n"
                            "GET /t HTTP/1.1\r\nHost: a\r\n" GZIP "\r\n"
                            "GET /page.html HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        expect_gzip(client_read(client), large);
        expect_gzip(client_read(client), TEXT);
        expect_plain(client_read(client), small);
    }
    server_stop(server);
}
END_TEST

/* Clients that leave in the middle, and many at once: the memory is given back. */
START_TEST(clients_that_go_away)
{
    struct server *server = start(HTTP "gzip on; gzip_comp_level 1; server { " LISTEN "}");
    struct client *clients[30];

    for (int i = 0; i < 30; i++) {
        clients[i] = client_open(server);
        client_send(clients[i], "GET /large.html HTTP/1.1\r\nHost: a\r\n" GZIP "\r\n");
    }
    for (int i = 0; i < 30; i++)
        client_read_bytes(clients[i], 1000);
    for (int i = 0; i < 29; i++)
        if (i % 2 == 0)
            client_reset(clients[i]);
        else
            client_close(clients[i]);
    expect_gzip(client_read(clients[29]), large);
    expect_gzip(get_with(server, "/large.html", GZIP), large);
    server_stop(server);
}
END_TEST

START_TEST(the_ratio_is_logged)
{
    struct server *server = start(HTTP "gzip on; log_format ratio '$request_uri [$gzip_ratio]'; "
                                       "access_log logs/ratio.log ratio; server { " LISTEN "}");
    double ratio;
    char *end;

    struct response *response = get_with(server, "/page.html", GZIP);
    const char *line = strstr(server_wait_file(server, "logs/ratio.log", "]\n"), "[");
    ratio = strtod(line + 1, &end);
    ck_assert_str_eq(end, "]\n");
    ck_assert_int_eq(end[-3], '.');
    ck_assert(ratio > (double)SMALL / (double)response->body_len - 0.011);
    ck_assert(ratio < (double)SMALL / (double)response->body_len + 0.011);
    get(server, "/page.html");
    server_wait_file(server, "logs/ratio.log", "/page.html [-]\n");
    server_stop(server);
}
END_TEST

START_TEST(bad_settings)
{
    struct server *server = start(HTTP "server { " LISTEN "}");

    const struct mistake mistakes[] = {
        { "gzip_comp_level 0;", "value must be " },
        { "gzip_comp_level 10;", "value must be " },
        { "gzip_comp_level a;", "invalid number" },
        { "gzip_proxied some;", "invalid value \"some\"" },
        { "gzip_http_version 2;", "invalid value \"2\"" },
        { "gzip_disable '(a';", "\"(a\"" },
        { "gzip_min_length x;", "\"gzip_min_length\"" },
        { "gzip maybe;", "invalid value \"maybe\"" },
        { "gzip_buffers 4;", "number of arguments" },
        { 0 },
    };

    expect_mistakes(mistakes);
    struct run *run = config_test(server, "events { }\nhttp { gzip_types text/html text/css "
                                          "text/css; gzip_proxied auth auth; }\n");
    ck_assert_int_eq(run->status, 0);
    ck_assert_ptr_nonnull(strstr(run->text, "duplicate MIME type \"text/html\""));
    ck_assert_ptr_nonnull(strstr(run->text, "duplicate MIME type \"text/css\""));
    ck_assert_ptr_nonnull(strstr(run->text, "duplicate value \"auth\""));
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main(
        "gzip",
        (const TTest *[]){ an_answer_is_compressed, nothing_is_compressed_by_default,
                           only_for_clients_that_take_it, by_the_type, by_the_status_and_the_length,
                           error_pages_too, caches_are_told, by_the_proxy, by_the_browser,
                           by_the_version, there_are_no_ranges_of_it, its_etag_is_known_again,
                           every_level, a_connection_goes_on, clients_that_go_away,
                           the_ratio_is_logged, bad_settings, NULL });
}
