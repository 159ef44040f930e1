/* Clients that are too slow. Configured times are short, and what is asserted is
 * only that the end comes, and in which form. */
#include "tests/serve/harness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: localhost\r\n"
#define GET_OK "GET /ok HTTP/1.1\r\n" HOST "\r\n"

/* The server gave up: it closes, with or without saying 408 first. */
static void expect_given_up(struct client *client)
{
    const char *said = client_read_all(client);

    ck_assert_msg(said[0] == '\0' || strncmp(said, "HTTP/1.1 408 ", 13) == 0, "%s", said);
}

START_TEST(client_header_timeout_ends_half_a_head)
{
    struct server *server = server_start("client_header_timeout 1s;\n"
                                         "server { listen 127.0.0.1:@port@; return 200; }");
    struct client *silent = client_open(server);
    struct client *half = client_open(server);

    client_send(half, "GET / HTTP/1.1\r\nHo");
    expect_given_up(half);
    expect_given_up(silent);
    ck_assert_uint_eq(count_of(server_wait_file(server, "logs/access.log", " 408 "), "\n"), 1);
    server_stop(server);
}
END_TEST

START_TEST(a_head_that_trickles_in_is_too_slow)
{
    struct server *server = server_start("client_header_timeout 1s;\n"
                                         "server { listen 127.0.0.1:@port@; return 200; }");
    struct client *client = client_open(server);

    client_send(client, "GET / HTTP/1.1\r\nX: ");
    /* The time is for the whole head: a byte now and then does not prolong it. */
    for (int i = 0; i < 200 && client_send(client, "x"); i++)
        poll(NULL, 0, 50);
    expect_given_up(client);
    server_stop(server);
}
END_TEST

