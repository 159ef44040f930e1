/* The upkeep of a cache: what is removed when, what is found after a start, and what survives a
 * death. */
#include "tests/serve/harness_cache.h"

#include <signal.h>
#include <sys/stat.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define SERVER                                                                       \
    CACHE_SHOW                                                                       \
    "map $request_method $purges { PURGE 1; default 0; }\n"                          \
    "server { " LISTEN "proxy_cache_valid 200 1h; proxy_cache_key $request_uri;\n"   \
    "location / { proxy_pass http://127.0.0.1:@port2@; proxy_cache one;\n"           \
    "proxy_cache_purge $purges; proxy_cache_lock on; proxy_cache_lock_timeout 1h;\n" \
    "proxy_cache_lock_age 1h; } }"
#define PACE                                                                      \
    "manager_files=10 manager_sleep=1ms manager_threshold=100ms loader_files=1\n" \
    "loader_sleep=1ms loader_threshold=100ms purger_files=1 purger_sleep=1ms\n"   \
    "purger_threshold=100ms use_temp_path=off"

static const char usual_conf[] = "proxy_cache_path cache keys_zone=one:1m " PACE ";\n" SERVER;

/* --- asking, and answering as the upstream --- */

static void fetch(struct server *server, int listening, const char *path, const char *body)
{
    expect_fetch(server, listening, path, "", "MISS", body);
}

static void expect_hit(struct server *server, const char *path)
{
    ck_assert_str_eq(header(get(server, path), "X-Cache"), "HIT");
}

static int purge(struct server *server, const char *path)
{
    return client_read(cache_ask(server, "PURGE", path, ""))->status;
}

/* What the status page of @port3@ says. */
static const char *status(struct server *server, const char *path)
{
    struct client *client = client_open_port(server, 3);

    client_send(client, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path);
    return client_read(client)->body;
}

/* --- what is too much, or too old --- */

START_TEST(the_oldest_make_room)
{
    struct server *server =
        server_start("proxy_cache_path cache keys_zone=one:1m max_size=12k " PACE ";\n" SERVER);
    int listening = upstream_listen(server, 2);

    fetch(server, listening, "/1", "one");
    fetch(server, listening, "/2", "two");
    fetch(server, listening, "/3", "three");
    expect_hit(server, "/1");
    fetch(server, listening, "/4", "four");
    EVENTUALLY(count_files(server, "cache") == 3);
    expect_hit(server, "/1");
    fetch(server, listening, "/2", "two");
    server_stop(server);
}
END_TEST

START_TEST(what_nobody_asks_for_goes)
{
    struct server *server =
        server_start("proxy_cache_path cache keys_zone=one:1m inactive=1ms " PACE ";\n" SERVER);
    int listening = upstream_listen(server, 2);

    fetch(server, listening, "/1", "one");
    EVENTUALLY(count_files(server, "cache") == 0);
    fetch(server, listening, "/1", "one");
    server_stop(server);
}
END_TEST

START_TEST(a_full_disk_is_emptied)
{
    struct server *server = server_start(
        "proxy_cache_path cache keys_zone=one:1m min_free=1000000g " PACE ";\n" SERVER);
    int listening = upstream_listen(server, 2);

    fetch(server, listening, "/1", "one");
    EVENTUALLY(count_files(server, "cache") == 0);
    server_stop(server);
}
END_TEST

/* --- how much is done at a time --- */

#define JSON "server { listen 127.0.0.1:@port3@; location / { status json; } }\n"

static bool has_entries(struct server *server, unsigned count)
{
    char text[32];

    snprintf(text, sizeof text, "\"entries\":%u,", count);
    return strstr(status(server, "/"), text) != NULL;
}

/* A folder that is left with three entries, and a server with these parameters on it. */
static struct server *start_on_three(const char *parameters)
{
    struct server *server = server_new();
    char conf[2048];

    snprintf(conf, sizeof conf, JSON "proxy_cache_path cache keys_zone=one:1m %s;\n%s", "", SERVER);
    server_run(server, &(struct setup){ .http = conf });
    int listening = upstream_listen(server, 2);
    fetch(server, listening, "/1", "one");
    fetch(server, listening, "/2", "two");
    fetch(server, listening, "/3", "three");
    server_quit(server);
    snprintf(conf, sizeof conf, JSON "proxy_cache_path cache keys_zone=one:1m %s;\n%s", parameters,
             SERVER);
    server_run(server, &(struct setup){ .http = conf });
    return server;
}

