/* error_page and its kin: what is shown instead of an error. */
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@; "

#define PAGE(title)                                                                   \
    "<html>\r\n<head><title>" title "</title></head>\r\n<body>\r\n<center><h1>" title \
    "</h1></center>\r\n<hr><center>muxd</center>\r\n</body>\r\n</html>\r\n"

START_TEST(a_page_keeps_the_status)
{
    struct server *server = server_new();

    dated_file(server, "html/404.html", "not here");
    server_run(
        server,
        &(struct setup){ .http = "types { text/html html; }\n"
                                 "server { " LISTEN "root @root@/html;\n"
                                 "error_page 404 /404.html; error_page 500 502 503 /5xx;\n"
                                 "location = /5xx { internal; return 200 \"sorry $uri\"; }\n"
                                 "location /502 { return 502; } location /503 { return 503; } }" });
    struct response *response = get(server, "/none");
    ck_assert_str_eq(response->status_line, "HTTP/1.1 404 Not Found");
    ck_assert_str_eq(response->body, "not here");
    ck_assert_str_eq(header_names(response),
                     "Server Date Content-Type Content-Length Connection ETag");
    expect_answer(server, "/502", 502, "sorry /5xx");
    expect_answer(server, "/503", 503, "sorry /5xx");
    server_stop(server);
}
END_TEST

START_TEST(the_status_can_be_changed)
{
    struct server *server = server_start("server { " LISTEN "location /page { return 202 page; }\n"
                                         "location /a { error_page 404 =200 /page; return 404; }\n"
                                         "location /b { error_page 404 = /page; return 404; }\n"
                                         "location /c { error_page 404 =418 /page; return 404; }\n"
                                         "location /d { error_page 404 =204 /page; return 404; }\n"
                                         "location /e { error_page 404 = /gone; return 404; }\n"
                                         "location /gone { return 410; } }");

    expect_answer(server, "/a", 200, "page");
    expect_answer(server, "/b", 202, "page");
    expect_answer(server, "/c", 418, "page");
    expect_answer(server, "/d", 204, "");
    ck_assert_int_eq(get(server, "/e")->status, 410);
    server_stop(server);
}
END_TEST

START_TEST(a_target_has_variables_and_arguments)
{
    struct server *server =
        server_start("server { " LISTEN "location /page { return 200 \"$uri $args\"; }\n"
                     "location /a { error_page 404 /page/$arg_x?y=$arg_y; return 404; }\n"
                     "location /b { error_page 404 /page?fixed; return 404; }\n"
                     "location /c { error_page 404 /page; return 404; } }");

    expect_answer(server, "/a?x=1&y=2", 404, "/page/1 y=2");
    expect_answer(server, "/b?x=1", 404, "/page fixed");
    expect_answer(server, "/c?x=1", 404, "/page ");
    server_stop(server);
}
END_TEST

START_TEST(a_named_location_keeps_uri_and_method)
{
    struct server *server =
        server_start("server { " LISTEN "location /a { error_page 404 @named; return 404; }\n"
                     "location /b { error_page 404 = @named; return 404; }\n"
                     "location /c { error_page 404 @$arg_x; return 404; }\n"
                     "location @named { return 200 \"$request_method $uri $args\"; } }");

    expect_answer(server, "/a?x", 404, "GET /a x");
    expect_answer(server, "/b", 200, "GET /b ");
    expect_answer(server, "/c?x=named", 404, "GET /c x=named");
    ck_assert_str_eq(ask_method(server, "PUT", "/b", "Content-Length: 0\r\n")->body, "PUT /b ");
    ck_assert_int_eq(get(server, "/c?x=other")->status, 500);
    server_wait_log(server, "could not find named location \"@other\"");
    server_stop(server);
}
END_TEST

START_TEST(a_uri_is_asked_for_with_get)
{
    struct server *server = server_new();

    server_file(server, "html/page", "the page");
    server_run(server,
               &(struct setup){ .http = "server { " LISTEN "root @root@/html;\n"
                                        "location /put { error_page 405 =200 /page; }\n"
                                        "location /var { error_page 404 /method; return 404; }\n"
                                        "location /method { return 200 $request_method; } }" });
    ck_assert_str_eq(ask_method(server, "PUT", "/put", "Content-Length: 3\r\n\r\nabc")->body,
                     "the page");
    ck_assert_str_eq(ask_method(server, "POST", "/var", "Content-Length: 0\r\n")->body, "GET");
    struct response *response = ask_method(server, "HEAD", "/var", "");
    ck_assert_int_eq(response->status, 404);
    ck_assert_str_eq(header(response, "Content-Length"), "4");
    server_stop(server);
}
END_TEST

