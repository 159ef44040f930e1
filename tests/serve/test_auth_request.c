/* auth_request: who is let in by a subrequest. */
#include "tests/serve/harness_upstream.h"
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@; "

static struct server *start(const char *http)
{
    struct server *server = server_new();

    server_file(server, "html/a.txt", "Hello");
    server_file(server, "html/sub/index.html", "index");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(statuses)
{
    struct server *server =
        start("server { " LISTEN "location / { root html; auth_request /yes; } "
              "location /ok { auth_request /200; root html; try_files /a.txt =404; } "
              "location /no/ { auth_request /403; } "
              "location /who/ { auth_request /401; error_page 401 /login; } "
              "location = /login { return 200 'log in'; } "
              "location /bad/ { auth_request /302; } "
              "location /worse/ { auth_request /500; } "
              "location /nowhere/ { auth_request /missing; } "
              "location /off/ { auth_request off; alias @root@/html/; } "
              "location = /yes { internal; return 204; } "
              "location = /200 { return 200 \"a body that nobody sees\"; } "
              "location = /403 { return 403; } "
              "location = /401 { return 401; } "
              "location = /302 { return 302 /; } "
              "location = /500 { return 500; } "
              "location = /missing { alias @root@/missing; } }");
    struct response *response = get(server, "/a.txt");

    ck_assert_str_eq(response->body, "Hello");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Content-Length "
                                             "Last-Modified Connection ETag Accept-Ranges");
    ck_assert_int_eq(get(server, "/none")->status, 404);
    ck_assert_int_eq(get(server, "/yes")->status, 404); /* it is internal */
    ck_assert_str_eq(get(server, "/ok")->body, "Hello");
    ck_assert_int_eq(get(server, "/no/a.txt")->status, 403);
    response = get(server, "/who/a.txt");
    ck_assert_int_eq(response->status, 401);
    ck_assert_str_eq(response->body, "log in");
    ck_assert_int_eq(get(server, "/bad/a.txt")->status, 500);
    ck_assert_int_eq(get(server, "/worse/a.txt")->status, 500);
    ck_assert_int_eq(get(server, "/nowhere/a.txt")->status, 500);
    ck_assert_str_eq(get(server, "/off/a.txt")->body, "Hello");
    server_wait_log(server, "auth request unexpected status: 302, client: 127.0.0.1");
    server_wait_log(server, "auth request unexpected status: 500, client: 127.0.0.1");
    server_wait_log(server, "request: \"GET /nowhere/a.txt HTTP/1.1\", subrequest: \"/missing\"");
    server_wait_log(server, "auth request unexpected status: 404, client: 127.0.0.1");
    server_stop(server);
}
END_TEST

START_TEST(variables)
{
    struct server *server =
        start("auth_request_set $inherited \"<$sent_http_content_type>\"; log_subrequest on; "
              "log_format f '$request_method $uri $args $status $inherited'; "
              "access_log logs/f.log f; "
              "server { " LISTEN "root html; location / { auth_request /yes; "
              "add_header X-Type $inherited; } "
              "location /own/ { auth_request /yes; auth_request_set $own \"$uri $status $arg_n\"; "
              "auth_request_set $same \"$request_method $request_id\"; alias @root@/html/; "
              "add_header X-Own \"$own$inherited\"; "
              "add_header X-Same \"$same=$request_method $request_id\"; } "
              "location /no/ { auth_request /no; auth_request_set $why $http_x_from; "
              "error_page 403 = @refused; } "
              "location @refused { auth_request off; return 200 \"refused: $why\"; } "
              "location = /no { return 403; } "
              "location /args { auth_request /yes; auth_request_set $args s=$status; "
              "try_files $uri /args-are?$args; } location = /args-are { return 200 $arg_s; } "
              "location = /yes { default_type a/b; return 200; } }");
    struct response *response = get(server, "/a.txt");

    ck_assert_str_eq(header(response, "X-Type"), "<a/b>");
    response = ask_method(server, "HEAD", "/own/a.txt?n=1", "");
    ck_assert_str_eq(header(response, "X-Own"), "/yes 200 "); /* the arguments stay behind */
    const char *same = header(response, "X-Same"), *other = strchr(same, '=');
    ck_assert_ptr_nonnull(other);
    ck_assert_uint_eq(strlen(same), strlen("HEAD =HEAD ") + 2 * 32);
    ck_assert_int_eq(strncmp(same, other + 1, strlen(other + 1)), 0);
    ck_assert_str_eq(get_with(server, "/no/", "X-From: me\r\n")->body, "refused: me");
    ck_assert_str_eq(get(server, "/args?s=1")->body, "200"); /* a built-in one that can be set */
    ck_assert_str_eq(get(server, "/sub/")->body, "index");
    const char *log = server_wait_file(server, "logs/f.log", "GET /sub/index.html - 200");
    ck_assert_uint_eq(count_of(log, "GET /yes - 200 "), 4); /* an index is asked for anew */
    ck_assert_uint_eq(count_of(log, "HEAD /yes - 200 "), 1);
    server_stop(server);
}
END_TEST

