/* Which location answers, and what inherits from where. */
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@"

START_TEST(the_longest_prefix_wins)
{
    struct server *server = server_start("server { " LISTEN ";\n"
                                         "location / { return 200 root; }\n"
                                         "location /a/b { return 200 ab; }\n"
                                         "location /a { return 200 a; }\n"
                                         "location /a/b/c/ { return 200 abc; } }");

    EXPECT_BODIES(server, { "/", "root" }, { "/b", "root" }, { "/a", "a" }, { "/abc", "a" },
                  { "/a/", "a" }, { "/a/b", "ab" }, { "/a/bc", "ab" }, { "/a/b/c", "ab" },
                  { "/a/b/c/", "abc" }, { "/a/b/c/d?e", "abc" }, { "/A", "root" });
    server_stop(server);
}
END_TEST

START_TEST(exact_goes_first_then_regexes_in_order)
{
    struct server *server =
        server_start("server { " LISTEN ";\n"
                     "location / { return 200 prefix; }\n"
                     "location = /x.txt { return 200 exact; }\n"
                     "location ~ \\.txt$ { return 200 txt; }\n"
                     "location ~* \\.JPE?G$ { return 200 jpeg; }\n"
                     "location ~ ^/num/(?<n>\\d+)/(.*)$ { return 200 \"$n $2\"; }\n"
                     "location ^~ /static/ { return 200 static; }\n"
                     "location ~ x { return 200 late; } }");

    EXPECT_BODIES(server, { "/x.txt", "exact" }, { "/y.txt", "txt" }, { "/y.TXT", "prefix" },
                  { "/a.jpg", "jpeg" }, { "/a.JPeG", "jpeg" }, { "/num/12/ab", "12 ab" },
                  { "/static/a.txt", "static" }, { "/x", "late" }, { "/a", "prefix" });
    server_stop(server);
}
END_TEST

START_TEST(locations_nest)
{
    struct server *server = server_start("server { " LISTEN ";\n"
                                         "location / { return 200 root;\n"
                                         "  location /a/ { return 200 a;\n"
                                         "    location /a/b/ { return 200 ab; }\n"
                                         "    location ~ \\.x$ { return 200 ax; } }\n"
                                         "  location ~ \\.y$ { return 200 y; } }\n"
                                         "location ~ \\.x$ { return 200 x; } }");

    EXPECT_BODIES(server, { "/c", "root" }, { "/a/c", "a" }, { "/a/b/c", "ab" }, { "/a/c.x", "ax" },
                  { "/a/b/c.x", "ax" }, { "/c.x", "x" }, { "/c.y", "y" });
    server_stop(server);
}
END_TEST

START_TEST(no_location_is_the_server_itself)
{
    struct server *server = server_new();

    server_file(server, "html/a", "from the server");
    server_run(server, &(struct setup){ .http = "server { " LISTEN "; root @root@/html;\n"
                                                "location /b { return 200 b; } }" });
    EXPECT_BODIES(server, { "/a", "from the server" }, { "/b", "b" });
    server_stop(server);
}
END_TEST

START_TEST(named_locations_are_for_the_inside)
{
    struct server *server = server_start("server { " LISTEN ";\n"
                                         "location / { return 200 root; }\n"
                                         "location /try { try_files /none @named; }\n"
                                         "location @named { return 200 \"named $uri\"; } }");

    EXPECT_BODIES(server, { "/try", "named /try" }, { "/@named", "root" });
    server_stop(server);
}
END_TEST

START_TEST(internal_locations_are_not_found_from_outside)
{
    struct server *server = server_start("server { " LISTEN ";\n"
                                         "location /inside { internal; return 200 inside; }\n"
                                         "location /try { try_files /none /inside; } }");

    ck_assert_int_eq(get(server, "/inside")->status, 404);
    ck_assert_str_eq(get(server, "/try")->body, "inside");
    server_stop(server);
}
END_TEST

START_TEST(settings_are_inherited_and_replaced)
{
    struct server *server = server_start("default_type text/a; add_header X-From http;\n"
                                         "server { " LISTEN ";\n"
                                         "location /a { return 200; }\n"
                                         "location /b { default_type text/b; return 200; }\n"
                                         "location /c { add_header X-Own c; return 200;\n"
                                         "  location /c/d { return 200; } } }");

    ck_assert_str_eq(header(get(server, "/a"), "Content-Type"), "text/a");
    ck_assert_str_eq(header(get(server, "/a"), "X-From"), "http");
    ck_assert_str_eq(header(get(server, "/b"), "Content-Type"), "text/b");
    struct response *response = get(server, "/c/d");
    ck_assert_ptr_null(header(response, "X-From"));
    ck_assert_str_eq(header(response, "X-Own"), "c");
    server_stop(server);
}
END_TEST

START_TEST(limit_except_guards_methods)
{
    struct server *server =
        server_start("server { " LISTEN ";\n"
                     "location / { root @root@/html; limit_except GET { deny all; } } }");

    ck_assert_int_eq(get(server, "/")->status, 200);
    ck_assert_int_eq(ask_status(server, "HEAD / HTTP/1.0\r\n\r\n"), 200);
    ck_assert_int_eq(ask_status(server, "DELETE / HTTP/1.0\r\n\r\n"), 403);
    server_stop(server);
}
END_TEST

START_TEST(addresses_are_allowed_and_denied)
{
    struct server *server =
        server_start("server { " LISTEN "; root @root@/html;\n"
                     "location = / { allow 127.0.0.0/8; deny all; }\n"
                     "location /d { deny 127.0.0.1; allow all; root @root@; }\n"
                     "location /u { allow unix:; deny 10.0.0.0/8; deny 127.0.0.0/30; } }");

    ck_assert_int_eq(get(server, "/d")->status, 403);
    ck_assert_int_eq(get(server, "/u")->status, 403);
    ck_assert_int_ne(get(server, "/")->status, 403);
    server_stop(server);
}
END_TEST

START_TEST(a_pattern_cannot_stall_the_server)
{
    struct server *server = server_start("large_client_header_buffers 4 32k;\n"
                                         "server { " LISTEN ";\n"
                                         "location ~ ^/(a+)+$ { return 200 match; }\n"
                                         "location / { return 200 none; } }");
    char path[8192];

    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 2] = 'b';
    path[sizeof(path) - 1] = '\0';
    ck_assert_str_eq(get(server, path)->body, "none");
    path[sizeof(path) - 2] = 'a';
    ck_assert_str_eq(get(server, path)->body, "match");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("locations", (const TTest *[]){
                                       the_longest_prefix_wins,
                                       exact_goes_first_then_regexes_in_order,
                                       locations_nest,
                                       no_location_is_the_server_itself,
                                       named_locations_are_for_the_inside,
                                       internal_locations_are_not_found_from_outside,
                                       settings_are_inherited_and_replaced,
                                       limit_except_guards_methods,
                                       addresses_are_allowed_and_denied,
                                       a_pattern_cannot_stall_the_server,
                                       NULL,
                                   });
}
