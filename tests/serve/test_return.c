/* return: texts, statuses, redirects, and no answer at all. */
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@; "

START_TEST(text_is_the_answer)
{
    struct server *server =
        server_start("server { " LISTEN "location /a { return 200 \"text\\n\"; }\n"
                     "location /v { return 200 \"$uri?$args$is_args\"; }\n"
                     "location /e { return 200; }\n"
                     "location /q { return 200 ''; } }");
    struct response *response = get(server, "/a");

    ck_assert_str_eq(response->status_line, "HTTP/1.1 200 OK");
    ck_assert_str_eq(response->body, "text\n");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Content-Length Connection");
    ck_assert_str_eq(header(response, "Content-Type"), "text/plain");
    ck_assert_str_eq(header(response, "Content-Length"), "5");
    ck_assert_str_eq(get(server, "/v?x=1")->body, "/v?x=1?");
    ck_assert_str_eq(header(get(server, "/e"), "Content-Length"), "0");
    ck_assert_str_eq(header(get(server, "/q"), "Content-Length"), "0");
    server_stop(server);
}
END_TEST

START_TEST(type_goes_by_the_extension)
{
    struct server *server = server_start("types { text/css css; } default_type application/x-own;\n"
                                         "server { " LISTEN "return 200 x; }");

    ck_assert_str_eq(header(get(server, "/a.css"), "Content-Type"), "text/css");
    ck_assert_str_eq(header(get(server, "/a.other"), "Content-Type"), "application/x-own");
    server_stop(server);
}
END_TEST

START_TEST(head_and_post_are_answered_alike)
{
    struct server *server = server_start("server { " LISTEN "return 200 text; }");
    struct response *response = ask_method(server, "HEAD", "/", "");

    ck_assert_str_eq(header_names(response), "Server Date Content-Type Content-Length Connection");
    ck_assert_str_eq(header(response, "Content-Length"), "4");
    ck_assert_str_eq(ask_method(server, "POST", "/", "Content-Length: 0\r\n")->body, "text");
    ck_assert_str_eq(ask_method(server, "OWN", "/", "")->body, "text");
    server_stop(server);
}
END_TEST

START_TEST(an_old_client_gets_the_same)
{
    struct server *server = server_start("server { " LISTEN "return 200 text; }");
    struct response *response = ask(server, "GET / HTTP/1.0\r\n\r\n");

    ck_assert_str_eq(response->status_line, "HTTP/1.1 200 OK");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Content-Length Connection");
    ck_assert_str_eq(header(response, "Connection"), "close");
    ck_assert_str_eq(response->body, "text");
    server_stop(server);
}
END_TEST

START_TEST(any_status_can_be_sent)
{
    static const struct {
        const char *path, *line, *names;
    } cases[] = {
        { "/201", "HTTP/1.1 201 Created", "Server Date Content-Type Content-Length Connection" },
        { "/204", "HTTP/1.1 204 No Content", "Server Date Connection" },
        { "/299", "HTTP/1.1 299 ", "Server Date Content-Type Content-Length Connection" },
        { "/304", "HTTP/1.1 304 Not Modified",
          "Server Date Content-Type Content-Length Connection" },
        { "/404", "HTTP/1.1 404 Not Found", "Server Date Content-Type Content-Length Connection" },
        { "/418", "HTTP/1.1 418 ", "Server Date Content-Length Connection" },
        { "/494", "HTTP/1.1 400 Bad Request",
          "Server Date Content-Type Content-Length Connection" },
        { "/503", "HTTP/1.1 503 Service Temporarily Unavailable",
          "Server Date Content-Type Content-Length Connection" },
        { "/999", "HTTP/1.1 999 ", "Server Date Content-Length Connection" },
    };
    struct server *server = server_start(
        "server { " LISTEN "location /201 { return 201; } location /204 { return 204; }\n"
        "location /299 { return 299; } location /304 { return 304; }\n"
        "location /404 { return 404; } location /418 { return 418; }\n"
        "location /494 { return 494; } location /503 { return 503; }\n"
        "location /999 { return 999; } }");

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response *response = get(server, cases[i].path);
        ck_assert_str_eq(response->status_line, cases[i].line);
        ck_assert_msg(strcmp(header_names(response), cases[i].names) == 0, "%s: %s", cases[i].path,
                      response->head);
    }
    server_stop(server);
}
END_TEST

START_TEST(an_error_has_a_page_or_the_text)
{
    struct server *server =
        server_start("server_tokens off; server { " LISTEN "location /p { return 404; }\n"
                     "location /q { return 404 ''; }\n"
                     "location /t { error_page 404 =200 /none; return 404 text; } }");

    ck_assert_str_eq(get(server, "/p")->body,
                     "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n"
                     "<center><h1>404 Not Found</h1></center>\r\n<hr><center>muxd</center>\r\n"
                     "</body>\r\n</html>\r\n");
    ck_assert_str_eq(header(get(server, "/q"), "Content-Type"), "text/html");
    ck_assert_int_eq(get(server, "/t")->status, 404);
    ck_assert_str_eq(get(server, "/t")->body, "text");
    server_stop(server);
}
END_TEST

