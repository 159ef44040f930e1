/* allow, deny and limit_except. */
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@; "

/* A file for each location. */
static void write_files(struct server *server)
{
    static const char *const names[] = { "a", "b", "c", "cd", "d", "e", "f",
                                         "g", "h", "i", "4",  "6", "u" };
    char path[32];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "html/%s", names[i]);
        server_file(server, path, "text");
    }
}

static void expect_status(struct server *server, const char *path, int status)
{
    struct response *response = get(server, path);

    ck_assert_msg(response->status == status, "%s: %d", path, response->status);
}

START_TEST(the_first_rule_that_matches_counts)
{
    struct server *server = server_new();

    write_files(server);
    server_run(server,
               &(struct setup){ .http = "server { " LISTEN "root @root@/html;\n"
                                        "location /a { deny all; }\n"
                                        "location /b { allow 127.0.0.1; deny all; }\n"
                                        "location /c { deny 127.0.0.1; allow all; }\n"
                                        "location /d { deny 127.0.0.2; deny 128.0.0.0/1; }\n"
                                        "location /e { deny 127.0.0.0/8; }\n"
                                        "location /f { deny 0.0.0.0/0; }\n"
                                        "location /g { deny 127.0.0.128/25; }\n"
                                        "location /h { deny ::1; deny ::/0; deny unix:; }\n"
                                        "location /i { allow 127.0.0.0/31; deny all; } }" });
    expect_status(server, "/a", 403);
    expect_status(server, "/b", 200);
    expect_status(server, "/c", 403);
    expect_status(server, "/d", 200);
    expect_status(server, "/e", 403);
    expect_status(server, "/f", 403);
    expect_status(server, "/g", 200);
    expect_status(server, "/h", 200);
    expect_status(server, "/i", 200);
    server_wait_log(server, "access forbidden by rule, client: 127.0.0.1, server: , request: "
                            "\"GET /a HTTP/1.1\", host: \"localhost\"");
    server_stop(server);
}
END_TEST

START_TEST(clients_of_every_family_have_rules)
{
    struct server *server = server_new();

    write_files(server);
    server_run(server,
               &(struct setup){ .http = "server { listen 127.0.0.1:@port@; listen [::1]:@port2@;\n"
                                        "listen unix:@root@/socket; root @root@/html;\n"
                                        "location /4 { allow 127.0.0.1; deny all; }\n"
                                        "location /6 { allow ::/64; deny all; }\n"
                                        "location /u { allow unix:; deny all; } }" });
    static const struct {
        const char *path;
        int ipv4, ipv6, local;
    } cases[] = { { "/4", 200, 403, 403 }, { "/6", 403, 200, 403 }, { "/u", 403, 403, 200 } };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client *clients[3] = { client_open(server), client_open_ipv6(server, 2),
                                      client_open_unix(server, "socket") };
        int expected[3] = { cases[i].ipv4, cases[i].ipv6, cases[i].local };
        for (size_t j = 0; j < 3; j++) {
            client_send(clients[j], "GET %s HTTP/1.0\r\n\r\n", cases[i].path);
            int status = client_read(clients[j])->status;
            ck_assert_msg(status == expected[j], "%s by %zu: %d", cases[i].path, j, status);
        }
    }
    server_stop(server);
}
END_TEST

/* An IPv4 client of a socket for both is one of ::ffff:127.0.0.1 to the kernel. */
START_TEST(a_mapped_address_is_an_ipv4_one)
{
    struct server *server = server_new();

    write_files(server);
    server_run(server, &(struct setup){ .http = "server { listen [::]:@port@ ipv6only=off;\n"
                                                "root @root@/html;\n"
                                                "location /a { allow 127.0.0.1; deny all; }\n"
                                                "location /b { deny 127.0.0.0/8; } }" });
    expect_status(server, "/a", 200);
    expect_status(server, "/b", 403);
    server_stop(server);
}
END_TEST

