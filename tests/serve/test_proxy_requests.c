/* What goes upstream is written anew from what was understood of the request: compared byte
 * for byte. */
#include "tests/serve/harness_upstream.h"

static const char requests_conf[] =
    "underscores_in_headers on;\n"
    "upstream group { server 127.0.0.1:@port2@; }\n"
    "server { listen 127.0.0.1:@port@; server_name own.example;\n"
    "location / { proxy_pass http://group; }\n"
    "location /1.1/ { proxy_pass http://group; proxy_http_version 1.1; }\n"
    "location /uri/ { proxy_pass http://group/base/; }\n"
    "location /exact { proxy_pass http://group/x?y=z; }\n"
    "location ~ ^/regex/ { proxy_pass http://group; }\n"
    "location /variable/ { proxy_pass http://127.0.0.1:@port2@/v$uri?$args; }\n"
    "location /rewritten/ { rewrite ^/rewritten/(.*) /new/$1? break; proxy_pass http://group; }\n"
    "location /fields/ { proxy_pass http://group; proxy_set_header Host $host;\n"
    "  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
    "  proxy_set_header Accept-Encoding ''; proxy_set_header Cookie \"a=$cookie_a\";\n"
    "  proxy_set_header X-Named kept; }\n"
    "location /method/ { proxy_pass http://group; proxy_method PUT; }\n"
    "location /body/ { proxy_pass http://group; proxy_set_body \"<$arg_b>\"; }\n"
    "location /no-body/ { proxy_pass http://group; proxy_pass_request_body off; }\n"
    "location /no-fields/ { proxy_pass http://group; proxy_pass_request_headers off; } }";

#define HOST "Host: h\r\n"
#define OWN "Host: group\r\nConnection: close\r\n"

