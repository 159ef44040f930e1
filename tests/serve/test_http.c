/* HTTP/1.0 and 1.1 over one connection: keep-alive, pipelining, methods,
 * targets, bytes in any pieces. RFC 9110, RFC 9112. */
#include "tests/serve/harness.h"

static const char *const SERVER = "server {\n"
                                  "    listen 127.0.0.1:@port@;\n"
                                  "    root @root@/html;\n"
                                  "    location = /ok { return 200 \"OK\\n\"; }\n"
                                  "    location /echo { return 200 \"$request_method $uri\"; }\n"
                                  "}";

#define HOST "Host: localhost\r\n"
#define GET_OK "GET /ok HTTP/1.1\r\n" HOST "\r\n"

/* ---- keep-alive ---- */

START_TEST(connection_is_kept_alive)
{
    struct server *server = server_start(SERVER);
    struct client *client = client_open(server);

    for (int i = 0; i < 5; i++) {
        client_send(client, GET_OK);
        struct response *response = client_read(client);
        ck_assert_str_eq(response->body, "OK\n");
        ck_assert_str_eq(header(response, "Connection"), "keep-alive");
    }
    server_stop(server);
}
END_TEST

START_TEST(client_asks_to_close)
{
    struct server *server = server_start(SERVER);
    struct client *client = client_open(server);

    client_send(client, "GET /ok HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    struct response *response = client_read(client);
    ck_assert_str_eq(response->body, "OK\n");
    ck_assert_str_eq(header(response, "Connection"), "close");
    client_expect_closed(client);
    server_stop(server);
}
END_TEST

START_TEST(http_1_0_closes_unless_asked_to_keep_alive)
{
    struct server *server = server_start(SERVER);
    struct client *client = client_open(server);

    client_send(client, "GET /ok HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    struct response *response = client_read(client);
    ck_assert_str_eq(response->status_line, "HTTP/1.1 200 OK");
    ck_assert_str_eq(header(response, "Connection"), "keep-alive");
    client_send(client, "GET /ok HTTP/1.0\r\n\r\n");
    ck_assert_str_eq(header(client_read(client), "Connection"), "close");
    client_expect_closed(client);
    server_stop(server);
}
END_TEST

START_TEST(keepalive_requests_bounds_a_connection)
{
    struct server *server = server_start("keepalive_requests 2;\n"
                                         "server { listen 127.0.0.1:@port@;\n"
                                         "location /ok { return 200 OK; } }");
    struct client *client = client_open(server);

    client_send(client, GET_OK GET_OK GET_OK);
    ck_assert_str_eq(header(client_read(client), "Connection"), "keep-alive");
    ck_assert_str_eq(header(client_read(client), "Connection"), "close");
    client_expect_closed(client);
    server_stop(server);
}
END_TEST

START_TEST(keepalive_timeout_tells_the_client)
{
    struct server *server = server_start("keepalive_timeout 70s 20s;\n"
                                         "server { listen 127.0.0.1:@port@;\n"
                                         "location /ok { return 200 OK; }\n"
                                         "location /off { keepalive_timeout 0; return 200; } }");
    struct client *client = client_open(server);

    client_send(client, GET_OK);
    ck_assert_str_eq(header(client_read(client), "Keep-Alive"), "timeout=20");
    client_send(client, "GET /off HTTP/1.1\r\n" HOST "\r\n");
    struct response *response = client_read(client);
    ck_assert_ptr_null(header(response, "Keep-Alive"));
    ck_assert_str_eq(header(response, "Connection"), "close");
    client_expect_closed(client);
    server_stop(server);
}
END_TEST

START_TEST(keepalive_disable_names_browsers)
{
    struct server *server = server_start("keepalive_disable msie6 safari;\n"
                                         "server { listen 127.0.0.1:@port@;\n"
                                         "location /ok { return 200 OK; } }");
    struct client *client = client_open(server);

    client_send(client, "GET /ok HTTP/1.1\r\n" HOST "User-Agent: Mozilla/5.0 (Macintosh; Intel Mac "
                        "OS X 10_6) AppleWebKit/533 (KHTML, like Gecko) Safari/533\r\n\r\n");
    ck_assert_str_eq(header(client_read(client), "Connection"), "close");
    client_expect_closed(client);
    server_stop(server);
}
END_TEST

/* ---- pipelining ---- */

START_TEST(pipelined_requests_are_answered_in_order)
{
    enum { COUNT = 200 };
    struct server *server = server_start(SERVER);
    struct client *client = client_open(server);
    char expected[32];

    for (int i = 0; i < COUNT; i++)
        client_send(client, "GET /echo/%d HTTP/1.1\r\n" HOST "\r\n", i);
    for (int i = 0; i < COUNT; i++) {
        snprintf(expected, sizeof(expected), "GET /echo/%d", i);
        ck_assert_str_eq(client_read(client)->body, expected);
    }
    server_stop(server);
}
END_TEST

START_TEST(pipelined_requests_of_all_kinds)
{
    struct server *server = server_new();

    server_file(server, "html/a.txt", "a file");
    server_run(server, &(struct setup){ .http = SERVER });
    struct client *client = client_open(server);
    client_send(client, "HEAD /a.txt HTTP/1.1\r\n" HOST "\r\n"
                        "POST /echo/p HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde"
                        "GET /none HTTP/1.1\r\n" HOST "\r\n"
                        "POST /echo/c HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n0\r\n\r\n"
                        "GET /a.txt HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" GET_OK);
    ck_assert_str_eq(header(client_read_head(client), "Content-Length"), "6");
    ck_assert_str_eq(client_read(client)->body, "POST /echo/p");
    ck_assert_int_eq(client_read(client)->status, 404);
    ck_assert_str_eq(client_read(client)->body, "POST /echo/c");
    ck_assert_str_eq(client_read(client)->body, "a file");
    client_expect_closed(client);
    server_stop(server);
}
END_TEST

START_TEST(empty_lines_before_a_request_are_skipped)
{
    struct server *server = server_start(SERVER);
    struct client *client = client_open(server);

    client_send(client, "\r\n\r\n" GET_OK "\r\n" GET_OK); /* RFC 9112 2.2 */
    ck_assert_int_eq(client_read(client)->status, 200);
    ck_assert_int_eq(client_read(client)->status, 200);
    server_stop(server);
}
END_TEST

/* ---- methods, versions, targets ---- */

START_TEST(head_has_the_fields_of_get)
{
    struct server *server = server_start(SERVER);
    struct client *client = client_open(server);

    client_send(client, "HEAD /ok HTTP/1.1\r\n" HOST "\r\n" GET_OK);
    struct response *head = client_read_head(client);
    struct response *whole = client_read(client);
    ck_assert_str_eq(head->status_line, whole->status_line);
    ck_assert_str_eq(header(head, "Content-Length"), "3");
    ck_assert_str_eq(header(head, "Content-Type"), header(whole, "Content-Type"));
    client_send(client, "HEAD /none HTTP/1.1\r\n" HOST "\r\n" GET_OK);
    ck_assert_int_eq(client_read_head(client)->status, 404);
    ck_assert_int_eq(client_read(client)->status, 200);
    server_stop(server);
}
END_TEST

START_TEST(files_take_get_and_head_only)
{
    static const struct {
        const char *method;
        int status;
    } methods[] = {
        { "GET", 200 },     { "POST", 405 },  { "PUT", 405 },      { "DELETE", 405 },
        { "OPTIONS", 405 }, { "PATCH", 405 }, { "PROPFIND", 405 }, { "TRACE", 405 },
    };
    struct server *server = server_start(SERVER);

    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        int status =
            ask(server, "%s / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", methods[i].method)
                ->status;
        ck_assert_msg(status == methods[i].status, "%s: %d", methods[i].method, status);
    }
    server_stop(server);
}
END_TEST

START_TEST(every_answer_has_date_and_server)
{
    struct server *server = server_start(SERVER);
    struct response *response = get(server, "/ok");
    char day[4], month[4], zone[4];
    int number, year, hour, minute, second;

    ck_assert_int_eq(sscanf(header(response, "Date"), "%3s, %d %3s %d %d:%d:%d %3s", day, &number,
                            month, &year, &hour, &minute, &second, zone),
                     8);
    ck_assert_str_eq(zone, "GMT");
    ck_assert_uint_eq(strlen(header(response, "Date")), 29);
    ck_assert_uint_eq(header_count(response, "Server"), 1);
    ck_assert_uint_eq(header_count(response, "Date"), 1);
    server_stop(server);
}
END_TEST

START_TEST(minor_versions_above_1_are_served)
{
    struct server *server = server_start(SERVER);

    ck_assert_str_eq(ask(server, "GET /ok HTTP/1.2\r\n" HOST "\r\n")->body, "OK\n");
    server_stop(server);
}
END_TEST

START_TEST(absolute_targets_name_the_host)
{
    struct server *server =
        server_start("server { listen 127.0.0.1:@port@; server_name a; return 200 A; }\n"
                     "server { listen 127.0.0.1:@port@; server_name b; return 200 $host$uri; }");

    ck_assert_str_eq(ask(server, "GET http://b:80/x?y HTTP/1.1\r\nHost: a\r\n\r\n")->body, "b/x");
    ck_assert_str_eq(ask(server, "GET HTTP://B HTTP/1.1\r\nHost: a\r\n\r\n")->body, "b/");
    server_stop(server);
}
END_TEST

START_TEST(paths_are_normalised)
{
    static const struct {
        const char *target, *uri;
    } paths[] = {
        { "/echo/a", "/echo/a" },
        { "/echo//a///b", "/echo/a/b" },
        { "/echo/./a", "/echo/a" },
        { "/echo/x/../a", "/echo/a" },
        { "/x/../echo/a/", "/echo/a/" },
        { "/echo/a/.", "/echo/a/" },
        { "/echo/a/b/..", "/echo/a/" },
        { "/%65cho/%41%20b", "/echo/A b" },
        { "/echo/x/%2e%2E/a", "/echo/a" },
        { "/echo/a%2fb", "/echo/a/b" },
        { "/echo/a?x=/../..", "/echo/a" },
        { "/echo/a%3Fb", "/echo/a?b" },
        { "/echo/a#b", "/echo/a" },
        { "/echo/...", "/echo/..." },
        { "/echo/\xc3\xa9%C3%A9", "/echo/\xc3\xa9\xc3\xa9" },
    };
    struct server *server = server_start(SERVER);

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        struct response *response = get(server, paths[i].target);
        ck_assert_msg(response->status == 200 && strcmp(response->body + 4, paths[i].uri) == 0,
                      "%s: %d %s", paths[i].target, response->status, response->body);
    }
    server_stop(server);
}
END_TEST

