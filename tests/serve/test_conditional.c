/* Conditional requests: RFC 9110 13, as nginx reads it. */
#include "tests/serve/heads.h"

#define SETUP(settings)                                             \
    "types { } default_type text/plain; server_tokens off;\n"       \
    "server { listen 127.0.0.1:@port@; root @root@/html; " settings \
    " location /text { return 200 text; } }"

#define OLDER "Sun, 09 Sep 2001 01:46:39 GMT"
#define YOUNGER "Sun, 09 Sep 2001 01:46:41 GMT"

static struct server *start(const char *http)
{
    struct server *server = server_new();

    dated_file(server, "html/file", "0123456789");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

struct expectation {
    const char *name, *value;
    int status;
};

static void expect_all(struct server *server, const struct expectation *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char more[256];
        snprintf(more, sizeof more, "%s: %s\r\n", expected[i].name, expected[i].value);
        int status = get_with(server, "/file", more)->status;
        ck_assert_msg(status == expected[i].status, "%s%d", more, status);
    }
}

#define EXPECT(server, ...)                                         \
    expect_all(server, (const struct expectation[]){ __VA_ARGS__ }, \
               sizeof((const struct expectation[]){ __VA_ARGS__ }) / sizeof(struct expectation))

#define ETAG "\"3b9aca00-a\""

START_TEST(if_none_match_compares_weakly)
{
    struct server *server = start(SETUP(""));

    EXPECT(server, { "If-None-Match", ETAG, 304 }, { "If-None-Match", "W/" ETAG, 304 },
           { "If-None-Match", "*", 304 }, { "If-None-Match", "\"a\", " ETAG, 304 },
           { "If-None-Match", "\"a\",W/" ETAG " , \"b\"", 304 }, { "If-None-Match", "\"a\"", 200 },
           { "If-None-Match", "3b9aca00-a", 200 }, { "If-None-Match", ETAG "x", 200 },
           { "If-None-Match", "", 200 }, { "If-None-Match", "\"3b9aca00", 200 });
    server_stop(server);
}
END_TEST

START_TEST(if_match_compares_strongly)
{
    struct server *server = start(SETUP(""));

    EXPECT(server, { "If-Match", ETAG, 200 }, { "If-Match", "*", 200 },
           { "If-Match", "\"a\", " ETAG, 200 }, { "If-Match", "W/" ETAG, 412 },
           { "If-Match", "\"a\"", 412 }, { "If-Match", "", 412 });
    server_stop(server);
}
END_TEST

START_TEST(if_modified_since_is_exact_by_default)
{
    struct server *server = start(SETUP(""));

    EXPECT(server, { "If-Modified-Since", FILE_DATE, 304 }, { "If-Modified-Since", OLDER, 200 },
           { "If-Modified-Since", YOUNGER, 200 }, { "If-Modified-Since", "nonsense", 200 },
           { "If-Modified-Since", "Sunday, 09-Sep-01 01:46:40 GMT", 304 },
           { "If-Modified-Since", "Sun Sep  9 01:46:40 2001", 304 });
    server_stop(server);
}
END_TEST

START_TEST(if_modified_since_can_be_a_bound)
{
    struct server *server = start(SETUP("if_modified_since before;"));

    EXPECT(server, { "If-Modified-Since", FILE_DATE, 304 }, { "If-Modified-Since", OLDER, 200 },
           { "If-Modified-Since", YOUNGER, 304 });
    server_stop(server);
}
END_TEST

START_TEST(if_modified_since_can_be_ignored)
{
    struct server *server = start(SETUP("if_modified_since off;"));

    EXPECT(server, { "If-Modified-Since", FILE_DATE, 200 }, { "If-Modified-Since", YOUNGER, 200 });
    server_stop(server);
}
END_TEST

START_TEST(if_unmodified_since_is_a_bound)
{
    struct server *server = start(SETUP(""));

    EXPECT(server, { "If-Unmodified-Since", FILE_DATE, 200 },
           { "If-Unmodified-Since", YOUNGER, 200 }, { "If-Unmodified-Since", OLDER, 412 },
           { "If-Unmodified-Since", "nonsense", 412 });
    server_stop(server);
}
END_TEST

