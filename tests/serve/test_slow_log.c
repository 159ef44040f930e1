/* slow_request_log: who is in it, and where it says that the time went. */
#include "tests/serve/harness_upstream.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const slow_log = "logs/slow.log";

/* Seconds behind " name=" in a line. */
static double seconds(const char *line, const char *name)
{
    char key[64];

    snprintf(key, sizeof key, " %s=", name);
    const char *at = strstr(line, key);
    ck_assert_msg(at != NULL, "no %s in %s", name, line);
    return strtod(at + strlen(key), NULL);
}

/* Waits until the clock has gone on so far, for times that are to be seen. */
static void pass(long long milliseconds)
{
    long long until = clock_now() + milliseconds;

    EVENTUALLY(clock_now() >= until);
}

static void all_but(const char *line, const char *only)
{
    static const char *const spans[] = { "read_header",     "read_body",     "upstream_connect",
                                         "upstream_header", "upstream_body", "send" };

    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        if (strcmp(spans[i], only) == 0)
            ck_assert_msg(seconds(line, spans[i]) >= 0.05, "%s", line);
        else
            ck_assert_msg(seconds(line, spans[i]) < seconds(line, only), "%s", line);
    ck_assert(seconds(line, "total") >= 0.05);
}

START_TEST(a_slow_head)
{
    struct server *server =
        server_start("slow_request_log 50ms logs/slow.log;\n"
                     "server { listen 127.0.0.1:@port@; server_name site;\n"
                     "location / { return 200 OK; }\n"
                     "location = /stub { slow_request_log off; stub_status; } }");

    struct client *client = client_open(server);
    ck_assert(client_send(client, "GET /a\"b HTTP/1.1\r\nHo"));
    EVENTUALLY(strstr(get(server, "/stub")->body, "Reading: 1 ") != NULL);
    pass(100);
    ck_assert(client_send(client, "st: site\r\n\r\n"));
    ck_assert_int_eq(client_read(client)->status, 200);
    const char *line = server_wait_file(server, slow_log, "\n");
    all_but(line, "read_header");
    ck_assert_ptr_nonnull(strstr(line, " status=200 sent="));
    ck_assert_ptr_nonnull(strstr(line, " client=\"127.0.0.1\" server=\"site\" "
                                       "request=\"GET /a\\x22b HTTP/1.1\" host=\"site\"\n"));
    server_stop(server);
}
END_TEST

START_TEST(a_slow_body)
{
    struct server *server =
        server_start("server { listen 127.0.0.1:@port@; slow_request_log 50ms logs/slow.log;\n"
                     "location / { client_body_read on; return 200 OK; } }");

    struct client *client = client_open(server);
    ck_assert(client_send(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                                  "Expect: 100-continue\r\n\r\n"));
    ck_assert_int_eq(client_read(client)->status, 100);
    pass(100);
    ck_assert(client_send(client, "abcd"));
    ck_assert_int_eq(client_read(client)->status, 200);
    all_but(server_wait_file(server, slow_log, "\n"), "read_body");
    server_stop(server);
}
END_TEST

