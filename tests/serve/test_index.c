/* index: the file that answers for a folder. */
#include "tests/serve/heads.h"

#include <sys/stat.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "

static struct server *start(const char *http)
{
    struct server *server = server_new();

    server_file(server, "html/index.html", "index");
    server_file(server, "html/a/first.html", "first");
    server_file(server, "html/a/second.html", "second");
    server_file(server, "html/b/second.html", "b second");
    server_file(server, "html/fallback.txt", "fallback");
    server_file(server, "html/empty/x", "x");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(index_html_is_the_default)
{
    struct server *server = start("server { " LISTEN "}");

    expect_answer(server, "/", 200, "index");
    expect_answer(server, "/?x", 200, "index");
    ck_assert_str_eq(header(get(server, "/"), "Content-Type"), "text/html");
    expect_answer(server, "/empty/", 403, NULL);
    server_wait_log(server, "html/empty/\" is forbidden");
    server_stop(server);
}
END_TEST

START_TEST(the_first_that_is_there_answers)
{
    struct server *server = start("index none.html first.html; index second.html;\n"
                                  "server { " LISTEN "location /own/ { alias html/b/;\n"
                                  "index other.html second.html; } }");

    expect_answer(server, "/a/", 200, "first");
    expect_answer(server, "/b/", 200, "b second");
    expect_answer(server, "/own/", 200, "b second");
    expect_answer(server, "/", 403, NULL);
    server_stop(server);
}
END_TEST

START_TEST(an_absolute_one_answers_when_no_other_is_there)
{
    struct server *server = start("index first.html /fallback.txt;\n"
                                  "server { " LISTEN "location /only/ { index /a/first.html; } }");

    expect_answer(server, "/a/", 200, "first");
    expect_answer(server, "/b/", 200, "fallback");
    expect_answer(server, "/only/", 200, "first");
    expect_answer(server, "/only/not/there/", 200, "first");
    server_stop(server);
}
END_TEST

START_TEST(variables_are_put_in)
{
    struct server *server = start("server { " LISTEN "index $arg_i.html /$arg_j; }");

    expect_answer(server, "/a/?i=second", 200, "second");
    expect_answer(server, "/a/?i=first", 200, "first");
    expect_answer(server, "/a/?i=none&j=fallback.txt", 200, "fallback");
    server_stop(server);
}
END_TEST

START_TEST(the_file_is_reached_by_a_redirect_inside)
{
    struct server *server = start("server { " LISTEN "index first.html;\n"
                                  "location ~ \\.html$ { add_header X \"$uri $args\"; }\n"
                                  "location = /a/ { add_header X no; } }");
    struct response *response = get(server, "/a/?q=1");

    ck_assert_str_eq(header(response, "X"), "/a/first.html q=1");
    ck_assert_uint_eq(header_count(response, "X"), 1);
    server_stop(server);
}
END_TEST

START_TEST(a_folder_may_be_the_index)
{
    struct server *server = start("server { " LISTEN "index a; }");
    struct response *response = get(server, "/");

    ck_assert_int_eq(response->status, 301);
    ck_assert_ptr_nonnull(strstr(header(response, "Location"), "/a/"));
    server_stop(server);
}
END_TEST

START_TEST(a_missing_folder_is_not_found)
{
    struct server *server = start("server { " LISTEN "location /quiet/ { log_not_found off; } }");

    expect_answer(server, "/none/", 404, NULL);
    expect_answer(server, "/quiet/", 404, NULL);
    expect_answer(server, "/index.html/", 404, NULL);
    server_wait_log(server, server_expand(server, "\"@root@/html/none/index.html\" is not found "
                                                  "(2: No such file or directory)"));
    server_wait_log(server, "/html/index.html/index.html\" is not found (20: Not a directory)");
    ck_assert_uint_eq(count_of(server_read(server, "logs/error.log"), "quiet"), 0);
    server_stop(server);
}
END_TEST

START_TEST(a_shut_folder_is_forbidden)
{
    struct server *server = server_new();
    const char *user = geteuid() == 0 ? "user nobody nogroup;" : "";

    server_file(server, "html/shut/index.html", "shut");
    chmod(server->root, 0755);
    server_run(server, &(struct setup){ .main = user, .http = "server { " LISTEN "}" });
    ck_assert_int_eq(chmod(server_path(server, "html/shut"), 0), 0);
    expect_answer(server, "/shut/", 403, NULL);
    server_wait_log(server, "/html/shut/index.html\" is forbidden (13: Permission denied)");
    ck_assert_int_eq(chmod(server_path(server, "html/shut"), 0755), 0);
    expect_answer(server, "/shut/", 200, "shut");
    server_stop(server);
}
END_TEST

START_TEST(methods_are_the_files_matter)
{
    struct server *server = start("server { " LISTEN "}");

    ck_assert_int_eq(ask_method(server, "POST", "/", "Content-Length: 0\r\n")->status, 405);
    ck_assert_int_eq(ask_method(server, "DELETE", "/", "")->status, 405);
    struct response *response = ask_method(server, "HEAD", "/", "");
    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(header(response, "Content-Length"), "5");
    server_stop(server);
}
END_TEST

START_TEST(mistakes_are_named)
{
    const struct mistake mistakes[] = {
        { "index a '';", "in \"index\" directive is invalid" },
        { 0 },
    };
    struct server *server = server_new();

    expect_mistakes(mistakes);
    struct run *run = config_test(server, "events { }\nhttp { index /a b; }\n");
    ck_assert_int_eq(run->status, 0);
    ck_assert_ptr_nonnull(
        strstr(run->text, "only the last index in \"index\" directive should be absolute"));
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main(
        "index",
        (const TTest *[]){ index_html_is_the_default, the_first_that_is_there_answers,
                           an_absolute_one_answers_when_no_other_is_there, variables_are_put_in,
                           the_file_is_reached_by_a_redirect_inside, a_folder_may_be_the_index,
                           a_missing_folder_is_not_found, a_shut_folder_is_forbidden,
                           methods_are_the_files_matter, mistakes_are_named, NULL });
}
