/* rewrite, set, break: what they make of a URI, in servers and in locations. */
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@; "
#define SHOW "location /show { return 200 $uri|$args|$is_args; } "

static void expect_location(struct server *server, const char *path, int status, const char *url)
{
    struct response *response = get(server, path);

    ck_assert_int_eq(response->status, status);
    ck_assert_msg(strcmp(header(response, "Location"), url) == 0, "%s: %s", path,
                  header(response, "Location"));
}

START_TEST(a_uri_is_replaced)
{
    struct server *server =
        server_start("server { " LISTEN SHOW "\n"
                     "location /a { rewrite ^/a/(.*)$ /show/$1 last; rewrite ^ /never; }\n"
                     "location /b { rewrite ^/b/(.*)$ /c/$1; rewrite ^/c/(.*)$ /show/$1; }\n"
                     "location /d { rewrite ^ /show?x=1; } location /e { rewrite ^ /show?x=1?; }\n"
                     "location /f { rewrite ^ /show?; } location /g { rewrite ^ /show?x?y last; }\n"
                     "location /n { rewrite ^/n/(?<name>.*)$ /show/$name; } }");

    EXPECT_BODIES(server, { "/a/x", "/show/x||" }, { "/a/x?q=1", "/show/x|q=1|?" },
                  { "/b/x", "/show/x||" }, { "/d", "/show|x=1|?" }, { "/d?q", "/show|x=1&q|?" },
                  { "/e?q", "/show|x=1|?" }, { "/f?q", "/show||" }, { "/g?q", "/show|x?y&q|?" },
                  { "/n/x", "/show/x||" });
    server_stop(server);
}
END_TEST

/* A capture is of the decoded path; in a query and in a redirect it is escaped again. */
START_TEST(captures_are_escaped_where_they_must_be)
{
    struct server *server =
        server_start("server { " LISTEN SHOW "\n"
                     "location /path { rewrite ^/path/(.*)$ /show/$1; }\n"
                     "location /query { rewrite ^/query/(.*)$ /show?q=$1; }\n"
                     "location /url { rewrite ^/url/(.*)$ http://h/$1 redirect; } }");

    EXPECT_BODIES(server, { "/path/a%20b+c", "/show/a b+c||" },
                  { "/query/a%20b+c", "/show|q=a%20b%2Bc|?" }, { "/query/a=b", "/show|q=a=b|?" });
    expect_location(server, "/url/a%20b?x=y", 302, "http://h/a%20b?x=y");
    expect_location(server, "/url/%41%0d%22%20y", 302, "http://h/A%0D%22%20y");
    server_stop(server);
}
END_TEST

START_TEST(clients_are_redirected)
{
    struct server *server = server_start(
        "server { " LISTEN "location /a { rewrite ^/a(.*) /b$1 permanent; }\n"
        "location /b { rewrite ^/b(.*) /c$1 redirect; } location /c { rewrite ^ http://h/?; }\n"
        "location /d { rewrite ^ $scheme://h/x?a=b; } location /e { rewrite ^ https://h/; } }");

    char url[64];
    snprintf(url, sizeof url, "http://localhost:%d/b/x?q=1", server->ports[0]);
    expect_location(server, "/a/x?q=1", 301, url);
    snprintf(url, sizeof url, "http://localhost:%d/c/x", server->ports[0]);
    expect_location(server, "/b/x", 302, url);
    expect_location(server, "/c?q=1", 302, "http://h/");
    expect_location(server, "/d?q=1", 302, "http://h/x?a=b&q=1");
    expect_location(server, "/e", 302, "https://h/");
    server_stop(server);
}
END_TEST

START_TEST(break_stays_in_the_location)
{
    struct server *server = server_new();

    server_file(server, "html/f.txt", "file");
    server_allow(server,
                 "\"alias\" cannot be used in location \"/alias/\" where URI was rewritten");
    server_run(server,
               &(struct setup){ .http = "server { " LISTEN "root @root@/html;\n"
                                        "location /a { rewrite ^/a(.*) $1 break; return 403; }\n"
                                        "location /b { rewrite ^/b(.*) $1; break; return 403; }\n"
                                        "location /f.txt { return 403; }\n"
                                        "location /alias/ { alias @root@/html/; "
                                        "rewrite ^/alias(.*) $1 break; } }" });
    EXPECT_BODIES(server, { "/a/f.txt", "file" }, { "/b/f.txt", "file" });
    ck_assert_int_eq(get(server, "/f.txt")->status, 403);
    ck_assert_int_eq(get(server, "/alias/f.txt")->status, 500);
    server_stop(server);
}
END_TEST

/* Those of the server run once, before the location is looked for. */
START_TEST(a_server_has_rules_too)
{
    struct server *server = server_start(
        "server { " LISTEN "set $from server; rewrite ^/a/(.*)$ /show/$1;\n"
        "rewrite ^/b$ /show/b last; rewrite ^/c$ /show/c break; rewrite ^/show/. /show/again;\n"
        "location /show { return 200 $uri|$from; } location /own { set $from own;\n"
        "return 200 $from; } }\n"
        "server { " LISTEN "server_name h; rewrite ^(.*)$ /x$1; root @root@/html; }");

    EXPECT_BODIES(server, { "/a/x", "/show/again|server" }, { "/b", "/show/b|server" },
                  { "/c", "/show/c|server" }, { "/own", "own" });
    ask(server, "GET /f HTTP/1.0\r\nHost: h\r\n\r\n");
    server_wait_log(server, "html/x/f\" failed");
    server_stop(server);
}
END_TEST

