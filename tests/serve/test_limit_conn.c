/* limit_conn: connections of a key that have a request at work, for all workers. The upstream
 * that they wait for is the test. */
#include "tests/serve/harness.h"
#include "tests/serve/harness_upstream.h"
#include "tests/serve/load.h"

#include <signal.h>

#define SERVER                            \
    "server { listen 127.0.0.1:@port@;\n" \
    "root @root@/html; add_header X-Status $limit_conn_status always;\n"

#define HELD "location /held { proxy_pass http://127.0.0.1:@port2@; }\n"

#define ZONE "limit_conn_zone $arg_key zone=one:1m;\n"

/* A request that is at work, and who will answer it. */
struct held {
    struct client *client, *upstream;
};

static struct held hold(struct server *server, int listening, const char *key)
{
    struct held held = { .client = client_open(server) };

    client_send(held.client, "GET /held?key=%s HTTP/1.1\r\nHost: h\r\n\r\n", key);
    held.upstream = upstream_accept(server, listening);
    upstream_request(held.upstream, NULL);
    return held;
}

static void let_go(struct held *held)
{
    client_send(held->upstream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
    ck_assert_int_eq(client_read(held->client)->status, 200);
    client_close(held->upstream);
}

static struct server *start(const char *http, int *listening)
{
    struct server *server = server_new();

    server_file(server, "html/x", "x");
    server_file(server, "html/status", "x");
    server_run(server, &(struct setup){ .http = http });
    *listening = upstream_listen(server, 2);
    return server;
}

static void expect(struct server *server, const char *path, int status, const char *passed)
{
    struct response *response = get(server, path);
    const char *text = header(response, "X-Status");

    ck_assert_msg(response->status == status, "%s: %d", path, response->status);
    ck_assert_msg(passed == NULL ? text == NULL : text != NULL && strcmp(text, passed) == 0,
                  "%s: %s", path, text != NULL ? text : "(none)");
}

START_TEST(a_key_has_so_many_connections)
{
    int listening;
    struct server *server = start(ZONE SERVER "location / { limit_conn one 2; }\n"
                                              "location /held { limit_conn one 2;\n"
                                              "proxy_pass http://127.0.0.1:@port2@; } }",
                                  &listening);

    struct held first = hold(server, listening, "a");
    expect(server, "/x?key=a", 200, "PASSED");
    struct held second = hold(server, listening, "a");
    expect(server, "/x?key=a", 503, "REJECTED");
    server_wait_log(server, "limiting connections by zone \"one\", client: 127.0.0.1, server: , "
                            "request: \"GET /x?key=a ");
    expect(server, "/x?key=b", 200, "PASSED");
    expect(server, "/x", 200, NULL); /* no key, no limit */
    let_go(&first);                  /* an idle connection does not count */
    EVENTUALLY(get(server, "/x?key=a")->status == 200);
    client_reset(second.client);
    struct held third = hold(server, listening, "a");
    EVENTUALLY(get(server, "/x?key=a")->status == 200);
    let_go(&third);
    server_stop(server);
}
END_TEST

START_TEST(status_level_and_dry_run)
{
    int listening;
    struct server *server = start(ZONE SERVER "limit_conn one 1; limit_conn_log_level warn;\n" HELD
                                              "location /x { limit_conn_status 429; }\n"
                                              "location /status { limit_conn_dry_run on; } }",
                                  &listening);

    struct held held = hold(server, listening, "a");
    expect(server, "/x?key=a", 429, "REJECTED");
    server_wait_log(server, "[warn]");
    expect(server, "/status?key=a", 200, "REJECTED_DRY_RUN");
    server_wait_log(server, "limiting connections, dry run, by zone \"one\"");
    let_go(&held);
    server_stop(server);
}
END_TEST

/* Both limits have to let it pass; what the first one has counted is taken back. */
START_TEST(several_limits)
{
    int listening;
    struct server *server =
        start(ZONE "limit_conn_zone $uri zone=uri:1m;\n" SERVER
                   "location / { limit_conn uri 1; limit_conn one 1; }\n"
                   "location /held { limit_conn one 1; proxy_pass http://127.0.0.1:@port2@; } }",
              &listening);

    struct held held = hold(server, listening, "a");
    for (unsigned i = 0; i < 3; i++)
        expect(server, "/x?key=a", 503, "REJECTED");
    expect(server, "/x?key=b", 200, "PASSED");
    let_go(&held);
    server_stop(server);
}
END_TEST

/* Internal redirects and subrequests are the same connection. */
START_TEST(a_request_is_counted_once)
{
    int listening;
    struct server *server = start(ZONE SERVER "limit_conn one 1; error_page 404 /x;\n"
                                              "location /asked { auth_request /x; try_files\n"
                                              "/none /x; } }",
                                  &listening);

    expect(server, "/none?key=a", 404, "PASSED");
    expect(server, "/asked?key=a", 200, "PASSED");
    server_stop(server);
}
END_TEST

START_TEST(a_zone_survives_a_reload)
{
    static const char config[] = ZONE SERVER "limit_conn one 1;\n" HELD "}";
    int listening;
    struct server *server = start(config, &listening);
    struct held held = hold(server, listening, "a");

    server_configure(server, &(struct setup){ .http = config });
    server_signal(server, SIGHUP);
    server_wait_log(server, "reconfigured: ");
    expect(server, "/x?key=a", 503, "REJECTED");
    let_go(&held);
    EVENTUALLY(get(server, "/x?key=a")->status == 200);
    server_stop(server);
}
END_TEST

START_TEST(a_killed_worker_has_no_connections)
{
    int listening;
    struct server *server = start(ZONE SERVER "limit_conn one 2;\n" HELD "}", &listening);

    server_allow(server, "exited on signal 9");
    for (unsigned round = 0; round < 2; round++) {
        struct held held[2] = { hold(server, listening, "a"), hold(server, listening, "a") };
        expect(server, "/x?key=a", 503, "REJECTED");
        load_kill_workers(server);
        for (unsigned i = 0; i < 2; i++) {
            client_close(held[i].client);
            client_close(held[i].upstream);
        }
        EVENTUALLY(get(server, "/x?key=a")->status == 200);
    }
    server_stop(server);
}
END_TEST

/* kill -9 under load, at any instant: in the end nobody is counted. */
START_TEST(a_killed_worker_leaves_the_zone_usable)
{
    int listening;
    struct server *server =
        start("limit_conn_zone $arg_key zone=one:32k;\n" SERVER "limit_conn one 2;\n" HELD "}",
              &listening);

    server_allow(server, "exited on signal 9");
    server_allow(server, "the zone is empty now");
    load_through_kills(server, "/x?key=", 5);
    for (char key[] = "0"; key[0] < '5'; key[0]++) {
        struct held first, second;
        char path[16];
        snprintf(path, sizeof path, "/x?key=%s", key);
        EVENTUALLY(get(server, path)->status == 200);
        first = hold(server, listening, key);
        EVENTUALLY(get(server, path)->status == 200);
        second = hold(server, listening, key);
        expect(server, path, 503, "REJECTED");
        let_go(&first);
        let_go(&second);
    }
    server_stop(server);
}
END_TEST

/* A zone that is full: nobody else comes in. */
START_TEST(a_full_zone_refuses)
{
    static const char pad[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789";
    int listening;
    struct server *server =
        start("limit_conn_zone $arg_key zone=one:32k;\n" SERVER "limit_conn one 9;\n" HELD "}",
              &listening);
    struct held held[100];
    char path[300];
    unsigned count = 0;

    server_allow(server, "could not allocate node in limit_conn zone \"one\"");
    for (; count < 100; count++) {
        snprintf(path, sizeof path, "/x?key=%s%u", pad, count);
        if (get(server, path)->status != 200)
            break;
        held[count] = hold(server, listening, path + strlen("/x?key="));
    }
    ck_assert_uint_gt(count, 10);
    ck_assert_uint_lt(count, 100);
    expect(server, path, 503, "REJECTED");
    let_go(&held[0]);
    EVENTUALLY(get(server, path)->status == 200);
    for (unsigned i = 1; i < count; i++)
        let_go(&held[i]);
    server_stop(server);
}
END_TEST

/* Keys of more than 255 bytes are not limited. */
START_TEST(a_key_without_end)
{
    int listening;
    struct server *server = start(ZONE SERVER "limit_conn one 1; }", &listening);
    char path[400] = "/x?key=";
    size_t len = strlen(path);

    memset(path + len, 'k', 255);
    path[len + 255] = '\0';
    expect(server, path, 200, "PASSED");
    strcpy(path + len + 255, "k");
    expect(server, path, 200, NULL);
    server_wait_log(server, "the value of the \"$arg_key\" key is more than 255 bytes: \"k");
    server_stop(server);
}
END_TEST

START_TEST(mistakes_are_reported)
{
    static const struct mistake rows[] = {
        { "limit_conn_zone $uri zone=a;", "invalid zone size \"zone=a\"" },
        { "limit_conn_zone $uri zone=a:1k;", "zone \"zone=a:1k\" is too small" },
        { "limit_conn_zone $uri size=1m;", "invalid parameter \"size=1m\"" },
        { "limit_conn_zone $uri zone=a:1m; limit_conn_zone $host zone=a:1m;",
          "limit_conn_zone \"a\" is already bound to key \"$uri\"" },
        { "limit_conn a 1;", "zero size shared memory zone \"a\"" },
        { "limit_conn_zone $uri zone=a:1m; limit_conn a 0;",
          "invalid number of connections \"0\"" },
        { "limit_conn_zone $uri zone=a:1m; limit_conn a x;",
          "invalid number of connections \"x\"" },
        { "limit_conn_zone $uri zone=a:1m; limit_conn a 65536;",
          "connection limit must be less 65536" },
        { "limit_conn_zone $uri zone=a:1m; limit_conn a 1; limit_conn a 2;",
          "\"limit_conn\" directive is duplicate" },
        { "limit_req_zone $uri zone=a:1m rate=1r/s; limit_conn a 1;",
          "is already declared for a different use" },
        { "limit_conn_status 399;", "value must be between 400 and 599" },
        { "limit_conn_log_level debug;", "invalid value \"debug\"" },
        { 0 },
    };

    expect_mistakes(rows);
}
END_TEST

int main(void)
{
    return serve_main("limit_conn", (const TTest *[]){
                                        a_key_has_so_many_connections,
                                        status_level_and_dry_run,
                                        several_limits,
                                        a_request_is_counted_once,
                                        a_zone_survives_a_reload,
                                        a_killed_worker_has_no_connections,
                                        a_killed_worker_leaves_the_zone_usable,
                                        a_full_zone_refuses,
                                        a_key_without_end,
                                        mistakes_are_reported,
                                        NULL,
                                    });
}
