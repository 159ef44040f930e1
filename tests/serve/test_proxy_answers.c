/* What becomes of an upstream's answer: trailers, early hints, stored files, ranges, X-Accel
 * fields, cookies; and of one whose client, or upstream, takes its time. */
#include "tests/serve/harness_upstream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define PASS "proxy_pass http://127.0.0.1:@port2@; "
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* Sends a request, and waits until the upstream has it; *client is its connection. */
static struct client *forward(struct server *server, int listening, struct client **client,
                              const char *request)
{
    *client = client_open(server);
    client_send_bytes(*client, request, strlen(request));
    struct client *up = upstream_accept(server, listening);
    upstream_request(up, NULL);
    return up;
}

/* GETs a path, which the upstream answers with `answer` and the end of the connection. */
static struct response *answered(struct server *server, int listening, const char *path,
                                 const char *answer)
{
    char request[200];
    struct client *client;

    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    struct client *up = forward(server, listening, &client, request);
    client_send_bytes(up, answer, strlen(answer));
    client_finish(up);
    return client_read(client);
}

/* --- trailers and early hints --- */

START_TEST(trailers_are_passed_on)
{
    struct server *server =
        server_start("server { " LISTEN "proxy_http_version 1.1; proxy_hide_header X-Hidden;\n"
                     "location / { " PASS "proxy_pass_trailers on; }\n"
                     "location /own/ { " PASS "proxy_pass_trailers on; add_trailer X-Own own; }\n"
                     "location /off/ { " PASS "} }");
    static const char body[] = "5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n"
                               "X-Hidden: a\r\nTrailer: b\r\nX-Other:2\r\n\r\n";
    static const struct {
        const char *path, *end;
    } rows[] = {
        { "/", "\r\n0\r\nX-Sum: 1\r\nX-Other:2\r\n\r\n" },
        { "/own/", "\r\n0\r\n" },
        { "/off/", "\r\n0\r\n\r\n" },
    };
    int listening = upstream_listen(server, 2);

    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        char request[100];
        struct client *client;
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                 rows[i / 2].path);
        struct client *up = forward(server, listening, &client, request);
        client_send(up, CHUNKED);
        if (i % 2 == 0) /* the body comes along with the head, or behind it */
            client_read_bytes(client, 1);
        client_send_bytes(up, body, strlen(body));
        const char *all = client_read_all(client);
        ck_assert_msg(strstr(all, rows[i / 2].end) != NULL, "%s", all);
        ck_assert_msg((strstr(all, "X-Own: own\r\n") != NULL) == (i / 2 == 1), "%s", all);
        ck_assert_msg((strstr(all, "X-Sum: 1\r\n") != NULL) == (i / 2 != 2), "%s", all);
        ck_assert_ptr_null(strstr(all, "X-Hidden"));
        client_close(up);
    }
    server_stop(server);
}
END_TEST

START_TEST(early_hints_are_passed_on)
{
    static const char hints[] = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n"
                                "Server: up\r\nConnection: close\r\n\r\n";
    struct server *server =
        server_start("server { " LISTEN "location / { " PASS "early_hints $arg_a $arg_b; } }");
    int listening = upstream_listen(server, 2);
    struct client *client;
    struct client *up =
        forward(server, listening, &client, "GET /?a=0&b=1 HTTP/1.1\r\nHost: h\r\n\r\n");

    for (int i = 0; i < 2; i++) { /* each as soon as it comes */
        client_send_bytes(up, hints, strlen(hints));
        struct response *response = client_read(client);
        ck_assert_str_eq(response->head,
                         "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n");
    }
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    ck_assert_str_eq(client_read(client)->body, "ok");

    static const char *const others[] = { "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
                                          "GET /?a=0&b= HTTP/1.1\r\nHost: h\r\n\r\n",
                                          "GET /?a=1 HTTP/1.0\r\n\r\n" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        up = forward(server, listening, &client, others[i]);
        client_send_bytes(up, hints, strlen(hints));
        client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        ck_assert_int_eq(client_read(client)->status, 200);
    }
    server_stop(server);
}
END_TEST

/* --- stored files --- */

