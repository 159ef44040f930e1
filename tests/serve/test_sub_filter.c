/* sub_filter: texts that are replaced in answers. */
#include "tests/serve/encodings.h"

#define LISTEN "listen 127.0.0.1:@port@; "
#define TEXT(location, text, rest) \
    "location = " location " { default_type text/html; return 200 \"" text "\"; " rest " } "

static struct server *start(const char *http)
{
    struct server *server = server_new();

    dated_file(server, "html/a.html", "hello world. Hello again <b>bold</b>");
    dated_file(server, "html/a.txt", "hello");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(texts_are_replaced)
{
    struct server *server = start(
        "server { " LISTEN TEXT("/case", "abc ABC", "sub_filter aBc x;")
            TEXT("/all", "abc ABC", "sub_filter aBc x; sub_filter_once off;")
                TEXT("/two", "abcd abce abcd bc", "sub_filter abcd 1; sub_filter bc 2;")
                    TEXT("/away", "<b>abc</b>", "sub_filter '<b>' ''; sub_filter '</b>' '';")
                        TEXT("/leftmost", "abcd abce",
                             "sub_filter bc 2; sub_filter abcd 1; sub_filter_once "
                             "off;") TEXT("/first", "abc ab",
                                          "sub_filter ab 1; sub_filter abc 2; sub_filter_once off;")
                            TEXT("/same", "a a a", "sub_filter a 1; sub_filter A 2;") TEXT(
                                "/not-again", "aaa", "sub_filter a aa; sub_filter_once off;") "}");

    ck_assert_str_eq(get(server, "/case")->body, "x ABC");
    ck_assert_str_eq(get(server, "/all")->body, "x x");
    ck_assert_str_eq(get(server, "/two")->body, "1 a2e abcd bc"); /* each of them once */
    ck_assert_str_eq(get(server, "/away")->body, "abc");
    ck_assert_str_eq(get(server, "/leftmost")->body, "1 a2e");
    ck_assert_str_eq(get(server, "/first")->body, "1c 1");
    ck_assert_str_eq(get(server, "/same")->body, "1 2 a");
    ck_assert_str_eq(get(server, "/not-again")->body, "aaaaaa");
    server_stop(server);
}
END_TEST

START_TEST(variables)
{
    struct server *server = start("server { " LISTEN TEXT("/value", "abc abc",
                                                          "sub_filter abc <$uri$arg_x>; "
                                                          "sub_filter_once off;")
                                      TEXT("/text", "abc abc",
                                           "sub_filter $arg_a 1; sub_filter $arg_b 2; "
                                           "sub_filter_once off;") "}");

    ck_assert_str_eq(get(server, "/value?x=1")->body, "</value1> </value1>");
    ck_assert_str_eq(get(server, "/text?a=A&b=c")->body, "1b2 1b2");
    ck_assert_str_eq(get(server, "/text?b=abc")->body, "2 2"); /* an empty text is none */
    struct response *response = get(server, "/text");
    ck_assert_str_eq(response->body, "abc abc");
    ck_assert_ptr_nonnull(header(response, "Content-Length"));
    server_stop(server);
}
END_TEST

START_TEST(which_answers)
{
    struct server *server =
        start("types { text/html html; text/plain txt; } server { " LISTEN
              "root html; sub_filter hello bye; sub_filter Found Lost; sub_filter_once off; "
              "location /all/ { alias @root@/html/; sub_filter_types *; } "
              "location /plain/ { alias @root@/html/; sub_filter_types text/plain; } "
              "location /own/ { alias @root@/html/; sub_filter world earth; } }");

    ck_assert_str_eq(get(server, "/a.html")->body, "bye world. bye again <b>bold</b>");
    ck_assert_str_eq(get(server, "/a.txt")->body, "hello");
    ck_assert_str_eq(get(server, "/all/a.txt")->body, "bye");
    ck_assert_str_eq(get(server, "/plain/a.txt")->body, "bye");
    ck_assert_str_eq(get(server, "/own/a.html")->body, "hello earth. Hello again <b>bold</b>");
    ck_assert_ptr_nonnull(strstr(get(server, "/none")->body, "404 Not Lost"));
    server_stop(server);
}
END_TEST

START_TEST(heads)
{
    struct server *server =
        start("types { text/html html; } server { " LISTEN "root html; sub_filter hello bye; "
              "location /kept/ { alias @root@/html/; sub_filter_last_modified on; } }");
    struct response *response = get_with(server, "/a.html", "Range: bytes=0-3\r\n");

    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Transfer-Encoding "
                                             "Connection");
    response = ask_method(server, "HEAD", "/a.html", "");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Connection");
    response = get(server, "/kept/a.html");
    ck_assert_str_eq(header(response, "Last-Modified"), FILE_DATE);
    ck_assert_int_eq(strncmp(header(response, "ETag"), "W/\"", 3), 0);
    response = get_with(server, "/a.html", "If-Modified-Since: " FILE_DATE "\r\n");
    ck_assert_int_eq(response->status, 304);
    response = ask(server, "GET /a.html HTTP/1.0\r\n\r\n");
    ck_assert_str_eq(response->body, "bye world. Hello again <b>bold</b>");
    ck_assert(response->to_close);
    server_stop(server);
}
END_TEST

