/* Upstream servers whose state all workers share, and whose names are resolved anew. */
#include "tests/serve/harness_dns.h"
#include "tests/serve/harness_upstream.h"

#include <signal.h>

#define LISTEN "listen 127.0.0.1:@port@; "

/* One request over a connection of its own, so that any worker may get it. */
static struct response *exchange(struct server *server, int listening, const char *path)
{
    struct client *client = client_open(server);

    client_send(client, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path);
    struct client *up = upstream_accept(server, listening);
    upstream_request(up, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    struct response *response = client_read(client);
    client_close(up);
    client_close(client);
    return response;
}

static const char shared_conf[] =
    "upstream group { zone peers 128k; server 127.0.0.1:@port3@ fail_timeout=1h;\n"
    "  server 127.0.0.1:@port2@; }\n"
    "upstream alike { zone peers; server 127.0.0.1:@port2@; }\n"
    "server { " LISTEN "add_header X-Addr $upstream_addr always;\n"
    "location / { proxy_pass http://group; } location /alike { proxy_pass http://alike; } }";

/* One worker has seen the failure: all know of it, also after a reload and a crash. */
START_TEST(failures_are_known_to_all)
{
    struct server *server = server_start(shared_conf);
    int listening = upstream_listen(server, 2);
    const char *alive = server_expand(server, "127.0.0.1:@port2@");
    unsigned failures = 0;

    server_allow(server, "exited on signal 9");
    for (int i = 0; i < 12; i++) {
        const char *address = header(exchange(server, listening, "/"), "X-Addr");
        failures += strcmp(address, alive) != 0;
    }
    ck_assert_uint_eq(failures, 1);
    struct run *run =
        server_command(server, (const char *const[]){ "-p", "@root@", "-c", "conf/muxd.conf", "-s",
                                                      "reload", NULL });
    ck_assert_int_eq(run->status, 0);
    pid_t pid;
    server_workers(server, &pid, 1);
    kill(pid, SIGKILL);
    server_wait_log(server, "exited on signal 9");
    for (int i = 0; i < 6; i++)
        ck_assert_str_eq(header(exchange(server, listening, "/"), "X-Addr"), alive);
    ck_assert_str_eq(exchange(server, listening, "/alike")->body, "ok");
    server_stop(server);
}
END_TEST

/* What a killed worker was busy with does not count for ever. */
START_TEST(connections_are_counted_by_all)
{
    struct server *server =
        server_start("upstream group { zone peers 128k; server 127.0.0.1:@port2@ max_conns=2; }\n"
                     "server { " LISTEN "location / { proxy_pass http://group; } }");
    int listening = upstream_listen(server, 2);
    pid_t pids[8];

    server_allow(server, "exited on signal 9");
    struct client *one = client_open(server), *two = client_open(server);
    client_send(one, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    upstream_accept(server, listening);
    client_send(two, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    upstream_accept(server, listening);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(get(server, "/")->status, 502);
    server_wait_log(server, "no live upstreams");
    size_t count = server_workers(server, pids, 8);
    for (size_t i = 0; i < count; i++)
        kill(pids[i], SIGKILL);
    client_expect_closed(one);
    client_expect_closed(two);
    ck_assert_str_eq(exchange(server, listening, "/")->body, "ok");
    server_stop(server);
}
END_TEST

static const char resolve_conf[] =
    "resolver 127.0.0.1:@port3@ ipv6=off valid=1s; resolver_timeout 5s;\n"
    "upstream group { server up.example:@port2@ resolve; keepalive 4; }\n"
    "server { " LISTEN "location / { proxy_pass http://group; proxy_http_version 1.1;\n"
    "  proxy_set_header Connection ''; } }";

/* Requests that come before the first answer wait for it. */
START_TEST(names_are_resolved_anew)
{
    struct server *server = server_new();
    struct name_server *dns = name_server_start(server, 3, "up.example A 1 127.0.0.1\n");

    upstream_play(server, "127.0.0.1", 2, "one");
    upstream_play(server, "127.0.0.2", 2, "two");
    server_run(server, &(struct setup){ .http = resolve_conf });
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(get(server, "/")->body, "one");
    name_server_set(dns, "up.example A 1 127.0.0.1\nup.example A 1 127.0.0.2\n");
    EVENTUALLY(strcmp(get(server, "/")->body, "two") == 0);
    name_server_set(dns, "up.example A 60 127.0.0.2\n");
    for (unsigned good = 0; good < 20;) {
        bool two = strcmp(get(server, "/")->body, "two") == 0;
        good = two ? good + 1 : 0;
    }
    name_server_set(dns, "");
    server_stop(server);
}
END_TEST

START_TEST(names_that_are_gone_have_no_servers)
{
    struct server *server = server_new();
    struct name_server *dns = name_server_start(server, 3, "");

    upstream_play(server, "127.0.0.1", 2, "one");
    server_run(server, &(struct setup){ .http = resolve_conf });
    ck_assert_int_eq(get(server, "/")->status, 502);
    server_wait_log(server, "up.example could not be resolved (3: Host not found)");
    name_server_set(dns, "up.example A 1 127.0.0.1\n");
    EVENTUALLY(get(server, "/")->status == 200);
    name_server_set(dns, "");
    EVENTUALLY(get(server, "/")->status == 502);
    server_wait_log(server, "no live upstreams");
    server_stop(server);
}
END_TEST

START_TEST(services_name_servers)
{
    struct server *server = server_new();
    const char *records =
        server_expand(server, "_http._tcp.up.example SRV 60 1 5 @port2@ a.example\n"
                              "_http._tcp.up.example SRV 60 1 15 @port2@ b.example\n"
                              "_http._tcp.up.example SRV 60 2 5 @port4@ a.example\n"
                              "a.example A 60 127.0.0.1\nb.example A 60 127.0.0.2\n");
    unsigned ones = 0, twos = 0;

    name_server_start(server, 3, records);
    struct upstream_player *one = upstream_play(server, "127.0.0.1", 2, "one");
    struct upstream_player *two = upstream_play(server, "127.0.0.2", 2, "two");
    upstream_play(server, "127.0.0.1", 4, "backup");
    server_run(server,
               &(struct setup){ .http = "upstream group { zone peers 128k; resolver_timeout 5s;\n"
                                        "  resolver 127.0.0.1:@port3@ ipv6=off;\n"
                                        "  server up.example service=http resolve; }\n"
                                        "server { " LISTEN
                                        "location / { proxy_pass http://group; } }" });
    for (int i = 0; i < 16; i++) {
        const char *body = get(server, "/")->body;
        ones += strcmp(body, "one") == 0;
        twos += strcmp(body, "two") == 0;
    }
    ck_assert_uint_eq(ones, 4);
    ck_assert_uint_eq(twos, 12);
    upstream_leave(one);
    upstream_leave(two);
    ck_assert_str_eq(get(server, "/")->body, "backup");
    server_stop(server);
}
END_TEST

START_TEST(configurations_that_are_refused)
{
    static const struct mistake rows[] = {
        { "upstream u { zone a; server 127.0.0.1; }", "zero size shared memory zone \"a\"" },
        { "upstream u { zone a 1k; server 127.0.0.1; }", "zone \"a\" is too small" },
        { "upstream u { zone '' 64k; server 127.0.0.1; }", "invalid zone name \"\"" },
        { "upstream u { zone a 64x; server 127.0.0.1; }", "invalid zone size \"64x\"" },
        { "upstream u { server a.example resolve; }", "no resolver defined to resolve names" },
        { "upstream u { server a.example service=http; }", "requires \"resolve\" parameter" },
        { "resolver 127.0.0.1; upstream u { server a.example:80 service=http resolve; }",
          "may not have port" },
        { "resolver 127.0.0.1; upstream u { server a.example:x resolve; }", "invalid port" },
        { "upstream u { server 127.0.0.1; keepalive 0; }", "invalid value \"0\"" },
        { 0 },
    };

    expect_mistakes(rows);
}
END_TEST

int main(void)
{
    return serve_main(
        "zone", (const TTest *[]){ failures_are_known_to_all, connections_are_counted_by_all,
                                   names_are_resolved_anew, names_that_are_gone_have_no_servers,
                                   services_name_servers, configurations_that_are_refused, NULL });
}
