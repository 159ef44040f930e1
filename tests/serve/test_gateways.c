/* uwsgi and SCGI: what the program gets, byte for byte, and what becomes of its answer. */
#include "tests/serve/harness_upstream.h"

static const char gateways_conf[] =
    "server { listen 127.0.0.1:@port@;\n"
    "uwsgi_param ARG $arg_a; uwsgi_param NONE '' if_not_empty; uwsgi_param EMPTY '';\n"
    "scgi_param SCGI 1; scgi_param ARG $arg_a; scgi_param EMPTY '';\n"
    "location /uwsgi/ { uwsgi_pass uwsgi://127.0.0.1:@port2@; uwsgi_modifier1 5;\n"
    "  uwsgi_modifier2 7; }\n"
    "location /streamed/ { uwsgi_request_buffering off; scgi_request_buffering off;\n"
    "  uwsgi_pass_request_headers off; uwsgi_param CONTENT_LENGTH $content_length;\n"
    "  scgi_pass_request_headers off; scgi_param NONE '' if_not_empty;\n"
    "  location /streamed/uwsgi { uwsgi_pass 127.0.0.1:@port2@; }\n"
    "  location /streamed/scgi { scgi_pass 127.0.0.1:@port2@; } }\n"
    "location /string/ { uwsgi_pass 127.0.0.1:@port2@; uwsgi_modifier1 22;\n"
    "  uwsgi_string 'return 1'; }\n"
    "location /scgi/ { scgi_pass 127.0.0.1:@port2@; }\n"
    "location /settings/ { error_page 404 = /own;\n"
    "  uwsgi_bind 127.0.0.1; uwsgi_socket_keepalive on; uwsgi_connect_timeout 5s;\n"
    "  uwsgi_send_timeout 5s; uwsgi_read_timeout 5s; uwsgi_buffering on;\n"
    "  uwsgi_request_buffering on; uwsgi_pass_request_headers on; uwsgi_pass_request_body on;\n"
    "  uwsgi_buffer_size 4k; uwsgi_buffers 8 4k; uwsgi_busy_buffers_size 8k;\n"
    "  uwsgi_max_temp_file_size 1m; uwsgi_temp_file_write_size 8k;\n"
    "  uwsgi_temp_path temp; uwsgi_limit_rate 0; uwsgi_pass_header Server;\n"
    "  uwsgi_hide_header X-Hidden; uwsgi_ignore_headers X-Accel-Redirect;\n"
    "  uwsgi_intercept_errors on; uwsgi_ignore_client_abort off;\n"
    "  uwsgi_next_upstream error timeout; uwsgi_next_upstream_tries 1;\n"
    "  uwsgi_next_upstream_timeout 5s; uwsgi_force_ranges on;\n"
    "  uwsgi_store off; uwsgi_store_access user:rw;\n"
    "  scgi_bind 127.0.0.1; scgi_socket_keepalive on; scgi_connect_timeout 5s;\n"
    "  scgi_send_timeout 5s; scgi_read_timeout 5s; scgi_buffering on;\n"
    "  scgi_request_buffering on; scgi_pass_request_headers on; scgi_pass_request_body on;\n"
    "  scgi_buffer_size 4k; scgi_buffers 8 4k; scgi_busy_buffers_size 8k;\n"
    "  scgi_max_temp_file_size 1m; scgi_temp_file_write_size 8k;\n"
    "  scgi_temp_path temp; scgi_limit_rate 0; scgi_pass_header Server;\n"
    "  scgi_hide_header X-Hidden; scgi_ignore_headers X-Accel-Redirect;\n"
    "  scgi_intercept_errors on; scgi_ignore_client_abort off;\n"
    "  scgi_next_upstream error timeout; scgi_next_upstream_tries 1;\n"
    "  scgi_next_upstream_timeout 5s; scgi_force_ranges on;\n"
    "  scgi_store off; scgi_store_access user:rw;\n"
    "  location /settings/uwsgi { uwsgi_pass 127.0.0.1:@port2@; }\n"
    "  location /settings/scgi { scgi_pass 127.0.0.1:@port2@; } }\n"
    "location = /own { return 200 own; } }";

static void expect_bytes(struct client *up, const char *bytes, size_t len)
{
    ck_assert_int_eq(memcmp(client_read_bytes(up, len), bytes, len), 0);
    ck_assert_uint_eq(up->len, len);
    up->len = 0;
}