/* More than the sockets hold: the client takes it late. */
START_TEST(a_slow_client)
{
    enum { SIZE = 32 << 20 };
    struct server *server = server_new();
    char *bytes = calloc(1, SIZE);

    ck_assert_ptr_nonnull(bytes);
    server_file_bytes(server, "html/big", bytes, SIZE);
    free(bytes);
    server_run(server,
               &(struct setup){ .http = "server { listen 127.0.0.1:@port@; root @root@/html;\n"
                                        "location / { slow_request_log 50ms logs/slow.log; } }" });
    struct client *client = client_open(server);
    ck_assert(client_send(client, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"));
    client_read_bytes(client, 1);
    pass(100);
    ck_assert_uint_eq(client_read(client)->body_len, SIZE);
    all_but(server_wait_file(server, slow_log, "\n"), "send");
    server_stop(server);
}
END_TEST

#define PROXY                                                                  \
    "server { listen 127.0.0.1:@port@; slow_request_log 50ms logs/slow.log;\n" \
    "location / { proxy_pass http://127.0.0.1:@port2@; proxy_buffering off; } }"

/* It answers late, or stops in the middle. */
static void expect_slow_upstream(const char *before, const char *after, const char *span)
{
    struct server *server = server_start(PROXY);
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server);

    ck_assert(client_send(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct client *up = upstream_accept(server, listening);
    upstream_request(up, NULL);
    if (before[0] != '\0') {
        ck_assert(client_send(up, "%s", before));
        client_read_bytes(client, 1);
    }
    pass(100);
    ck_assert(client_send(up, "%s", after));
    ck_assert_str_eq(client_read(client)->body, "hello");
    const char *line = server_wait_file(server, slow_log, "\n");
    all_but(line, span);
    char upstream[60];
    snprintf(upstream, sizeof(upstream), " upstream=\"127.0.0.1:%d\"\n", server->ports[1]);
    ck_assert_ptr_nonnull(strstr(line, upstream));
    server_stop(server);
}

START_TEST(a_slow_upstream)
{
    expect_slow_upstream("", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                         "upstream_header");
    expect_slow_upstream("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "llo", "upstream_body");
    expect_slow_upstream("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello", "upstream_body");
}
END_TEST

/* Its queue is full: the kernel makes the connection when it tries again. */
START_TEST(an_upstream_that_is_slow_to_connect_to)
{
    struct server *server = server_start(PROXY);
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)server->ports[1]),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int listening = upstream_listen(server, 2);
    int filling = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(listen(listening, 0), 0);
    ck_assert_int_eq(connect(filling, (struct sockaddr *)&name, sizeof(name)), 0);
    struct client *client = client_open(server);
    ck_assert(client_send(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    EVENTUALLY(server_metric(server, "muxd_requests_total") == 1);
    pass(100);
    close(upstream_accept(server, listening)->fd); /* the one that filled it */
    struct client *up = upstream_accept(server, listening);
    upstream_request(up, NULL);
    ck_assert(client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
    ck_assert_str_eq(client_read(client)->body, "hello");
    all_but(server_wait_file(server, slow_log, "\n"), "upstream_connect");
    close(filling);
    server_stop(server);
}
END_TEST

START_TEST(only_slow_requests_and_only_where_wanted)
{
    struct server *server =
        server_start("slow_request_log 1h logs/slow.log;\n"
                     "server { listen 127.0.0.1:@port@;\n"
                     "location /quick { return 200 OK; }\n"
                     "location /off { slow_request_log off; return 200 OK; }\n"
                     "location /all { slow_request_log 0 logs/all.log; return 200 OK; } }");

    get(server, "/quick");
    get(server, "/off");
    get(server, "/all");
    server_wait_file(server, "logs/all.log", "GET /all HTTP/1.1");
    ck_assert_str_eq(server_read(server, slow_log), "");
    ck_assert_uint_eq(count_of(server_read(server, "logs/all.log"), "\n"), 1);
    server_stop(server);
}
END_TEST

START_TEST(the_file_is_opened_anew)
{
    struct server *server = server_start("slow_request_log 0 logs/slow.log;\n"
                                         "server { listen 127.0.0.1:@port@; return 200 OK; }");

    get(server, "/before");
    server_wait_file(server, slow_log, "/before");
    ck_assert_int_eq(rename(server_path(server, slow_log), server_path(server, "logs/old.log")), 0);
    server_signal(server, SIGUSR1);
    EVENTUALLY(access(server_path(server, slow_log), F_OK) == 0);
    EVENTUALLY(get(server, "/after") != NULL &&
               strstr(server_read(server, slow_log), "/after") != NULL);
    ck_assert_ptr_nonnull(strstr(server_read(server, "logs/old.log"), "/before"));
    server_stop(server);
}
END_TEST

START_TEST(mistakes_are_refused)
{
    struct server *server = server_new();
    static const char *const configs[] = {
        "events {} http { slow_request_log 1s; }",
        "events {} http { slow_request_log soon logs/slow.log; }",
        "events {} http { slow_request_log 1s logs/slow.log more; }",
        "events {} http { slow_request_log 1s missing/slow.log; }",
        "slow_request_log 1s logs/slow.log; events {}",
    };

    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++)
        ck_assert_msg(config_test(server, configs[i])->status == 1, "%s", configs[i]);
    server_stop(server);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_slow_head,
        a_slow_body,
        a_slow_client,
        a_slow_upstream,
        an_upstream_that_is_slow_to_connect_to,
        only_slow_requests_and_only_where_wanted,
        the_file_is_opened_anew,
        mistakes_are_refused,
        NULL,
    };

    return serve_main("slow log", tests);
}
