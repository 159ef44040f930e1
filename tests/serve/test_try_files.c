/* try_files: the first of several files, or what the last word says. */
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@; "

static struct server *start(const char *http)
{
    struct server *server = server_new();

    server_file(server, "html/a.txt", "a");
    server_file(server, "html/b.txt", "b");
    server_file(server, "html/dir/index.html", "index of dir");
    server_file(server, "html/dir/c.txt", "c");
    server_file(server, "html/front.html", "front");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(the_first_file_answers)
{
    struct server *server = start("server { " LISTEN "location / {\n"
                                  "try_files /none$uri $uri $uri.txt /b.txt =404; } }");

    expect_answer(server, "/a.txt", 200, "a");
    expect_answer(server, "/a", 200, "a");
    expect_answer(server, "/dir/c", 200, "c");
    expect_answer(server, "/x", 200, "b");
    ck_assert_str_eq(header(get(server, "/a"), "Content-Type"), "text/plain");
    server_stop(server);
}
END_TEST

START_TEST(a_slash_means_a_folder)
{
    struct server *server = start("server { " LISTEN "location / { try_files $uri $uri/ =404; }\n"
                                  "location /nodir/ { alias html/; try_files $uri =404; } }");

    expect_answer(server, "/dir/", 200, "index of dir");
    expect_answer(server, "/dir", 301, NULL);
    expect_answer(server, "/a.txt/", 404, NULL);
    expect_answer(server, "/none/", 404, NULL);
    expect_answer(server, "/nodir/dir", 404, NULL);
    server_stop(server);
}
END_TEST

START_TEST(a_code_is_the_end)
{
    struct server *server =
        start("server { " LISTEN "location /a { try_files /none =404; }\n"
              "location /b { try_files /none =503; }\n"
              "location /c { try_files /none =204; }\n"
              "location = /d { try_files /none =403; error_page 403 /dir/c.txt; } }");

    expect_answer(server, "/a", 404, NULL);
    expect_answer(server, "/b", 503, NULL);
    expect_answer(server, "/c", 204, NULL);
    expect_answer(server, "/d", 403, "c");
    server_stop(server);
}
END_TEST

START_TEST(the_last_word_may_be_a_uri)
{
    struct server *server = start("server { " LISTEN "location / { try_files $uri /front.html; }\n"
                                  "location /app/ { try_files $uri /end?p=$uri&$args; }\n"
                                  "location /noargs/ { try_files $uri /end; }\n"
                                  "location /end { return 200 \"$uri [$args]\"; } }");

    expect_answer(server, "/a.txt", 200, "a");
    expect_answer(server, "/any/thing", 200, "front");
    expect_answer(server, "/app/x?q=1", 200, "/end [p=/app/x&q=1]");
    expect_answer(server, "/noargs/x?q=1", 200, "/end []");
    server_stop(server);
}
END_TEST

START_TEST(the_last_word_may_be_a_named_location)
{
    struct server *server = start("server { " LISTEN "location / { try_files $uri @named; }\n"
                                  "location /v/ { try_files $uri @$arg_n; }\n"
                                  "location /missing/ { try_files $uri @missing; }\n"
                                  "location @named { return 200 \"named $uri $args\"; } }");

    expect_answer(server, "/a.txt", 200, "a");
    expect_answer(server, "/x?y", 200, "named /x y");
    expect_answer(server, "/v/x?n=named", 200, "named /v/x n=named");
    expect_answer(server, "/missing/x", 500, NULL);
    server_wait_log(server, "could not find named location \"@missing\"");
    server_stop(server);
}
END_TEST

START_TEST(alias_stands_for_the_name)
{
    struct server *server = start(
        "server { " LISTEN "location /al/ { alias html/; try_files $uri $uri.txt b.txt =404; }\n"
        "location /fb/ { alias html/; try_files $uri /none; }\n"
        "location /none { return 200 \"none $uri\"; }\n"
        "location ~ ^/re/(.*)$ { alias html/; try_files $1 dir/$1 =404; }\n"
        "location /sub/ { alias html/dir/; try_files $uri $uri/ =404; } }");

    expect_answer(server, "/al/a.txt", 200, "a");
    expect_answer(server, "/al/a", 200, "a");
    expect_answer(server, "/al/x", 200, "b");
    expect_answer(server, "/fb/x", 200, "none /none");
    expect_answer(server, "/re/a.txt", 200, "a");
    expect_answer(server, "/re/c.txt", 200, "c");
    expect_answer(server, "/re/d.txt", 404, NULL);
    expect_answer(server, "/sub/c.txt", 200, "c");
    expect_answer(server, "/sub/", 200, "index of dir");
    server_stop(server);
}
END_TEST

START_TEST(it_is_not_inherited)
{
    struct server *server = start("server { " LISTEN "try_files /b.txt =404;\n"
                                  "location /in/ { alias html/; } }");

    expect_answer(server, "/x", 200, "b");
    expect_answer(server, "/in/a.txt", 200, "a");
    server_stop(server);
}
END_TEST

START_TEST(a_loop_ends)
{
    struct server *server = start("server { " LISTEN "location / { try_files /none /again; } }");

    expect_answer(server, "/x", 500, NULL);
    server_wait_log(server, "rewrite or internal redirection cycle");
    server_stop(server);
}
END_TEST

START_TEST(mistakes_are_named)
{
    const struct mistake mistakes[] = {
        { "server { try_files /a; }", "invalid number of arguments in \"try_files\" directive" },
        { "server { try_files /a =1000; }", "invalid code \"=1000\"" },
        { "server { try_files /a =x; }", "invalid code \"=x\"" },
        { "try_files /a =404;", "\"try_files\" directive is not allowed here" },
        { "server { try_files /a =404; try_files /b =404; }",
          "\"try_files\" directive is duplicate" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main("try_files",
                      (const TTest *[]){ the_first_file_answers, a_slash_means_a_folder,
                                         a_code_is_the_end, the_last_word_may_be_a_uri,
                                         the_last_word_may_be_a_named_location,
                                         alias_stands_for_the_name, it_is_not_inherited,
                                         a_loop_ends, mistakes_are_named, NULL });
}