#define EXPECT(up, bytes) expect_bytes(up, bytes, sizeof(bytes) - 1)

START_TEST(uwsgi_packets)
{
    struct passing to =
        passing_start(gateways_conf, "POST /uwsgi/?a=1 HTTP/1.1\r\nHost: h\r\nProxy: evil\r\n"
                                     "Content-Length: 3\r\n\r\nabc");

    EXPECT(to.up, "\5\67\0\7\3\0ARG\1\0001\5\0EMPTY\0\0\11\0HTTP_HOST\1\0h"
                  "\23\0HTTP_CONTENT_LENGTH\1\0003abc");
    client_send(to.up, "HTTP/1.1 403 Not you\r\nContent-Type: a/b\r\n\r\nno");
    client_close(to.up);
    struct response *response = client_read(to.client);
    ck_assert_str_eq(response->status_line, "HTTP/1.1 403 Not you");
    ck_assert_str_eq(response->body, "no");
    server_stop(to.server);
}
END_TEST

START_TEST(a_uwsgi_packet_ends_with_a_string)
{
    struct passing to = passing_start(gateways_conf, "GET /string/ HTTP/1.0\r\n\r\n");

    EXPECT(to.up, "\26\30\0\0\3\0ARG\0\0\5\0EMPTY\0\0return 1");
    client_close(to.up);
    server_stop(to.server);
}
END_TEST

START_TEST(scgi_netstrings)
{
    struct passing to =
        passing_start(gateways_conf, "POST /scgi/?a=1 HTTP/1.1\r\nHost: h\r\nProxy: evil\r\n"
                                     "Content-Length: 3\r\n\r\nabc");

    EXPECT(to.up, "71:CONTENT_LENGTH\0"
                  "3\0SCGI\0"
                  "1\0ARG\0"
                  "1\0EMPTY\0\0HTTP_HOST\0h\0"
                  "HTTP_CONTENT_LENGTH\0"
                  "3\0,abc");
    client_send(to.up, "Status: 404 Gone fishing\r\nContent-Type: a/b\r\n\r\nno");
    client_close(to.up);
    struct response *response = client_read(to.client);
    ck_assert_str_eq(response->status_line, "HTTP/1.1 404 Gone fishing");
    ck_assert_ptr_null(header(response, "Status"));
    ck_assert_str_eq(response->body, "no");
    server_stop(to.server);
}
END_TEST

/* RFC 3875 6.2.3: a Location without a status is a redirect. */
START_TEST(locations_are_redirects)
{
    struct passing to = passing_start(gateways_conf, "GET /scgi/ HTTP/1.1\r\nHost: h\r\n\r\n");

    client_read_bytes(to.up, 1);
    client_send(to.up, "Location: http://else/where\n\n");
    client_close(to.up);
    struct response *response = client_read(to.client);
    ck_assert_int_eq(response->status, 302);
    ck_assert_str_eq(header(response, "Location"), "http://else/where");
    server_stop(to.server);
}
END_TEST