START_TEST(rules_are_inherited_all_or_none)
{
    struct server *server = server_new();

    write_files(server);
    server_run(server, &(struct setup){ .http = "deny 127.0.0.1;\n"
                                                "server { " LISTEN "root @root@/html;\n"
                                                "location /a { }\n"
                                                "location /b { deny 10.0.0.0/8; }\n"
                                                "location /c { allow all; location /cd { } } }" });
    expect_status(server, "/a", 403);
    expect_status(server, "/b", 200);
    expect_status(server, "/c", 200);
    expect_status(server, "/cd", 200);
    server_stop(server);
}
END_TEST

START_TEST(forbidden_has_an_error_page)
{
    struct server *server =
        server_start("server { " LISTEN "deny all; error_page 403 /page;\n"
                     "location = /page { allow all; return 200 \"no $uri\"; } }");
    struct response *response = get(server, "/a");

    ck_assert_int_eq(response->status, 403);
    ck_assert_str_eq(response->body, "no /page");
    server_stop(server);
}
END_TEST

START_TEST(return_goes_before_access)
{
    struct server *server = server_start("server { " LISTEN "deny all; return 200 text; }");

    ck_assert_str_eq(get(server, "/")->body, "text");
    server_stop(server);
}
END_TEST

START_TEST(limit_except_is_for_the_other_methods)
{
    static const struct {
        const char *method;
        int get_only, get_and_post, nothing_denied;
    } cases[] = {
        { "GET", 200, 200, 200 },    { "HEAD", 200, 200, 200 },    { "POST", 403, 405, 405 },
        { "DELETE", 403, 403, 405 }, { "OPTIONS", 403, 403, 405 }, { "OWN", 403, 403, 405 },
    };
    struct server *server = server_new();

    write_files(server);
    server_run(server,
               &(struct setup){ .http = "server { " LISTEN "root @root@/html;\n"
                                        "location /a { limit_except GET { deny all; } }\n"
                                        "location /b { limit_except get POST { deny all; } }\n"
                                        "location /c { limit_except GET { allow all; } } }" });
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *method = cases[i].method;
        ck_assert_msg(ask_method(server, method, "/a", "")->status == cases[i].get_only, "%s",
                      method);
        ck_assert_msg(ask_method(server, method, "/b", "")->status == cases[i].get_and_post, "%s",
                      method);
        ck_assert_msg(ask_method(server, method, "/c", "")->status == cases[i].nothing_denied, "%s",
                      method);
    }
    server_stop(server);
}
END_TEST

START_TEST(wrong_uses_are_refused)
{
    const struct mistake mistakes[] = {
        { "deny;", "invalid number of arguments in \"deny\"" },
        { "deny host.name;", "invalid parameter \"host.name\"" },
        { "allow 127.0.0.1/33;", "invalid parameter \"127.0.0.1/33\"" },
        { "allow 127.0.0.1/x;", "invalid parameter \"127.0.0.1/x\"" },
        { "allow ::1/129;", "invalid parameter \"::1/129\"" },
        { "allow 1.2.3;", "invalid parameter \"1.2.3\"" },
        { "server { location / { limit_except NONE { deny all; } } }", "invalid method \"NONE\"" },
        { 0 },
    };
    struct server *server = server_new();

    expect_mistakes(mistakes);
    struct run *run = config_test(server, "events { }\nhttp { allow 10.1.2.3/8; deny all; }\n");
    ck_assert_int_eq(run->status, 0);
    ck_assert_ptr_nonnull(strstr(run->text, "low address bits of 10.1.2.3/8 are meaningless"));
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("access", (const TTest *[]){
                                    the_first_rule_that_matches_counts,
                                    clients_of_every_family_have_rules,
                                    a_mapped_address_is_an_ipv4_one,
                                    rules_are_inherited_all_or_none,
                                    forbidden_has_an_error_page,
                                    return_goes_before_access,
                                    limit_except_is_for_the_other_methods,
                                    wrong_uses_are_refused,
                                    NULL,
                                });
}
