/* map, geo and split_clients: variables made of other values. */
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@; "

START_TEST(a_map_goes_by_texts_then_regexes)
{
    struct server *server = server_start(
        "map_hash_max_size 512; map_hash_bucket_size 32;\n"
        "map $arg_a $v { default d; x ex; \\default def; \"\" none; ~^y(.)(?<n>.) y$1$n;\n"
        "~*^z z; X2 $uri; ~x never; }\n"
        "map $arg_a $no_default { x ex; }\n"
        "map $arg_a $host_kind { hostnames; .example.org org; *.net net; www.* www; h exact; }\n"
        "server { " LISTEN "location /h { return 200 \"$host_kind\"; }\n"
        "location / { return 200 $v|$no_default; } }");

    expect_body(server, "/?a=x", "ex|ex");
    expect_body(server, "/?a=X", "ex|ex");
    expect_body(server, "/?a=", "none|");
    expect_body(server, "/", "none|");
    expect_body(server, "/?a=default", "def|");
    expect_body(server, "/?a=y12", "y12|");
    expect_body(server, "/?a=ZZ", "z|");
    expect_body(server, "/u?a=x2", "/u|");
    expect_body(server, "/?a=q", "d|");
    expect_body(server, "/h?a=example.org", "org");
    expect_body(server, "/h?a=a.b.Example.org.", "org");
    expect_body(server, "/h?a=a.net", "net");
    expect_body(server, "/h?a=www.a", "www");
    expect_body(server, "/h?a=h", "exact");
    server_stop(server);
}
END_TEST

START_TEST(a_map_is_computed_once_unless_volatile)
{
    struct server *server =
        server_start("map $arg_a $once { default $arg_a; }\n"
                     "map $arg_a $each { volatile; default $arg_a; }\n"
                     "server { " LISTEN "set $x $once$each; set $args a=2; return 200 "
                     "\"$x $once $each\"; }");

    expect_body(server, "/?a=1", "11 1 2");
    server_stop(server);
}
END_TEST

START_TEST(geo_goes_by_networks)
{
    struct server *server = server_start(
        "geo $arg_a $g { default d; 10.0.0.0/8 ten; 10.1.0.0/16 in; 10.1.1.1 one; delete "
        "10.2.0.0/16;\n"
        "2001:db8::/32 six; 10.3.0.0/16 x; delete 10.3.0.0/16; }\n"
        "geo $own { 127.0.0.0/8 local; } geo $none { 10.0.0.0/8 a; }\n"
        "geo $behind { proxy 127.0.0.1; proxy 10.0.0.0/8; proxy_recursive; default d;\n"
        "192.0.2.0/24 test; }\n"
        "server { " LISTEN "location /b { return 200 $behind; }\n"
        "location / { return 200 $g|$own|$none; } }");

    expect_body(server, "/?a=10.9.9.9", "ten|local|");
    expect_body(server, "/?a=10.1.9.9", "in|local|");
    expect_body(server, "/?a=10.1.1.1", "one|local|");
    expect_body(server, "/?a=10.3.1.1", "ten|local|");
    expect_body(server, "/?a=2001:db8::9", "six|local|");
    expect_body(server, "/?a=::ffff:10.9.9.9", "ten|local|");
    expect_body(server, "/?a=::1", "d|local|");
    expect_body(server, "/?a=what", "d|local|");
    ck_assert_str_eq(get_with(server, "/b", "X-Forwarded-For: 192.0.2.1, 10.0.0.1\r\n")->body,
                     "test");
    expect_body(server, "/b", "d");
    server_stop(server);
}
END_TEST

START_TEST(geo_goes_by_ranges)
{
    struct server *server = server_start(
        "geo $arg_a $g { ranges; default d; 10.0.0.0-10.0.0.255 a; 10.0.0.16-10.0.0.31 b;\n"
        "9.0.0.0-9.0.0.1 c; 11.0.0.0-11.0.0.9 e; delete 11.0.0.0-11.0.0.9; }\n"
        "server { " LISTEN "return 200 $g; }");

    expect_body(server, "/?a=10.0.0.0", "a");
    expect_body(server, "/?a=10.0.0.16", "b");
    expect_body(server, "/?a=10.0.0.31", "b");
    expect_body(server, "/?a=10.0.0.32", "a");
    expect_body(server, "/?a=10.0.1.0", "d");
    expect_body(server, "/?a=9.0.0.1", "c");
    expect_body(server, "/?a=11.0.0.1", "d");
    expect_body(server, "/?a=::1", "d");
    server_stop(server);
}
END_TEST

START_TEST(clients_are_split_by_a_hash)
{
    struct server *server =
        server_start("split_clients $arg_a $all { 100% a; } split_clients $arg_a $rest { * r; }\n"
                     "split_clients $arg_a $half { 50% one; 50.0% two; }\n"
                     "server { " LISTEN "return 200 $all|$rest|$half; }");
    unsigned ones = 0;
    char path[32];

    for (int i = 0; i < 40; i++) {
        snprintf(path, sizeof path, "/?a=%d", i);
        const char *body = get(server, path)->body;
        ck_assert(strcmp(body, "a|r|one") == 0 || strcmp(body, "a|r|two") == 0);
        ones += strcmp(body, "a|r|one") == 0;
    }
    ck_assert_uint_gt(ones, 5);
    ck_assert_uint_lt(ones, 35);
    server_stop(server);
}
END_TEST

START_TEST(wrong_uses_are_refused)
{
    const struct mistake mistakes[] = {
        { "map $uri v { a b; }", "invalid variable name \"v\"" },
        { "map $uri $v { a b c; }", "invalid number of the map parameters" },
        { "map $uri $v { a b; A c; }", "conflicting parameter \"a\"" },
        { "map $uri $v { default b; default c; }", "duplicate default map" },
        { "map $uri $v { hostnames; a*b c; }", "invalid hostname or wildcard" },
        { "map $uri $v { a $none; }", "unknown \"none\" variable" },
        { "geo $v { 10.0.0.0/33 a; }", "invalid network \"10.0.0.0/33\"" },
        { "geo $v { 10.0.0.0/8 a; ranges; }", "must be the first directive" },
        { "geo $v { ranges; 10.0.0.9-10.0.0.1 a; }", "invalid range" },
        { "geo $v { ranges; 1.0.0.0-1.0.0.9 a; 1.0.0.5-1.0.0.12 b; }",
          "overlaps \"1.0.0.0-1.0.0.9\"" },
        { "split_clients $uri $v { 50% a; 51% b; }", "percent total is greater than 100%" },
        { "split_clients $uri $v { 0% a; }", "invalid percent value \"0%\"" },
        { "split_clients $uri $v { 1.234% a; }", "invalid percent value" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main("maps", (const TTest *[]){
                                  a_map_goes_by_texts_then_regexes,
                                  a_map_is_computed_once_unless_volatile,
                                  geo_goes_by_networks,
                                  geo_goes_by_ranges,
                                  clients_are_split_by_a_hash,
                                  wrong_uses_are_refused,
                                  NULL,
                              });
}