START_TEST(client_body_timeout_ends_half_a_body)
{
    struct server *server = server_start("client_body_timeout 1s;\n"
                                         "server { listen 127.0.0.1:@port@; client_body_read on;\n"
                                         "location / { return 200; } }");
    struct client *client = client_open(server);

    client_send(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf");
    expect_given_up(client);
    server_wait_file(server, "logs/access.log", " 408 ");
    server_stop(server);
}
END_TEST

START_TEST(keepalive_timeout_closes_an_idle_connection)
{
    struct server *server = server_start("keepalive_timeout 1s;\n"
                                         "server { listen 127.0.0.1:@port@;\n"
                                         "location /ok { return 200 OK; } }");
    struct client *client = client_open(server);

    for (int i = 0; i < 3; i++) {
        client_send(client, GET_OK);
        ck_assert_str_eq(client_read(client)->body, "OK");
    }
    client_expect_closed(client);
    server_stop(server);
}
END_TEST

START_TEST(keepalive_time_bounds_the_age_of_a_connection)
{
    struct server *server = server_start("keepalive_time 1s;\n"
                                         "server { listen 127.0.0.1:@port@;\n"
                                         "location /ok { return 200 OK; } }");
    struct client *client = client_open(server);
    const char *connection = "";

    for (unsigned looks = 0; strcmp(connection, "close") != 0;) {
        client_send(client, GET_OK);
        connection = header(client_read(client), "Connection");
        wait_a_little(&looks, "Connection: close", __FILE__, __LINE__);
    }
    client_expect_closed(client);
    server_stop(server);
}
END_TEST

/* ---- answers that nobody takes ---- */

enum { LARGE = 64 << 20 };

static struct server *start_with_large_file(const char *http)
{
    struct server *server = server_new();

    server_file(server, "html/large", "");
    ck_assert_int_eq(truncate(server_path(server, "html/large"), LARGE), 0);
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(send_timeout_ends_an_answer_nobody_reads)
{
    struct server *server = start_with_large_file("send_timeout 1s;\n"
                                                  "server { listen 127.0.0.1:@port@ sndbuf=64k;\n"
                                                  "root @root@/html; }");
    struct client *client = client_open(server);

    client_send(client, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    server_wait_file(server, "logs/access.log", "GET /large");
    client_read_all(client);
    ck_assert_uint_lt(client->len, LARGE);
    server_stop(server);
}
END_TEST

START_TEST(reset_timedout_connection_resets)
{
    struct server *server = start_with_large_file("send_timeout 1s; reset_timedout_connection on;\n"
                                                  "server { listen 127.0.0.1:@port@ sndbuf=64k;\n"
                                                  "root @root@/html; }");
    struct client *client = client_open(server);
    char bytes[65536];
    ssize_t got;

    client_send(client, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    server_wait_file(server, "logs/access.log", "GET /large");
    while ((got = recv(client->fd, bytes, sizeof(bytes), 0)) > 0)
        continue;
    ck_assert_int_eq(got, -1);
    ck_assert_int_eq(errno, ECONNRESET);
    server_stop(server);
}
END_TEST

START_TEST(a_slow_reader_gets_everything)
{
    struct server *server =
        start_with_large_file("send_timeout 30s; sendfile on; sendfile_max_chunk 512k;\n"
                              "server { listen 127.0.0.1:@port@ sndbuf=64k; root @root@/html; }");
    struct client *client = client_open(server);

    client_send(client, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    client_read_bytes(client, 100);
    ck_assert_int_eq(ask(server, "GET / HTTP/1.0\r\n\r\n")->status, 200);
    struct response *response = client_read(client);
    ck_assert_uint_eq(response->body_len, LARGE);
    server_stop(server);
}
END_TEST

/* ---- lingering ---- */

START_TEST(an_early_answer_is_not_lost_while_the_client_sends)
{
    enum { SIZE = 2000000 };
    struct server *server = server_start("client_max_body_size 1k; lingering_timeout 1s;\n"
                                         "server { listen 127.0.0.1:@port@;\n"
                                         "location / { return 200; } }");
    struct client *client = client_open(server);
    char *body = server_own(server, calloc(1, SIZE));

    client_send(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 9000000\r\n\r\n");
    /* All of it is read off: were the socket closed at once, a reset would overtake
     * the answer. */
    ck_assert(client_send_bytes(client, body, SIZE));
    ck_assert_int_eq(client_read(client)->status, 413);
    client_expect_closed(client);
    server_stop(server);
}
END_TEST

START_TEST(lingering_time_bounds_reading_off)
{
    struct server *server =
        server_start("client_max_body_size 1k; lingering_timeout 5s; lingering_time 1s;\n"
                     "lingering_close always;\n"
                     "server { listen 127.0.0.1:@port@; location / { return 200; } }");
    struct client *client = client_open(server);

    client_send(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 9000000\r\n\r\n");
    ck_assert_int_eq(client_read(client)->status, 413);
    for (unsigned looks = 0; client_send(client, "more");)
        wait_a_little(&looks, "the server stops reading", __FILE__, __LINE__);
    server_stop(server);
}
END_TEST

START_TEST(lingering_close_off_closes_at_once)
{
    struct server *server = server_start("lingering_close off; lingering_time 1h;\n"
                                         "lingering_timeout 1h;\n"
                                         "server { listen 127.0.0.1:@port@; return 200; }");
    struct client *client = client_open(server);

    client_send(client, "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\nmore");
    ck_assert_int_eq(client_read(client)->status, 200);
    for (unsigned looks = 0; client_send(client, "more");)
        wait_a_little(&looks, "the server closes", __FILE__, __LINE__);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("timeouts", (const TTest *[]){
                                      client_header_timeout_ends_half_a_head,
                                      a_head_that_trickles_in_is_too_slow,
                                      client_body_timeout_ends_half_a_body,
                                      keepalive_timeout_closes_an_idle_connection,
                                      keepalive_time_bounds_the_age_of_a_connection,
                                      send_timeout_ends_an_answer_nobody_reads,
                                      reset_timedout_connection_resets,
                                      a_slow_reader_gets_everything,
                                      an_early_answer_is_not_lost_while_the_client_sends,
                                      lingering_time_bounds_reading_off,
                                      lingering_close_off_closes_at_once,
                                      NULL,
                                  });
}