START_TEST(a_url_redirects_the_client)
{
    static const struct {
        const char *path;
        int status;
        const char *location;
    } cases[] = {
        { "/a", 302, "http://h/a" }, { "/b", 301, "http://h/b" },  { "/c", 302, "http://h/c" },
        { "/d", 302, "relative" },   { "/e", 307, "http://h/?x" },
    };
    struct server *server =
        server_start("server { " LISTEN "location /a { error_page 403 http://h/a; return 403; }\n"
                     "location /b { error_page 403 =301 http://h/b; return 403; }\n"
                     "location /c { error_page 403 =200 http://h/c; return 403; }\n"
                     "location /d { error_page 403 relative; return 403; }\n"
                     "location /e { error_page 403 =307 http://h/?$args; return 403; } }");

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[16];
        snprintf(path, sizeof path, "%s?x", cases[i].path);
        struct response *response = get(server, path);
        ck_assert_int_eq(response->status, cases[i].status);
        ck_assert_str_eq(header(response, "Location"), cases[i].location);
        ck_assert_str_eq(header(response, "Content-Type"), "text/html");
    }
    server_stop(server);
}
END_TEST

START_TEST(a_redirect_can_have_a_page)
{
    struct server *server = server_start(
        "server { " LISTEN "location /a { error_page 301 =200 /b; return 301 http://h/; }\n"
        "location /b { return 200 b; } }");
    struct response *response = get(server, "/a");

    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(response->body, "b");
    ck_assert_str_eq(header(response, "Location"), "http://h/");
    server_stop(server);
}
END_TEST

START_TEST(a_missing_page_is_an_error_of_its_own)
{
    struct server *server =
        server_start("server_tokens off; server { " LISTEN "root @root@/html;\n"
                     "error_page 403 404 /none.html; location /a { return 403; } }");

    expect_answer(server, "/a", 404, PAGE("404 Not Found"));
    expect_answer(server, "/b", 404, PAGE("404 Not Found"));
    server_stop(server);
}
END_TEST

START_TEST(error_pages_of_error_pages_only_when_recursive)
{
    static const char *const LOCATIONS = "location /a { error_page 404 /b; return 404; }\n"
                                         "location /b { error_page 403 /c; return 403; }\n"
                                         "location /c { return 200 c; }\n"
                                         "location /loop { error_page 404 /loop; return 404; }";
    char http[1024];

    snprintf(http, sizeof http, "server_tokens off; server { " LISTEN "%s }", LOCATIONS);
    struct server *server = server_start(http);
    expect_answer(server, "/a", 403, PAGE("403 Forbidden"));
    expect_answer(server, "/loop", 404, PAGE("404 Not Found"));
    server_stop(server);

    snprintf(http, sizeof http,
             "server_tokens off; recursive_error_pages on; server { " LISTEN "%s }", LOCATIONS);
    server = server_start(http);
    expect_answer(server, "/a", 403, "c");
    expect_answer(server, "/loop", 500, PAGE("500 Internal Server Error"));
    server_wait_log(server, "rewrite or internal redirection cycle while internally redirecting to "
                            "\"/loop\"");
    server_stop(server);
}
END_TEST

START_TEST(pages_are_inherited_all_or_none)
{
    struct server *server =
        server_start("server_tokens off; error_page 404 /outer; error_page 403 /outer;\n"
                     "server { " LISTEN "location /outer { return 200 outer; }\n"
                     "location /a { return 404; }\n"
                     "location /b { error_page 404 /inner; location /b/404 { return 404; }\n"
                     "  location /b/403 { return 403; } }\n"
                     "location /inner { return 200 inner; } }");

    expect_answer(server, "/a", 404, "outer");
    expect_answer(server, "/b/404", 404, "inner");
    expect_answer(server, "/b/403", 403, PAGE("403 Forbidden"));
    server_stop(server);
}
END_TEST

