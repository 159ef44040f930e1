/* satisfy and auth_delay, with allow, deny and auth_request. */
#include "tests/serve/harness.h"

#define SERVER(more)                                                   \
    "server { listen 127.0.0.1:@port@; root @root@/html; " more "\n"   \
    "location = /yes { return 204; } location = /no { return 403; }\n" \
    "location = /who { return 401; } }"

static struct server *start(const char *http)
{
    struct server *server = server_new();
    static const char *const names[] = { "html/a/x", "html/b/x", "html/c/x", "html/d/x",
                                         "html/e/x" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        server_file(server, names[i], "text");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(any_is_enough)
{
    struct server *server = start(SERVER("satisfy any;\n"
                                         "location /a/ { deny all; auth_request /yes; }\n"
                                         "location /b/ { allow all; auth_request /who; }\n"
                                         "location /c/ { deny all; auth_request /no; }\n"
                                         "location /d/ { deny all; auth_request /who; }\n"
                                         "location /e/ { deny all; }"));

    ck_assert_int_eq(get(server, "/a/x")->status, 200);
    ck_assert_int_eq(get(server, "/b/x")->status, 200);
    ck_assert_int_eq(get(server, "/c/x")->status, 403);
    ck_assert_int_eq(get(server, "/d/x")->status, 401);
    ck_assert_int_eq(get(server, "/e/x")->status, 403);
    ck_assert_ptr_null(strstr(server_read(server, "logs/error.log"), "forbidden by rule"));
    server_stop(server);
}
END_TEST

START_TEST(all_have_to_agree)
{
    struct server *server = start(SERVER("location /a/ { deny all; auth_request /yes; }\n"
                                         "location /b/ { allow all; auth_request /who; }\n"
                                         "location /c/ { satisfy all; allow all;\n"
                                         "auth_request /yes; }"));

    ck_assert_int_eq(get(server, "/a/x")->status, 403);
    ck_assert_int_eq(get(server, "/b/x")->status, 401);
    ck_assert_int_eq(get(server, "/c/x")->status, 200);
    server_stop(server);
}
END_TEST

START_TEST(a_401_is_delayed)
{
    struct server *server = start(SERVER("auth_delay 300ms;\n"
                                         "location /a/ { auth_request /who; }"));
    long long before = clock_now();

    ck_assert_int_eq(get(server, "/a/x")->status, 401);
    ck_assert_int_ge(clock_now() - before, 290);
    server_wait_log(server, "delaying unauthorized request");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("satisfy", (const TTest *[]){
                                     any_is_enough,
                                     all_have_to_agree,
                                     a_401_is_delayed,
                                     NULL,
                                 });
}
