/* limit_rate: an answer of N bytes takes no less than N/rate seconds, but for the first one. */
#include "tests/serve/harness.h"
#include "tests/serve/harness_upstream.h"

enum {
    BYTES = 12500,
    SOON = 200, /* ms that BYTES take at 10k, less the first second: 220 */
};

#define SERVER "server { listen 127.0.0.1:@port@; root @root@/html;\n"

static struct server *start(const char *http)
{
    struct server *server = server_new();
    static char text[BYTES + 1];

    memset(text, 'x', BYTES);
    server_file(server, "html/x", text);
    server_file(server, "html/x.html", text);
    server_run(server, &(struct setup){ .http = http });
    return server;
}

/* Asks all paths at once; each answer is whole, and took its time. */
static void expect_slow(struct server *server, const char *const *paths)
{
    struct client *clients[16];
    long long before[16];
    size_t count = 0;

    for (; paths[count] != NULL; count++) {
        clients[count] = client_open(server);
        before[count] = clock_now();
        client_send(clients[count], "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", paths[count]);
    }
    for (size_t i = 0; i < count; i++) {
        struct response *response = client_read(clients[i]);
        long long took = clock_now() - before[i];
        ck_assert_int_eq(response->status, 200);
        ck_assert_msg(response->body_len >= BYTES, "%s: %zu", paths[i], response->body_len);
        ck_assert_uint_eq(strspn(response->body, "x"), response->body_len);
        ck_assert_msg(took >= SOON, "%s: %lld ms", paths[i], took);
    }
}

/* Files with and without sendfile, memory, and streams. */
START_TEST(bodies_of_all_kinds)
{
    struct server *server =
        start(SERVER "limit_rate 10k;\n"
                     "location /file/ { alias @root@/html/; }\n"
                     "location /read/ { sendfile off; alias @root@/html/; }\n"
                     "location /piece/ { sendfile_max_chunk 1k; alias @root@/html/; }\n"
                     "location /stream/ { sub_filter_types *; sub_filter y y;\n"
                     "alias @root@/html/; }\n"
                     "location /added/ { add_after_body /file/x; addition_types *;\n"
                     "alias @root@/html/; } }");

    expect_slow(server, (const char *[]){ "/file/x", "/read/x", "/piece/x", "/stream/x", "/added/x",
                                          NULL });
    server_stop(server);
}
END_TEST

START_TEST(rates_of_all_sources)
{
    struct server *server = start(
        "map $arg_rate $rate { default 10k; none 0; bad x; }\n" SERVER
        "location /map/ { limit_rate $rate; alias @root@/html/; }\n"
        "location /set/ { set $limit_rate 10k; limit_rate 1m; alias @root@/html/; }\n"
        "location /if/ { if ($arg_rate != none) { limit_rate 10k; } alias @root@/html/; }\n"
        "location /after/ { limit_rate_after $arg_after; limit_rate 10k; alias @root@/html/; }\n"
        "location /value { set $limit_rate 4k; set $limit_rate bad; return 200 $limit_rate; }\n"
        "location /unset { limit_rate 4k; return 200 $limit_rate; } }");

    expect_slow(server, (const char *[]){ "/map/x", "/set/x", "/if/x", "/after/x?after=1", NULL });
    ck_assert_str_eq(get(server, "/value")->body, "4096");
    server_wait_log(server, "invalid $limit_rate \"bad\"");
    ck_assert_str_eq(get(server, "/unset")->body, "0");
    /* These wait for nothing: a minute would be too long for the harness. */
    ck_assert_uint_eq(get(server, "/map/x?rate=none")->body_len, BYTES);
    ck_assert_uint_eq(get(server, "/map/x?rate=bad")->body_len, BYTES);
    server_wait_log(server, "invalid size \"x\"");
    ck_assert_uint_eq(get(server, "/if/x?rate=none")->body_len, BYTES);
    server_stop(server);
}
END_TEST

