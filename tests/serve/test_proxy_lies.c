/* Upstreams that break the rules: the client gets a 502, or is cut off when its answer has
 * begun; and a connection on which nobody knows what comes next is not used again. */
#include "tests/serve/harness_upstream.h"

static const char lies_conf[] =
    "upstream group { server 127.0.0.1:@port2@ max_fails=0; keepalive 4; }\n"
    "server { listen 127.0.0.1:@port@; proxy_http_version 1.1; proxy_buffer_size 16k;\n"
    "proxy_set_header Connection ''; proxy_busy_buffers_size 16k;\n"
    "location / { proxy_pass http://group; } }";

enum verdict {
    REFUSED, /* a 502 */
    CUT,     /* the client is cut off inside of the body */
    TAKEN,   /* the answer is taken; its connection is not used again */
};

struct lie {
    const char *what;
    const char *head; /* sent first, and passed on before the rest is; NULL: all at once */
    struct slice_of_bytes {
        const char *at;
        size_t len;
    } rest;
    enum verdict verdict;
};

#define BYTES(text)             \
    {                           \
        text, sizeof(text) - 1, \
    }
#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED_HEAD OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"

static const struct lie lies[] = {
    { "nothing", NULL, BYTES(""), REFUSED },
    { "half a line", NULL, BYTES("HTTP/1.1 20"), REFUSED },
    { "half a head", NULL, BYTES(OK_HEAD "A: b\r\n"), REFUSED },
    { "no HTTP", NULL, BYTES("220 mail.example ESMTP\r\n"), REFUSED },
    { "HTTP/2", NULL, BYTES("HTTP/2 200\r\n\r\n"), REFUSED },
    { "HTTP/0.9", NULL, BYTES("<html></html>"), REFUSED },
    { "a bad status", NULL, BYTES("HTTP/1.1 2x0 OK\r\n\r\n"), REFUSED },
    { "a NUL in a value", NULL, BYTES(OK_HEAD "A: b\0c\r\n\r\n"), REFUSED },
    { "a NUL in a name", NULL, BYTES(OK_HEAD "A\0: b\r\n\r\n"), REFUSED },
    { "a CR in a value", NULL, BYTES(OK_HEAD "A: b\rContent-Length: 0\r\n\r\n"), REFUSED },
    { "a CR in the reason", NULL, BYTES("HTTP/1.1 200 O\rK\r\n\r\n"), REFUSED },
    { "a folded line", NULL, BYTES(OK_HEAD "A: b\r\n c\r\n\r\n"), REFUSED },
    { "a folded first line", NULL, BYTES(OK_HEAD " A: b\r\n\r\n"), REFUSED },
    { "space before the colon", NULL, BYTES(OK_HEAD "Content-Length : 0\r\n\r\n"), REFUSED },
    { "no colon", NULL, BYTES(OK_HEAD "A\r\n\r\n"), REFUSED },
    { "no name", NULL, BYTES(OK_HEAD ": a\r\n\r\n"), REFUSED },
    { "a negative length", NULL, BYTES(OK_HEAD "Content-Length: -1\r\n\r\n"), REFUSED },
    { "a signed length", NULL, BYTES(OK_HEAD "Content-Length: +1\r\n\r\na"), REFUSED },
    { "a length in hexadecimal", NULL, BYTES(OK_HEAD "Content-Length: 0x1\r\n\r\na"), REFUSED },
    { "a length that overflows", NULL,
      BYTES(OK_HEAD "Content-Length: 18446744073709551617\r\n\r\na"), REFUSED },
    { "an empty length", NULL, BYTES(OK_HEAD "Content-Length:\r\n\r\n"), REFUSED },
    { "a list of lengths", NULL, BYTES(OK_HEAD "Content-Length: 1, 1\r\n\r\na"), REFUSED },
    { "two lengths", NULL, BYTES(OK_HEAD "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
      REFUSED },
    { "length and chunks", NULL,
      BYTES(OK_HEAD "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), REFUSED },
    { "an unknown coding", NULL, BYTES(OK_HEAD "Transfer-Encoding: gzip\r\n\r\n"), REFUSED },
    { "two codings", NULL, BYTES(OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
      REFUSED },
    { "chunks twice", NULL,
      BYTES(OK_HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      REFUSED },
    { "chunks in HTTP/1.0", NULL,
      BYTES("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), REFUSED },
    { "a 101 that nobody asked for", NULL, BYTES("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
      REFUSED },
    { "a bad chunk size", NULL, BYTES(CHUNKED_HEAD "x\r\n"), REFUSED },
    { "a negative chunk size", NULL, BYTES(CHUNKED_HEAD "-1\r\n"), REFUSED },
    { "a chunk size that overflows", NULL, BYTES(CHUNKED_HEAD "10000000000000001\r\na"), REFUSED },
    { "a short body", OK_HEAD "Content-Length: 9\r\n\r\nhalf", BYTES("of"), CUT },
    { "a bad chunk size later", CHUNKED_HEAD "4\r\nhalf\r\n", BYTES("y\r\nof\r\n"), CUT },
    { "a chunk longer than said", CHUNKED_HEAD "4\r\nhalf\r\n", BYTES("1\r\nof\r\n"), CUT },
    { "a chunk size too large", CHUNKED_HEAD "4\r\nhalf\r\n", BYTES("fffffffffffffffff\r\n"), CUT },
    { "chunks without an end", CHUNKED_HEAD "4\r\nhalf\r\n", BYTES(""), CUT },
    { "half a chunk", CHUNKED_HEAD "4\r\nhalf\r\n", BYTES("9\r\nof"), CUT },
    { "a bad trailer", CHUNKED_HEAD "4\r\nhalf\r\n", BYTES("0\r\nA : b\r\n\r\n"), CUT },
    { "extra bytes", NULL, BYTES(OK_HEAD "Content-Length: 4\r\n\r\nhalf" OK_HEAD "\r\n"), TAKEN },
    { "extra bytes later", OK_HEAD "Content-Length: 6\r\n\r\nhalf", BYTES("of" OK_HEAD), TAKEN },
    { "extra bytes behind chunks", NULL, BYTES(CHUNKED_HEAD "4\r\nhalf\r\n0\r\n\r\n" OK_HEAD),
      TAKEN },
    { "a body where there is none", NULL, BYTES("HTTP/1.1 204 No Content\r\n\r\nhalf"), TAKEN },
    { "Connection: close", NULL,
      BYTES(OK_HEAD "Connection: close\r\nContent-Length: 4\r\n\r\nhalf"), TAKEN },
    { "HTTP/1.0", NULL, BYTES("HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nhalf"), TAKEN },
};

/* Has the request answered by the lie; the upstream's side is closed, but for TAKEN: there it
 * is the server that must do it. */
static void tell(struct client *client, struct client *up, const struct lie *lie)
{
    struct response *response;

    if (lie->head != NULL) {
        client_send_bytes(up, lie->head, strlen(lie->head));
        while (strstr(client_read_bytes(client, client->len + 1), "half") == NULL)
            ;
    }
    client_send_bytes(up, lie->rest.at, lie->rest.len);
    if (lie->verdict != TAKEN)
        client_finish(up);
    if (lie->verdict == CUT) {
        const char *all = client_read_all(client);
        ck_assert_msg(strncmp(all, "HTTP/1.1 200 ", 13) == 0, "%s: %s", lie->what, all);
        ck_assert_msg(strstr(all, "\r\n0\r\n") == NULL, "%s: %s", lie->what, all);
    } else {
        response = client_read(client);
        ck_assert_msg((response->status == 502) == (lie->verdict == REFUSED), "%s: %d", lie->what,
                      response->status);
        ck_assert_msg(strstr(response->body, "HTTP/1.1") == NULL, "%s", lie->what);
    }
    client_expect_closed(up);
}

START_TEST(lies_are_not_believed)
{
    struct server *server = server_start(lies_conf);
    int listening = upstream_listen(server, 2);

    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct client *client = client_open(server);
        client_send(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        struct client *up = upstream_accept(server, listening);
        upstream_request(up, NULL);
        tell(client, up, &lies[i]);
        client_close(up);
        client_close(client);
    }
    server_stop(server);
}
END_TEST

/* Answers one request with `count` times the line behind a status line. */
static struct response *bomb(struct server *server, int listening, const char *start,
                             const char *line, size_t count)
{
    struct client *client = client_open(server);
    size_t len = strlen(start);
    char *text = malloc(len + count * strlen(line));

    ck_assert_ptr_nonnull(text);
    memcpy(text, start, len);
    for (size_t i = 0; i < count; i++, len += strlen(line))
        memcpy(text + len, line, strlen(line));
    client_send(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    struct client *up = upstream_accept(server, listening);
    upstream_request(up, NULL);
    client_send_bytes(up, text, len);
    free(text);
    struct response *response = client_read(client);
    client_close(up);
    return response;
}

START_TEST(bombs_are_refused)
{
    struct server *server = server_start(lies_conf);
    int listening = upstream_listen(server, 2);

    ck_assert_int_eq(bomb(server, listening, OK_HEAD, "A-Name: and a value to it\r\n", 900)->status,
                     502);
    server_wait_log(server, "upstream sent too big header");
    ck_assert_int_eq(bomb(server, listening, OK_HEAD, "a:\n", 1001)->status, 502);
    server_wait_log(server, "upstream sent too many header lines");
    ck_assert_int_eq(bomb(server, listening, OK_HEAD "A: ", "bbbbbbbb", 4000)->status, 502);
    ck_assert_int_eq(bomb(server, listening, "HTTP/1.1 200 ", "very ", 4000)->status, 502);
    ck_assert_int_eq(bomb(server, listening, "", "HTTP/1.1 100 Continue\r\n\r\n", 33)->status, 502);
    server_wait_log(server, "upstream sent too many interim responses");
    server_stop(server);
}
END_TEST

/* Answers the client's request on a new connection, which is returned. */
static struct client *serve_ok(struct server *server, int listening, struct client *client)
{
    struct client *up = upstream_accept(server, listening);

    upstream_request(up, NULL);
    client_send(up, OK_HEAD "Content-Length: 2\r\n\r\nok");
    ck_assert_str_eq(client_read(client)->body, "ok");
    return up;
}

/* What comes on an idle connection is nobody's answer. */
START_TEST(idle_connections_say_nothing)
{
    struct server *server = server_start(lies_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server);

    client_send(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    struct client *up = serve_ok(server, listening, client);
    client_send(up, OK_HEAD "Content-Length: 4\r\n\r\nevil");
    client_expect_closed(up);
    client_send(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    serve_ok(server, listening, client);
    server_stop(server);
}
END_TEST

/* A server may close an idle connection at any time: the request goes to it once more. */
START_TEST(a_closed_idle_connection_is_no_failure)
{
    struct server *server = server_start(lies_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server);

    client_send(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    struct client *up = serve_ok(server, listening, client);
    client_send(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    upstream_request(up, NULL);
    client_close(up);
    serve_ok(server, listening, client);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("proxy lies",
                      (const TTest *[]){ lies_are_not_believed, bombs_are_refused,
                                         idle_connections_say_nothing,
                                         a_closed_idle_connection_is_no_failure, NULL });
}
