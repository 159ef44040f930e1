/* The reverse proxy: what the upstream gets, byte for byte, and what becomes of its answer,
 * however it lies. */
#include "tests/serve/harness_upstream.h"

#include <signal.h>

#define LISTEN "listen 127.0.0.1:@port@; "

static const char upstream_conf[] =
    "upstream group { server 127.0.0.1:@port2@; keepalive 4; keepalive_requests 100;\n"
    "  keepalive_time 1h; keepalive_timeout 60s; }\n"
    "server { " LISTEN "\n"
    "location / { proxy_pass http://127.0.0.1:@port2@; }\n"
    "location /uri/ { proxy_pass http://127.0.0.1:@port2@/base/; }\n"
    "location /kept/ { proxy_pass http://group; proxy_http_version 1.1;\n"
    "  proxy_set_header Connection ''; proxy_set_header X-From $remote_addr; }\n"
    "location /stream/ { proxy_pass http://group; proxy_http_version 1.1;\n"
    "  proxy_request_buffering off; proxy_buffering off; } }";

/* Sends a request, and returns what the upstream got of it; *up is its connection. */
static const char *forward(struct server *server, int listening, struct client **client,
                           struct client **up, const char *request)
{
    *client = client_open(server);
    client_send_bytes(*client, request, strlen(request));
    *up = upstream_accept(server, listening);
    return server_expand(server, upstream_request(*up, NULL));
}

START_TEST(requests_are_written_anew)
{
    struct server *server = server_start(upstream_conf);
    int listening = upstream_listen(server, 2);
    struct client *client, *up;
    const char *got =
        forward(server, listening, &client, &up,
                "GET /uri/a%20b?x HTTP/1.1\r\nHost: h\r\nConnection: close, X-Hop\r\n"
                "X-Hop: 1\r\nX-Kept: 2\r\nTE: trailers\r\nKeep-Alive: 3\r\nUpgrade: y\r\n\r\n");

    ck_assert_str_eq(got, server_expand(server, "GET /base/a%20b?x HTTP/1.0\r\n"
                                                "Host: 127.0.0.1:@port2@\r\n"
                                                "Connection: close\r\nX-Kept: 2\r\n\r\n"));
    client_send(up,
                "HTTP/1.0 200 Fine\r\nContent-Type: text/x\r\nServer: up\r\nX-A: b\r\n\r\nbody");
    client_close(up);
    struct response *response = client_read(client);
    ck_assert_str_eq(response->status_line, "HTTP/1.1 200 Fine");
    ck_assert_str_eq(response->body, "body");
    ck_assert_str_eq(header(response, "X-A"), "b");
    ck_assert_str_ne(header(response, "Server"), "up");
    server_stop(server);
}
END_TEST

