/* Heads that are refused, and those that only look as if they should be. RFC 9112. */
#include "tests/serve/harness.h"

static const char *const SERVER = "server {\n"
                                  "    listen 127.0.0.1:@port@;\n"
                                  "    root @root@/html;\n"
                                  "    location = /ok { return 200 \"OK\\n\"; }\n"
                                  "    location /echo { return 200 \"$request_method $uri\"; }\n"
                                  "}";

#define HOST "Host: localhost\r\n"
#define GET_OK "GET /ok HTTP/1.1\r\n" HOST "\r\n"

struct refusal {
    const char *why;
    int status;
    const char *request;
};

/* Looseness in these has been exploited. Each is answered, and the
 * connection closed: nothing after it is taken for a request. */
static const struct refusal refusals[] = {
    { "length and encoding", 400,
      "POST /ok HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" },
    { "encoding and length", 400,
      "POST /ok HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n" },
    { "two lengths", 400,
      "POST /ok HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\n" },
    { "a list of lengths", 400, "POST /ok HTTP/1.1\r\n" HOST "Content-Length: 3, 4\r\n\r\n" },
    { "a signed length", 400, "POST /ok HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\n" },
    { "a negative length", 400, "POST /ok HTTP/1.1\r\n" HOST "Content-Length: -3\r\n\r\n" },
    { "a hexadecimal length", 400, "POST /ok HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\n" },
    { "an empty length", 400, "POST /ok HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\n" },
    { "a length past 64 bits", 400,
      "POST /ok HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n" },
    { "a bare CR in a value", 400, "GET /ok HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n" },
    { "a bare CR in the request line", 400, "GET /ok\r HTTP/1.1\r\n" HOST "\r\n" },
    { "white space before the colon", 400, "GET /ok HTTP/1.1\r\n" HOST "X : a\r\n\r\n" },
    { "white space before the first field", 400, "GET /ok HTTP/1.1\r\n X: a\r\n" HOST "\r\n" },
    { "a folded line", 400, "GET /ok HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n" },
    { "a field without a colon", 400, "GET /ok HTTP/1.1\r\n" HOST "nonsense\r\n\r\n" },
    { "a field without a name", 400, "GET /ok HTTP/1.1\r\n" HOST ": a\r\n\r\n" },
    { "a control character in a name", 400, "GET /ok HTTP/1.1\r\n" HOST "X\001: a\r\n\r\n" },
    { "no host", 400, "GET /ok HTTP/1.1\r\n\r\n" },
    { "two hosts", 400, "GET /ok HTTP/1.1\r\n" HOST "Host: other\r\n\r\n" },
    { "two passwords", 400,
      "GET /ok HTTP/1.1\r\n" HOST
      "Authorization: Basic YTpi\r\nAuthorization: Basic YTpj\r\n\r\n" },
    { "two conditions", 400,
      "GET /ok HTTP/1.1\r\n" HOST "If-None-Match: \"a\"\r\nIf-None-Match: \"b\"\r\n\r\n" },
    { "a host with a slash", 400, "GET /ok HTTP/1.1\r\nHost: a/b\r\n\r\n" },
    { "an unknown encoding", 501, "POST /ok HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n" },
    { "chunked in HTTP/1.0", 400,
      "POST /ok HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n" },
    { "no target", 400, "GET\r\n" HOST "\r\n" },
    { "a target without a slash", 400, "GET ok HTTP/1.1\r\n" HOST "\r\n" },
    { "a method that is no token", 400, "G\"T /ok HTTP/1.1\r\n" HOST "\r\n" },
    { "a broken version", 400, "GET /ok HTTQ/1.1\r\n" HOST "\r\n" },
    { "a version without a minor", 400, "GET /ok HTTP/1\r\n" HOST "\r\n" },
    { "a later version", 505, "GET /ok HTTP/2.0\r\n" HOST "\r\n" },
    { "words after the version", 400, "GET /ok HTTP/1.1 more\r\n" HOST "\r\n" },
    { "a broken escape", 400, "GET /%zz HTTP/1.1\r\n" HOST "\r\n" },
    { "a cut escape", 400, "GET /%4 HTTP/1.1\r\n" HOST "\r\n" },
    { "an escaped NUL", 400, "GET /a%00b HTTP/1.1\r\n" HOST "\r\n" },
    { "a path above the root", 400, "GET /a/../../b HTTP/1.1\r\n" HOST "\r\n" },
    { "an escaped path above the root", 400, "GET /%2e%2e/b HTTP/1.1\r\n" HOST "\r\n" },
};

START_TEST(malformed_requests_are_refused)
{
    struct server *server = server_start(SERVER);

    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        struct client *client = client_open(server);
        client_send(client, "%s", refusals[i].request);
        client_send(client, GET_OK);
        struct response *response = client_read(client);
        ck_assert_msg(response->status == refusals[i].status, "%s: %d", refusals[i].why,
                      response->status);
        ck_assert_msg(strcmp(header(response, "Connection"), "close") == 0, "%s: is kept alive",
                      refusals[i].why);
        client_expect_closed(client);
        client_close(client);
    }
    ck_assert_int_eq(get(server, "/ok")->status, 200);
    server_stop(server);
}
END_TEST