/* After one file an hour's pause: clients are served, and the server leaves at once. */
START_TEST(finding_has_bounds)
{
    static const char *const bounds[] = { "loader_files=1 loader_sleep=1h",
                                          "loader_threshold=0 loader_sleep=1h" };

    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        struct server *server = start_on_three(bounds[i]);
        EVENTUALLY(has_entries(server, 1));
        ck_assert(has_entries(server, 1));
        expect_hit(server, "/1"); /* it is found all the same */
        expect_hit(server, "/2");
        expect_hit(server, "/3");
        ck_assert_ptr_null(strstr(server_read(server, "logs/error.log"), "is loaded: 3 entries"));
        server_stop(server);
    }
}
END_TEST

START_TEST(removing_has_bounds)
{
    static const char *const bounds[] = {
        "min_free=1000000g manager_files=1 manager_sleep=1h",
        "min_free=1000000g manager_threshold=0 manager_sleep=1h",
        "purger=on purger_files=1 purger_sleep=1h",
        "purger=on purger_threshold=0 purger_sleep=1h",
    };

    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        struct server *server = start_on_three(bounds[i]);
        if (i >= 2)
            ck_assert_int_eq(purge(server, "/*"), 204);
        EVENTUALLY(count_files(server, "cache") == 2);
        ck_assert_uint_eq(count_files(server, "cache"), 2);
        server_stop(server);
    }
}
END_TEST

/* What is written is not found before it is whole, wherever it is said to be. */
START_TEST(files_are_written_beside_the_others)
{
    static const char *const uses[] = { "use_temp_path=on", "use_temp_path=off" };

    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        struct server *server = server_new();
        char conf[2048];
        snprintf(conf, sizeof conf, "proxy_cache_path cache keys_zone=one:1m %s;\n%s", uses[i],
                 SERVER);
        server_run(server, &(struct setup){ .http = conf });
        int listening = upstream_listen(server, 2);
        struct client *client = cache_ask(server, "GET", "/1", "");
        struct client *up = cache_asked(server, listening, NULL);
        client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha");
        EVENTUALLY(count_files(server, "cache/.temp") == 1);
        ck_assert_uint_eq(count_files(server, "cache"), 0);
        client_send(up, "lf");
        ck_assert_str_eq(client_read(client)->body, "half");
        EVENTUALLY(count_files(server, "cache") == 1);
        ck_assert_uint_eq(count_files(server, "cache/.temp"), 0);
        expect_hit(server, "/1");
        server_stop(server);
    }
}
END_TEST

START_TEST(caches_are_counted)
{
    struct server *server =
        server_start("server { listen 127.0.0.1:@port3@; location /json { status json; }\n"
                     "location /metrics { status prometheus; } }\n"
                     "proxy_cache_path cache keys_zone=one:1m max_size=1m " PACE ";\n" SERVER);
    int listening = upstream_listen(server, 2);

    fetch(server, listening, "/1", "one");
    expect_hit(server, "/1");
    expect_hit(server, "/1");
    EVENTUALLY(strstr(status(server, "/json"),
                      "\"entries\":1,\"size\":4096,\"max_size\":1048576,\"MISS\":1,") != NULL);
    EVENTUALLY(strstr(status(server, "/json"), "\"HIT\":2}") != NULL);
    ck_assert_int_eq(purge(server, "/2"), 404); /* is none of them */
    ck_assert_ptr_nonnull(strstr(status(server, "/json"), "\"MISS\":1,"));
    const char *text = status(server, "/metrics");
    ck_assert_ptr_nonnull(
        strstr(text, "\nmuxd_cache_requests_total{cache=\"one\",status=\"HIT\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nmuxd_cache_entries{cache=\"one\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nmuxd_cache_bytes{cache=\"one\"} 4096\n"));
    server_stop(server);
}
END_TEST

/* --- starts and deaths --- */

