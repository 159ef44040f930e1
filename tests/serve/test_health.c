/* Active health checks: who is ill is not asked, whoever does the checking. */
#include "tests/serve/harness_upstream.h"

#include <poll.h>
#include <signal.h>

#define LISTEN "listen 127.0.0.1:@port@; "

static const char health_conf[] =
    "match good { status 200-299; header Content-Length; header ! X-Bad;\n"
    "  header Connection = close; body ~ '^good'; body !~ bad; }\n"
    "upstream group { zone peers 128k; server 127.0.0.1:@port2@;\n"
    "  server 127.0.0.1:@port3@ slow_start=1s; }\n"
    "upstream plain { zone peers; server 127.0.0.1:@port2@; }\n"
    "server { " LISTEN "location /plain { proxy_pass http://plain;\n"
    "  health_check interval=50ms mandatory persistent; }\n"
    "location / { proxy_pass http://group; proxy_next_upstream off;\n"
    "  proxy_set_header X-Check yes; proxy_connect_timeout 5s; proxy_read_timeout 5s;\n"
    "  health_check interval=50ms jitter=10ms fails=1 passes=2 uri=/check match=good mandatory; }\n"
    "location = /status { status json; } }";

static bool answers(struct server *server, const char *text)
{
    return strcmp(get(server, "/")->body, text) == 0;
}

START_TEST(the_ill_are_not_asked)
{
    struct server *server = server_start(health_conf);
    struct upstream_player *two;

    server_wait_log(server, "peer is unhealthy");
    ck_assert_int_eq(get(server, "/")->status, 502);
    upstream_play(server, "127.0.0.1", 2, "good one");
    EVENTUALLY(answers(server, "good one"));
    EVENTUALLY(get(server, "/plain")->status == 200);
    two = upstream_play(server, "127.0.0.1", 3, "good two");
    EVENTUALLY(answers(server, "good two"));
    upstream_leave(two);
    EVENTUALLY(strstr(get(server, "/status")->body, "\"avoided_by\":1") != NULL);
    two = upstream_play(server, "127.0.0.1", 3, "bad");
    for (int i = 0; i < 20; i++)
        ck_assert(answers(server, "good one"));
    upstream_leave(two);
    upstream_play(server, "127.0.0.1", 3, "good two");
    EVENTUALLY(answers(server, "good two"));
    server_wait_log(server, "peer is healthy, health check of peer");
    server_stop(server);
}
END_TEST

/* The one that checks is killed: another one goes on. */
START_TEST(somebody_always_checks)
{
    struct server *server = server_start(health_conf);
    pid_t pids[8];

    server_allow(server, "exited on signal 9");
    server_allow(server, "peer is unhealthy");
    upstream_play(server, "127.0.0.1", 2, "good one");
    struct upstream_player *two = upstream_play(server, "127.0.0.1", 3, "good two");
    EVENTUALLY(answers(server, "good two"));
    size_t count = server_workers(server, pids, 8);
    for (size_t i = 0; i + 1 < count; i++)
        kill(pids[i], SIGKILL);
    if (count > 1)
        server_wait_log(server, "exited on signal 9");
    upstream_leave(two);
    for (unsigned good = 0; good < 20; good++)
        if (!answers(server, "good one"))
            good = 0;
    struct run *run =
        server_command(server, (const char *const[]){ "-p", "@root@", "-c", "conf/muxd.conf", "-s",
                                                      "reload", NULL });
    ck_assert_int_eq(run->status, 0);
    upstream_play(server, "127.0.0.1", 3, "good two");
    EVENTUALLY(answers(server, "good two"));
    server_stop(server);
}
END_TEST

