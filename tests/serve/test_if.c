/* if: its conditions, and what a block of it changes. */
#include "tests/serve/heads.h"

#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "

START_TEST(values_are_compared)
{
    struct server *server = server_start(
        "server { " LISTEN "location /set { if ($arg_a) { return 200 yes; } return 200 no; }\n"
        "location /eq { if ($arg_a = x) { return 200 yes; } return 200 no; }\n"
        "location /ne { if ( $arg_a != \"x y\" ) { return 200 yes; } return 200 no; }\n"
        "location /var { if ($arg_a = $arg_b) { return 200 yes; } return 200 no; }\n"
        "location /empty { if ($arg_a = \"\") { return 200 yes; } return 200 no; } }");
    static const char *const cases[][2] = {
        { "/set?a=1", "yes" }, { "/set?a=00", "yes" }, { "/set?a=0", "no" },
        { "/set", "no" },      { "/set?a=", "no" },    { "/eq?a=x", "yes" },
        { "/eq?a=X", "no" },   { "/eq", "no" },        { "/ne?a=x", "yes" },
        { "/ne", "yes" },      { "/var?a=1", "no" },   { "/var?a=1&b=1", "yes" },
        { "/empty", "yes" },   { "/empty?a=", "yes" }, { "/empty?a=0", "no" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_body(server, cases[i][0], cases[i][1]);
    server_stop(server);
}
END_TEST

START_TEST(regexes_leave_captures)
{
    struct server *server = server_start(
        "server { " LISTEN "location /a { if ($arg_a ~ ^x(.)(?<b>.)$) { return 200 $1$b; }\n"
        "return 200 \"no[$1$b]\"; }\n"
        "location /i { if ($arg_a ~* ^x(.)$) { return 200 $1; } return 200 no; }\n"
        "location /n { if ($arg_a !~ ^x(.)$) { return 200 \"not[$1]\"; } return 200 \"is[$1]\"; }\n"
        "location /ni { if ($arg_a !~* \"^x {0,1}y$\") { return 200 not; } return 200 is; }\n"
        "location ~ ^/out/(.*)$ { if ($arg_a ~ z) { set $c 1; } return 200 \"[$1]\"; } }");
    static const char
        *const cases[][2] = {
            { "/a?a=xyz", "yz" },   { "/a?a=Xyz", "no[]" }, { "/i?a=XY", "Y" },
            { "/i?a=y", "no" },     { "/n?a=xy", "is[y]" }, { "/n?a=y", "not[]" },
            { "/ni?a=XY", "is" },   { "/ni?a=z", "not" },   { "/out/q?a=z", "[]" },
            { "/out/q?a=y", "[]" }, /* tested in vain: no captures are left, as in nginx */
        };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_body(server, cases[i][0], cases[i][1]);
    server_stop(server);
}
END_TEST

START_TEST(files_are_tested)
{
    struct server *server = server_new();

    server_file(server, "html/file", "text");
    server_file(server, "html/folder/a", "text");
    server_file(server, "html/program", "text");
    ck_assert_int_eq(chmod(server_path(server, "html/program"), 0755), 0);
    ck_assert_int_eq(mkfifo(server_path(server, "html/pipe"), 0644), 0);
    ck_assert_int_eq(symlink("file", server_path(server, "html/link")), 0);
    server_run(server,
               &(struct setup){ .http = "server { " LISTEN "root @root@/html;\n"
                                        "if (-f $document_root$uri) { set $is f; }\n"
                                        "if (-d $document_root$uri) { set $is ${is}d; }\n"
                                        "if (-e $document_root$uri) { set $is ${is}e; }\n"
                                        "if (-x $document_root$uri) { set $is ${is}x; }\n"
                                        "if (!-f $document_root$uri) { set $not F; }\n"
                                        "if (!-d $document_root$uri) { set $not ${not}D; }\n"
                                        "if (!-e $document_root$uri) { set $not ${not}E; }\n"
                                        "if (!-x $document_root$uri) { set $not ${not}X; }\n"
                                        "if (-f html/file) { set $not ${not}-; }\n"
                                        "uninitialized_variable_warn off; return 200 $is$not; }" });
    static const char *const cases[][2] = {
        { "/file", "feDX-" }, { "/program", "fexD-" }, { "/folder", "dexF-" },
        { "/none", "FDEX-" }, { "/file/x", "FDEX-" },  { "/pipe", "FDEX-" },
        { "/link", "feDX-" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_body(server, cases[i][0], cases[i][1]);
    server_stop(server);
}
END_TEST

/* The block is a location inside of its location: it has what that has, and what it sets
 * itself; of several whose conditions hold, the last one counts. try_files is not handed on. */
START_TEST(a_block_has_settings)
{
    struct server *server = server_new();

    server_file(server, "html/a", "text");
    server_file(server, "other/a", "other");
    server_run(server,
               &(struct setup){
                   .http =
                       "server { " LISTEN "root @root@/html; add_header In server;\n"
                       "location /a { if ($arg_r) { root @root@/other; }\n"
                       "if ($arg_h) { add_header In if; expires 1h; } }\n"
                       "location /try { try_files /a =404; if ($arg_t) { add_header In if; } }\n"
                       "location /err { error_page 404 =410 /gone; if ($arg_e) {\n"
                       "error_page 404 =403 /gone; access_log logs/own; sendfile on; gzip on;\n"
                       "add_trailer T v; } }\n"
                       "location /gone { return 200 gone; } }" });
    ck_assert_str_eq(get(server, "/a")->body, "text");
    ck_assert_str_eq(get(server, "/a?r=1")->body, "other");
    ck_assert_str_eq(header(get(server, "/a?r=1"), "In"), "server");
    ck_assert_str_eq(header(get(server, "/a?h=1"), "In"), "if");
    ck_assert_str_eq(header(get(server, "/a?h=1"), "Cache-Control"), "max-age=3600");
    ck_assert_str_eq(get(server, "/a?h=1&r=1")->body, "text");
    ck_assert_str_eq(get(server, "/try")->body, "text");
    ck_assert_int_eq(get(server, "/try?t=1")->status, 404);
    ck_assert_int_eq(get(server, "/err")->status, 410);
    ck_assert_int_eq(get(server, "/err?e=1")->status, 403);
    server_stop(server);
}
END_TEST

START_TEST(rules_go_on_behind_a_block)
{
    struct server *server = server_start(
        "server { " LISTEN "if ($arg_stop) { return 403; } if ($arg_w) { rewrite ^ /w last; }\n"
        "if ($arg_b) { break; } set $end server;\n"
        "location /w { return 200 w; }\n"
        "location / { if ($arg_a) { set $a a; rewrite ^ /never; break; }\n"
        "if ($arg_c) { set $a c; } if ($arg_d) { rewrite ^ /w; }\n"
        "return 200 \"$uri $a\"; } }");

    ck_assert_int_eq(get(server, "/?stop=1")->status, 403);
    expect_body(server, "/?w=1", "w");
    expect_body(server, "/x?c=1", "/x c");
    expect_body(server, "/x?d=1&c=1", "/w c");
    expect_body(server, "/x?b=1", "/x ");
    ck_assert_int_eq(get(server, "/x?a=1")->status, 404);
    server_stop(server);
}
END_TEST

START_TEST(limit_except_goes_before)
{
    struct server *server =
        server_start("server { " LISTEN "location / { limit_except GET { deny all; }\n"
                     "if ($arg_a) { return 200 in; } return 200 out; } }");

    expect_body(server, "/?a=1", "in");
    ck_assert_int_eq(ask_method(server, "DELETE", "/?a=1", "")->status, 403);
    server_stop(server);
}
END_TEST

START_TEST(wrong_conditions_are_refused)
{
    const struct mistake conditions[] = {
        { "$a", "invalid condition \"$a\"" },
        { "($host", "invalid condition \"($host\"" },
        { "()", "invalid condition \"\"" },
        { "(host)", "invalid condition \"host\"" },
        { "($host =)", "invalid condition \"$host\"" },
        { "($host = a b)", "invalid condition \"$host\"" },
        { "($host == a)", "unexpected \"==\" in condition" },
        { "($host !~~ a)", "unexpected \"!~~\" in condition" },
        { "($host ~ ()", "in regex \"(\" at byte" },
        { "(-f)", "invalid condition \"-f\"" },
        { "(-z a)", "invalid condition \"-z\"" },
        { "(!-z a)", "invalid condition \"!-z\"" },
        { "(-f a b)", "invalid condition \"-f\"" },
        { "($none)", "unknown \"none\" variable" },
        { "($1)", "unknown \"1\" variable" },
        { 0 },
    };
    const struct mistake places[] = {
        { "if ($host) { if ($uri) { } }", "\"if\" directive is not allowed here" },
        { "if ($host) { root a; }", "\"root\" directive is not allowed here" },
        { "location / { if ($host) { index a; } }", "\"index\" directive is not allowed here" },
        { 0 },
    };

    expect_mistakes_in("events { } http { server { if ", conditions, " { return 200; } } }");
    expect_mistakes_in("events { } http { server { ", places, " } }");
}
END_TEST

int main(void)
{
    return serve_main("if", (const TTest *[]){
                                values_are_compared,
                                regexes_leave_captures,
                                files_are_tested,
                                a_block_has_settings,
                                rules_go_on_behind_a_block,
                                limit_except_goes_before,
                                wrong_conditions_are_refused,
                                NULL,
                            });
}