START_TEST(merge_slashes_can_be_off)
{
    struct server *server = server_start("server { listen 127.0.0.1:@port@; merge_slashes off;\n"
                                         "location / { return 200 $uri; } }");

    ck_assert_str_eq(get(server, "//a///b")->body, "//a///b");
    server_stop(server);
}
END_TEST

/* ---- bytes in any pieces ---- */

#define PIECES_REQUEST                                                                     \
    "POST /p?x=%41 HTTP/1.1\r\nHost: localhost\r\nX-Long: a b  c\t\r\nTransfer-Encoding: " \
    "chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: t\r\n\r\n"

static const char *const PIECES_SERVER =
    "server { listen 127.0.0.1:@port@; client_body_read on;\n"
    "location / { return 200 \"$request_method $uri $arg_x $http_x_long $request_body\"; } }";

static const char *const PIECES_ANSWER = "POST /p %41 a b  c hello world";

START_TEST(a_request_may_be_cut_anywhere)
{
    static const char request[] = PIECES_REQUEST;
    struct server *server = server_start(PIECES_SERVER);
    struct client *client = client_open(server);

    for (size_t cut = 1; cut < sizeof(request) - 1; cut++) {
        client_send_bytes(client, request, cut);
        ck_assert(client_is_silent(client));
        client_send_bytes(client, request + cut, sizeof(request) - 1 - cut);
        struct response *response = client_read(client);
        ck_assert_msg(strcmp(response->body, PIECES_ANSWER) == 0, "cut at %zu: %s", cut,
                      response->body);
        if (response->status != 200 || strcmp(header(response, "Connection"), "close") == 0) {
            client_close(client);
            client = client_open(server);
        }
    }
    server_stop(server);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
    struct server *server = server_start(PIECES_SERVER);
    struct client *client = client_open(server);

    for (int i = 0; i < 3; i++) {
        client_send_slowly(client, PIECES_REQUEST);
        ck_assert_str_eq(client_read(client)->body, PIECES_ANSWER);
    }
    server_stop(server);
}
END_TEST

