/* drain_on_term, drain_delay and healthz: how a server leaves that stands behind a load
 * balancer. */
#include "tests/serve/harness.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER                                               \
    "server { listen 127.0.0.1:@port@;\n"                    \
    "    location = /healthz { healthz; access_log off; }\n" \
    "    location / { return 200 hello; } }\n"

static struct server *start(const char *main)
{
    return server_start_with(&(struct setup){ .http = SERVER, .main = main });
}

START_TEST(healthz_says_ok)
{
    struct server *server = start("");
    struct response *response = get(server, "/healthz");

    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(response->body, "ok\n");
    ck_assert_str_eq(header(response, "Content-Type"), "text/plain");
    ck_assert_str_eq(header(response, "Cache-Control"), "no-store");
    ck_assert_int_eq(ask_status(server, "POST /healthz HTTP/1.1\r\nHost: localhost\r\n"
                                        "Content-Length: 0\r\nConnection: close\r\n\r\n"),
                     405);
    server_stop(server);
}
END_TEST

START_TEST(healthz_fails_while_the_server_drains)
{
    struct server *server = start("drain_on_term on; drain_delay 1h;");
    struct client *kept = client_open(server);

    client_send(kept, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(client_read(kept)->status, 200);
    server_signal(server, SIGTERM);
    server_wait_log(server, "draining: connections are accepted for 3600000 ms more");
    struct response *response = get(server, "/healthz");
    ck_assert_int_eq(response->status, 503);
    ck_assert_str_eq(response->body, "draining\n");
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(get(server, "/")->status, 200);
    client_send(kept, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(client_read(kept)->status, 503);

    server_signal(server, SIGTERM); /* meant seriously */
    server_join(server);
}
END_TEST

START_TEST(then_what_has_begun_is_finished)
{
    struct server *server = start("drain_on_term on; drain_delay 1ms;");
    struct client *client = client_open(server);

    client_send(client, "GET / HTTP/1.1\r\nHost: local");
    get(server, "/");
    server_signal(server, SIGTERM);
    server_wait_log(server, "gracefully shutting down");
    client_send(client, "host\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "hello");
    server_join(server);
}
END_TEST

START_TEST(without_it_term_is_the_end)
{
    struct server *server = start("");
    struct client *client = client_open(server);

    client_send(client, "GET / HTTP/1.1\r\n");
    get(server, "/");
    server_signal(server, SIGTERM);
    client_expect_closed(client);
    server_wait(server);
    ck_assert_ptr_null(strstr(server_read(server, "logs/error.log"), "draining"));
    server_stop(server);
}
END_TEST

START_TEST(quit_is_not_delayed)
{
    struct server *server = start("drain_on_term on; drain_delay 1h;");

    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("drain", (const TTest *[]){
                                   healthz_says_ok,
                                   healthz_fails_while_the_server_drains,
                                   then_what_has_begun_is_finished,
                                   without_it_term_is_the_end,
                                   quit_is_not_delayed,
                                   NULL,
                               });
}