START_TEST(answers_are_stored)
{
    struct server *server = server_start(
        "server { " LISTEN "root @root@/html; proxy_http_version 1.1;\n"
        "location / { error_page 404 = @fetch; log_not_found off; }\n"
        "location @fetch { " PASS "proxy_store on; proxy_store_access user:rw group:r all:r; }\n"
        "location /named/ { " PASS "proxy_store html/copies$uri; } }");
    int listening = upstream_listen(server, 2);
    struct stat found;

    ck_assert_int_eq(chmod(server_path(server, "html"), 0777), 0);
    answered(server, listening, "/new/one.txt",
             "HTTP/1.1 200 OK\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
             "Content-Length: 3\r\n\r\none");
    ck_assert_str_eq(server_wait_file(server, "html/new/one.txt", "one"), "one");
    ck_assert_int_eq(stat(server_path(server, "html/new/one.txt"), &found), 0);
    ck_assert_int_eq(found.st_mtime, 784111777);
    ck_assert_uint_eq(found.st_mode & 0777, 0644);
    struct response *response = get(server, "/new/one.txt");
    ck_assert_str_eq(response->body, "one");
    ck_assert_str_eq(header(response, "Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");

    response = answered(server, listening, "/named/two", CHUNKED "3\r\ntwo\r\n0\r\n\r\n");
    ck_assert_str_eq(response->body, "two");
    ck_assert_str_eq(server_wait_file(server, "html/copies/named/two", "two"), "two");
    server_stop(server);
}
END_TEST

/* Whether the client leaves before the answer or in it, or wants a part only. */
START_TEST(answers_are_stored_for_clients_that_leave)
{
    enum { SIZE = 4 * 1024 * 1024 };
    static const char *const paths[] = { "early", "late", "unbuffered/late", "part" };
    struct server *server =
        server_start("server { " LISTEN "root @root@/html; location / { " PASS "proxy_store on;\n"
                     "  proxy_buffers 4 4k; proxy_max_temp_file_size 0; proxy_force_ranges on; }\n"
                     "location /unbuffered/ { " PASS "proxy_store on; proxy_buffering off; } }");
    int listening = upstream_listen(server, 2);
    char *body = server_own(server, malloc(SIZE));

    memset(body, 'x', SIZE);
    ck_assert_int_eq(chmod(server_path(server, "html"), 0777), 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char request[100], file[100];
        struct client *client;
        struct stat found;
        snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: h\r\n%s\r\n", paths[i],
                 strcmp(paths[i], "part") == 0 ? "Range: bytes=1-2\r\n" : "");
        struct client *up = forward(server, listening, &client, request);
        if (i == 0)
            client_reset(client);
        client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
        client_send_bytes(up, body, 10);
        if (i > 0)
            client_read_bytes(client, 1);
        if (strstr(paths[i], "late") != NULL)
            client_reset(client);
        ck_assert_msg(client_send_bytes(up, body, SIZE - 10), "%s", paths[i]);
        snprintf(file, sizeof file, "html/%s", paths[i]);
        EVENTUALLY(stat(server_path(server, file), &found) == 0);
        ck_assert_int_eq(found.st_size, SIZE);
        client_close(up);
    }
    server_stop(server);
}
END_TEST

/* Half an answer, another status and an answer made elsewhere leave no file. */
START_TEST(other_answers_are_not_stored)
{
    struct server *server =
        server_start("server { " LISTEN "root @root@/html; location / { " PASS "proxy_store on; }\n"
                     "location = /inside { return 200 inside; } }");
    int listening = upstream_listen(server, 2);
    struct client *client;

    ck_assert_int_eq(chmod(server_path(server, "html"), 0777), 0);
    ck_assert_int_eq(answered(server, listening, "/a", "HTTP/1.1 404 No\r\n\r\nno")->status, 404);
    ck_assert_str_eq(
        answered(server, listening, "/b", "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /inside\r\n\r\nno")
            ->body,
        "inside");
    struct client *up = forward(server, listening, &client, "GET /c HTTP/1.1\r\nHost: h\r\n\r\n");
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    client_close(up);
    client_read_all(client);
    server_quit(server);
    ck_assert_str_eq(server_read(server, "html/a"), "");
    ck_assert_str_eq(server_read(server, "html/b"), "");
    ck_assert_str_eq(server_read(server, "html/c"), "");
    server_stop(server);
}
END_TEST

