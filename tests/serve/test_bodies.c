/* Request bodies, sized and chunked: read, skipped, spilled to files, refused. */
#include "tests/serve/harness.h"

static const char *const SERVER = "server {\n"
                                  "    listen 127.0.0.1:@port@;\n"
                                  "    root @root@/html;\n"
                                  "    location = /ok { return 200 \"OK\\n\"; }\n"
                                  "    location /echo { return 200 \"$request_method $uri\"; }\n"
                                  "}";

#define HOST "Host: localhost\r\n"
#define GET_OK "GET /ok HTTP/1.1\r\n" HOST "\r\n"

START_TEST(a_body_nobody_reads_is_skipped)
{
    enum { SIZE = 300000 };
    struct server *server = server_start(SERVER);
    struct client *client = client_open(server);
    char *body = server_own(server, malloc(SIZE));

    memset(body, 'x', SIZE);
    client_send(client, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", SIZE);
    client_send_bytes(client, body, SIZE);
    ck_assert_str_eq(client_read(client)->body, "POST /echo");
    client_send(client, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 30; i++) {
        client_send(client, "2710;name=\"value\"\r\n");
        client_send_bytes(client, body, 10000);
        client_send(client, "\r\n");
    }
    client_send(client, "0\r\nTrailer: ignored\r\n\r\n" GET_OK);
    ck_assert_str_eq(client_read(client)->body, "POST /echo");
    ck_assert_str_eq(client_read(client)->body, "OK\n");
    server_stop(server);
}
END_TEST

START_TEST(expect_100_continue_is_answered)
{
    struct server *server = server_start(SERVER);
    struct client *client = client_open(server);

    client_send(client,
                "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    struct response *response = client_read(client);
    if (response->status == 100) { /* or the final answer at once: RFC 9110 10.1.1 */
        ck_assert_str_eq(response->head, "HTTP/1.1 100 Continue\r\n\r\n");
        client_send(client, "abc");
        response = client_read(client);
    }
    ck_assert_str_eq(response->body, "POST /echo");
    server_stop(server);
}
END_TEST

START_TEST(expect_100_continue_when_the_body_is_read)
{
    struct server *server = server_start("server { listen 127.0.0.1:@port@; client_body_read on;\n"
                                         "location /echo { return 200 \"$request_body\"; } }");
    struct client *client = client_open(server);

    client_send(client,
                "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    ck_assert_int_eq(client_read(client)->status, 100);
    ck_assert(client_is_silent(client));
    client_send(client, "abc" GET_OK);
    ck_assert_str_eq(client_read(client)->body, "abc");
    ck_assert_int_eq(client_read(client)->status, 404);
    server_stop(server);
}
END_TEST

START_TEST(bodies_that_are_read_come_whole)
{
    struct server *server = server_start("client_body_buffer_size 1k; client_max_body_size 1m;\n"
                                         "server { listen 127.0.0.1:@port@; client_body_read on;\n"
                                         "location / { return 200 \"$request_body\"; } }");
    struct client *client = client_open(server);

    client_send(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\nhello world");
    ck_assert_str_eq(client_read(client)->body, "hello world");
    client_send(client, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    client_send_slowly(client, "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX: y\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "hello world");
    client_send(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "");
    server_stop(server);
}
END_TEST

START_TEST(large_bodies_spill_to_a_file)
{
    enum { SIZE = 500000 };
    struct server *server =
        server_start("client_body_buffer_size 1k; client_max_body_size 1m;\n"
                     "client_body_temp_path @root@/temp; client_body_in_single_buffer on;\n"
                     "server { listen 127.0.0.1:@port@; client_body_read on;\n"
                     "location / { return 200 \"[$request_body_file] [$request_length]\"; }\n"
                     "location /kept { client_body_in_file_only on;\n"
                     "                 return 200 \"$request_body_file\"; } }");
    char *body = server_own(server, malloc(SIZE));
    char length[64];

    memset(body, 'x', SIZE);
    struct client *client = client_open(server);
    int head = snprintf(length, sizeof(length),
                        "POST / HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", SIZE);
    client_send(client, "%s", length);
    client_send_bytes(client, body, SIZE);
    snprintf(length, sizeof(length), "[%d]", SIZE + head);
    ck_assert_ptr_nonnull(strstr(client_read(client)->body, length));
    client_send(client, "POST /kept HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nkept");
    const char *path = client_read(client)->body;
    ck_assert_int_eq(strncmp(path, server->root, strlen(server->root)), 0);
    ck_assert_str_eq(server_read(server, path + strlen(server->root) + 1), "kept");
    server_stop(server);
}
END_TEST

START_TEST(too_large_a_body_is_refused)
{
    struct server *server = server_start("client_max_body_size 10;\n"
                                         "server { listen 127.0.0.1:@port@; client_body_read on;\n"
                                         "location / { return 200; }\n"
                                         "location /any { client_max_body_size 0; return 200; } }");
    struct client *client = client_open(server);

    client_send(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\nhello world");
    ck_assert_int_eq(client_read(client)->status, 413);
    client_expect_closed(client);
    ck_assert_int_eq(ask_status(server, "POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n"
                                        "0123456789"),
                     200);
    ck_assert_int_eq(ask_status(server,
                                "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nB\r\n"
                                "hello world\r\n0\r\n\r\n"),
                     413);
    ck_assert_int_eq(
        ask_status(server, "POST /any HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\nhello world"),
        200);
    server_stop(server);
}
END_TEST

START_TEST(no_100_continue_for_too_large_a_body)
{
    struct server *server = server_start("client_max_body_size 10;\n"
                                         "server { listen 127.0.0.1:@port@;\n"
                                         "location / { return 200; } }");
    struct response *response = ask(server, "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                                            "Content-Length: 99999999999\r\n\r\n");

    ck_assert_int_eq(response->status, 413);
    server_stop(server);
}
END_TEST

START_TEST(malformed_chunks_are_refused)
{
    static const char *const bodies[] = {
        "x\r\nabc\r\n0\r\n\r\n",   "\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",  "-3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n", "3 3\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",       "10000000000000003\r\nabc\r\n0\r\n\r\n",
    };
    struct server *server = server_start("server { listen 127.0.0.1:@port@; client_body_read on;\n"
                                         "location / { return 200; } }");

    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        struct client *client = client_open(server);
        client_send(client, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%s",
                    bodies[i]);
        struct response *response = client_read(client);
        ck_assert_msg(response->status == 400, "%s: %d", bodies[i], response->status);
        client_expect_closed(client);
        client_close(client);
    }
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("bodies", (const TTest *[]){
                                    a_body_nobody_reads_is_skipped,
                                    expect_100_continue_is_answered,
                                    expect_100_continue_when_the_body_is_read,
                                    bodies_that_are_read_come_whole,
                                    large_bodies_spill_to_a_file,
                                    too_large_a_body_is_refused,
                                    no_100_continue_for_too_large_a_body,
                                    malformed_chunks_are_refused,
                                    NULL,
                                });
}