static const struct {
    const char *request;
    const char *upstream;
} rows[] = {
    { "GET / HTTP/1.1\r\n" HOST "\r\n", "GET / HTTP/1.0\r\n" OWN "\r\n" },
    { "GET /1.1/ HTTP/1.0\r\n\r\n", "GET /1.1/ HTTP/1.1\r\n" OWN "\r\n" },
    { "GET /a%2fb/../c?d=%20&e HTTP/1.1\r\n" HOST "\r\n",
      "GET /a%2fb/../c?d=%20&e HTTP/1.0\r\n" OWN "\r\n" },
    { "GET http://other:80/a?b HTTP/1.1\r\n" HOST "\r\n", "GET /a?b HTTP/1.0\r\n" OWN "\r\n" },
    { "GET http://other HTTP/1.1\r\n" HOST "\r\n", "GET / HTTP/1.0\r\n" OWN "\r\n" },
    { "GET /uri/a%20b%2fc/./d?e HTTP/1.1\r\n" HOST "\r\n",
      "GET /base/a%20b/c/d?e HTTP/1.0\r\n" OWN "\r\n" },
    { "GET /exact/z?a HTTP/1.1\r\n" HOST "\r\n", "GET /x?y=z/z?a HTTP/1.0\r\n" OWN "\r\n" },
    { "GET /regex/a%20b HTTP/1.1\r\n" HOST "\r\n", "GET /regex/a%20b HTTP/1.0\r\n" OWN "\r\n" },
    { "GET /variable/a?b=c HTTP/1.1\r\n" HOST "\r\n",
      "GET /v/variable/a?b=c HTTP/1.0\r\nHost: 127.0.0.1:@port2@\r\nConnection: close\r\n\r\n" },
    { "GET /rewritten/a%20b?c HTTP/1.1\r\n" HOST "\r\n", "GET /new/a%20b HTTP/1.0\r\n" OWN "\r\n" },
    { "GET / HTTP/1.1\r\n" HOST "X-A:  b \t\r\nx_under: 1\r\nX-Empty:\r\nX-A: c\r\n\r\n",
      "GET / HTTP/1.0\r\n" OWN "X-A: b\r\nx_under: 1\r\nX-Empty: \r\nX-A: c\r\n\r\n" },
    { "GET / HTTP/1.1\r\n" HOST "Keep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\n"
      "Proxy-Connection: keep-alive\r\nExpect: 100-continue\r\nX-A: b\r\n\r\n",
      "GET / HTTP/1.0\r\n" OWN "X-A: b\r\n\r\n" },
    { "GET / HTTP/1.1\r\n" HOST "Connection: close, X-One\r\nX-One: 1\r\nX-Two: 2\r\n"
      "connection: x-two,, X-THREE\r\nX-Three: 3\r\nX-Four: 4\r\n\r\n",
      "GET / HTTP/1.0\r\n" OWN "X-Four: 4\r\n\r\n" },
    { "GET / HTTP/1.1\r\n" HOST "Connection: Host, Cookie\r\nCookie: a=b\r\n\r\n",
      "GET / HTTP/1.0\r\n" OWN "\r\n" },
    { "GET /fields/ HTTP/1.1\r\nHost: other.example:99\r\nAccept-Encoding: gzip\r\n"
      "Cookie: a=1; b=2\r\nX-Forwarded-For: 10.0.0.1\r\nx-named: 5\r\nAccept: x\r\n\r\n",
      "GET /fields/ HTTP/1.0\r\nHost: other.example\r\nX-Forwarded-For: 10.0.0.1, 127.0.0.1\r\n"
      "Cookie: a=1\r\nX-Named: kept\r\nConnection: close\r\nAccept: x\r\n\r\n" },
    { "GET /fields/ HTTP/1.1\r\n" HOST "Connection: X-Forwarded-For, X-Named\r\n\r\n",
      "GET /fields/ HTTP/1.0\r\nHost: h\r\nX-Forwarded-For: 127.0.0.1\r\nCookie: a=\r\n"
      "X-Named: kept\r\nConnection: close\r\n\r\n" },
    { "POST / HTTP/1.1\r\n" HOST "Content-Length: 0003\r\n\r\nabc",
      "POST / HTTP/1.0\r\n" OWN "Content-Length: 3\r\n\r\nabc" },
    { "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
      "POST / HTTP/1.0\r\n" OWN "Content-Length: 0\r\n\r\n" },
    { "POST / HTTP/1.1\r\n" HOST "Connection: Content-Length\r\nContent-Length: 3\r\n\r\nabc",
      "POST / HTTP/1.0\r\n" OWN "Content-Length: 3\r\n\r\nabc" },
    { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
      "1;x=y\r\na\r\n2\r\nbc\r\n0\r\nX-T: 1\r\n\r\n",
      "POST / HTTP/1.0\r\n" OWN "Content-Length: 3\r\nTrailer: X-T\r\n\r\nabc" },
    { "POST / HTTP/1.1\r\n" HOST "Connection: Transfer-Encoding\r\n"
      "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      "POST / HTTP/1.0\r\n" OWN "Content-Length: 3\r\n\r\nabc" },
    { "POST /body/?b=c HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
      "POST /body/?b=c HTTP/1.0\r\n" OWN "Content-Length: 3\r\n\r\n<c>" },
    { "POST /no-body/ HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
      "POST /no-body/ HTTP/1.0\r\n" OWN "\r\n" },
    { "POST /no-fields/ HTTP/1.1\r\n" HOST "X-A: b\r\nContent-Length: 3\r\n\r\nabc",
      "POST /no-fields/ HTTP/1.0\r\n" OWN "Content-Length: 3\r\n\r\nabc" },
    { "DELETE /method/ HTTP/1.1\r\n" HOST "\r\n", "PUT /method/ HTTP/1.0\r\n" OWN "\r\n" },
};

START_TEST(requests_are_written_anew)
{
    struct server *server = server_start(requests_conf);
    int listening = upstream_listen(server, 2);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client *client = client_open(server);
        const char *expected = server_expand(server, rows[i].upstream);
        client_send_bytes(client, rows[i].request, strlen(rows[i].request));
        struct client *up = upstream_accept(server, listening);
        const char *body = strstr(expected, "\r\n\r\n") + 4;
        ck_assert_str_eq(upstream_request(up, *body == '\0' ? NULL : body), expected);
        client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        client_close(up);
        ck_assert_str_eq(client_read(client)->body, "ok");
        client_close(client);
    }
    server_stop(server);
}
END_TEST

/* Larger than all buffers on its way: as it comes, with its length said and in chunks. */
START_TEST(large_bodies_pass_through)
{
    enum { SIZE = 300000 };
    struct server *server = server_start(
        "server { listen 127.0.0.1:@port@; location / { proxy_pass http://127.0.0.1:@port2@;\n"
        "  proxy_http_version 1.1; proxy_request_buffering off; } }");
    int listening = upstream_listen(server, 2);
    char *body = server_own(server, malloc(SIZE + 1));

    memset(body, 'x', SIZE - 3);
    memcpy(body + SIZE - 3, "end", 4);
    for (int chunked = 0; chunked < 2; chunked++) {
        struct client *client = client_open(server);
        if (chunked)
            client_send(client,
                        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
                        SIZE);
        else
            client_send(client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", SIZE);
        client_send_bytes(client, body, SIZE);
        struct client *up = upstream_accept(server, listening);
        ck_assert_uint_gt(strlen(upstream_request(up, "end")), SIZE);
        if (chunked)
            client_send(client, "\r\n0\r\n\r\n");
        client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        ck_assert_str_eq(client_read(client)->body, "ok");
        client_close(client);
        client_close(up);
    }
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("proxy requests", (const TTest *[]){ requests_are_written_anew,
                                                           large_bodies_pass_through, NULL });
}