/* Texts at every place of a body that is many buffers long. */
START_TEST(large_bodies)
{
    enum { LINES = 40000 };
    struct server *server = server_new();
    char *text = server_own(server, malloc(LINES * 16)), *expected;
    size_t text_len = 0, expected_len = 0;

    expected = server_own(server, malloc(LINES * 16));
    for (unsigned i = 0; i < LINES; i++) {
        text_len += (size_t)sprintf(text + text_len, "%.*sNeedle", (int)(i % 7), "nee-eed");
        expected_len += (size_t)sprintf(expected + expected_len, "%.*s<>", (int)(i % 7), "nee-eed");
    }
    server_file(server, "html/large.html", text);
    server_run(server, &(struct setup){
                           .http = "types { text/html html; } gzip on; gunzip on; server { " LISTEN
                                   "root html; sub_filter needle <>; sub_filter nothing 1; "
                                   "sub_filter_once off; } " });
    struct response *response = get(server, "/large.html");
    ck_assert_uint_eq(response->body_len, expected_len);
    ck_assert_int_eq(memcmp(response->body, expected, expected_len), 0);
    expect_gzip(get_with(server, "/large.html", GZIP), expected);
    server_stop(server);
}
END_TEST

/* A text that is longer than the buffers that bodies are read by. */
START_TEST(a_long_text)
{
    enum { LEN = 20000 };
    struct server *server = server_new();
    char *text = server_own(server, malloc(LEN + 16)), path[] = "/a.html?";
    char *request = server_own(server, malloc(LEN + 64));

    memset(text, 'x', LEN);
    strcpy(text + LEN, "end");
    server_file(server, "html/a.html", text);
    server_run(server,
               &(struct setup){ .http = "types { text/html html; } "
                                        "large_client_header_buffers 4 32k; server { " LISTEN
                                        "root html; sub_filter \"${args}e\" _; } " });
    snprintf(request, LEN + 64, "%s%.*s", path, LEN, text);
    ck_assert_str_eq(get(server, request)->body, "_nd");
    snprintf(request, LEN + 64, "%s%.*s", path, LEN - 1, text);
    ck_assert_str_eq(get(server, request)->body, "x_nd");
    snprintf(request, LEN + 64, "%sy%.*s", path, LEN - 1, text);
    ck_assert_str_eq(get(server, request)->body, text);
    server_stop(server);
}
END_TEST

START_TEST(wrong_directives)
{
    const struct mistake mistakes[] = {
        { "sub_filter '' x;", "empty search pattern" },
        { "sub_filter a;", "invalid number of arguments" },
        { "sub_filter a $nothing;", "unknown \"nothing\" variable" },
        { "sub_filter_once maybe;", "invalid value \"maybe\"" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

START_TEST(too_many_texts)
{
    struct server *server = server_new();
    char config[256 * 16 + 64] = "events { } http { ";

    for (unsigned i = 0; i < 256; i++)
        strcat(config, "sub_filter a b; ");
    strcat(config, "}");
    struct run *run = config_test(server, config);
    ck_assert_int_eq(run->status, 1);
    ck_assert_ptr_nonnull(strstr(run->text, "number of search patterns exceeds 255"));
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("sub_filter", (const TTest *[]){ texts_are_replaced, variables, which_answers,
                                                       heads, large_bodies, a_long_text,
                                                       wrong_directives, too_many_texts, NULL });
}
