/* What stands between the upstream, the disk and the client of a cache: slow clients, full disks,
 * other requests in the background; and what the configuration may not say. */
#include "tests/serve/harness_cache.h"

#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define PATH "proxy_cache_path cache keys_zone=one:1m;\n"
#define TO_UPSTREAM "proxy_pass http://127.0.0.1:@port2@; proxy_cache one;\n"

/* With the lock, who comes when a file is there, but another worker has not told of it yet, waits.
 */
static const char usual_conf[] =
    PATH CACHE_SHOW "server { " LISTEN "proxy_cache_valid 200 1h; proxy_cache_lock on;\n"
                    "  location / { " TO_UPSTREAM "} }";

enum { LARGE = 12 * 1024 * 1024 };

static char *make_body(struct server *server)
{
    char *body = server_own(server, malloc(LARGE));

    for (size_t i = 0; i < LARGE; i++)
        body[i] = (char)('a' + i % 26 + i / 4096 % 3);
    return body;
}

static void answer_large(struct client *up, const char *body)
{
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE);
    ck_assert(client_send_bytes(up, body, LARGE));
    client_close(up);
}

static void expect_body(const struct response *response, const char *body)
{
    ck_assert_int_eq(response->status, 200);
    ck_assert_uint_eq(response->body_len, LARGE);
    ck_assert_int_eq(memcmp(response->body, body, LARGE), 0);
}

/* --- slow clients --- */

/* The upstream is not kept waiting for a client that does not read: all of the answer is in the
 * file before, and others have it. */
START_TEST(a_slow_client_reads_from_the_file)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = cache_ask(server, "GET", "/large", "");
    const char *body = make_body(server);

    answer_large(cache_asked(server, listening, NULL), body);
    EVENTUALLY(count_files(server, "cache") == 1);
    expect_body(get(server, "/large"), body);
    expect_body(client_read(client), body);
    server_stop(server);
}
END_TEST

START_TEST(a_client_may_leave_in_the_middle)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = cache_ask(server, "GET", "/large", ""),
                  *up = cache_asked(server, listening, NULL);
    const char *body = make_body(server);

    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE);
    client_send_bytes(up, body, LARGE / 2);
    client_read_bytes(client, 1);
    client_reset(client);
    client_send_bytes(up, body + LARGE / 2, LARGE - LARGE / 2);
    client_close(up);
    EVENTUALLY(count_files(server, "cache") == 1);
    expect_body(get(server, "/large"), body);
    server_stop(server);
}
END_TEST