START_TEST(what_cannot_be_stored_is_answered)
{
    struct server *server =
        server_start("server { " LISTEN "location / { " PASS "proxy_store html/file/$uri; } }");
    int listening = upstream_listen(server, 2);

    server_allow(server, "html/file");
    server_file(server, "html/file", "in the way");
    ck_assert_int_eq(chmod(server_path(server, "html"), 0777), 0);
    ck_assert_str_eq(
        answered(server, listening, "/a", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")->body,
        "ok");
    server_wait_log(server, "storing \"");
    server_stop(server);
}
END_TEST

/* --- fields --- */

START_TEST(fields_direct_the_answer)
{
    struct server *server = server_start(
        "server { " LISTEN "charset utf-8; charset_types text/css; location / { " PASS "}\n"
        "location /ignoring/ { " PASS "proxy_ignore_headers X-Accel-Redirect X-Accel-Charset\n"
        "  X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering; }\n"
        "location /shown/ { " PASS "proxy_pass_header X-Accel-Expires; }\n"
        "location = /inside { internal; add_header X-Args $args; return 200 inside; } }");
    int listening = upstream_listen(server, 2);
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Accel-Charset: UTF-8\r\n"
        "X-Accel-Expires: 5\r\nX-Accel-Limit-Rate: 1000000\r\nX-Accel-Buffering: no\r\n"
        "Content-Length: 2\r\n\r\nok";
    struct response *response = answered(server, listening, "/", answer);

    ck_assert_str_eq(header(response, "Content-Type"), "text/plain; charset=utf-8");
    ck_assert_ptr_null(strstr(response->head, "X-Accel"));
    ck_assert_str_eq(response->body, "ok");
    response = answered(server, listening, "/ignoring/", answer);
    ck_assert_str_eq(header(response, "Content-Type"), "text/plain");
    ck_assert_ptr_null(strstr(response->head, "X-Accel"));
    response = answered(server, listening, "/shown/", answer);
    ck_assert_str_eq(header(response, "X-Accel-Expires"), "5");
    response = answered(server, listening, "/",
                        "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nX-Other: c\r\n"
                        "X-Accel-Redirect: /inside?d\r\n\r\n");
    ck_assert_str_eq(response->body, "inside");
    ck_assert_str_eq(header(response, "X-Args"), "d");
    ck_assert_str_eq(header(response, "Set-Cookie"), "a=b");
    ck_assert_ptr_null(header(response, "X-Other"));
    response = answered(server, listening, "/ignoring/",
                        "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /inside\r\n\r\nmine");
    ck_assert_str_eq(response->body, "mine");
    server_stop(server);
}
END_TEST

START_TEST(ranges_are_forced)
{
    struct server *server =
        server_start("server { " LISTEN "location / { " PASS "proxy_force_ranges on; }\n"
                     "location /off/ { " PASS "} }");
    int listening = upstream_listen(server, 2);
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    struct client *client;
    struct client *up = forward(server, listening, &client,
                                "GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n\r\n");

    client_send_bytes(up, answer, strlen(answer));
    struct response *response = client_read(client);
    ck_assert_str_eq(response->status_line, "HTTP/1.1 206 Partial Content");
    ck_assert_str_eq(response->body, "el");

    static char large[300000]; /* which comes while it is sent */
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)('a' + i % 26);
    up = forward(server, listening, &client,
                 "GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=200000-299000\r\n\r\n");
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", sizeof large);
    client_send_bytes(up, large, sizeof large);
    response = client_read(client);
    ck_assert_int_eq(response->status, 206);
    ck_assert_uint_eq(response->body_len, 99001);
    ck_assert_int_eq(memcmp(response->body, large + 200000, 99001), 0);

    up = forward(server, listening, &client,
                 "GET /off/ HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n\r\n");
    client_send_bytes(up, answer, strlen(answer));
    ck_assert_str_eq(client_read(client)->body, "hello");
    server_stop(server);
}
END_TEST

START_TEST(cookies_get_flags)
{
    static const struct {
        const char *sent, *got;
    } rows[] = {
        { "one=1", "one=1; Secure; HttpOnly" },
        { "one=1; secure", "one=1; secure; HttpOnly" },
        { "two=2; Secure; HttpOnly; SameSite=Lax", "two=2" },
        { "x3=3; path=/", "x3=3; path=/; SameSite=Strict" },
        { "other=1; Domain=up.example", "other=1; Domain=up.example" },
    };
    struct server *server = server_start("server { " LISTEN "location / { " PASS
                                         "proxy_cookie_flags one secure httponly;\n"
                                         "proxy_cookie_flags two nosecure nohttponly nosamesite;\n"
                                         "proxy_cookie_flags ~^x samesite=strict; } }");
    int listening = upstream_listen(server, 2);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char answer[200];
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 200 OK\r\nSet-Cookie: %s\r\nContent-Length: 0\r\n\r\n", rows[i].sent);
        ck_assert_str_eq(header(answered(server, listening, "/", answer), "Set-Cookie"),
                         rows[i].got);
    }
    server_stop(server);
}
END_TEST