START_TEST(a_cycle_ends_after_ten_turns)
{
    struct server *server = server_start(
        "server { " LISTEN "location /a { rewrite ^/a(.*)$ /a$1x last; }\n"
        "location /b { rewrite ^/bxxxxxxxxx$ /end last; rewrite ^/b(.*)$ /b$1x last; }\n"
        "location /end { return 200 end; } }");

    ck_assert_int_eq(get(server, "/a")->status, 500);
    server_wait_log(server,
                    "rewrite or internal redirection cycle while processing \"/axxxxxxxxxxx\"");
    EXPECT_BODIES(server, { "/b", "end" });
    server_stop(server);
}
END_TEST

START_TEST(rewritten_requests_reach_internal_locations)
{
    struct server *server =
        server_start("server { " LISTEN "location /in { internal; return 200 in; }\n"
                     "location /a { rewrite ^ /in; } location /e { rewrite ^ ?; }\n"
                     "error_page 404 @named; location @named { rewrite ^/none(.*) /in$1 last; } }");

    ck_assert_int_eq(get(server, "/in")->status, 404);
    EXPECT_BODIES(server, { "/a", "in" }, { "/none/x", "in" });
    ck_assert_int_eq(get(server, "/e")->status, 500);
    server_wait_log(server, "the rewritten URI has a zero length");
    server_stop(server);
}
END_TEST

START_TEST(variables_are_set)
{
    struct server *server = server_start(
        "log_format own '$late|$uri'; access_log logs/own own;\n"
        "server { " LISTEN "location /a { set $a x; set $b \"<$a>\"; set $a y; return 200 $a$b; }\n"
        "location ~ ^/c/(.*)$ { set $c $1; return 200 $c; }\n"
        "location /q { set $args z=1; return 200 $args|$arg_z|$is_args; }\n"
        "location /h { set $http_own own; return 200 $http_own; }\n"
        "location /late { return 200 \"[$late]\"; } location /set { set $late 1; }\n"
        "location /quiet { uninitialized_variable_warn off; return 200 \"[$late]\"; } }");

    EXPECT_BODIES(server, { "/a", "y<x>" }, { "/c/d", "d" }, { "/q?y=2", "z=1|1|?" },
                  { "/h", "own" }, { "/quiet", "[]" }, { "/late", "[]" });
    server_wait_file(server, "logs/own", "|/late\n");
    const char *log = server_wait_log(server, "using uninitialized \"late\" variable");
    ck_assert_ptr_null(strstr(log, "/quiet HTTP"));
    server_stop(server);
}
END_TEST

START_TEST(what_is_done_is_logged_when_asked_for)
{
    struct server *server =
        server_start("server { " LISTEN "rewrite ^/x /y; location / { rewrite_log on;\n"
                     "rewrite ^/b /c; rewrite ^/a /b?q break; }\n"
                     "location /r { rewrite_log on; rewrite ^ http://h/ redirect; } }");

    get(server, "/a%0a?z");
    get(server, "/r");
    const char *log = server_wait_log(server, "rewritten redirect: \"http://h/\"");
    ck_assert_ptr_nonnull(strstr(log, "[notice]"));
    ck_assert_ptr_nonnull(strstr(log, "\"^/b\" does not match \"/a\\x0A\", client: 127.0.0.1"));
    ck_assert_ptr_nonnull(strstr(log, "\"^/a\" matches \"/a\\x0A\", client: 127.0.0.1"));
    ck_assert_ptr_nonnull(strstr(log, "rewritten data: \"/b\", args: \"q&z\", client"));
    ck_assert_ptr_null(strstr(log, "\"^/x\""));
    server_stop(server);
}
END_TEST

START_TEST(wrong_uses_are_refused)
{
    const struct mistake mistakes[] = {
        { "server { rewrite ^ /a end; }", "invalid parameter \"end\"" },
        { "server { rewrite ^ \"\"; }", "empty replacement" },
        { "server { rewrite ( /a; }", "in regex \"(\" at byte" },
        { "server { rewrite ^ /$none; }", "unknown \"none\" variable" },
        { "server { set a b; }", "invalid variable name \"a\"" },
        { "server { set $uri b; }", "the duplicate \"uri\" variable" },
        { "server { set $a $b; }", "unknown \"b\" variable" },
        { "server { break now; }", "invalid number of arguments in \"break\"" },
        { "rewrite ^ /a;", "\"rewrite\" directive is not allowed here" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main("rewrite", (const TTest *[]){
                                     a_uri_is_replaced,
                                     captures_are_escaped_where_they_must_be,
                                     clients_are_redirected,
                                     break_stays_in_the_location,
                                     a_server_has_rules_too,
                                     a_cycle_ends_after_ten_turns,
                                     rewritten_requests_reach_internal_locations,
                                     variables_are_set,
                                     what_is_done_is_logged_when_asked_for,
                                     wrong_uses_are_refused,
                                     NULL,
                                 });
}