/* A rate of which BYTES would take hours: all of it, or the part before the limit. */
START_TEST(what_is_not_limited_leaves_at_once)
{
    struct server *server =
        start(SERVER "limit_rate 1;\n"
                     "location /after/ { limit_rate_after 20k; alias @root@/html/; }\n"
                     "location /part/ { limit_rate_after 5k; alias @root@/html/; }\n"
                     "location /small { limit_rate 1k; return 200 small; } }");

    ck_assert_uint_eq(get(server, "/after/x")->body_len, BYTES);
    ck_assert_str_eq(get(server, "/small")->body, "small");
    struct client *client = client_open(server);
    client_send(client, "GET /part/x HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_uint_ge(strlen(client_read_bytes(client, 5 * 1024)), 5 * 1024);
    client_close(client); /* nobody waits for the rest */
    server_stop(server);
}
END_TEST

/* What follows on the connection is not mixed up with it. */
START_TEST(a_connection_goes_on)
{
    struct server *server = start(SERVER "location /x { limit_rate 10k; } }");
    struct client *client = client_open(server);
    long long before = clock_now();

    client_send(client, "GET /x HTTP/1.1\r\nHost: h\r\n\r\nGET /x.html HTTP/1.1\r\nHost: h\r\n\r\n"
                        "GET /none HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_uint_eq(client_read(client)->body_len, BYTES);
    ck_assert_int_ge(clock_now() - before, SOON);
    ck_assert_uint_eq(client_read(client)->body_len, BYTES);
    ck_assert_int_ge(clock_now() - before, 2 * SOON);
    ck_assert_int_eq(client_read(client)->status, 404);
    server_stop(server);
}
END_TEST

/* An upstream may say how fast; it is read to its end meanwhile. */
START_TEST(answers_of_upstreams)
{
    struct server *server = start(SERVER "location / { proxy_pass http://127.0.0.1:@port2@; }\n"
                                         "location /ignored { proxy_ignore_headers\n"
                                         "X-Accel-Limit-Rate;\n"
                                         "proxy_pass http://127.0.0.1:@port2@; } }");
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server), *up;
    static char body[BYTES + 1];
    long long before = clock_now();

    memset(body, 'x', BYTES);
    client_send(client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    up = upstream_accept(server, listening);
    upstream_request(up, NULL);
    client_send(up, "HTTP/1.0 200 OK\r\nX-Accel-Limit-Rate: 10240\r\nContent-Length: %d\r\n\r\n%s",
                BYTES, body);
    client_expect_closed(up);
    ck_assert_uint_eq(client_read(client)->body_len, BYTES);
    ck_assert_int_ge(clock_now() - before, SOON);

    client_send(client, "GET /ignored HTTP/1.1\r\nHost: h\r\n\r\n");
    up = upstream_accept(server, listening);
    upstream_request(up, NULL);
    client_send(up, "HTTP/1.0 200 OK\r\nX-Accel-Limit-Rate: 1\r\nContent-Length: %d\r\n\r\n%s",
                BYTES, body);
    ck_assert_uint_eq(client_read(client)->body_len, BYTES);
    server_stop(server);
}
END_TEST

START_TEST(mistakes_are_reported)
{
    struct server *server = server_new();

    ck_assert_int_eq(config_test(server, "events {} http { limit_rate fast; }")->status, 1);
    ck_assert_int_eq(config_test(server, "events {} http { limit_rate_after -1; }")->status, 1);
    ck_assert_int_eq(config_test(server, "events {} http { limit_rate $none; }")->status, 1);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("limit_rate", (const TTest *[]){
                                        bodies_of_all_kinds,
                                        rates_of_all_sources,
                                        what_is_not_limited_leaves_at_once,
                                        a_connection_goes_on,
                                        answers_of_upstreams,
                                        mistakes_are_reported,
                                        NULL,
                                    });
}