/* A program that does not look at the method answers HEAD with a body. */
START_TEST(heads_have_no_body)
{
    struct passing to = passing_start(gateways_conf, "HEAD /uwsgi/ HTTP/1.1\r\nHost: h\r\n\r\n");

    client_send(to.up, "Content-Length: 5\r\nA: b\r\n\r\nhello");
    struct response *response = client_read_head(to.client);
    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(header(response, "Content-Length"), "5");
    client_close(to.up);
    client_send(to.client, "GET /own HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_str_eq(client_read(to.client)->body, "own");
    server_stop(to.server);
}
END_TEST

START_TEST(broken_answers_are_a_502)
{
    static const char *const answers[] = {
        "", "A: b\n", "what?\n\n", "Status: x\n\n", "Content-Length: x\n\n", "HTTP/2 200\n\n"
    };
    static const char *const paths[] = { "/uwsgi/", "/scgi/" };
    struct passing to = { .server = server_start(gateways_conf) };

    to.listening = upstream_listen(to.server, 2);
    for (size_t i = 0; i < 2 * sizeof answers / sizeof *answers; i++) {
        char request[100];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", paths[i % 2]);
        passing_next(&to, request);
        client_read_bytes(to.up, 10);
        client_send(to.up, "%s", answers[i / 2]);
        client_finish(to.up);
        ck_assert_msg(client_read(to.client)->status == 502, "%s", answers[i / 2]);
    }
    server_stop(to.server);
}
END_TEST

START_TEST(a_uwsgi_packet_has_bounds)
{
    struct server *server = server_start(
        "large_client_header_buffers 4 64k; server { listen 127.0.0.1:@port@;\n"
        "location / { uwsgi_pass 127.0.0.1:@port2@; uwsgi_param A $arg_a$arg_a$arg_a; } }");
    char *request = server_own(server, malloc(40000));

    int len = snprintf(request, 40000, "GET /?a=");
    memset(request + len, 'x', 30000);
    snprintf(request + len + 30000, 100, " HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_int_eq(ask_status(server, request), 500);
    server_wait_log(server, "uwsgi request is too big");
    server_stop(server);
}
END_TEST

START_TEST(settings_are_those_of_the_proxy)
{
    static const char *const paths[] = { "/settings/uwsgi", "/settings/scgi" };
    struct passing to = { .server = server_start(gateways_conf) };

    to.listening = upstream_listen(to.server, 2);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char request[100];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", paths[i]);
        passing_next(&to, request);
        client_send(to.up, "Server: up\nX-Hidden: a\nContent-Length: 4\n\nabcd");
        struct response *response = client_read(to.client);
        ck_assert_str_eq(response->body, "abcd");
        ck_assert_str_eq(header(response, "Server"), "up");
        ck_assert_ptr_null(header(response, "X-Hidden"));
        passing_next(&to, request);
        client_send(to.up, "Status: 404 No\n\n");
        ck_assert_str_eq(client_read(to.client)->body, "own");
    }
    server_stop(to.server);
}
END_TEST

/* A program is told how long a body is: one in chunks is read first, whatever is set. */
START_TEST(bodies_that_are_not_buffered)
{
    static const char uwsgi[] = "\0\23\0\0\16\0CONTENT_LENGTH\1\0007abcdefg",
                      scgi[] = "17:CONTENT_LENGTH\0007\0,abcdefg",
                      sized[] = "Content-Length: 7\r\n\r\nabcdefg",
                      chunked[] = "Transfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
    static const struct {
        const char *path, *sent, *bytes;
        size_t len;
    } rows[] = {
        { "/streamed/uwsgi", sized, uwsgi, sizeof uwsgi - 1 },
        { "/streamed/uwsgi", chunked, uwsgi, sizeof uwsgi - 1 },
        { "/streamed/scgi", sized, scgi, sizeof scgi - 1 },
        { "/streamed/scgi", chunked, scgi, sizeof scgi - 1 },
    };
    struct server *server = server_start(gateways_conf);
    int listening = upstream_listen(server, 2);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client *client = client_open(server);
        client_send(client, "POST %s HTTP/1.1\r\nHost: h\r\n%s", rows[i].path, rows[i].sent);
        struct client *up = upstream_accept(server, listening);
        expect_bytes(up, rows[i].bytes, rows[i].len);
        client_send(up, "\r\nok");
        client_close(up);
        ck_assert_str_eq(client_read(client)->body, "ok");
    }
    server_stop(server);
}
END_TEST

/* The program speaks another protocol from here on: bytes go both ways. */
START_TEST(an_upgraded_connection_is_a_tunnel)
{
    struct passing to =
        passing_start(gateways_conf, "GET /uwsgi/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
                                     "Upgrade: echo\r\n\r\n");

    client_send(to.up, "Status: 101 Switching Protocols\r\nConnection: upgrade\r\n"
                       "Upgrade: echo\r\n\r\n");
    ck_assert_int_eq(client_read_head(to.client)->status, 101);
    client_send(to.client, "ping");
    while (strstr(client_read_bytes(to.up, to.up->len + 1) + to.up->len - 4, "ping") == NULL)
        ;
    client_send(to.up, "pong");
    ck_assert_str_eq(client_read_bytes(to.client, 4), "pong");
    server_stop(to.server);
}
END_TEST

int main(void)
{
    return serve_main("gateways",
                      (const TTest *[]){
                          uwsgi_packets, a_uwsgi_packet_ends_with_a_string, scgi_netstrings,
                          locations_are_redirects, heads_have_no_body, broken_answers_are_a_502,
                          a_uwsgi_packet_has_bounds, settings_are_those_of_the_proxy,
                          bodies_that_are_not_buffered, an_upgraded_connection_is_a_tunnel, NULL });
}
