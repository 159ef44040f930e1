/* The heads of answers: their order, server_tokens, add_header, expires. */
#include "tests/serve/heads.h"

#include <time.h>

#define LISTEN "listen 127.0.0.1:@port@; "

/* ---- order ---- */

#define ERROR_HEAD "Server Date Content-Type Content-Length Connection"
#define FILE_HEAD \
    "Server Date Content-Type Content-Length Last-Modified Connection ETag Accept-Ranges"

/* By GET, by HEAD and by HTTP/1.0 the head is the same. */
static void expect_head(struct server *server, const char *path, int status, const char *names)
{
    struct response *answers[3] = { get(server, path), ask_method(server, "HEAD", path, ""),
                                    ask(server, "GET %s HTTP/1.0\r\n\r\n", path) };

    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(answers[i]->status, status);
        ck_assert_msg(strcmp(header_names(answers[i]), names) == 0, "%s: %s", path,
                      answers[i]->head);
        ck_assert_ptr_null(header(answers[i], "Allow"));
    }
    ck_assert_str_eq(header(answers[1], "Content-Length"), header(answers[0], "Content-Length"));
}

START_TEST(heads_are_in_order)
{
    struct server *server = server_new();

    dated_file(server, "html/file", "0123456789");
    server_run(server, &(struct setup){
                           .http = "server { " LISTEN "root @root@/html;\n"
                                   "location /405 { return 405; } location /413 { return 413; }"
                                   "location /500 { return 500; } location /505 { return 505; }"
                                   "}" });
    expect_head(server, "/file", 200, FILE_HEAD);
    expect_head(server, "/none", 404, ERROR_HEAD);
    expect_head(server, "/405", 405, ERROR_HEAD);
    expect_head(server, "/413", 413, ERROR_HEAD);
    expect_head(server, "/500", 500, ERROR_HEAD);
    expect_head(server, "/505", 505, ERROR_HEAD);
    ck_assert_str_eq(header_names(ask_method(server, "DELETE", "/file", "")), ERROR_HEAD);
    ck_assert_str_eq(header_names(ask(server, "GET /\r\xff\r\n\r\n")), ERROR_HEAD);
    ck_assert_str_eq(header_names(ask(server, "GET / HTTP/2.0\r\n\r\n")), ERROR_HEAD);
    ck_assert_str_eq(
        header_names(ask(server, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n")),
        ERROR_HEAD);
    server_stop(server);
}
END_TEST

START_TEST(keep_alive_tells_the_time)
{
    struct server *server = server_start("keepalive_timeout 75 20;\n"
                                         "server { " LISTEN "return 200 a; add_header X-A a; }");
    struct client *client = client_open(server);

    client_send(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    struct response *response = client_read(client);
    ck_assert_str_eq(header_names(response),
                     "Server Date Content-Type Content-Length Connection Keep-Alive X-A");
    ck_assert_str_eq(header(response, "Connection"), "keep-alive");
    ck_assert_str_eq(header(response, "Keep-Alive"), "timeout=20");
    server_stop(server);
}
END_TEST

/* ---- server_tokens ---- */

static void expect_token(const char *setting, bool version)
{
    char http[256];

    snprintf(http, sizeof http, "server { " LISTEN "%s return 404; }", setting);
    struct server *server = server_start(http);
    struct response *response = get(server, "/");
    const char *token = header(response, "Server");
    if (version)
        ck_assert_int_eq(strncmp(token, "muxd/", strlen("muxd/")), 0);
    else
        ck_assert_str_eq(token, "muxd");
    snprintf(http, sizeof http, "<center>%s</center>\r\n</body>", token);
    ck_assert_ptr_nonnull(strstr(response->body, http));
    server_stop(server);
}

START_TEST(server_tokens_names_the_version)
{
    expect_token("", true);
    expect_token("server_tokens on;", true);
    expect_token("server_tokens build;", true);
    expect_token("server_tokens off;", false);
}
END_TEST

/* ---- add_header ---- */

START_TEST(headers_are_added_to_good_answers)
{
    static const struct {
        const char *path;
        bool usual;
    } cases[] = {
        { "/200", true }, { "/201", true }, { "/202", false }, { "/204", true },  { "/206", true },
        { "/301", true }, { "/302", true }, { "/303", true },  { "/304", true },  { "/305", false },
        { "/307", true }, { "/308", true }, { "/400", false }, { "/404", false }, { "/500", false },
    };
    char http[2048] = "add_header X-Usual a; add_header X-Always b always;\nserver { " LISTEN;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        snprintf(http + strlen(http), sizeof http - strlen(http), "location %s { return %s; }\n",
                 cases[i].path, cases[i].path + 1);
    strcat(http, "}");
    struct server *server = server_start(http);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response *response = get(server, cases[i].path);
        ck_assert_msg((header(response, "X-Usual") != NULL) == cases[i].usual, "%s",
                      response->head);
        ck_assert_str_eq(header(response, "X-Always"), "b");
        ck_assert_uint_eq(header_count(response, "X-Always"), 1);
    }
    server_stop(server);
}
END_TEST

START_TEST(values_have_variables)
{
    struct server *server = server_start(
        "server { " LISTEN "add_header X-Uri \"$uri of $host\"; add_header X-Arg $arg_a;\n"
        "add_header X-Empty ''; add_header X-Twice 1; add_header X-Twice 2; return 200 a; }");
    struct response *response = get(server, "/b?a=c");

    ck_assert_str_eq(header(response, "X-Uri"), "/b of localhost");
    ck_assert_str_eq(header(response, "X-Arg"), "c");
    ck_assert_ptr_null(header(response, "X-Empty"));
    ck_assert_uint_eq(header_count(response, "X-Twice"), 2);
    ck_assert_ptr_null(header(get(server, "/b"), "X-Arg"));
    server_stop(server);
}
END_TEST

START_TEST(headers_are_inherited_all_or_none)
{
    struct server *server = server_start(
        "add_header X-A a; add_header X-B b;\nserver { " LISTEN "location /a { return 200 a; }\n"
        "location /b { add_header X-C c; return 200 b; location /b/c { return 200 c; } }\n"
        "location /e { expires epoch; return 200 e; } }");

    ck_assert_str_eq(header_names(get(server, "/a")), ERROR_HEAD " X-A X-B");
    ck_assert_str_eq(header_names(get(server, "/b")), ERROR_HEAD " X-C");
    ck_assert_str_eq(header_names(get(server, "/b/c")), ERROR_HEAD " X-C");
    ck_assert_str_eq(header_names(get(server, "/e")), ERROR_HEAD " Expires Cache-Control X-A X-B");
    server_stop(server);
}
END_TEST

START_TEST(an_answers_own_headers_are_replaced)
{
    struct server *server = server_new();

    dated_file(server, "html/file", "a");
    server_run(server,
               &(struct setup){
                   .http = "server { " LISTEN "root @root@/html;\n"
                           "location /a { alias @root@/html/file; add_header Last-Modified '';\n"
                           "  add_header ETag ''; }\n"
                           "location /b { alias @root@/html/file; add_header ETag '\"own\"';\n"
                           "  add_header Last-Modified 'Mon, 10 Sep 2001 01:46:40 GMT'; }\n"
                           "location /c { return 200 c; add_header ETag '\"own\"';\n"
                           "  add_header Cache-Control no-store; expires 1h; } }" });
    ck_assert_str_eq(header_names(get(server, "/a")),
                     "Server Date Content-Type Content-Length Connection Accept-Ranges");
    struct response *response = get(server, "/b");
    ck_assert_str_eq(header(response, "ETag"), "\"own\"");
    ck_assert_uint_eq(header_count(response, "ETag"), 1);
    ck_assert_str_eq(header(response, "Last-Modified"), "Mon, 10 Sep 2001 01:46:40 GMT");
    ck_assert_uint_eq(header_count(response, "Last-Modified"), 1);
    response = get(server, "/c");
    ck_assert_str_eq(header(response, "ETag"), "\"own\"");
    ck_assert_uint_eq(header_count(response, "Cache-Control"), 2);
    server_stop(server);
}
END_TEST

/* ---- add_trailer ---- */

/* All that comes behind the head. */
static const char *tail_of(struct server *server, const char *request)
{
    struct client *client = client_open(server);

    client_send(client, "%s", request);
    return strstr(client_read_all(client), "\r\n\r\n");
}

START_TEST(trailers_stand_behind_a_chunked_body)
{
    struct server *server = server_start(
        "server { " LISTEN "add_trailer X-A \"$uri\"; add_trailer X-None $arg_none;\n"
        "add_trailer X-B b always;\n"
        "location /a { return 200 text; } location /b { return 418 text; }\n"
        "location /c { return 204; } location /d { return 404 text; add_trailer X-D d; } }");

    struct client *client = client_open(server);
    client_send(client, "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const char *answer = client_read_all(client);
    ck_assert_ptr_nonnull(strstr(answer,
                                 "\r\nContent-Type: text/plain\r\n"
                                 "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"));
    ck_assert_str_eq(tail_of(server, "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                     "\r\n\r\n4\r\ntext\r\n0\r\nX-A: /a\r\nX-B: b\r\n\r\n");
    ck_assert_str_eq(tail_of(server, "GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                     "\r\n\r\n4\r\ntext\r\n0\r\nX-B: b\r\n\r\n");
    ck_assert_str_eq(tail_of(server, "GET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                     "\r\n\r\n");
    ck_assert_str_eq(tail_of(server, "GET /d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                     "\r\n\r\ntext");
    ck_assert_str_eq(tail_of(server, "GET /a HTTP/1.0\r\n\r\n"), "\r\n\r\ntext");
    ck_assert_str_eq(tail_of(server, "HEAD /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                     "\r\n\r\n");
    server_stop(server);
}
END_TEST

/* ---- expires ---- */

static time_t date_of(const char *text)
{
    struct tm tm = { 0 };

    ck_assert_ptr_nonnull(strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm));
    return timegm(&tm);
}

/* Expires is so many seconds after Date (the two are of one second, or the next). */
static void expect_after(const struct response *response, long seconds)
{
    time_t date = date_of(header(response, "Date"));
    long after = (long)(date_of(header(response, "Expires")) - date);

    ck_assert_msg(after >= seconds - 1 && after <= seconds + 1, "%ld", after);
}

START_TEST(expires_replaces_what_an_upstream_says)
{
    struct server *server = server_start(
        "server { " LISTEN "location /own { proxy_pass http://127.0.0.1:@port2@; }\n"
        "location /off { expires off; proxy_pass http://127.0.0.1:@port2@; }\n"
        "location / { expires epoch; proxy_pass http://127.0.0.1:@port2@; } }\n"
        "server { listen 127.0.0.1:@port2@; add_header Cache-Control public;\n"
        "add_header Expires never; add_header Cache-Control max-age=5; return 200 x; }");
    struct response *response = get(server, "/");

    ck_assert_str_eq(header(response, "Expires"), "Thu, 01 Jan 1970 00:00:01 GMT");
    ck_assert_str_eq(header(response, "Cache-Control"), "no-cache");
    ck_assert_uint_eq(header_count(response, "Expires"), 1);
    ck_assert_uint_eq(header_count(response, "Cache-Control"), 1);
    response = get(server, "/off");
    ck_assert_str_eq(header(response, "Expires"), "never");
    ck_assert_uint_eq(header_count(response, "Cache-Control"), 2);
    ck_assert_uint_eq(header_count(get(server, "/own"), "Cache-Control"), 2);
    server_stop(server);
}
END_TEST

START_TEST(expires_counts_from_now)
{
    struct server *server =
        server_start("server { " LISTEN "location /a { expires 1h; return 200 a; }\n"
                     "location /b { expires +1h30m; return 200 b; }\n"
                     "location /c { expires -1; return 200 c; }\n"
                     "location /d { expires 0; return 200 d; }\n"
                     "location /e { expires modified 1d; return 200 e; }\n"
                     "location /f { expires 1h; return 404; } }");

    expect_after(get(server, "/a"), 3600);
    ck_assert_str_eq(header(get(server, "/a"), "Cache-Control"), "max-age=3600");
    ck_assert_str_eq(header_names(get(server, "/a")), ERROR_HEAD " Expires Cache-Control");
    expect_after(get(server, "/b"), 5400);
    ck_assert_str_eq(header(get(server, "/b"), "Cache-Control"), "max-age=5400");
    expect_after(get(server, "/c"), -1);
    ck_assert_str_eq(header(get(server, "/c"), "Cache-Control"), "no-cache");
    expect_after(get(server, "/d"), 0);
    ck_assert_str_eq(header(get(server, "/d"), "Cache-Control"), "max-age=0");
    expect_after(get(server, "/e"), 86400); /* nothing is known of its age */
    ck_assert_ptr_null(header(get(server, "/f"), "Expires"));
    server_stop(server);
}
END_TEST

START_TEST(expires_has_words)
{
    struct server *server = server_start(
        "expires max; server { " LISTEN "location /a { expires epoch; return 200 a; }\n"
        "location /b { return 200 b; } location /c { expires off; return 200 c; } }");

    ck_assert_str_eq(header(get(server, "/a"), "Expires"), "Thu, 01 Jan 1970 00:00:01 GMT");
    ck_assert_str_eq(header(get(server, "/a"), "Cache-Control"), "no-cache");
    ck_assert_str_eq(header(get(server, "/b"), "Expires"), "Thu, 31 Dec 2037 23:55:55 GMT");
    ck_assert_str_eq(header(get(server, "/b"), "Cache-Control"), "max-age=315360000");
    ck_assert_ptr_null(header(get(server, "/c"), "Expires"));
    ck_assert_ptr_null(header(get(server, "/c"), "Cache-Control"));
    server_stop(server);
}
END_TEST

START_TEST(expires_counts_from_the_last_change)
{
    struct server *server = server_new();

    dated_file(server, "html/file", "a");
    server_run(server, &(struct setup){ .http = "server { " LISTEN "root @root@/html;\n"
                                                "expires modified +1d; }" });
    ck_assert_str_eq(header(get(server, "/file"), "Expires"), "Mon, 10 Sep 2001 01:46:40 GMT");
    ck_assert_str_eq(header(get(server, "/file"), "Cache-Control"), "no-cache");
    server_stop(server);
}
END_TEST

/* The next half past three, by the local clock. */
START_TEST(expires_at_a_time_of_the_day)
{
    struct server *server = server_start("server { " LISTEN "expires @15h30m; return 200 a; }");
    struct response *response = get(server, "/");
    time_t expires = date_of(header(response, "Expires"));
    long after = (long)(expires - date_of(header(response, "Date")));
    struct tm tm;

    ck_assert(after > -2 && after <= 25 * 3600);
    ck_assert_ptr_nonnull(localtime_r(&expires, &tm));
    ck_assert_int_eq(tm.tm_hour * 100 + tm.tm_min, 1530);
    ck_assert_int_eq(strncmp(header(response, "Cache-Control"), "max-age=", 8), 0);
    server_stop(server);
}
END_TEST

START_TEST(expires_has_variables)
{
    struct server *server = server_start("server { " LISTEN "expires $arg_e; return 200 a; }");

    ck_assert_str_eq(header(get(server, "/?e=1h"), "Cache-Control"), "max-age=3600");
    ck_assert_str_eq(header(get(server, "/?e=-1h"), "Cache-Control"), "no-cache");
    ck_assert_str_eq(header(get(server, "/?e=max"), "Cache-Control"), "max-age=315360000");
    ck_assert_ptr_null(header(get(server, "/?e=off"), "Cache-Control"));
    ck_assert_ptr_null(header(get(server, "/?e=nonsense"), "Cache-Control"));
    ck_assert_ptr_null(header(get(server, "/?e=@25h"), "Cache-Control"));
    ck_assert_ptr_null(header(get(server, "/"), "Cache-Control"));
    server_stop(server);
}
END_TEST

START_TEST(wrong_uses_are_refused)
{
    const struct mistake mistakes[] = {
        { "add_header X-A;", "invalid number of arguments in \"add_header\"" },
        { "add_header X-A a never;", "invalid parameter \"never\"" },
        { "add_header X-A $none;", "unknown \"none\" variable" },
        { "expires never;", "\"expires\" directive invalid value" },
        { "expires 1h 2h;", "\"expires\" directive invalid value" },
        { "expires modified;", "\"expires\" directive invalid value" },
        { "expires @25h;", "\"expires\" directive daily time value must be less than 24 hours" },
        { "expires modified @1h;",
          "\"expires\" directive daily time cannot be used with \"modified\" parameter" },
        { "expires 1h; expires 2h;", "\"expires\" directive is duplicate" },
        { "server_tokens maybe;", "invalid value \"maybe\"" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main("headers", (const TTest *[]){
                                     heads_are_in_order,
                                     keep_alive_tells_the_time,
                                     server_tokens_names_the_version,
                                     headers_are_added_to_good_answers,
                                     values_have_variables,
                                     headers_are_inherited_all_or_none,
                                     an_answers_own_headers_are_replaced,
                                     trailers_stand_behind_a_chunked_body,
                                     expires_replaces_what_an_upstream_says,
                                     expires_counts_from_now,
                                     expires_has_words,
                                     expires_counts_from_the_last_change,
                                     expires_at_a_time_of_the_day,
                                     expires_has_variables,
                                     wrong_uses_are_refused,
                                     NULL,
                                 });
}