/* What was there is found, and strangers are left alone. */
START_TEST(files_are_found_after_a_start)
{
    struct server *server = server_new();

    server_run(server, &(struct setup){ .http = usual_conf });
    int listening = upstream_listen(server, 2);
    fetch(server, listening, "/1", "one");
    fetch(server, listening, "/2", "two");
    server_quit(server);
    server_file(server, "cache/notes.txt", "mine");
    server_file(server, "cache/.temp/999999999.1", "left behind by a process that was killed");
    server_run(server, &(struct setup){ .http = usual_conf });
    server_wait_log(server, "is loaded: 2 entries, 8192 bytes");
    EVENTUALLY(*server_read(server, "cache/.temp/999999999.1") == '\0');
    expect_hit(server, "/1");
    expect_hit(server, "/2");
    ck_assert_str_eq(server_read(server, "cache/notes.txt"), "mine");
    server_stop(server);
}
END_TEST

static void kill_workers(struct server *server)
{
    pid_t pids[8];
    size_t count = server_workers(server, pids, 8);

    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
}

static bool has_others(struct server *server, const pid_t *before, size_t count)
{
    pid_t now[8];
    size_t found = server_workers(server, now, 8);

    for (size_t i = 0; i < found; i++)
        for (size_t k = 0; k < count; k++)
            if (now[i] == before[k])
                return false;
    return found == count;
}

/* The worker that fetches dies: what it has claimed is free for others, and what it has written
 * goes. */
START_TEST(a_killed_worker_leaves_nothing_behind)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    pid_t before[8];
    size_t count = worker_count();

    server_allow(server, "exited on signal 9");
    server_allow(server, "ended at once");
    server_allow(server, "died while it changed");
    fetch(server, listening, "/kept", "kept");
    struct client *client = cache_ask(server, "GET", "/1", ""),
                  *up = cache_asked(server, listening, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    client_read_bytes(client, 10);
    EVENTUALLY(server_workers(server, before, 8) == count);
    kill_workers(server);
    EVENTUALLY(has_others(server, before, count));
    EVENTUALLY(count_files(server, "cache/.temp") == 0);
    fetch(server, listening, "/1", "whole");
    expect_hit(server, "/1");
    expect_hit(server, "/kept");
    server_stop(server);
}
END_TEST

/* --- purging --- */

START_TEST(many_are_purged_at_once)
{
    static const char *const purgers[] = { "on", "off" };

    for (size_t i = 0; i < 2; i++) {
        struct server *server = server_new();
        char conf[1024];
        snprintf(conf, sizeof conf,
                 "proxy_cache_path cache keys_zone=one:1m purger=%s " PACE ";\n%s", purgers[i],
                 SERVER);
        server_run(server, &(struct setup){ .http = conf });
        int listening = upstream_listen(server, 2);
        fetch(server, listening, "/a/1", "one");
        fetch(server, listening, "/a/2", "two");
        fetch(server, listening, "/b/1", "one");
        ck_assert_int_eq(purge(server, "/a/*"), 204);
        fetch(server, listening, "/a/1", "new");
        expect_hit(server, "/a/1");
        expect_hit(server, "/b/1");
        if (i == 0)
            EVENTUALLY(count_files(server, "cache") == 2);
        fetch(server, listening, "/a/2", "new");
        server_stop(server);
    }
}
END_TEST

START_TEST(all_variants_are_purged)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    static const char *const languages[] = { "de", "en" };

    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < 2; i++) {
            struct client *client = client_open(server);
            client_send(client, "GET /1 HTTP/1.1\r\nHost: h\r\nAccept-Language: %s\r\n\r\n",
                        languages[i]);
            cache_answer(cache_asked(server, listening, NULL), "Vary: Accept-Language\r\n",
                         languages[i]);
            ck_assert_str_eq(client_read(client)->body, languages[i]);
        }
        ck_assert_int_eq(purge(server, "/1"), 204);
    }
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("cache_keeper", (const TTest *[]){
                                          the_oldest_make_room,
                                          what_nobody_asks_for_goes,
                                          a_full_disk_is_emptied,
                                          finding_has_bounds,
                                          removing_has_bounds,
                                          files_are_written_beside_the_others,
                                          caches_are_counted,
                                          files_are_found_after_a_start,
                                          a_killed_worker_leaves_nothing_behind,
                                          many_are_purged_at_once,
                                          all_variants_are_purged,
                                          NULL,
                                      });
}