START_TEST(redirects_have_a_location)
{
    static const unsigned statuses[] = { 301, 302, 303, 307, 308 };
    struct server *server = server_start(
        "server { " LISTEN "location /301 { return 301 http://h/301; }\n"
        "location /302 { return 302 http://h/302; } location /303 { return 303 http://h/303; }\n"
        "location /307 { return 307 http://h/307; } location /308 { return 308 http://h/308; }\n"
        "location /300 { return 300 http://h/; } }");
    char path[16], location[32];

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        snprintf(path, sizeof path, "/%u", statuses[i]);
        snprintf(location, sizeof location, "http://h/%u", statuses[i]);
        struct response *response = get(server, path);
        ck_assert_uint_eq((unsigned)response->status, statuses[i]);
        ck_assert_str_eq(header(response, "Location"), location);
        ck_assert_str_eq(header(response, "Content-Type"), "text/html");
        ck_assert_str_eq(header_names(response),
                         "Server Date Content-Type Content-Length Connection Location");
    }
    ck_assert_str_eq(get(server, "/300")->body, "http://h/"); /* not a redirect that nginx knows */
    server_stop(server);
}
END_TEST

START_TEST(a_url_alone_is_a_302)
{
    struct server *server =
        server_start("server { " LISTEN "location /a { return http://h/a?$args; }\n"
                     "location /b { return https://h/; } location /c { return $scheme://h/c; }\n"
                     "location /d { return 301; } }");

    ck_assert_int_eq(get(server, "/a")->status, 302);
    ck_assert_str_eq(header(get(server, "/a?x=y"), "Location"), "http://h/a?x=y");
    ck_assert_str_eq(header(get(server, "/b"), "Location"), "https://h/");
    ck_assert_str_eq(header(get(server, "/c"), "Location"), "http://h/c");
    ck_assert_str_eq(header(get(server, "/d"), "Location"), "");
    server_stop(server);
}
END_TEST

START_TEST(status_444_closes_without_an_answer)
{
    struct server *server = server_start("server { " LISTEN "location /a { return 444; }\n"
                                         "location /b { return 444 text; }\n"
                                         "location /c { return 200 c; } }");
    struct client *client = client_open(server);

    client_send(client, "GET /c HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "c");
    client_expect_closed(client);
    ck_assert_str_eq(get(server, "/b")->status_line, "HTTP/1.1 444 ");
    ck_assert_ptr_nonnull(strstr(server_wait_file(server, "logs/access.log", " 444 0 "), "/a"));
    server_stop(server);
}
END_TEST

START_TEST(status_000_is_an_answer_and_is_logged)
{
    struct server *server = server_start("server { " LISTEN "return 000 text; }");
    struct client *client = client_open(server);

    client_send(client, "GET /a HTTP/1.0\r\n\r\n");
    const char *answer = client_read_all(client);
    ck_assert(strncmp(answer, "HTTP/1.1 000 \r\n", 15) == 0);
    ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\ntext"));
    server_wait_file(server, "logs/access.log", "\"GET /a HTTP/1.0\" 000 4 ");
    server_stop(server);
}
END_TEST

START_TEST(an_empty_gif_is_a_picture)
{
    struct server *server = server_start("server { " LISTEN "location /p { empty_gif; } }");
    struct response *response = get(server, "/p");

    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(header(response, "Content-Type"), "image/gif");
    ck_assert_str_eq(header(response, "Last-Modified"), "Mon, 28 Sep 1970 06:00:00 GMT");
    ck_assert_uint_eq(response->body_len, 43);
    ck_assert_int_eq(memcmp(response->body, "GIF89a", 6), 0);
    ck_assert_int_eq(
        get_with(server, "/p", "If-Modified-Since: Mon, 28 Sep 1970 06:00:00 GMT\r\n")->status,
        304);
    ck_assert_int_eq(ask_status(server, "POST /p HTTP/1.0\r\n\r\n"), 405);
    server_stop(server);
}
END_TEST

START_TEST(the_server_answers_before_its_locations)
{
    struct server *server = server_start("server { " LISTEN "return 200 server; return 404;\n"
                                         "location / { return 200 location; } }");

    ck_assert_str_eq(get(server, "/")->body, "server");
    server_stop(server);
}
END_TEST

START_TEST(it_is_not_inherited)
{
    struct server *server =
        server_start("server { " LISTEN "location /a { return 200 a; location /a/b { } }\n"
                     "location /l { return 200 l; limit_except GET { deny all; } } }");

    ck_assert_str_eq(get(server, "/a/c")->body, "a");
    ck_assert_int_eq(get(server, "/a/b")->status, 404);
    ck_assert_str_eq(get(server, "/l")->body, "l");
    ck_assert_int_eq(ask_method(server, "DELETE", "/l", "")->status, 403);
    server_stop(server);
}
END_TEST

START_TEST(wrong_uses_are_refused)
{
    const struct mistake mistakes[] = {
        { "server { return text; }", "invalid return code \"text\"" },
        { "server { return 1000; }", "invalid return code \"1000\"" },
        { "server { return http://h/ text; }", "invalid return code \"http://h/\"" },
        { "server { return -1; }", "invalid return code \"-1\"" },
        { "server { return; }", "invalid number of arguments in \"return\" directive" },
        { "return 200;", "\"return\" directive is not allowed here" },
        { "server { return 200 $none; }", "unknown \"none\" variable" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main("return", (const TTest *[]){
                                    text_is_the_answer,
                                    type_goes_by_the_extension,
                                    head_and_post_are_answered_alike,
                                    an_old_client_gets_the_same,
                                    any_status_can_be_sent,
                                    an_error_has_a_page_or_the_text,
                                    redirects_have_a_location,
                                    a_url_alone_is_a_302,
                                    status_444_closes_without_an_answer,
                                    status_000_is_an_answer_and_is_logged,
                                    an_empty_gif_is_a_picture,
                                    the_server_answers_before_its_locations,
                                    it_is_not_inherited,
                                    wrong_uses_are_refused,
                                    NULL,
                                });
}