START_TEST(half_an_answer_is_not_kept)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = cache_ask(server, "GET", "/a", ""),
                  *up = cache_asked(server, listening, NULL);

    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    client_close(up);
    ck_assert_str_eq(strstr(client_read_all(client), "\r\n\r\n") + 4, "half");
    client = cache_ask(server, "GET", "/a", "");
    up = cache_asked(server, listening, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n");
    client_send(up, "0\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "whole");
    struct response *response = get(server, "/a");
    ck_assert_str_eq(header(response, "X-Cache"), "HIT");
    ck_assert_str_eq(header(response, "Content-Length"), "5");
    ck_assert_str_eq(response->body, "whole");
    server_stop(server);
}
END_TEST

/* --- a full disk --- */

/* The files that the workers write first lead to a device that is full. */
static void fill_disk(struct server *server)
{
    pid_t pids[8];
    size_t count;

    EVENTUALLY((count = server_workers(server, pids, 8)) == worker_count());
    for (size_t i = 0; i < count; i++)
        for (unsigned number = 1; number <= 2; number++) {
            char path[64];
            snprintf(path, sizeof path, "cache/.temp/%d.%u", pids[i], number);
            ck_assert_int_eq(symlink("/dev/full", server_path(server, path)), 0);
        }
}

START_TEST(a_full_disk_costs_no_client_anything)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    const char *body = make_body(server);

    server_allow(server, "No space left on device");
    fill_disk(server);
    struct client *client = cache_ask(server, "GET", "/small", "");
    client_send(cache_asked(server, listening, NULL),
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    ck_assert_str_eq(client_read(client)->body, "ok");
    client = cache_ask(server, "GET", "/large", "");
    answer_large(cache_asked(server, listening, NULL), body);
    expect_body(client_read(client), body);
    ck_assert_uint_eq(count_of(server_wait_log(server, "No space left"), "No space left"), 2);
    ck_assert_uint_eq(count_files(server, "cache"), 0);
    server_stop(server);
}
END_TEST

/* --- others that ask --- */

/* Nobody reads the body of a subrequest that only asks: it is kept all the same. */
START_TEST(permissions_are_kept)
{
    struct server *server =
        server_start(PATH "proxy_cache_valid 200 1h;\n"
                          "server { " LISTEN "location / { auth_request /ask; return 200 in; }\n"
                          "location = /page { auth_request /ask; alias @root@/html/page; }\n"
                          "location = /ask { internal; " TO_UPSTREAM "proxy_cache_key ask; } }");
    int listening = upstream_listen(server, 2);

    server_file(server, "html/page", "page");
    struct client *client = cache_ask(server, "GET", "/page", ""),
                  *up = cache_asked(server, listening, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nye");
    client_send(up, "s!");
    ck_assert_str_eq(client_read(client)->body, "page");
    ck_assert_str_eq(get(server, "/page")->body, "page");
    server_stop(server);
}
END_TEST

/* A client that keeps its connection gets its next answer on it. */
START_TEST(connections_are_kept_beside_updates)
{
    struct server *server =
        server_start(PATH "server { " LISTEN "location / { " TO_UPSTREAM
                          "proxy_cache_use_stale updating; proxy_cache_background_update on; }\n"
                          "location = /other { return 200 other; } }");
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server), *up;

    client_send(client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    up = cache_asked(server, listening, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nX-Accel-Expires: @1\r\nContent-Length: 3\r\n\r\none");
    ck_assert_str_eq(client_read(client)->body, "one");
    client_send(client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /other HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "one");
    up = cache_asked(server, listening, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 3\r\n\r\ntwo");
    ck_assert_str_eq(client_read(client)->body, "other");
    ck_assert_str_eq(get(server, "/a")->body, "two");
    server_stop(server);
}
END_TEST

/* --- the configuration --- */

START_TEST(mistakes_are_errors)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        { "proxy_cache_path a;", "number of arguments" },
        { "proxy_cache_path a levels=1;",
          "\"proxy_cache_path\" must have \"keys_zone\" parameter" },
        { "proxy_cache_path a keys_zone=one;", "invalid zone size" },
        { "proxy_cache_path a keys_zone=one:1;", "too small" },
        { "proxy_cache_path a keys_zone=one:1m levels=3;", "invalid levels value" },
        { "proxy_cache_path a keys_zone=one:1m levels=1:2:1:2;", "invalid levels value" },
        { "proxy_cache_path a keys_zone=one:1m inactive=x;", "invalid inactive value" },
        { "proxy_cache_path a keys_zone=one:1m max_size=x;", "invalid max_size value" },
        { "proxy_cache_path a keys_zone=one:1m purger=x;", "invalid purger value" },
        { "proxy_cache_path a keys_zone=one:1m x=y;", "invalid parameter" },
        { "proxy_cache_path a keys_zone=one:1m; proxy_cache_path b keys_zone=one:1m;",
          "is already bound to key" },
        { "proxy_cache two;", "\"proxy_cache\" zone \"two\" is unknown" },
        { "proxy_cache_valid x;", "invalid time value" },
        { "proxy_cache_valid 99 1h;", "invalid status" },
        { "proxy_cache_valid 600 1h;", "invalid status" },
        { "proxy_cache_use_stale x;", "invalid value" },
        { "proxy_cache_methods PUT;", "invalid value" },
        { "proxy_cache_path a keys_zone=one:1m; proxy_cache one; proxy_store on;",
          "\"proxy_cache\" is incompatible with \"proxy_store\"" },
    };
    struct server *server = server_start("server { " LISTEN "}");

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char config[512];
        snprintf(
            config, sizeof config,
            "events { }\nhttp { %s\nserver { location / { proxy_pass http://127.0.0.1:1; } } }\n",
            cases[i].text);
        struct run *run = config_test(server, config);
        ck_assert_msg(run->status != 0 && strstr(run->text, cases[i].error) != NULL, "%s: %s",
                      cases[i].text, run->text);
    }
    server_stop(server);
}
END_TEST

START_TEST(a_name_may_have_variables)
{
    struct server *server = server_start(
        PATH CACHE_SHOW "server { " LISTEN
                        "location / { proxy_pass http://127.0.0.1:@port2@; proxy_cache $arg_c;\n"
                        "proxy_cache_key $uri; proxy_cache_valid 1h; } }");
    int listening = upstream_listen(server, 2);
    static const char *const paths[] = { "/a?c=one", "/a", "/a?c=off", "/a?c=none" };

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct client *client = cache_ask(server, "GET", paths[i], "");
        client_send(cache_asked(server, listening, NULL),
                    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
        struct response *response = client_read(client);
        ck_assert_str_eq(response->body, "one");
        ck_assert(i == 0 || header(response, "X-Cache") == NULL);
    }
    ck_assert_str_eq(header(get(server, paths[0]), "X-Cache"), "HIT");
    server_stop(server);
}
END_TEST

/* What is too long to be kept is passed on. */
START_TEST(a_key_is_bounded)
{
    enum { URI = 7000 };
    struct server *server = server_start(
        PATH "add_header X-Cache $upstream_cache_status always; proxy_cache_valid 1h;\n"
             "server { " LISTEN "location / { " TO_UPSTREAM
             "proxy_cache_key $uri$uri$uri$uri$uri$uri$uri$uri$uri$uri; } }");
    int listening = upstream_listen(server, 2);
    char path[URI + 1];

    memset(path, 'x', URI);
    path[0] = '/';
    path[URI] = '\0';
    for (unsigned i = 0; i < 2; i++) {
        struct client *client = cache_ask(server, "GET", path, "");
        client_send(cache_asked(server, listening, NULL),
                    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
        ck_assert_ptr_null(header(client_read(client), "X-Cache"));
    }
    server_wait_log(server, "a cache key of 70000 bytes is too long");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("cache_files", (const TTest *[]){
                                         a_slow_client_reads_from_the_file,
                                         a_client_may_leave_in_the_middle,
                                         half_an_answer_is_not_kept,
                                         a_full_disk_costs_no_client_anything,
                                         permissions_are_kept,
                                         connections_are_kept_beside_updates,
                                         mistakes_are_errors,
                                         a_name_may_have_variables,
                                         a_key_is_bounded,
                                         NULL,
                                     });
}
