/* FastCGI: the records that an application gets, and what becomes of those it sends. */
#include "tests/serve/harness_upstream.h"

#define LISTEN "listen 127.0.0.1:@port@; "

static const char fastcgi_conf[] =
    "upstream kept { server 127.0.0.1:@port2@ max_fails=0; keepalive 4; }\n"
    "server { " LISTEN "root @root@/html;\n"
    "fastcgi_param ARG $arg_a; fastcgi_param NONE '' if_not_empty; fastcgi_param EMPTY '';\n"
    "location / { fastcgi_pass 127.0.0.1:@port2@; }\n"
    "location /kept/ { fastcgi_pass kept; fastcgi_keep_conn on; }\n"
    "location /variable/ { set $to 127.0.0.1; fastcgi_pass $to:@port2@; }\n"
    "location /caught/ { fastcgi_pass kept; fastcgi_catch_stderr 'PHP Fatal'; }\n"
    "location /streamed/ { fastcgi_pass kept; fastcgi_request_buffering off;\n"
    "  fastcgi_buffering off; }\n"
    "location /own/ { fastcgi_pass kept; fastcgi_param HTTP_X_B own;\n"
    "  fastcgi_param CONTENT_LENGTH $content_length; }\n"
    "location /bare/ { fastcgi_pass kept; fastcgi_pass_request_headers off;\n"
    "  fastcgi_pass_request_body off; fastcgi_param A b; } }";

/* --- the application --- */

enum { HEADER = 8, PARAMS = 4, STDIN = 5, STDOUT = 6, STDERR = 7 };

/* A request in its parts, as the application got it. */
struct request {
    char *params, *body;
    size_t params_len, body_len;
    bool keeps;
};

static void append(struct server *server, char **text, size_t *len, const char *more, size_t count)
{
    char *larger = server_own(server, malloc(*len + count + 1));

    if (*len > 0)
        memcpy(larger, *text, *len);
    memcpy(larger + *len, more, count);
    *len += count;
    larger[*len] = '\0';
    *text = larger;
}

/* Reads records up to the empty one of standard input. */
static struct request take_request(struct client *up)
{
    struct request request = { .params = NULL };

    for (size_t at = 0;;) {
        const unsigned char *record =
            (const unsigned char *)client_read_bytes(up, at + HEADER) + at;
        ck_assert_uint_ge(up->len, at + HEADER);
        size_t len = (size_t)record[4] << 8 | record[5], all = HEADER + len + record[6];
        ck_assert(record[0] == 1 && record[2] == 0 && record[3] == 1 && all % 8 == 0);
        record = (const unsigned char *)client_read_bytes(up, at + all) + at;
        ck_assert_uint_ge(up->len, at + all);
        if (at == 0)
            request.keeps = record[HEADER + 2] == 1;
        else if (record[1] == PARAMS)
            append(up->server, &request.params, &request.params_len, (const char *)record + HEADER,
                   len);
        else
            append(up->server, &request.body, &request.body_len, (const char *)record + HEADER,
                   len);
        at += all;
        if (record[1] == STDIN && len == 0) {
            ck_assert_uint_eq(up->len, at);
            up->len = 0;
            return request;
        }
    }
}

static bool has(const struct request *request, const char *bytes, size_t len)
{
    return request->params_len > 0 &&
           memmem(request->params, request->params_len, bytes, len) != NULL;
}

/* A name and a value, each shorter than 128 bytes, stand in the parameters. */
static bool has_param(const struct request *request, const char *name, const char *value)
{
    size_t name_len = strlen(name), value_len = strlen(value);
    char bytes[256] = { (char)name_len, (char)value_len };

    memcpy(bytes + 2, name, name_len);
    memcpy(bytes + 2 + name_len, value, value_len);
    return has(request, bytes, 2 + name_len + value_len);
}

static void send_record(struct client *up, int type, const char *text)
{
    size_t len = strlen(text);
    char header[HEADER] = { 1, (char)type, 0, 1, (char)(len >> 8), (char)len, 0, 0 };

    client_send_bytes(up, header, sizeof header);
    client_send_bytes(up, text, len);
}

static void send_end(struct client *up)
{
    client_send_bytes(up, "\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0", 16);
}

/* --- what it gets --- */

