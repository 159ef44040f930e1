/* What is counted of upstream servers: what they were asked and answered, what failed, and
 * what they have just now. */
#include "tests/serve/harness_upstream.h"

#include <signal.h>
#include <unistd.h>

/* Two of the same program, of which the second does not answer. */
#define SERVERS                                                                               \
    "upstream alone { server 127.0.0.1:@port4@; }\n"                                          \
    "upstream pair { server 127.0.0.1:@port2@; server 127.0.0.1:@port3@ fail_timeout=1h; }\n" \
    "server { listen 127.0.0.1:@port@; location / { proxy_pass http://pair; }\n"              \
    "location /alone { proxy_pass http://alone; } }\n"                                        \
    "server { listen 127.0.0.1:@port2@; location / { return 200 hello; }\n"                   \
    "location /none { return 404; } }\n"

/* A metric of the peer on the n-th port. `labels`: more of them, each with a comma before it. */
static long long of_peer(struct server *server, const char *name, const char *group, unsigned n,
                         const char *labels)
{
    char metric[200];

    snprintf(metric, sizeof(metric), "muxd_peer_%s{upstream=\"%s\",peer=\"127.0.0.1:%d\"%s}", name,
             group, server->ports[n - 1], labels);
    return server_metric(server, metric);
}

static long long of_pair(struct server *server, const char *name, unsigned n, const char *labels)
{
    return of_peer(server, name, "pair", n, labels);
}

START_TEST(answers_and_failures_are_counted)
{
    enum { REQUESTS = 12, MISSED = 3 };
    struct server *server = server_start(SERVERS);

    server_allow(server, "connect() failed");
    ck_assert_int_eq(of_pair(server, "responses_total", 2, ",class=\"2xx\""), 0);
    for (int i = 0; i < REQUESTS; i++)
        ck_assert_str_eq(get(server, "/")->body, "hello");
    for (int i = 0; i < MISSED; i++)
        ck_assert_int_eq(get(server, "/none")->status, 404);
    EVENTUALLY(of_pair(server, "responses_total", 2, ",class=\"4xx\"") == MISSED);
    ck_assert_int_eq(of_pair(server, "responses_total", 2, ",class=\"2xx\""), REQUESTS);
    ck_assert_int_eq(of_pair(server, "responses_total", 2, ",class=\"none\""), 0);
    ck_assert_int_eq(of_pair(server, "request_duration_seconds_count", 2, ""), REQUESTS + MISSED);
    ck_assert_int_gt(of_pair(server, "received_bytes_total", 2, ""), 30 * REQUESTS);
    ck_assert_int_gt(of_pair(server, "sent_bytes_total", 2, ""), 100 * REQUESTS);
    ck_assert_int_eq(of_pair(server, "failures_total", 2, ""), 0);
    ck_assert_int_eq(of_pair(server, "requests", 2, ""), 0);

    /* Each worker has tried the other one once, if it had the turn, and leaves it alone since. */
    long long failures = of_pair(server, "failures_total", 3, "");
    ck_assert_int_ge(failures, 1);
    ck_assert_int_le(failures, worker_count());
    ck_assert_int_eq(of_pair(server, "responses_total", 3, ",class=\"none\""), failures);
    ck_assert_int_eq(of_pair(server, "responses_total", 3, ",class=\"5xx\""), 0);
    ck_assert_int_eq(of_pair(server, "avoiding_workers", 3, ""), failures);
    ck_assert_int_eq(of_pair(server, "avoiding_workers", 2, ""), 0);
    server_stop(server);
}
END_TEST

START_TEST(what_it_has_now_is_shown)
{
    struct server *server = server_start(SERVERS);
    int listening = upstream_listen(server, 4);
    struct client *client = client_open(server);

    client_send(client, "GET /alone HTTP/1.1\r\nHost: localhost\r\n\r\n");
    struct client *up = upstream_accept(server, listening);
    upstream_request(up, NULL);
    EVENTUALLY(of_peer(server, "requests", "alone", 4, "") == 1);
    client_send(up, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
    ck_assert_str_eq(client_read(client)->body, "ok");
    EVENTUALLY(of_peer(server, "requests", "alone", 4, "") == 0);
    EVENTUALLY(of_peer(server, "responses_total", "alone", 4, ",class=\"2xx\"") == 1);
    server_stop(server);
}
END_TEST

/* Totals stay; what a killed worker had is gone with it. */
START_TEST(totals_survive_reloads_and_kills)
{
    enum { REQUESTS = 5 };
    struct server *server = server_start(SERVERS);
    int listening = upstream_listen(server, 4);

    server_allow(server, "connect() failed");
    server_allow(server, "exited on signal 9");
    for (int i = 0; i < REQUESTS; i++)
        get(server, "/");
    ck_assert_int_eq(server_say(server, "reload")->status, 0);
    for (int i = 0; i < REQUESTS; i++)
        get(server, "/");
    EVENTUALLY(of_pair(server, "responses_total", 2, ",class=\"2xx\"") == 2 * REQUESTS);

    EVENTUALLY(server_workers(server, NULL, 0) == worker_count());
    struct workers workers = server_all_workers(server);
    client_send(client_open(server), "GET /alone HTTP/1.1\r\nHost: localhost\r\n\r\n");
    upstream_request(upstream_accept(server, listening), NULL);
    EVENTUALLY(of_peer(server, "requests", "alone", 4, "") == 1);
    for (unsigned i = 0; i < worker_count(); i++)
        ck_assert_int_eq(kill(workers.pids[i], SIGKILL), 0);
    EVENTUALLY(of_peer(server, "requests", "alone", 4, "") == 0);
    EVENTUALLY(of_pair(server, "avoiding_workers", 3, "") == 0);
    ck_assert_int_eq(of_pair(server, "responses_total", 2, ",class=\"2xx\""), 2 * REQUESTS);
    ck_assert_str_eq(get(server, "/")->body, "hello");
    EVENTUALLY(of_pair(server, "responses_total", 2, ",class=\"2xx\"") == 2 * REQUESTS + 1);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("peer_counters", (const TTest *[]){
                                           answers_and_failures_are_counted,
                                           what_it_has_now_is_shown,
                                           totals_survive_reloads_and_kills,
                                           NULL,
                                       });
}