/* What is said of clients does not concern what is asked on their behalf. */
START_TEST(subrequests_pass_the_access_phase)
{
    struct server *server = start("server { " LISTEN "root html; auth_request /yes; "
                                  "location = /yes { deny all; return 204; } }");

    ck_assert_str_eq(get(server, "/a.txt")->body, "Hello");
    server_stop(server);
}
END_TEST

START_TEST(no_answer)
{
    struct server *server = start("server { " LISTEN "location / { auth_request /444; } "
                                  "location = /444 { return 444; } }");

    ck_assert_int_eq(ask_status(server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
    server_stop(server);
}
END_TEST

START_TEST(bodies_and_pipelines)
{
    struct server *server =
        start("server { " LISTEN "location / { auth_request /yes; root html; error_page 405 =200 "
              "@post; } location @post { auth_request off; return 200 posted; } "
              "location = /yes { return 204; } }");
    struct client *client = client_open(server);

    for (int i = 0; i < 3; i++)
        client_send(client, "POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                            "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(client_read(client)->body, "posted");
        ck_assert_str_eq(client_read(client)->body, "Hello");
    }
    server_stop(server);
}
END_TEST

#define ASK_UPSTREAM                                                                  \
    "server { " LISTEN                                                                \
    "location / { auth_request /auth; auth_request_set $user $upstream_http_x_user; " \
    "add_header X-User $user; root html; } "                                          \
    "location = /auth { internal; proxy_pass http://127.0.0.1:@port2@; } }"

/* A request that waits for what an upstream will say of its client. */
static struct client *ask_upstream(struct server *server, int listening, struct client *client,
                                   const char *path)
{
    client_send(client, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    struct client *up = upstream_accept(server, listening);
    ck_assert_ptr_nonnull(strstr(upstream_request(up, NULL), "GET /auth HTTP/1.0\r\n"));
    ck_assert(client_is_silent(client));
    return up;
}

START_TEST(an_upstream_is_waited_for)
{
    static const struct {
        const char *answer; /* NULL: none */
        int status;
    } cases[] = {
        { "HTTP/1.1 204 No Content\r\nX-User: me\r\n\r\n", 200 },
        { "HTTP/1.1 200 OK\r\nX-User: me\r\nContent-Length: 7\r\n\r\nignored", 200 },
        { "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", 401 },
        { "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", 403 },
        { "HTTP/1.1 302 No\r\nContent-Length: 0\r\n\r\n", 500 },
        { "nonsense\r\n\r\n", 500 },
        { NULL, 500 },
    };
    struct server *server = start(ASK_UPSTREAM);
    int listening = upstream_listen(server, 2);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client *client = client_open(server);
        struct client *up = ask_upstream(server, listening, client, "/a.txt");
        if (cases[i].answer != NULL)
            client_send(up, "%s", cases[i].answer);
        client_close(up);
        const struct response *response = client_read(client);
        ck_assert_msg(response->status == cases[i].status, "%s: %d", cases[i].answer,
                      response->status);
        if (response->status == 200)
            ck_assert_str_eq(header(response, "X-User"), "me");
        if (response->status == 401)
            ck_assert_str_eq(header(response, "WWW-Authenticate"), "Basic");
    }
    server_stop(server);
}
END_TEST

START_TEST(a_client_may_leave_while_it_waits)
{
    struct server *server = start(ASK_UPSTREAM);
    int listening = upstream_listen(server, 2);
    struct client *gone = client_open(server);
    struct client *up = ask_upstream(server, listening, gone, "/a.txt");

    client_reset(gone);
    client_expect_closed(up);
    struct client *client = client_open(server);
    up = ask_upstream(server, listening, client, "/a.txt");
    client_send(up, "HTTP/1.1 204 No Content\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "Hello");
    server_stop(server);
}
END_TEST

START_TEST(wrong_directives)
{
    const struct mistake mistakes[] = {
        { "auth_request;", "invalid number of arguments" },
        { "auth_request /a; auth_request off;", "duplicate" },
        { "auth_request_set user 1;", "invalid variable name \"user\"" },
        { "auth_request_set $user;", "invalid number of arguments" },
        { "auth_request_set $user $nothing;", "unknown \"nothing\" variable" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main("auth_request",
                      (const TTest *[]){ statuses, variables, subrequests_pass_the_access_phase,
                                         no_answer, bodies_and_pipelines, an_upstream_is_waited_for,
                                         a_client_may_leave_while_it_waits, wrong_directives,
                                         NULL });
}