START_TEST(requests_become_records)
{
    static const char expected[] = "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0"
                                   "\1\4\0\1\0\x27\1\0"
                                   "\3\1ARG1"
                                   "\5\0EMPTY"
                                   "\11\1HTTP_HOSTh"
                                   "\12\2HTTP_X_B_Cde"
                                   "\0\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0";
    struct passing to =
        passing_start(fastcgi_conf, "GET /x?a=1 HTTP/1.1\r\nHost: h\r\nx-b-c: de\r\n"
                                    "Proxy: evil\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "0\r\n\r\n");
    size_t len = sizeof expected - 1;

    ck_assert_int_eq(memcmp(client_read_bytes(to.up, len), expected, len), 0);
    ck_assert_uint_eq(to.up->len, len);
    to.up->len = 0;
    send_record(to.up, STDOUT, "Content-Type: a/b\n\nhello");
    send_end(to.up);
    struct response *response = client_read(to.client);
    ck_assert_str_eq(response->status_line, "HTTP/1.1 200 OK");
    ck_assert_str_eq(header(response, "Content-Type"), "a/b");
    ck_assert_str_eq(response->body, "hello");
    client_expect_closed(to.up);
    server_stop(to.server);
}
END_TEST

START_TEST(parameters_say_what_is_set)
{
    struct passing to = { .server = server_start(fastcgi_conf) };
    char line[300];

    to.listening = upstream_listen(to.server, 2);
    memset(line, 'v', sizeof line);
    memcpy(line + 200, "\0", 1);
    const char *text = server_own(to.server, malloc(1000));
    snprintf((char *)(uintptr_t)text, 1000,
             "POST /own/ HTTP/1.1\r\nHost: h\r\nX-B: theirs\r\nX-Long: %s\r\n"
             "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
             line);
    passing_next(&to, text);
    struct request request = take_request(to.up);
    ck_assert(has_param(&request, "HTTP_X_B", "own"));
    ck_assert(!has(&request, "theirs", 6));
    ck_assert(has_param(&request, "CONTENT_LENGTH", "3"));
    ck_assert(has(&request, "\13\x80\0\0\xc8HTTP_X_LONGvvv", 19));
    ck_assert(!has(&request, "ARG", 3)); /* params are inherited all or not at all */
    ck_assert_str_eq(request.body, "abc");
    client_close(to.up);

    passing_next(&to, "POST /bare/ HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    request = take_request(to.up);
    ck_assert_uint_eq(request.params_len, 4);
    ck_assert(has_param(&request, "A", "b"));
    ck_assert_uint_eq(request.body_len, 0);
    client_close(to.up);

    passing_next(&to, "GET /variable/?a=7 HTTP/1.0\r\n\r\n");
    request = take_request(to.up);
    ck_assert(has_param(&request, "ARG", "7") && has_param(&request, "EMPTY", ""));
    server_stop(to.server);
}
END_TEST

/* Larger than a record may be: from a file, and as it comes. */
START_TEST(bodies_come_in_records)
{
    enum { SIZE = 300000 };
    struct server *server = server_start(fastcgi_conf);
    int listening = upstream_listen(server, 2);
    static const struct {
        const char *path, *before, *behind;
    } rows[] = {
        { "/", "Content-Length: 300000\r\n\r\n", "" },
        { "/streamed/", "Content-Length: 300000\r\n\r\n", "" },
        /* in chunks: read first, as the application may have to be told its length */
        { "/streamed/", "Transfer-Encoding: chunked\r\n\r\n493e0\r\n", "\r\n0\r\n\r\n" },
    };
    char *body = server_own(server, malloc(SIZE));

    for (size_t i = 0; i < SIZE; i++)
        body[i] = (char)('a' + i % 26);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client *client = client_open(server);
        client_send(client, "POST %s HTTP/1.1\r\nHost: h\r\n%s", rows[i].path, rows[i].before);
        client_send_bytes(client, body, SIZE);
        client_send(client, "%s", rows[i].behind);
        struct client *up = upstream_accept(server, listening);
        struct request request = take_request(up);
        ck_assert_uint_eq(request.body_len, SIZE);
        ck_assert_int_eq(memcmp(request.body, body, SIZE), 0);
        send_record(up, STDOUT, "Status: 201 Made\r\nLocation: /it\r\n\r\nok");
        send_end(up);
        struct response *response = client_read(client);
        ck_assert_str_eq(response->status_line, "HTTP/1.1 201 Made");
        ck_assert_str_eq(response->body, "ok");
        client_close(client);
        client_close(up);
    }
    server_stop(server);
}
END_TEST

START_TEST(connections_are_kept)
{
    struct server *server = server_start(fastcgi_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server), *up = NULL;

    for (int i = 0; i < 3; i++) {
        client_send(client, "GET /kept/ HTTP/1.1\r\nHost: h\r\n\r\n");
        if (up == NULL)
            up = upstream_accept(server, listening);
        ck_assert(take_request(up).keeps);
        send_record(up, STDOUT, "Content-Length: 2\n\nok");
        send_record(up, STDOUT, "");
        send_end(up);
        ck_assert_str_eq(client_read(client)->body, "ok");
        if (i == 1) { /* whether it ended with the body or behind it does not matter */
            client_close(up);
            up = NULL;
        }
    }
    server_stop(server);
}
END_TEST

/* --- what it sends --- */

START_TEST(standard_error_is_logged)
{
    struct passing to = passing_start(fastcgi_conf, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");

    send_record(to.up, STDERR, "oh\nno\n");
    send_record(to.up, STDOUT, "A: b\n\nfirst ");
    send_record(to.up, STDERR, "later");
    send_record(to.up, STDOUT, "second");
    send_end(to.up);
    ck_assert_str_eq(client_read(to.client)->body, "first second");
    server_wait_log(to.server, "FastCGI sent in stderr: \"oh no\"");
    server_wait_log(to.server, "FastCGI sent in stderr: \"later\"");

    passing_next(&to, "GET /caught/ HTTP/1.1\r\nHost: h\r\n\r\n");
    send_record(to.up, STDERR, "PHP Fatal error: out of luck");
    send_record(to.up, STDOUT, "A: b\n\nhalf a page");
    send_end(to.up);
    ck_assert_int_eq(client_read(to.client)->status, 502);
    server_stop(to.server);
}
END_TEST

START_TEST(lies_are_not_believed)
{
    static const struct {
        const char *bytes;
        size_t len;
        int status; /* 0: the client is cut off inside of a body */
    } rows[] = {
#define ROW(text, status) { text, sizeof(text) - 1, (status) }
#define HEAD "\1\6\0\1\0\6\0\0A: b\n\n"
#define END "\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0"
        ROW("", 502),
        ROW("HTTP/1.1 200 OK\r\n\r\n", 502),
        ROW("\1\6\0\1\0\4\0\0A: b" END, 502),
        ROW(END, 502),
        ROW("\1\6\0\2\0\6\0\0A: b\n\n", 502),
        ROW("\1\2\0\1\0\0\0\0", 502),
        ROW("\1\3\0\1\0\10\0\0\0\0\0\0\1\0\0\0", 502),
        ROW("\1\6\0\1\0\7\0\0A: b\rc\n", 502),
        ROW("\1\6\0\1\0\15\0\0Status: 1000\n", 502),
        ROW("\1\6\0\1\0\24\0\0Content-Length: 9\n\nab" END, 502),
        ROW(HEAD "\1\6\0\1\0\2\0\0ab" END, 200),
        ROW("\1\6\0\1\0\24\0\0Content-Length: 1\n\na" END "x", 200),
    };
    struct passing to = { .server = server_start(fastcgi_conf) };

    to.listening = upstream_listen(to.server, 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        passing_next(&to, "GET /kept/ HTTP/1.1\r\nHost: h\r\n\r\n");
        take_request(to.up);
        client_send_bytes(to.up, rows[i].bytes, rows[i].len);
        client_close(to.up);
        struct response *response = client_read(to.client);
        ck_assert_msg(response->status == rows[i].status, "row %zu: %d", i, response->status);
        client_close(to.client);
    }
    server_stop(to.server);
}
END_TEST

/* A connection that ends without FCGI_END_REQUEST has not said that this was all. */
START_TEST(half_a_page_is_not_a_page)
{
    struct passing to = passing_start(fastcgi_conf, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");

    take_request(to.up);
    send_record(to.up, STDOUT, "A: b\n\nhalf");
    while (strstr(client_read_bytes(to.client, to.client->len + 1), "half") == NULL)
        ;
    client_close(to.up);
    ck_assert_ptr_null(strstr(client_read_all(to.client), "\r\n0\r\n"));
    server_wait_log(to.server, "upstream prematurely closed connection");
    server_stop(to.server);
}
END_TEST

/* --- variables and settings --- */

START_TEST(script_names)
{
    struct server *server =
        server_start("server { " LISTEN "fastcgi_index index.php;\n"
                     "location / { return 200 \"$fastcgi_script_name|$fastcgi_path_info\"; }\n"
                     "location ~ [.]php(/|$) { fastcgi_split_path_info ^(.+[.]php)(/.*)?$;\n"
                     "  return 200 \"$fastcgi_script_name|$fastcgi_path_info\"; } }");

    ck_assert_str_eq(get(server, "/a/b")->body, "/a/b|");
    ck_assert_str_eq(get(server, "/a/")->body, "/a/index.php|");
    ck_assert_str_eq(get(server, "/a.php/b/c?d")->body, "/a.php|/b/c");
    ck_assert_str_eq(get(server, "/a.php")->body, "/a.php|");
    server_stop(server);
}
END_TEST

START_TEST(mistakes_are_told)
{
    static const struct mistake rows[] = {
        { "fastcgi_pass localhost;", "no port in upstream \"localhost\"" },
        { "fastcgi_pass 127.0.0.1:99999;", "invalid port in upstream" },
        { "fastcgi_split_path_info ^(.*)$;", "must have 2 captures" },
        { "fastcgi_param A b if_empty;", "invalid parameter \"if_empty\"" },
        { "fastcgi_buffers 1 4k;", "there must be at least 2 \"fastcgi_buffers\"" },
        { "fastcgi_next_upstream http_200;", "invalid value \"http_200\"" },
        { "uwsgi_pass suwsgi://127.0.0.1:1;", "suwsgi protocol requires SSL support" },
        { "uwsgi_modifier1 256;", "must be from 0 to 255" },
        { 0 },
    };

    expect_mistakes_in("events { } http { server { location / { ", rows, " } } }");
}
END_TEST

START_TEST(settings_are_those_of_the_proxy)
{
    struct passing to = passing_start(
        "server { " LISTEN "error_page 404 = /own; location = /own { return 200 own; }\n"
        "fastcgi_bind 127.0.0.1; fastcgi_socket_keepalive on; fastcgi_connect_timeout 5s;\n"
        "fastcgi_send_timeout 5s; fastcgi_read_timeout 5s; fastcgi_buffering on;\n"
        "fastcgi_buffer_size 4k; fastcgi_buffers 8 4k; fastcgi_busy_buffers_size 8k;\n"
        "fastcgi_max_temp_file_size 1m; fastcgi_temp_file_write_size 8k;\n"
        "fastcgi_temp_path temp; fastcgi_limit_rate 0; fastcgi_pass_header Server;\n"
        "fastcgi_hide_header X-Hidden; fastcgi_ignore_headers X-Accel-Redirect;\n"
        "fastcgi_intercept_errors on; fastcgi_ignore_client_abort off;\n"
        "fastcgi_next_upstream error timeout; fastcgi_next_upstream_tries 1;\n"
        "fastcgi_next_upstream_timeout 5s; fastcgi_force_ranges on;\n"
        "fastcgi_store off; fastcgi_store_access user:rw group:r;\n"
        "location / { fastcgi_pass 127.0.0.1:@port2@; } }",
        "GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n\r\n");

    take_request(to.up);
    send_record(to.up, STDOUT,
                "Server: up\nX-Hidden: a\nX-Accel-Redirect: /b\nContent-Length: 4\n\nabcd");
    send_end(to.up);
    struct response *response = client_read(to.client);
    ck_assert_int_eq(response->status, 206);
    ck_assert_str_eq(response->body, "bc");
    ck_assert_str_eq(header(response, "Server"), "up");
    ck_assert_ptr_null(header(response, "X-Hidden"));
    passing_next(&to, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    send_record(to.up, STDOUT, "Status: 404 Not Found\n\n");
    send_end(to.up);
    ck_assert_str_eq(client_read(to.client)->body, "own");
    server_stop(to.server);
}
END_TEST

int main(void)
{
    return serve_main("fastcgi",
                      (const TTest *[]){ requests_become_records, parameters_say_what_is_set,
                                         bodies_come_in_records, connections_are_kept,
                                         standard_error_is_logged, lies_are_not_believed,
                                         half_a_page_is_not_a_page, script_names, mistakes_are_told,
                                         settings_are_those_of_the_proxy, NULL });
}