START_TEST(bodies_have_one_framing)
{
    struct server *server = server_start(upstream_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server);

    client_send(client, "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    struct client *up = upstream_accept(server, listening);
    const char *got = upstream_request(up, "abcde");
    ck_assert_ptr_nonnull(strstr(got, "\r\nContent-Length: 5\r\n"));
    ck_assert_ptr_null(strstr(got, "Transfer-Encoding"));
    client_send(up, "HTTP/1.1 204 No Content\r\n\r\n");
    ck_assert_int_eq(client_read(client)->status, 204);

    client_send(client, "POST /stream/p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n");
    up = upstream_accept(server, listening);
    got = upstream_request(up, "3\r\nabc\r\n");
    ck_assert_ptr_nonnull(strstr(got, "\r\nTransfer-Encoding: chunked\r\n"));
    client_send(client, "0\r\n\r\n");
    ck_assert_str_eq(client_read_bytes(up, 5), "0\r\n\r\n");
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    ck_assert_str_eq(client_read(client)->body, "ok");
    server_stop(server);
}
END_TEST

START_TEST(connections_are_kept)
{
    struct server *server = server_start(upstream_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server);
    struct client *up = NULL;

    for (int i = 0; i < 3; i++) {
        client_send(client, "GET /kept/ HTTP/1.1\r\nHost: h\r\n\r\n");
        if (up == NULL)
            up = upstream_accept(server, listening);
        ck_assert_str_eq(upstream_request(up, NULL), "GET /kept/ HTTP/1.1\r\n"
                                                     "X-From: 127.0.0.1\r\nHost: group\r\n\r\n");
        client_send(up, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
        ck_assert_str_eq(client_read(client)->body, "ok");
    }
    server_stop(server);
}
END_TEST

/* Answers that end where a read of the server may end. */
START_TEST(connections_are_kept_whatever_the_length)
{
    enum { STEP = 16384, MOST = 8 * STEP };
    struct server *server = server_start(upstream_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server);
    struct client *up = NULL;
    char *answer = server_own(server, malloc(MOST));

    for (size_t total = STEP; total <= MOST; total += STEP) {
        client_send(client, "GET /kept/ HTTP/1.1\r\nHost: h\r\n\r\n");
        if (up == NULL)
            up = upstream_accept(server, listening);
        upstream_request(up, NULL);
        memset(answer, 'x', total);
        size_t head =
            (size_t)snprintf(NULL, 0, "HTTP/1.1 200 OK\r\nContent-Length: %06zu\r\n\r\n", total);
        snprintf(answer, head + 1, "HTTP/1.1 200 OK\r\nContent-Length: %06zu\r\n\r\n",
                 total - head);
        answer[head] = 'x';
        client_send_bytes(up, answer, total);
        ck_assert_uint_eq(client_read(client)->body_len, total - head);
    }
    server_stop(server);
}
END_TEST

START_TEST(lies_are_a_502)
{
    static const char *const lies[] = {
        "what?\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    };
    struct server *server = server_start(upstream_conf);
    int listening = upstream_listen(server, 2);
    struct client *client, *up;

    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        forward(server, listening, &client, &up, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        client_send(up, "%s", lies[i]);
        client_close(up);
        ck_assert_msg(client_read(client)->status == 502, "%s", lies[i]);
    }
    server_stop(server);
}
END_TEST

START_TEST(failures_go_to_the_next_server)
{
    struct server *server = server_start(
        "upstream weighted { server 127.0.0.1:@port3@ weight=2 max_fails=1 fail_timeout=10s;\n"
        "  server 127.0.0.1:@port2@ backup; }\n"
        "upstream least { least_conn; server 127.0.0.1:@port2@; }\n"
        "upstream address { ip_hash; server 127.0.0.1:@port2@; }\n"
        "upstream key { hash $uri consistent; server 127.0.0.1:@port2@; }\n"
        "upstream lots { random two least_conn; server 127.0.0.1:@port2@; }\n"
        "server { " LISTEN "proxy_next_upstream error timeout; proxy_next_upstream_tries 2;\n"
        "proxy_next_upstream_timeout 5s; add_header X-Addr $upstream_addr;\n"
        "location /w { proxy_pass http://weighted; } location /l { proxy_pass http://least; }\n"
        "location /a { proxy_pass http://address; } location /k { proxy_pass http://key; }\n"
        "location /r { proxy_pass http://lots; }\n"
        "location /dead { proxy_pass http://127.0.0.1:@port3@; } }");
    int listening = upstream_listen(server, 2);
    const char *lines[] = { "GET /w HTTP/1.1\r\nHost: h\r\n\r\n",
                            "GET /l HTTP/1.1\r\nHost: h\r\n\r\n",
                            "GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
                            "GET /k HTTP/1.1\r\nHost: h\r\n\r\n",
                            "GET /r HTTP/1.1\r\nHost: h\r\n\r\n" };
    struct client *client, *up;

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        forward(server, listening, &client, &up, lines[i]);
        client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        struct response *response = client_read(client);
        ck_assert_str_eq(response->body, "ok");
        if (i == 0)
            ck_assert_str_eq(header(response, "X-Addr"),
                             server_expand(server, "127.0.0.1:@port3@, 127.0.0.1:@port2@"));
    }
    ck_assert_int_eq(get(server, "/dead")->status, 502);
    server_stop(server);
}
END_TEST

START_TEST(settings_change_what_is_passed_on)
{
    struct server *server = server_start(
        "proxy_connect_timeout 5s; proxy_send_timeout 5s; proxy_read_timeout 5s;\n"
        "proxy_buffer_size 4k; proxy_buffers 8 4k; proxy_busy_buffers_size 8k;\n"
        "proxy_max_temp_file_size 1m; proxy_temp_file_write_size 8k; proxy_temp_path temp;\n"
        "proxy_limit_rate 0; proxy_socket_keepalive on; proxy_bind 127.0.0.1;\n"
        "proxy_headers_hash_max_size 512; proxy_headers_hash_bucket_size 64;\n"
        "proxy_force_ranges on;\n"
        "proxy_ignore_client_abort off; proxy_intercept_errors on; error_page 404 = /own;\n"
        "server { " LISTEN "location = /own { return 200 own; } location / {\n"
        "proxy_pass http://127.0.0.1:@port2@; proxy_method PUT; proxy_set_body \"b=$arg_b\";\n"
        "proxy_pass_request_headers off; proxy_pass_request_body on; proxy_pass_header Server;\n"
        "proxy_hide_header X-Hidden; proxy_ignore_headers X-Accel-Redirect;\n"
        "proxy_redirect http://up/ /here/; proxy_cookie_domain up.example here.example;\n"
        "proxy_cookie_path /two/ /; proxy_cookie_flags one httponly; } }");
    int listening = upstream_listen(server, 2);
    struct client *client, *up;
    const char *got = forward(server, listening, &client, &up,
                              "GET /x?b=7 HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n");

    ck_assert_str_eq(got, server_expand(server, "PUT /x?b=7 HTTP/1.0\r\nHost: 127.0.0.1:@port2@\r\n"
                                                "Connection: close\r\nContent-Length: 3\r\n\r\n"));
    client_send(up, "HTTP/1.1 302 Found\r\nServer: up\r\nX-Hidden: a\r\nX-Accel-Redirect: /b\r\n"
                    "Location: http://up/x\r\nContent-Length: 0\r\n"
                    "Set-Cookie: one=1; domain=.up.example; path=/two/three\r\n\r\n");
    struct response *response = client_read(client);
    ck_assert_str_eq(header(response, "Server"), "up");
    ck_assert_ptr_null(header(response, "X-Hidden"));
    ck_assert_str_eq(header(response, "Location"), server_expand(server, "http://h:@port@/here/x"));
    ck_assert_str_eq(header(response, "Set-Cookie"),
                     "one=1; domain=.here.example; path=/three; HttpOnly");
    forward(server, listening, &client, &up, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    client_send(up, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "own");
    server_stop(server);
}
END_TEST

static const char waits_conf[] =
    "map $http_upgrade $connection_upgrade { default upgrade; '' close; }\n"
    "server { " LISTEN "\n"
    "proxy_pass_header Server; proxy_buffers 4 4k; proxy_http_version 1.1;\n"
    "location / { proxy_pass http://127.0.0.1:@port2@; }\n"
    "location = /metrics { status prometheus; }\n"
    "location /short/ { proxy_pass http://127.0.0.1:@port2@; proxy_read_timeout 100ms; }\n"
    "location /tunnel/ { proxy_pass http://127.0.0.1:@port2@;\n"
    "  proxy_set_header Upgrade $http_upgrade;\n"
    "  proxy_set_header Connection $connection_upgrade; } }";

/* The upstream is done with an answer that its client does not read yet. */
START_TEST(an_answer_waits_in_a_file)
{
    enum { SIZE = 12 * 1024 * 1024 };
    struct server *server = server_start(waits_conf);
    int listening = upstream_listen(server, 2);
    struct client *client, *up;
    char *body = malloc(SIZE);

    ck_assert_ptr_nonnull(body);
    memset(body, 'x', SIZE);
    forward(server, listening, &client, &up, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert(client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE));
    ck_assert(client_send_bytes(up, body, SIZE));
    client_close(up);
    struct response *response = client_read(client);
    ck_assert_int_eq(response->status, 200);
    ck_assert_uint_eq(response->body_len, SIZE);
    ck_assert_int_eq(memcmp(response->body, body, SIZE), 0);
    free(body);
    server_stop(server);
}
END_TEST

START_TEST(silence_is_a_504)
{
    struct server *server = server_start(waits_conf);
    int listening = upstream_listen(server, 2);
    struct client *client, *up;

    server_allow(server, "upstream timed out");
    forward(server, listening, &client, &up, "GET /short/ HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_int_eq(client_read(client)->status, 504);
    client_expect_closed(up);
    server_stop(server);
}
END_TEST

START_TEST(an_upgraded_connection_is_a_tunnel)
{
    struct server *server = server_start(waits_conf);
    int listening = upstream_listen(server, 2);
    struct client *client, *up;

    forward(server, listening, &client, &up,
            "GET /tunnel/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    client_send(up, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
                    "Upgrade: echo\r\n\r\n");
    ck_assert_int_eq(client_read_head(client)->status, 101);
    for (int i = 0; i < 3; i++) {
        client_send(client, "ping");
        ck_assert_str_eq(client_read_bytes(up, 4 * (size_t)(i + 1)) + 4 * i, "ping");
        client_send(up, "pong");
        ck_assert_str_eq(client_read_bytes(client, 4 * (size_t)(i + 1)) + 4 * i, "pong");
    }
    ck_assert_ptr_nonnull(strstr(get(server, "/metrics")->body, "\nmuxd_tunnels 1\n"));
    client_close(up);
    ck_assert_str_eq(client_read_all(client), "pongpongpong");
    EVENTUALLY(strstr(get(server, "/metrics")->body, "\nmuxd_tunnels 0\n") != NULL);
    ck_assert_ptr_nonnull(strstr(get(server, "/metrics")->body, "\nmuxd_tunnels_total 1\n"));
    server_stop(server);
}
END_TEST

/* A server that leaves lets tunnels be until worker_shutdown_timeout. */
START_TEST(tunnels_are_drained)
{
    struct server *server = server_start_with(
        &(struct setup){ .http = waits_conf, .main = "worker_shutdown_timeout 1s;" });
    int listening = upstream_listen(server, 2);
    struct client *client, *up;

    server_allow(server, "worker_shutdown_timeout: closing");
    forward(server, listening, &client, &up,
            "GET /tunnel/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    client_send(up, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n");
    ck_assert_int_eq(client_read_head(client)->status, 101);
    server_signal(server, SIGQUIT);
    server_wait_log(server, "gracefully shutting down");
    client_send(client, "ping");
    ck_assert_str_eq(client_read_bytes(up, 4), "ping");
    up->len = 0;
    client_expect_closed(up);
    client_expect_closed(client);
    server_join(server);
}
END_TEST

/* A client that was told that its connection is kept may have sent the next request already. */
START_TEST(what_was_said_of_a_connection_holds_when_a_server_leaves)
{
    struct passing passing = passing_start(
        "server { " LISTEN "location / { proxy_buffering off;\n"
        "  proxy_pass http://127.0.0.1:@port2@; } location /next { return 200 next; } }",
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    struct client *client = passing.client;

    client_send(passing.up, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
    ck_assert_int_eq(client_read_head(client)->status, 200);
    server_signal(passing.server, SIGQUIT);
    server_wait_log(passing.server, "gracefully shutting down");
    client_send(client, "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    client_send(passing.up, "half");
    client_close(passing.up);
    const char *all = client_read_all(client);
    ck_assert_msg(strncmp(all, "halfhalfHTTP/1.1 200 OK", 23) == 0, "%s", all);
    ck_assert_msg(strstr(all, "\r\n\r\nnext") != NULL, "%s", all);
    server_join(passing.server);
}
END_TEST

/* Which failures of a server make another one be asked. */
START_TEST(failures_are_those_that_are_named)
{
    static const struct {
        const char *named, *request, *answer;
        bool goes_on;
    } rows[] = {
        { "error", "GET", "", true },
        { "off", "GET", "", false },
        { "timeout", "GET", "", false },
        { "invalid_header", "GET", "what?\r\n\r\n", true },
        { "error", "GET", "what?\r\n\r\n", false },
        { "http_500", "GET", "HTTP/1.1 500 No\r\n\r\n", true },
        { "http_502", "GET", "HTTP/1.1 502 No\r\n\r\n", true },
        { "http_503", "GET", "HTTP/1.1 503 No\r\n\r\n", true },
        { "http_504", "GET", "HTTP/1.1 504 No\r\n\r\n", true },
        { "http_403", "GET", "HTTP/1.1 403 No\r\n\r\n", true },
        { "http_404", "GET", "HTTP/1.1 404 No\r\n\r\n", true },
        { "http_429", "GET", "HTTP/1.1 429 No\r\n\r\n", true },
        { "error", "GET", "HTTP/1.1 500 No\r\n\r\n", false },
        { "error", "POST", "", false },
        { "error non_idempotent", "POST", "", true },
        { "error http_503", "POST", "HTTP/1.1 503 No\r\n\r\n", false },
        { "http_503 non_idempotent", "POST", "HTTP/1.1 503 No\r\n\r\n", true },
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    char conf[8192];
    int len = snprintf(conf, sizeof conf,
                       "upstream two { server 127.0.0.1:@port2@ max_fails=0;\n"
                       "  server 127.0.0.1:@port3@ backup; }\n"
                       "server { " LISTEN "\n");

    for (size_t i = 0; i < ROWS; i++)
        len += snprintf(conf + len, sizeof conf - (size_t)len,
                        "location /%zu { proxy_pass http://two; proxy_next_upstream %s; }\n", i,
                        rows[i].named);
    snprintf(conf + len, sizeof conf - (size_t)len, "}");
    struct server *server = server_start(conf);
    int first = upstream_listen(server, 2), second = upstream_listen(server, 3);
    for (size_t i = 0; i < ROWS; i++) {
        struct client *client = client_open(server);
        client_send(client, "%s /%zu HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
                    rows[i].request, i);
        struct client *up = upstream_accept(server, first);
        upstream_request(up, NULL);
        client_send_bytes(up, rows[i].answer, strlen(rows[i].answer));
        client_close(up);
        if (rows[i].goes_on) {
            up = upstream_accept(server, second);
            upstream_request(up, NULL);
            client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
        struct response *response = client_read(client);
        ck_assert_msg((response->status == 200) == rows[i].goes_on, "row %zu: %d", i,
                      response->status);
        client_close(client);
    }
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main(
        "proxy",
        (const TTest *[]){ requests_are_written_anew, bodies_have_one_framing, connections_are_kept,
                           connections_are_kept_whatever_the_length, lies_are_a_502,
                           failures_go_to_the_next_server, settings_change_what_is_passed_on,
                           an_answer_waits_in_a_file, silence_is_a_504,
                           an_upgraded_connection_is_a_tunnel, tunnels_are_drained,
                           what_was_said_of_a_connection_holds_when_a_server_leaves,
                           failures_are_those_that_are_named, NULL });
}
