/* How requests are spread over the servers of a group. */
#include "tests/serve/harness_upstream.h"

#include <poll.h>
#include <signal.h>

#define LISTEN "listen 127.0.0.1:@port@; "

static struct client *begin_request(struct server *server, const char *path)
{
    struct client *client = client_open(server);

    client_send(client, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    return client;
}

static void answer(struct client *up)
{
    upstream_request(up, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    client_close(up);
}

/* A server that is busy with all it may have: the next ones wait, first come, first served. */
START_TEST(requests_wait_for_room)
{
    struct server *server = server_start(
        "upstream group { zone peers 128k; server 127.0.0.1:@port2@ max_conns=1;\n"
        "  queue 2 timeout=30s; }\n"
        "upstream hurried { server 127.0.0.1:@port2@ max_conns=1; queue 10 timeout=50ms; }\n"
        "server { " LISTEN "location / { proxy_pass http://group; }\n"
        "location /stream { proxy_pass http://group; proxy_request_buffering off;\n"
        "  proxy_http_version 1.1; }\n"
        "location /hurried { proxy_pass http://hurried; } }");
    int listening = upstream_listen(server, 2);
    struct client *one = begin_request(server, "/");
    struct client *up = upstream_accept(server, listening);
    struct client *two = begin_request(server, "/");

    ck_assert(client_is_silent(two));
    answer(up);
    ck_assert_str_eq(client_read(one)->body, "ok");
    up = upstream_accept(server, listening);
    struct client *gone = begin_request(server, "/");
    EVENTUALLY(server_metric(server, "muxd_requests_total") == 3); /* it waits, */
    client_reset(gone);
    server_wait_file(server, "logs/access.log", "\" 499 "); /* and is given up */
    answer(up);
    ck_assert_str_eq(client_read(two)->body, "ok");

    one = client_open(server);
    client_send(one, "POST /stream HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo");
    up = upstream_accept(server, listening);
    two = client_open(server);
    client_send(two, "POST /stream HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo");
    client_send(one, "dy");
    client_send(two, "dy");
    upstream_request(up, "body");
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    client_close(up);
    up = upstream_accept(server, listening);
    upstream_request(up, "body");
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    client_close(up);
    ck_assert_str_eq(client_read(one)->body, "ok");
    ck_assert_str_eq(client_read(two)->body, "ok");

    /* One whose body turns out to be none is answered, and waits no more. */
    one = begin_request(server, "/");
    up = upstream_accept(server, listening);
    two = client_open(server);
    client_send(two, "POST /stream HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "1\r\na\r\n");
    client_send(two, "what?\r\n");
    ck_assert_int_eq(client_read(two)->status, 400);
    answer(up);
    ck_assert_str_eq(client_read(one)->body, "ok");

    server_allow(server, "upstream queue");
    struct client *busy = begin_request(server, "/hurried");
    up = upstream_accept(server, listening);
    for (unsigned refused = 0; refused == 0 && worker_count() == 1;) /* the same worker's */
        refused += get(server, "/hurried")->status == 502;
    if (worker_count() == 1)
        server_wait_log(server, "upstream queue timed out");
    answer(up);
    ck_assert_str_eq(client_read(busy)->body, "ok");
    server_stop(server);
}
END_TEST

static bool is_pending(int listening)
{
    struct pollfd ready = { .fd = listening, .events = POLLIN };

    return poll(&ready, 1, 0) != 0;
}

/* Whichever workers they came to. */
START_TEST(all_workers_share_the_room)
{
    enum { CLIENTS = 24, ROOM = 2 };
    struct server *server = server_start(
        "upstream group { zone peers 128k; server 127.0.0.1:@port2@ max_conns=2; queue 64; }\n"
        "server { " LISTEN "location / { proxy_pass http://group; } }");
    int listening = upstream_listen(server, 2);
    struct client *clients[CLIENTS], *up[ROOM];

    for (int i = 0; i < CLIENTS; i++)
        clients[i] = begin_request(server, "/");
    for (int i = 0; i < ROOM; i++)
        up[i] = upstream_accept(server, listening);
    for (int i = ROOM; i < CLIENTS; i++) {
        ck_assert(!is_pending(listening));
        answer(up[i % ROOM]);
        up[i % ROOM] = upstream_accept(server, listening);
    }
    for (int i = 0; i < ROOM; i++)
        answer(up[i]);
    for (int i = 0; i < CLIENTS; i++)
        ck_assert_str_eq(client_read(clients[i])->body, "ok");
    server_stop(server);
}
END_TEST

/* Of requests to a server that has room for one, each worker lets one wait. */
START_TEST(queues_have_an_end)
{
    struct server *server =
        server_start("upstream group { server 127.0.0.1:@port2@ max_conns=1; queue 1; }\n"
                     "server { " LISTEN "location / { proxy_pass http://group; } }");

    server_allow(server, "upstream queue is full");
    upstream_listen(server, 2); /* it never answers */
    for (unsigned i = 0; i < 64 && count_of(server_read(server, "logs/error.log"), "is full") == 0;
         i++)
        begin_request(server, "/");
    server_wait_log(server, "upstream queue is full");
    server_signal(server, SIGTERM);
    server_join(server);
}
END_TEST

static const char sticky_conf[] =
    "upstream group { server 127.0.0.1:@port2@ route=one; server 127.0.0.1:@port3@;\n"
    "  sticky cookie to expires=1h domain=.example.com path=/ httponly secure samesite=lax; }\n"
    "server { " LISTEN "location / { proxy_pass http://group; } }";

START_TEST(clients_stay_with_their_server)
{
    struct server *server = server_start(sticky_conf);
    struct upstream_player *one = upstream_play(server, "127.0.0.1", 2, "one");
    char cookies[2][200];

    upstream_play(server, "127.0.0.1", 3, "two");
    for (int i = 0; i < 2; i++) {
        struct response *response = get(server, "/");
        while (strcmp(response->body, i == 0 ? "one" : "two") != 0)
            response = get(server, "/");
        const char *cookie = header(response, "Set-Cookie");
        ck_assert_ptr_nonnull(cookie);
        ck_assert_ptr_nonnull(strstr(cookie, "; Max-Age=3600; Domain=.example.com; Path=/; "
                                             "HttpOnly; Secure; SameSite=Lax"));
        snprintf(cookies[i], sizeof(cookies[i]), "Cookie: a=b; %.*s\r\n", (int)strcspn(cookie, ";"),
                 cookie);
    }
    ck_assert_str_eq(cookies[0], "Cookie: a=b; to=one\r\n");
    ck_assert_uint_eq(strlen(cookies[1]), strlen("Cookie: a=b; to=\r\n") + 32);
    for (int i = 0; i < 12; i++) {
        struct response *response = get_with(server, "/", cookies[i % 2]);
        ck_assert_str_eq(response->body, i % 2 == 0 ? "one" : "two");
        ck_assert_ptr_null(header(response, "Set-Cookie"));
    }
    server_allow(server, "Connection refused");
    upstream_leave(one);
    struct response *response = get_with(server, "/", cookies[0]);
    ck_assert_str_eq(response->body, "two");
    ck_assert_ptr_nonnull(header(response, "Set-Cookie"));
    ck_assert_str_eq(get_with(server, "/", "Cookie: to=nobody\r\n")->body, "two");
    server_stop(server);
}
END_TEST

/* What is kept of an answer is the upstream's: the cookie is the client's own. */
START_TEST(cookies_are_not_cached)
{
    struct server *server = server_start(
        "proxy_cache_path @root@/cache keys_zone=pages:1m;\n"
        "upstream group { server 127.0.0.1:@port2@ route=one; sticky cookie to; }\n"
        "server { " LISTEN "add_header X-Cache $upstream_cache_status;\n"
        "location / { proxy_pass http://group; proxy_cache pages; proxy_cache_valid 1h; } }");

    upstream_play(server, "127.0.0.1", 2, "one");
    struct response *response = get(server, "/");
    ck_assert_str_eq(header(response, "X-Cache"), "MISS");
    ck_assert_str_eq(header(response, "Set-Cookie"), "to=one");
    response = get(server, "/");
    ck_assert_str_eq(header(response, "X-Cache"), "HIT");
    ck_assert_ptr_null(header(response, "Set-Cookie"));
    server_stop(server);
}
END_TEST

/* All workers count together, so that the turns can be foretold. */
static const char failing_conf[] =
    "upstream counted { zone peers 256k; server 127.0.0.1:@port2@;\n"
    "  server 127.0.0.1:@port3@ max_fails=2 fail_timeout=1h; }\n"
    "upstream patient { zone peers; server 127.0.0.1:@port2@;\n"
    "  server 127.0.0.1:@port3@ fail_timeout=100ms slow_start=100ms; }\n"
    "upstream trusted { zone peers; server 127.0.0.1:@port3@ max_fails=0 weight=100;\n"
    "  server 127.0.0.1:@port2@; }\n"
    "upstream mostly_dead { zone peers; server 127.0.0.1:@port3@; server 127.0.0.1:@port4@;\n"
    "  server 127.0.0.1:@port5@; server 127.0.0.1:@port2@ backup; }\n"
    "server { " LISTEN "add_header X-Addr $upstream_addr always;\n"
    "location /counted { proxy_pass http://counted; }\n"
    "location /patient { proxy_pass http://patient; }\n"
    "location /trusted { proxy_pass http://trusted; }\n"
    "location /tries { proxy_pass http://mostly_dead; proxy_next_upstream_tries 2; }\n"
    "location /all { proxy_pass http://mostly_dead; }\n"
    "location /none { proxy_pass http://trusted; proxy_next_upstream off; } }";

/* Of so many requests those that a server which is not there was tried for. */
static unsigned count_tried(struct server *server, const char *path, unsigned requests)
{
    const char *dead = server_expand(server, "127.0.0.1:@port3@");
    unsigned tried = 0;

    for (unsigned i = 0; i < requests; i++) {
        struct response *response = get(server, path);
        ck_assert_str_eq(response->body, "one");
        tried += strstr(header(response, "X-Addr"), dead) != NULL;
    }
    return tried;
}

START_TEST(failures_are_counted)
{
    struct server *server = server_start(failing_conf);

    server_allow(server, "Connection refused");
    upstream_play(server, "127.0.0.1", 2, "one");
    ck_assert_uint_eq(count_tried(server, "/counted", 12), 2);
    ck_assert_uint_ge(count_tried(server, "/trusted", 12), 11);
    ck_assert_int_eq(get(server, "/none")->status, 502);
    const char *tried = header(get(server, "/tries"), "X-Addr");
    ck_assert_uint_eq(count_of(tried, "127.0.0.1:"), 2);
    tried = header(get(server, "/all"), "X-Addr");
    ck_assert_ptr_nonnull(strstr(tried, server_expand(server, "127.0.0.1:@port2@")));
    ck_assert_uint_eq(count_of(tried, "127.0.0.1:"), 2); /* the third one, then the backup */
    server_stop(server);
}
END_TEST

START_TEST(who_has_failed_is_tried_again)
{
    struct server *server = server_start(failing_conf);

    server_allow(server, "Connection refused");
    upstream_play(server, "127.0.0.1", 2, "one");
    while (count_tried(server, "/patient", 1) == 0)
        ;
    upstream_play(server, "127.0.0.1", 3, "two");
    EVENTUALLY(strcmp(get(server, "/patient")->body, "two") == 0);
    unsigned twos = 0;
    EVENTUALLY((twos = strcmp(get(server, "/patient")->body, "two") == 0 ? twos + 1 : twos) > 10);
    server_stop(server);
}
END_TEST

/* Asks over the client's connection, and answers as the server. */
static void exchange_over(struct client *client, struct client *up, const char *path)
{
    client_send(client, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    upstream_request(up, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    ck_assert_str_eq(client_read(client)->body, "ok");
}

static struct client *first_over(struct server *server, int listening, struct client *client,
                                 const char *path)
{
    client_send(client, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    struct client *up = upstream_accept(server, listening);
    long long began = clock_now();
    upstream_request(up, NULL);
    EVENTUALLY(clock_now() > began + 2); /* keepalive_time */
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    ck_assert_str_eq(client_read(client)->body, "ok");
    return up;
}

START_TEST(kept_connections_have_limits)
{
    struct server *server = server_start(
        "upstream few { server 127.0.0.1:@port2@; keepalive 4; keepalive_requests 2; }\n"
        "upstream short { server 127.0.0.1:@port2@; keepalive 4; keepalive_timeout 20ms; }\n"
        "upstream old { server 127.0.0.1:@port2@; keepalive 4; keepalive_time 1ms; }\n"
        "server { " LISTEN "proxy_http_version 1.1; proxy_set_header Connection '';\n"
        "location /few { proxy_pass http://few; } location /short { proxy_pass http://short; }\n"
        "location /old { proxy_pass http://old; } }");
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server);

    struct client *up = first_over(server, listening, client, "/few");
    exchange_over(client, up, "/few");
    client_expect_closed(up);
    first_over(server, listening, client, "/few");
    client_expect_closed(first_over(server, listening, client, "/short"));
    client_expect_closed(first_over(server, listening, client, "/old"));
    server_stop(server);
}
END_TEST

START_TEST(configurations_that_are_refused)
{
    static const struct mistake rows[] = {
        { "queue 0;", "invalid value \"0\" in \"queue\" directive" },
        { "queue 1 timeout=x;", "invalid parameter \"timeout=x\"" },
        { "queue 1 time=1s;", "invalid parameter \"time=1s\"" },
        { "random; server 127.0.0.2 slow_start=1s;",
          "\"random\" does not support parameter \"slow_start\"" },
        { "ip_hash; server 127.0.0.2 backup;",
          "\"ip_hash\" does not support parameter \"backup\"" },
        { "} upstream v { server 127.0.0.1 backup;", "no servers in upstream \"v\"" },
        { "} upstream v {", "no servers are inside upstream" },
        { "sticky route a;", "invalid parameter \"route\"" },
        { "sticky cookie a samesite=x;", "invalid parameter \"samesite=x\"" },
        { "sticky cookie a expires=x;", "invalid parameter \"expires=x\"" },
        { 0 },
    };

    expect_mistakes_in("events { } http { upstream u { server 127.0.0.1; ", rows, " } }");
}
END_TEST

int main(void)
{
    return serve_main("balance",
                      (const TTest *[]){ requests_wait_for_room, all_workers_share_the_room,
                                         queues_have_an_end, clients_stay_with_their_server,
                                         cookies_are_not_cached, kept_connections_have_limits,
                                         failures_are_counted, who_has_failed_is_tried_again,
                                         configurations_that_are_refused, NULL });
}