START_TEST(several_conditions_must_all_hold)
{
    struct server *server = start(SETUP(""));

    EXPECT(server, { "If-Modified-Since", FILE_DATE "\r\nIf-None-Match: " ETAG, 304 },
           { "If-Modified-Since", FILE_DATE "\r\nIf-None-Match: \"a\"", 200 },
           { "If-Modified-Since", OLDER "\r\nIf-None-Match: " ETAG, 200 },
           { "If-Match", ETAG "\r\nIf-None-Match: " ETAG, 304 },
           { "If-Match", "\"a\"\r\nIf-None-Match: " ETAG, 412 },
           { "If-Unmodified-Since", FILE_DATE "\r\nIf-Match: \"a\"", 412 });
    server_stop(server);
}
END_TEST

START_TEST(not_modified_is_a_head_only)
{
    struct server *server = start(SETUP("add_header X-A a;"));
    struct client *client = client_open(server);

    client_send(client, "GET /file HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n"
                        "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
    struct response *response = client_read_head(client);
    ck_assert_str_eq(response->status_line, "HTTP/1.1 304 Not Modified");
    ck_assert_str_eq(header_names(response), "Server Date Last-Modified Connection ETag X-A");
    ck_assert_str_eq(header(response, "Connection"), "keep-alive");
    ck_assert_str_eq(header(response, "Last-Modified"), FILE_DATE);
    ck_assert_str_eq(header(response, "ETag"), ETAG);
    ck_assert_str_eq(client_read(client)->body, "0123456789");
    response = ask_method(server, "HEAD", "/file", "If-None-Match: *\r\n");
    ck_assert_int_eq(response->status, 304);
    ck_assert_str_eq(header_names(response), "Server Date Last-Modified Connection ETag X-A");
    server_stop(server);
}
END_TEST

START_TEST(a_failed_precondition_is_an_error)
{
    struct server *server = start(SETUP(""));
    struct response *response = get_with(server, "/file", "If-Match: \"a\"\r\n");

    ck_assert_str_eq(response->status_line, "HTTP/1.1 412 Precondition Failed");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Content-Length Connection");
    ck_assert_str_eq(response->body,
                     "<html>\r\n<head><title>412 Precondition Failed</title></head>\r\n<body>\r\n"
                     "<center><h1>412 Precondition Failed</h1></center>\r\n"
                     "<hr><center>muxd</center>\r\n</body>\r\n</html>\r\n");
    server_stop(server);
}
END_TEST

START_TEST(a_failed_precondition_has_an_error_page)
{
    struct server *server =
        start(SETUP("error_page 412 /page; location /page { return 200 page; }\n"));
    struct response *response = get_with(server, "/file", "If-Match: \"a\"\r\n");

    ck_assert_int_eq(response->status, 412);
    ck_assert_str_eq(response->body, "page");
    ck_assert_ptr_null(header(response, "ETag"));
    server_stop(server);
}
END_TEST

START_TEST(texts_have_conditions_too)
{
    struct server *server = start(SETUP(""));

    ck_assert_int_eq(get_with(server, "/text", "If-None-Match: *\r\n")->status, 304);
    ck_assert_int_eq(get_with(server, "/text", "If-None-Match: \"a\"\r\n")->status, 200);
    ck_assert_int_eq(get_with(server, "/text", "If-Match: *\r\n")->status, 200);
    ck_assert_int_eq(get_with(server, "/text", "If-Match: \"a\"\r\n")->status, 412);
    ck_assert_int_eq(get_with(server, "/text", "If-Unmodified-Since: " YOUNGER "\r\n")->status,
                     412);
    ck_assert_int_eq(get_with(server, "/text", "If-Modified-Since: " FILE_DATE "\r\n")->status,
                     200);
    server_stop(server);
}
END_TEST

START_TEST(without_etag_only_the_time_counts)
{
    struct server *server = start(SETUP("etag off;"));

    EXPECT(server, { "If-None-Match", ETAG, 200 }, { "If-None-Match", "*", 304 },
           { "If-Match", ETAG, 412 }, { "If-Modified-Since", FILE_DATE, 304 });
    ck_assert_ptr_null(header(get(server, "/file"), "ETag"));
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("conditional", (const TTest *[]){
                                         if_none_match_compares_weakly,
                                         if_match_compares_strongly,
                                         if_modified_since_is_exact_by_default,
                                         if_modified_since_can_be_a_bound,
                                         if_modified_since_can_be_ignored,
                                         if_unmodified_since_is_a_bound,
                                         several_conditions_must_all_hold,
                                         not_modified_is_a_head_only,
                                         a_failed_precondition_is_an_error,
                                         a_failed_precondition_has_an_error_page,
                                         texts_have_conditions_too,
                                         without_etag_only_the_time_counts,
                                         NULL,
                                     });
}