START_TEST(pipelined_requests_may_be_cut_anywhere)
{
    static const char requests[] = GET_OK "HEAD /ok HTTP/1.1\r\n" HOST "\r\n" GET_OK;
    struct server *server = server_start("keepalive_requests 10000;\n"
                                         "server { listen 127.0.0.1:@port@;\n"
                                         "location /ok { return 200 OK; } }");
    struct client *client = client_open(server);

    for (size_t cut = 1; cut < sizeof(requests) - 1; cut++) {
        client_send_bytes(client, requests, cut);
        client_send_bytes(client, requests + cut, sizeof(requests) - 1 - cut);
        ck_assert_str_eq(client_read(client)->body, "OK");
        ck_assert_str_eq(header(client_read_head(client), "Content-Length"), "2");
        ck_assert_str_eq(client_read(client)->body, "OK");
    }
    server_stop(server);
}
END_TEST

/* ---- clients that leave ---- */

START_TEST(a_client_may_finish_sending_early)
{
    struct server *server = server_start(SERVER);
    struct client *client = client_open(server);

    client_send(client, GET_OK GET_OK);
    client_finish(client);
    ck_assert_str_eq(client_read(client)->body, "OK\n");
    ck_assert_str_eq(client_read(client)->body, "OK\n");
    client_expect_closed(client);
    server_stop(server);
}
END_TEST