START_TEST(a_nul_is_refused)
{
    static const char in_value[] = "GET /ok HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n";
    static const char in_line[] = "GET /o\0k HTTP/1.1\r\n" HOST "\r\n";
    struct server *server = server_start(SERVER);
    struct client *client = client_open(server);

    client_send_bytes(client, in_value, sizeof(in_value) - 1);
    ck_assert_int_eq(client_read(client)->status, 400);
    client_expect_closed(client);
    client = client_open(server);
    client_send_bytes(client, in_line, sizeof(in_line) - 1);
    ck_assert_int_eq(client_read(client)->status, 400);
    client_expect_closed(client);
    server_stop(server);
}
END_TEST

START_TEST(long_lines_are_refused)
{
    struct server *server = server_start("client_header_buffer_size 256;\n"
                                         "large_client_header_buffers 2 1k;\n"
                                         "server { listen 127.0.0.1:@port@;\n"
                                         "location / { return 200 $request_length; } }");
    char a[2048];

    memset(a, 'a', sizeof(a));
    struct response *response = ask(server, "GET /%.*s HTTP/1.1\r\n" HOST "\r\n", 1500, a);
    ck_assert_int_eq(response->status, 414);
    ck_assert_str_eq(header(response, "Connection"), "close");
    response = ask(server, "GET / HTTP/1.1\r\n" HOST "X: %.*s\r\n\r\n", 1500, a);
    ck_assert_int_eq(response->status, 400);
    ck_assert_ptr_nonnull(strstr(response->body, "Request Header Or Cookie Too Large"));
    response = ask(server, "GET / HTTP/1.1\r\n" HOST "A: %.*s\r\nB: %.*s\r\nC: %.*s\r\n\r\n", 900,
                   a, 900, a, 900, a);
    ck_assert_int_eq(response->status, 400);
    response = ask(server, "GET /%.*s HTTP/1.1\r\n" HOST "A: %.*s\r\n\r\n", 900, a, 900, a);
    ck_assert_int_eq(response->status, 200);
    server_stop(server);
}
END_TEST

START_TEST(more_fields_than_max_headers_are_refused)
{
    static const struct {
        const char *what, *request;
        int status;
    } cases[] = {
        { "as many", "GET / HTTP/1.1\r\n" HOST "a: 1\r\nb: 2\r\n\r\n", 200 },
        { "one more", "GET / HTTP/1.1\r\n" HOST "a: 1\r\nb: 2\r\nc: 3\r\n\r\n", 400 },
        { "one that is ignored", "GET / HTTP/1.1\r\n" HOST "a: 1\r\nb: 2\r\nc!: 3\r\n\r\n", 200 },
    };
    struct server *server = server_start("max_headers 3;\n"
                                         "server { listen 127.0.0.1:@port@; return 200 ok; }");

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = ask_status(server, cases[i].request);
        ck_assert_msg(status == cases[i].status, "%s: %d", cases[i].what, status);
    }
    struct client *client = client_open(server);
    client_send(client, "HEAD / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n");
    ck_assert_int_eq(client_read_head(client)->status, 400);
    client_expect_closed(client);
    server_stop(server);
}
END_TEST

START_TEST(many_short_fields_are_taken)
{
    struct server *server = server_start("large_client_header_buffers 4 16k;\n"
                                         "server { listen 127.0.0.1:@port@;\n"
                                         "location / { return 200 $http_x_77; } }");
    struct client *client = client_open(server);

    client_send(client, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 90; i++)
        client_send(client, "X-%d: value %d\r\n", i, i);
    client_send(client, "\r\n");
    ck_assert_str_eq(client_read(client)->body, "value 77");
    server_stop(server);
}
END_TEST

START_TEST(fields_with_underscores_are_ignored_unless_wanted)
{
    struct server *server =
        server_start("server { listen 127.0.0.1:@port@; return 200 \"[$http_a_b]\"; }\n"
                     "server { listen 127.0.0.1:@port2@; underscores_in_headers on;\n"
                     "         return 200 \"[$http_a_b]\"; }");
    struct client *client = client_open_port(server, 2);

    ck_assert_str_eq(get_with(server, "/", "a_b: c\r\n")->body, "[]");
    ck_assert_str_eq(get_with(server, "/", "a-b: c\r\n")->body, "[c]");
    client_send(client, "GET / HTTP/1.1\r\n" HOST "a_b: c\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "[c]");
    server_stop(server);
}
END_TEST

START_TEST(invalid_field_names_are_ignored_unless_wanted)
{
    struct server *server =
        server_start("server { listen 127.0.0.1:@port@; return 200 \"[$http_ok]\"; }\n"
                     "server { listen 127.0.0.1:@port2@; ignore_invalid_headers off;\n"
                     "         return 200 \"[$http_ok]\"; }");
    struct client *client = client_open_port(server, 2);

    ck_assert_str_eq(get_with(server, "/", "a!b: c\r\nOK: yes\r\n")->body, "[yes]");
    client_send(client, "GET / HTTP/1.1\r\n" HOST "a!b: c\r\nOK: yes\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "[yes]");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("strict", (const TTest *[]){
                                    malformed_requests_are_refused,
                                    a_nul_is_refused,
                                    long_lines_are_refused,
                                    more_fields_than_max_headers_are_refused,
                                    many_short_fields_are_taken,
                                    fields_with_underscores_are_ignored_unless_wanted,
                                    invalid_field_names_are_ignored_unless_wanted,
                                    NULL,
                                });
}