START_TEST(connections_come_from_an_address)
{
    struct server *server =
        server_start("server { " LISTEN "location / { " PASS "proxy_bind $arg_from; } }");
    int listening = upstream_listen(server, 2);
    static const char *const from[] = { "127.0.0.2", "127.0.0.3" };
    struct client *client;

    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        struct sockaddr_in peer;
        socklen_t len = sizeof peer;
        char request[100], text[INET_ADDRSTRLEN];
        snprintf(request, sizeof request, "GET /?from=%s HTTP/1.0\r\n\r\n", from[i]);
        struct client *up = forward(server, listening, &client, request);
        ck_assert_int_eq(getpeername(up->fd, (struct sockaddr *)&peer, &len), 0);
        ck_assert_str_eq(inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text), from[i]);
        client_close(up);
    }
    server_stop(server);
}
END_TEST

/* --- time --- */

START_TEST(an_upstream_is_read_slowly)
{
    struct server *server =
        server_start("server { " LISTEN "location / { " PASS "proxy_limit_rate 100k; } }");
    int listening = upstream_listen(server, 2);
    struct client *client;
    static char body[150000];

    memset(body, 'x', sizeof body);
    long long started = clock_now();
    struct client *up = forward(server, listening, &client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", sizeof body);
    client_send_bytes(up, body, sizeof body);
    ck_assert_uint_eq(client_read(client)->body_len, sizeof body);
    ck_assert_int_ge(clock_now() - started, 400);
    server_stop(server);
}
END_TEST

/* A queue that is full answers no one. */
START_TEST(connecting_takes_too_long)
{
    struct server *server =
        server_start("server { " LISTEN "location / { " PASS "proxy_connect_timeout 100ms; } }");
    int listening = upstream_listen(server, 2);

    server_allow(server, "upstream timed out");
    ck_assert_int_eq(listen(listening, 0), 0);
    client_open_port(server, 2);
    ck_assert_int_eq(get(server, "/")->status, 504);
    server_wait_log(server, "upstream timed out (110: Connection timed out) while connecting");
    server_stop(server);
}
END_TEST

START_TEST(sending_takes_too_long)
{
    enum { SIZE = 32 * 1024 * 1024 };
    struct server *server = server_start("server { " LISTEN "client_max_body_size 100m;\n"
                                         "location / { " PASS "proxy_send_timeout 100ms; } }");
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server);
    char *body = calloc(1, SIZE);

    ck_assert_ptr_nonnull(body);
    server_allow(server, "upstream timed out");
    client_send(client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", SIZE);
    client_send_bytes(client, body, SIZE);
    upstream_accept(server, listening); /* which reads nothing */
    ck_assert_int_eq(client_read(client)->status, 504);
    server_wait_log(server, "upstream timed out (110: Connection timed out) while sending request");
    free(body);
    server_stop(server);
}
END_TEST

START_TEST(clients_that_leave_are_noticed)
{
    struct server *server =
        server_start("server { " LISTEN "location / { " PASS "}\n"
                     "location /patient/ { " PASS "proxy_ignore_client_abort on; }\n"
                     "location = /ok { return 200 ok; }\n"
                     "location /checked/ { auth_request /patient/auth; } }");
    server_file(server, "html/checked/a", "checked");
    int listening = upstream_listen(server, 2);
    struct client *client;
    struct client *up = forward(server, listening, &client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");

    client_close(client);
    client_expect_closed(up);
    server_wait_file(server, "logs/access.log", "\"GET / HTTP/1.1\" 499 ");

    up = forward(server, listening, &client, "GET /patient/ HTTP/1.1\r\nHost: h\r\n\r\n");
    client_close(client);
    get(server, "/ok"); /* by now it would have been noticed */
    client_send(up, "HTTP/1.1 201 Made\r\nContent-Length: 2\r\n\r\nok");
    server_wait_file(server, "logs/access.log", "\"GET /patient/ HTTP/1.1\" 201 ");

    up = forward(server, listening, &client, "GET /checked/a HTTP/1.1\r\nHost: h\r\n\r\n");
    client_close(client);
    client_send(up, "HTTP/1.1 204 Fine\r\n\r\n");
    server_wait_file(server, "logs/access.log", "\"GET /checked/a HTTP/1.1\" 200 ");
    server_stop(server);
}
END_TEST

/* Sends until nothing more is taken for a while; how much it was. */
static size_t send_until_blocked(struct client *up, size_t most)
{
    static char piece[65536];
    size_t total = 0;

    fcntl(up->fd, F_SETFL, O_NONBLOCK);
    while (total < most) {
        struct pollfd ready = { .fd = up->fd, .events = POLLOUT };
        if (poll(&ready, 1, 300) == 0)
            break;
        ssize_t sent = send(up->fd, piece, sizeof piece, MSG_NOSIGNAL);
        ck_assert_int_gt(sent, 0);
        total += (size_t)sent;
    }
    fcntl(up->fd, F_SETFL, 0);
    return total;
}

/* The kernel's buffers and those of the configuration fill up; nothing else does. */
START_TEST(a_client_that_stops_stops_the_upstream)
{
    enum { SIZE = 256 * 1024 * 1024, BOUND = 48 * 1024 * 1024, RCVBUF = 16 * 1024 };
    static const char *const paths[] = { "/memory/", "/unbuffered/", "/file/" };
    struct server *server = server_start(
        "server { " LISTEN "proxy_buffers 4 4k; proxy_max_temp_file_size 0;\n"
        "location /memory/ { " PASS "} location /unbuffered/ { " PASS "proxy_buffering off; }\n"
        "location /file/ { " PASS "proxy_max_temp_file_size 1m; } }");
    int listening = upstream_listen(server, 2), size = RCVBUF;

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct client *client = client_open(server);
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        client_send(client, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", paths[i]);
        struct client *up = upstream_accept(server, listening);
        upstream_request(up, NULL);
        client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
        ck_assert_uint_lt(send_until_blocked(up, SIZE), BOUND);
        client_close(client);
        client_close(up);
    }
    server_stop(server);
}
END_TEST

/* Where the folder of temporary files is gone, an answer that needs one is cut off. */
START_TEST(a_temporary_file_cannot_be_made)
{
    enum { SIZE = 64 * 1024 * 1024, RCVBUF = 16 * 1024 };
    struct server *server = server_start("server { " LISTEN "proxy_temp_path @root@/elsewhere;\n"
                                         "location / { " PASS "} }");
    int listening = upstream_listen(server, 2), size = RCVBUF;
    struct client *client = client_open(server);
    char *body = server_own(server, calloc(1, SIZE));

    server_allow(server, "a temporary file in \"");
    ck_assert_int_eq(rmdir(server_path(server, "elsewhere")), 0);
    setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    client_send(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    struct client *up = upstream_accept(server, listening);
    upstream_request(up, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
    ck_assert(!client_send_bytes(up, body, SIZE));
    server_wait_log(server, "/elsewhere\" cannot be written");
    client_read_all(client);
    ck_assert_uint_lt(client->len, SIZE);
    server_stop(server);
}
END_TEST

/* What the upstream does not take, the client cannot send. */
START_TEST(an_upstream_that_stops_stops_the_client)
{
    enum { SIZE = 256 * 1024 * 1024, BOUND = 48 * 1024 * 1024 };
    struct server *server =
        server_start("server { " LISTEN "client_max_body_size 0; location / { " PASS
                     "proxy_request_buffering off; proxy_http_version 1.1; } }");
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server);

    client_send(client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", SIZE);
    struct client *up = upstream_accept(server, listening);
    ck_assert_uint_lt(send_until_blocked(client, SIZE), BOUND);
    client_close(client);
    client_close(up);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main(
        "proxy answers",
        (const TTest *[]){ trailers_are_passed_on, early_hints_are_passed_on, answers_are_stored,
                           answers_are_stored_for_clients_that_leave, other_answers_are_not_stored,
                           what_cannot_be_stored_is_answered, fields_direct_the_answer,
                           ranges_are_forced, cookies_get_flags, connections_come_from_an_address,
                           an_upstream_is_read_slowly, connecting_takes_too_long,
                           sending_takes_too_long, clients_that_leave_are_noticed,
                           a_client_that_stops_stops_the_upstream, a_temporary_file_cannot_be_made,
                           an_upstream_that_stops_stops_the_client, NULL });
}
