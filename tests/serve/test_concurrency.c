/* A server on blocking reads answers one client at a time: while A is silent, B
 * waits. Here B is answered however many are silent, on either loop, and when
 * there are more clients than a worker can have, the others wait their turn. */
#include "tests/serve/harness.h"

#include <sys/resource.h>
#include <sys/select.h>

static const char *const OK_SERVER = "server {\n"
                                     "    listen 127.0.0.1:@port@ backlog=4096;\n"
                                     "    location = /ok { return 200 \"200 OK\\n\"; }\n"
                                     "}";

static const char *const REQUEST = "GET /ok HTTP/1.0\r\n\r\n";

/* Opens clients that send `text`, which is no whole request. */
static void open_silent(struct server *server, struct client **clients, size_t count,
                        const char *text)
{
    for (size_t i = 0; i < count; i++) {
        clients[i] = client_open(server);
        client_send(clients[i], "%s", text);
    }
}

static void close_all(struct client **clients, size_t count)
{
    for (size_t i = 0; i < count; i++)
        client_close(clients[i]);
}

START_TEST(one_silent_client_delays_nobody)
{
    struct server *server = server_start(OK_SERVER);
    struct client *a = client_open(server);
    struct client *b = client_open(server);

    client_send(b, "%s", REQUEST);
    struct response *response = client_read(b);
    ck_assert_str_eq(response->status_line, "HTTP/1.1 200 OK");
    ck_assert_str_eq(response->body, "200 OK\n");
    client_expect_closed(b);

    ck_assert(client_is_silent(a));
    client_send(a, "%s", REQUEST);
    ck_assert_str_eq(client_read(a)->body, "200 OK\n");
    server_stop(server);
}
END_TEST

START_TEST(a_client_in_mid_request_delays_nobody)
{
    struct server *server = server_start(OK_SERVER);
    struct client *a = client_open(server);

    client_send(a, "GET /ok HT");
    ck_assert_int_eq(ask(server, "%s", REQUEST)->status, 200);
    client_send(a, "TP/1.0\r\n\r\n");
    ck_assert_int_eq(client_read(a)->status, 200);
    server_stop(server);
}
END_TEST

START_TEST(thousand_silent_clients_delay_nobody)
{
    enum { SILENT = 1000 };
    static struct client *silent[SILENT];
    struct server *server =
        server_start_with(&(struct setup){ .http = OK_SERVER,
                                           .main = "worker_rlimit_nofile 4096;",
                                           .events = "worker_connections 2048;" });

    open_silent(server, silent, SILENT, "");
    for (int i = 0; i < 10; i++)
        ck_assert_str_eq(ask(server, "%s", REQUEST)->body, "200 OK\n");
    for (int i = 0; i < SILENT; i++)
        ck_assert(client_is_silent(silent[i]));
    client_send(silent[SILENT / 2], "%s", REQUEST);
    ck_assert_str_eq(client_read(silent[SILENT / 2])->body, "200 OK\n");
    server_stop(server);
}
END_TEST

/* Fills the one worker with clients that are in mid-request, so that none may be
 * closed to make room; B waits, and is answered when some of them leave. */
static void fill_and_free(const struct setup *setup, size_t count)
{
    struct server *server = server_start_with(setup);
    struct client **busy = server_own(server, calloc(count, sizeof(struct client *)));

    open_silent(server, busy, count, "GET /ok HTTP/1.0\r\n");
    server_wait_log(server, "accepting is paused");
    struct client *b = client_open(server);
    client_send(b, "%s", REQUEST);
    ck_assert(client_is_silent(b));

    close_all(busy, count / 2);
    ck_assert_str_eq(client_read(b)->body, "200 OK\n");
    client_send(busy[count / 2], "\r\n");
    ck_assert_str_eq(client_read(busy[count / 2])->body, "200 OK\n");
    client_send(busy[count - 1], "\r\n");
    ck_assert_str_eq(client_read(busy[count - 1])->body, "200 OK\n");
    ck_assert_uint_eq(count_of(server_read(server, "logs/error.log"), "accepting is paused"), 1);
    server_stop(server);
}

START_TEST(clients_beyond_worker_connections_wait_their_turn)
{
    fill_and_free(&(struct setup){ .http = OK_SERVER,
                                   .main = "worker_processes 1;",
                                   .events = "worker_connections 40;" },
                  60);
}
END_TEST

START_TEST(clients_beyond_what_select_can_watch_wait_their_turn)
{
    if (!loop_is_select())
        return; /* epoll has no such limit */
    fill_and_free(&(struct setup){ .http = OK_SERVER,
                                   .main = "worker_processes 1; worker_rlimit_nofile 4096;",
                                   .events = "worker_connections 2048;" },
                  FD_SETSIZE + 60);
}
END_TEST

START_TEST(silent_clients_beyond_select_give_way)
{
    static struct client *silent[FD_SETSIZE + 60];
    enum { SILENT = sizeof(silent) / sizeof(*silent) };

    if (!loop_is_select())
        return;
    struct server *server =
        server_start_with(&(struct setup){ .http = OK_SERVER,
                                           .main = "worker_processes 1; worker_rlimit_nofile 4096;",
                                           .events = "worker_connections 2048;" });
    open_silent(server, silent, SILENT, "");
    ck_assert_str_eq(ask(server, "%s", REQUEST)->body, "200 OK\n");
    server_stop(server);
}
END_TEST

START_TEST(two_hundred_clients_at_once_are_all_answered)
{
    enum { CLIENTS = 200 };
    static struct client *clients[CLIENTS];
    struct server *server = server_start(OK_SERVER);

    open_silent(server, clients, CLIENTS, "GET /ok HTTP/1.1\r\nHost: localhost\r\n");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CLIENTS; i++)
            client_send(clients[i], "\r\nGET /ok HTTP/1.1\r\nHost: localhost\r\n");
        for (int i = CLIENTS - 1; i >= 0; i--)
            ck_assert_str_eq(client_read(clients[i])->body, "200 OK\n");
    }
    server_stop(server);
}
END_TEST

int main(void)
{
    allow_many_files();
    return serve_main("concurrency", (const TTest *[]){
                                         one_silent_client_delays_nobody,
                                         a_client_in_mid_request_delays_nobody,
                                         thousand_silent_clients_delay_nobody,
                                         clients_beyond_worker_connections_wait_their_turn,
                                         clients_beyond_what_select_can_watch_wait_their_turn,
                                         silent_clients_beyond_select_give_way,
                                         two_hundred_clients_at_once_are_all_answered,
                                         NULL,
                                     });
}