START_TEST(clients_that_vanish_harm_nobody)
{
    static const char *const starts[] = { "", "G", "GET /ok HTTP/1.1\r\nHo", GET_OK,
                                          "POST /ok HTTP/1.1\r\n" HOST
                                          "Content-Length: 9\r\n\r\n" };
    struct server *server = server_start(SERVER);

    for (int i = 0; i < 50; i++) {
        struct client *client = client_open(server);
        client_send(client, "%s", starts[i % 5]);
        if (i % 2 == 0)
            client_reset(client);
        else
            client_close(client);
    }
    ck_assert_int_eq(get(server, "/ok")->status, 200);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("http", (const TTest *[]){
                                  connection_is_kept_alive,
                                  client_asks_to_close,
                                  http_1_0_closes_unless_asked_to_keep_alive,
                                  keepalive_requests_bounds_a_connection,
                                  keepalive_timeout_tells_the_client,
                                  keepalive_disable_names_browsers,
                                  pipelined_requests_are_answered_in_order,
                                  pipelined_requests_of_all_kinds,
                                  empty_lines_before_a_request_are_skipped,
                                  head_has_the_fields_of_get,
                                  files_take_get_and_head_only,
                                  every_answer_has_date_and_server,
                                  minor_versions_above_1_are_served,
                                  absolute_targets_name_the_host,
                                  paths_are_normalised,
                                  merge_slashes_can_be_off,
                                  a_request_may_be_cut_anywhere,
                                  a_request_may_come_byte_by_byte,
                                  pipelined_requests_may_be_cut_anywhere,
                                  a_client_may_finish_sending_early,
                                  clients_that_vanish_harm_nobody,
                                  NULL,
                              });
}