/* While a check waits for its answer nobody begins another one, whoever looks. */
START_TEST(one_worker_checks_at_a_time)
{
    enum { INTERVAL = 5, LOOKS = 40 }; /* ms, and as many intervals */
    struct server *server = server_start(
        "upstream group { zone peers 128k; server 127.0.0.1:@port2@; }\n"
        "server { " LISTEN "location / { proxy_pass http://group; health_check interval=5ms; } }");
    int listening = upstream_listen(server, 2);
    struct pollfd another = { .fd = listening, .events = POLLIN };

    server_allow(server, "peer is unhealthy");
    for (int i = 0; i < 3; i++) {
        struct client *up = upstream_accept(server, listening);
        upstream_request(up, NULL);
        ck_assert_int_eq(poll(&another, 1, INTERVAL * LOOKS), 0);
        client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        client_close(up);
    }
    server_stop(server);
}
END_TEST

/* What the checked server gets, and answers that are none. */
START_TEST(checks_are_requests)
{
    static const char *const bad[] = {
        "what?\r\n\r\n",
        "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\ngood",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        "HTTP/1.1 200 OK\r\nX-Bad: 1\r\nConnection: close\r\nContent-Length: 4\r\n\r\ngood",
    };
    struct server *server = server_start(
        "match good { status ! 400-599; header ! X-Bad; header Connection != x;\n"
        "  header Connection ~ clo; header Server !~ z; body ~ good; }\n"
        "upstream group { zone peers 128k; server 127.0.0.1:@port3@; }\n"
        "server { " LISTEN "location / { proxy_pass http://group; proxy_set_header X-Check yes;\n"
        "  health_check interval=20ms uri=/check?a match=good fails=1\n"
        "  port=@port2@; } }");
    int listening = upstream_listen(server, 2);
    struct client *up;

    server_allow(server, "peer is unhealthy");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        up = upstream_accept(server, listening);
        ck_assert_str_eq(upstream_request(up, NULL), "GET /check?a HTTP/1.0\r\nHost: group\r\n"
                                                     "Connection: close\r\nX-Check: yes\r\n\r\n");
        client_send(up, "%s", bad[i]);
        client_close(up);
    }
    ck_assert_int_eq(get(server, "/")->status, 502);
    do { /* not only once: it may still be in one of the bad ones */
        up = upstream_accept(server, listening);
        upstream_request(up, NULL);
        client_send(up, "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "2\r\ngo\r\n2\r\nod\r\n0\r\n\r\n");
        client_close(up);
    } while (strstr(server_read(server, "logs/error.log"), "peer is healthy") == NULL);
    server_stop(server);
}
END_TEST

START_TEST(configurations_that_are_refused)
{
#define GROUP "upstream u { zone u 64k; server 127.0.0.1; } "
    static const struct mistake rows[] = {
        { "server { location / { health_check; } }", "requires proxy_pass to an upstream" },
        { "server { location / { proxy_pass http://127.0.0.1; health_check; } }",
          "requires proxy_pass to an upstream" },
        { "upstream u { server 127.0.0.1; }\n"
          "server { location / { proxy_pass http://u; health_check; } }",
          "to be in shared memory" },
        { GROUP "server { location / { proxy_pass http://u; health_check interval=0; } }",
          "invalid parameter \"interval=0\"" },
        { GROUP "server { location / { proxy_pass http://u; health_check uri=x; } }",
          "invalid parameter \"uri=x\"" },
        { GROUP "server { location / { proxy_pass http://u; health_check port=0; } }",
          "invalid parameter \"port=0\"" },
        { GROUP "server { location / { proxy_pass http://u; health_check match=m; } }",
          "unknown match \"m\"" },
        { GROUP "server { location / { proxy_pass http://u; health_check; }\n"
                "location /a { proxy_pass http://u; health_check; } }",
          "has a \"health_check\" already" },
        { "match a { status 2x; }", "invalid parameter \"2x\"" },
        { "match a { header b c; }", "invalid parameter \"c\"" },
        { "match a { body = c; }", "invalid parameter \"=\"" },
        { "match a { body ~ '('; }", "in regex \"(\"" },
        { "match a { } match a { }", "duplicate match \"a\"" },
        { 0 },
    };

    expect_mistakes(rows);
}
END_TEST

int main(void)
{
    return serve_main("health", (const TTest *[]){ the_ill_are_not_asked, somebody_always_checks,
                                                   one_worker_checks_at_a_time, checks_are_requests,
                                                   configurations_that_are_refused, NULL });
}
