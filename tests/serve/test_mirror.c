/* mirror: copies of requests whose answers are ignored. */
#include "tests/serve/harness_upstream.h"
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@; "
#define LOG                                                                                \
    "log_format f '$request_method $uri $args $status $request_body'; log_subrequest on; " \
    "access_log off; "

static struct server *start(const char *http)
{
    struct server *server = server_new();

    server_file(server, "html/a.txt", "Hello");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(requests_are_copied)
{
    struct server *server =
        start(LOG "server { " LISTEN "location / { mirror /one; mirror /two; root html; } "
                  "location /off/ { mirror off; alias @root@/html/; } "
                  "location /one { internal; access_log logs/copies f; return 200 one; } "
                  "location /two { access_log logs/copies f; return 500; } }");

    ck_assert_str_eq(get(server, "/a.txt?x=1")->body, "Hello");
    const char *log = server_wait_file(server, "logs/copies", "GET /two x=1 500 -\n");
    ck_assert_str_eq(log, "GET /one x=1 200 -\nGET /two x=1 500 -\n");
    ck_assert_int_eq(ask_method(server, "HEAD", "/a.txt?x=2", "")->status, 200);
    server_wait_file(server, "logs/copies", "HEAD /two x=2 500 -\n");
    ck_assert_str_eq(get(server, "/off/a.txt?off=3")->body, "Hello");
    ck_assert_uint_eq(count_of(server_read(server, "logs/copies"), "off"), 0);
    server_stop(server);
}
END_TEST

START_TEST(bodies_go_along)
{
    struct server *server =
        start(LOG "server { " LISTEN "error_page 405 =200 /done; "
                  "location /yes { mirror /copy; alias @root@/html/a.txt; } "
                  "location /no { mirror /copy; mirror_request_body off; "
                  "alias @root@/html/a.txt; } location /done { return 200 done; } "
                  "location /copy { access_log logs/copies f; return 200; } }");
    struct client *client = client_open(server);

    client_send(client, "POST /yes HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfi");
    client_send(client, "rst");
    ck_assert_str_eq(client_read(client)->body, "done");
    client_send(client, "POST /yes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                        "Expect: 100-continue\r\n\r\n");
    ck_assert_int_eq(client_read(client)->status, 100);
    client_send(client, "6\r\nsecond\r\n0\r\n\r\nPOST /no HTTP/1.1\r\nHost: a\r\n"
                        "Content-Length: 5\r\n\r\nthird");
    ck_assert_str_eq(client_read(client)->body, "done");
    ck_assert_str_eq(client_read(client)->body, "done");
    const char *log = server_wait_file(server, "logs/copies", "POST /copy - 200 -\n");
    ck_assert_str_eq(log, "POST /copy - 200 first\nPOST /copy - 200 second\n"
                          "POST /copy - 200 -\n");
    server_stop(server);
}
END_TEST

/* What becomes of a copy is not the client's matter. */
START_TEST(failing_mirrors)
{
    struct server *server =
        start("server { " LISTEN "location / { mirror /444; mirror /again; mirror /missing; "
              "root html; } location = /444 { return 444; } "
              "location = /again { mirror /again; alias @root@/html/a.txt; } }");
    struct client *client = client_open(server);

    for (int i = 0; i < 3; i++)
        client_send(client, "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(client_read(client)->body, "Hello");
    server_stop(server);
}
END_TEST

#define COPY_UPSTREAM                                                                        \
    "server { " LISTEN "location / { mirror /copy; error_page 405 =200 /done; root html; } " \
    "location /done { mirror off; return 200 done; } "                                       \
    "location /copy { internal; proxy_pass http://127.0.0.1:@port2@; } }"

/* The client has its answer at once; its connection's next request waits for the copy. */
START_TEST(a_slow_upstream_holds_the_next_request_back)
{
    struct server *server = start(COPY_UPSTREAM);
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server);

    client_send(client, "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    struct client *up = upstream_accept(server, listening);
    upstream_request(up, NULL);
    ck_assert_str_eq(client_read(client)->body, "Hello");
    client_send(client, "POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    ck_assert(client_is_silent(client));
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ncopy!");
    client_close(up);
    up = upstream_accept(server, listening);
    ck_assert_ptr_nonnull(strstr(upstream_request(up, "body"), "POST /copy HTTP/1.0\r\n"));
    ck_assert_str_eq(client_read(client)->body, "done");
    client_close(up);
    server_stop(server);
}
END_TEST

START_TEST(a_client_need_not_wait_for_the_copy)
{
    struct server *server = start(COPY_UPSTREAM);
    int listening = upstream_listen(server, 2);
    struct client *gone = client_open(server), *client = client_open(server);

    client_send(gone, "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    struct client *up = upstream_accept(server, listening);
    upstream_request(up, NULL);
    ck_assert_str_eq(client_read(gone)->body, "Hello");
    client_reset(gone);
    client_send(client, "GET /a.txt HTTP/1.0\r\nHost: a\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "Hello");
    struct client *second = upstream_accept(server, listening);
    upstream_request(second, NULL);
    client_close(second);
    client_close(up);
    server_stop(server);
}
END_TEST

START_TEST(wrong_directives)
{
    const struct mistake mistakes[] = {
        { "mirror /a; mirror off;", "directive is duplicate" },
        { "mirror off; mirror /a;", "directive is duplicate" },
        { "mirror_request_body maybe;", "invalid value \"maybe\"" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main(
        "mirror", (const TTest *[]){ requests_are_copied, bodies_go_along, failing_mirrors,
                                     a_slow_upstream_holds_the_next_request_back,
                                     a_client_need_not_wait_for_the_copy, wrong_directives, NULL });
}