START_TEST(refused_requests_have_pages)
{
    struct server *server =
        server_start("client_max_body_size 10; large_client_header_buffers 2 1k;\n"
                     "server { " LISTEN "error_page 400 413 414 494 /page; error_page 405 @named;\n"
                     "location /page { return 200 page; } location @named { return 200 named; } }");
    char uri[3000];

    struct response *response =
        ask(server, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n");
    ck_assert_int_eq(response->status, 400);
    ck_assert_str_eq(response->body, "page");
    ck_assert_str_eq(header(response, "Connection"), "close");
    response = ask(server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    ck_assert_int_eq(response->status, 413);
    ck_assert_str_eq(response->body, "page");
    memset(uri, 'a', sizeof uri);
    uri[sizeof uri - 1] = '\0';
    response = ask(server, "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", uri);
    ck_assert_int_eq(response->status, 414);
    ck_assert_str_eq(response->body, "page");
    response = ask(server, "GET / HTTP/1.1\r\nHost: a\r\nX-Long: %s\r\n\r\n", uri);
    ck_assert_int_eq(response->status, 400);
    ck_assert_str_eq(response->body, "page");
    response = ask(server, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_int_eq(response->status, 405);
    ck_assert_str_eq(response->body, "named");
    server_stop(server);
}
END_TEST

/* There is no URI to keep. */
START_TEST(a_request_that_is_none_has_no_named_location)
{
    struct server *server =
        server_start("server_tokens off; server { " LISTEN "error_page 400 @named;\n"
                     "location @named { root @root@/html; } }");
    static const char *const requests[] = { "<garbage>\r\n\r\n",
                                            "GET /../conf/nginx.conf HTTP/1.0\r\n\r\n",
                                            "GET /%00 HTTP/1.0\r\n\r\n" };

    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct response *response = ask(server, "%s", requests[i]);
        ck_assert_int_eq(response->status, 500);
        ck_assert_str_eq(response->body, PAGE("500 Internal Server Error"));
    }
    server_wait_log(server, "empty URI in redirect to named location \"@named\"");
    server_stop(server);
}
END_TEST

START_TEST(some_errors_end_the_connection)
{
    static const struct {
        const char *path, *connection;
    } cases[] = {
        { "/400", "close" },      { "/403", "keep-alive" }, { "/404", "keep-alive" },
        { "/405", "keep-alive" }, { "/412", "keep-alive" }, { "/413", "close" },
        { "/414", "close" },      { "/416", "keep-alive" }, { "/494", "keep-alive" },
        { "/497", "close" },      { "/500", "close" },      { "/501", "close" },
        { "/502", "keep-alive" }, { "/503", "keep-alive" }, { "/301", "keep-alive" },
    };
    char http[2048] = "server { " LISTEN;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        snprintf(http + strlen(http), sizeof http - strlen(http), "location %s { return %s; }\n",
                 cases[i].path, cases[i].path + 1);
    strcat(http, "}");
    struct server *server = server_start(http);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client *client = client_open(server);
        client_send(client, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].path);
        const char *connection = header(client_read(client), "Connection");
        ck_assert_msg(strcmp(connection, cases[i].connection) == 0, "%s: %s", cases[i].path,
                      connection);
        if (strcmp(connection, "close") == 0)
            client_expect_closed(client);
    }
    server_stop(server);
}
END_TEST

START_TEST(msie_padding_makes_pages_long)
{
    static const struct {
        const char *agent;
        bool padded;
    } cases[] = {
        { "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", true },
        { "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1) Opera 8", false },
        { "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0", true },
        { "Mozilla/5.0 (X11; rv:109.0) Gecko/20100101 Firefox/119.0", false },
        { "MSIE 6", false },
        { "curl/8.0", false },
    };
    struct server *server =
        server_start("server { " LISTEN "location /a { return 404; }\n"
                     "location /r { return 301 /; }\n"
                     "location /off { msie_padding off; msie_refresh off; return 404; } }");
    char more[256];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(more, sizeof more, "User-Agent: %s\r\n", cases[i].agent);
        const char *body = get_with(server, "/a", more)->body;
        ck_assert_msg((count_of(body, "<!-- a padding to disable MSIE and Chrome friendly error "
                                      "page -->\r\n") == 6) == cases[i].padded,
                      "%s: %s", cases[i].agent, body);
        ck_assert_uint_eq(count_of(get_with(server, "/off", more)->body, "padding"), 0);
        ck_assert_uint_eq(count_of(get_with(server, "/r", more)->body, "padding"), 0);
    }
    server_stop(server);
}
END_TEST

START_TEST(wrong_uses_are_refused)
{
    const struct mistake mistakes[] = {
        { "error_page 404;", "invalid number of arguments in \"error_page\"" },
        { "error_page text /a;", "invalid value \"text\"" },
        { "error_page 499 /a;", "invalid value \"499\"" },
        { "error_page 200 /a;", "value \"200\" must be between 300 and 599" },
        { "error_page 404 600 /a;", "value \"600\" must be between 300 and 599" },
        { "error_page =200 /a;", "invalid value \"=200\"" },
        { "error_page 404 =x /a;", "invalid value \"=x\"" },
        { "error_page 404 =200 403 /a;", "invalid value \"=200\"" },
        { "error_page 404 /$none;", "unknown \"none\" variable" },
        { "msie_padding maybe;", "invalid value \"maybe\" in \"msie_padding\"" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main("error_page", (const TTest *[]){
                                        a_page_keeps_the_status,
                                        the_status_can_be_changed,
                                        a_target_has_variables_and_arguments,
                                        a_named_location_keeps_uri_and_method,
                                        a_uri_is_asked_for_with_get,
                                        a_url_redirects_the_client,
                                        a_redirect_can_have_a_page,
                                        a_missing_page_is_an_error_of_its_own,
                                        error_pages_of_error_pages_only_when_recursive,
                                        pages_are_inherited_all_or_none,
                                        refused_requests_have_pages,
                                        a_request_that_is_none_has_no_named_location,
                                        some_errors_end_the_connection,
                                        msie_padding_makes_pages_long,
                                        wrong_uses_are_refused,
                                        NULL,
                                    });
}
