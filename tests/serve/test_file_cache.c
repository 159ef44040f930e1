/* Files that change, and open_file_cache, which may go on serving what was. */
#include "tests/serve/heads.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "

static struct server *start(const char *http)
{
    struct server *server = server_new();

    server_file(server, "html/a", "old");
    server_file(server, "html/b", "b");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

/* GET over a connection that stays open: the same worker answers each time. */
static struct response *ask_again(struct client *client, const char *path)
{
    client_send(client, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    return client_read(client);
}

static void expect(struct client *client, const char *path, int status, const char *body)
{
    struct response *response = ask_again(client, path);

    ck_assert_msg(response->status == status && (body == NULL || strcmp(response->body, body) == 0),
                  "%s: %d %s", path, response->status, response->body);
}

/* Another file takes the name. */
static void replace(struct server *server, const char *path, const char *text)
{
    server_file(server, "html/new", text);
    ck_assert_int_eq(rename(server_path(server, "html/new"), server_path(server, path)), 0);
}

START_TEST(a_change_is_seen_at_once)
{
    struct server *server = start("server { " LISTEN "}");
    struct client *client = client_open(server);

    expect(client, "/a", 200, "old");
    expect(client, "/a", 200, "old");
    server_file(server, "html/a", "changed in place");
    expect(client, "/a", 200, "changed in place");
    replace(server, "html/a", "replaced");
    expect(client, "/a", 200, "replaced");
    ck_assert_int_eq(truncate(server_path(server, "html/a"), 4), 0);
    expect(client, "/a", 200, "repl");
    ck_assert_int_eq(unlink(server_path(server, "html/a")), 0);
    expect(client, "/a", 404, NULL);
    server_file(server, "html/a/index.html", "folder");
    expect(client, "/a", 301, NULL);
    expect(client, "/a/", 200, "folder");
    server_stop(server);
}
END_TEST

START_TEST(a_change_of_the_same_size_is_seen_at_once)
{
    struct server *server = start("server { " LISTEN "}");
    struct client *client = client_open(server);
    char text[16];

    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "%08d", i);
        server_file(server, "html/a", text);
        expect(client, "/a", 200, text);
    }
    server_stop(server);
}
END_TEST

START_TEST(a_change_of_a_larger_file_too)
{
    enum { SIZE = 100 * 1000 };
    struct server *server = start("server { " LISTEN "}");
    struct client *client = client_open(server);
    char *bytes = server_own(server, malloc(SIZE));

    for (int i = 'a'; i < 'e'; i++) {
        memset(bytes, i, SIZE);
        server_file_bytes(server, "html/a", bytes, SIZE);
        struct response *response = ask_again(client, "/a");
        ck_assert_uint_eq(response->body_len, SIZE);
        ck_assert_int_eq(memcmp(response->body, bytes, SIZE), 0);
    }
    server_stop(server);
}
END_TEST

START_TEST(new_times_are_new_headers)
{
    struct server *server = start("server { " LISTEN "}");
    struct client *client = client_open(server);

    expect(client, "/a", 200, "old");
    dated_file(server, "html/a", "old");
    ck_assert_str_eq(header(ask_again(client, "/a"), "Last-Modified"), FILE_DATE);
    ck_assert_str_eq(header(ask_again(client, "/a"), "ETag"), "\"3b9aca00-3\"");
    server_stop(server);
}
END_TEST

START_TEST(a_cached_file_is_trusted_for_a_while)
{
    struct server *server =
        start("open_file_cache max=10 inactive=1h; open_file_cache_valid 1h;\n"
              "server { " LISTEN "location /off/ { alias html/; open_file_cache off; }\n"
              "location /now/ { alias html/; open_file_cache_valid 0; } }");
    struct client *client = client_open(server);

    expect(client, "/a", 200, "old");
    replace(server, "html/a", "new");
    expect(client, "/a", 200, "old");
    expect(client, "/off/a", 200, "new");
    expect(client, "/now/a", 200, "new");
    server_stop(server);
}
END_TEST

START_TEST(an_invalid_time_means_a_look_each_time)
{
    struct server *server = start("open_file_cache max=10; open_file_cache_valid 0s;\n"
                                  "server { " LISTEN "}");
    struct client *client = client_open(server);

    expect(client, "/a", 200, "old");
    replace(server, "html/a", "new");
    expect(client, "/a", 200, "new");
    server_stop(server);
}
END_TEST

START_TEST(trust_begins_after_min_uses)
{
    struct server *server = start("open_file_cache max=10 inactive=1h; open_file_cache_valid 1h;\n"
                                  "open_file_cache_min_uses 3; server { " LISTEN "}");
    struct client *client = client_open(server);

    expect(client, "/a", 200, "old");
    replace(server, "html/a", "2");
    expect(client, "/a", 200, "2");
    replace(server, "html/a", "3");
    expect(client, "/a", 200, "3");
    replace(server, "html/a", "4");
    expect(client, "/a", 200, "3");
    server_stop(server);
}
END_TEST

START_TEST(errors_are_kept_when_asked_for)
{
    struct server *server =
        start("open_file_cache max=10; open_file_cache_valid 1h;\n"
              "server { " LISTEN "location /e/ { alias html/; open_file_cache_errors on; } }");
    struct client *client = client_open(server);

    expect(client, "/c", 404, NULL);
    server_file(server, "html/c", "c");
    expect(client, "/c", 200, "c");
    expect(client, "/e/d", 404, NULL);
    server_file(server, "html/d", "d");
    expect(client, "/e/d", 404, NULL);
    server_stop(server);
}
END_TEST

START_TEST(max_is_the_bound)
{
    struct server *server = start("open_file_cache max=1; open_file_cache_valid 1h;\n"
                                  "server { " LISTEN "}");
    struct client *client = client_open(server);

    expect(client, "/a", 200, "old");
    replace(server, "html/a", "new");
    expect(client, "/a", 200, "old");
    expect(client, "/b", 200, "b");
    expect(client, "/a", 200, "new");
    server_stop(server);
}
END_TEST

/* How many descriptors of the workers lead to a file whose name ends in `end`. */
static unsigned held_open(struct server *server, const char *end)
{
    pid_t workers[16];
    size_t count = server_workers(server, workers, 16);
    unsigned held = 0;

    for (size_t i = 0; i < count; i++) {
        char path[300], target[300];
        snprintf(path, sizeof path, "/proc/%d/fd", (int)workers[i]);
        DIR *folder = opendir(path);
        for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
            snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)workers[i], entry->d_name);
            ssize_t len = readlink(path, target, sizeof target - 1);
            target[len < 0 ? 0 : len] = '\0';
            held += len >= (ssize_t)strlen(end) && strcmp(target + len - strlen(end), end) == 0;
        }
        if (folder != NULL)
            closedir(folder);
    }
    return held;
}

START_TEST(an_inactive_file_is_closed)
{
    struct server *server = server_new();
    char *bytes = server_own(server, calloc(1, 100000));

    server_file_bytes(server, "html/large", bytes, 100000);
    server_file(server, "html/b", "b");
    server_run(server, &(struct setup){ .http = "open_file_cache max=10 inactive=1s;\n"
                                                "server { " LISTEN "}" });
    struct client *client = client_open(server);
    ck_assert_uint_eq(ask_again(client, "/large")->body_len, 100000);
    ck_assert_uint_eq(held_open(server, "html/large"), 1);
    EVENTUALLY(ask_again(client, "/b")->status == 200 && held_open(server, "html/large") == 0);
    server_stop(server);
}
END_TEST

START_TEST(a_file_that_is_being_sent_stays)
{
    enum { SIZE = 30 * 1000 * 1000 };
    struct server *server = server_new();
    char *bytes = server_own(server, malloc(SIZE));

    memset(bytes, 'x', SIZE);
    server_file_bytes(server, "html/a", bytes, SIZE);
    server_file(server, "html/b", "b");
    server_run(server, &(struct setup){ .http = "open_file_cache max=1; sendfile on;\n"
                                                "server { " LISTEN "}" });
    struct client *client = client_open(server);
    client_send(client, "GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    client_read_bytes(client, 1000);
    replace(server, "html/a", "new");
    for (unsigned i = 0; i < 2 * worker_count(); i++) {
        ck_assert_str_eq(get(server, "/b")->body, "b");
        get(server, "/a");
    }
    struct response *response = client_read(client);
    ck_assert_uint_eq(response->body_len, SIZE);
    ck_assert_int_eq(memcmp(response->body, bytes, SIZE), 0);
    server_stop(server);
}
END_TEST

START_TEST(a_file_cut_short_ends_the_connection)
{
    enum { SIZE = 30 * 1000 * 1000 };
    struct server *server = server_new();
    char *bytes = server_own(server, calloc(1, SIZE));

    server_file_bytes(server, "html/a", bytes, SIZE);
    server_run(server, &(struct setup){ .http = "server { " LISTEN "sendfile on; }" });
    server_allow(server, "truncated");
    struct client *client = client_open(server);
    client_send(client, "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_read_bytes(client, 1000);
    ck_assert_int_eq(truncate(server_path(server, "html/a"), 1000), 0);
    client_read_all(client);
    ck_assert_uint_lt(client->len, SIZE);
    server_wait_log(server, "truncated");
    ck_assert_uint_eq(get(server, "/a")->body_len, 1000);
    server_stop(server);
}
END_TEST

START_TEST(more_files_than_descriptors)
{
    enum { FILES = 300, SIZE = 20000 };
    struct server *server = server_new();
    char *bytes = server_own(server, malloc(SIZE));
    char path[64];

    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "html/f%d", i);
        memset(bytes, i, SIZE);
        server_file_bytes(server, path, bytes, SIZE);
    }
    server_run(server, &(struct setup){ .files = 150,
                                        .events = "worker_connections 40;",
                                        .http = "open_file_cache max=1000; server { " LISTEN
                                                "location /own/ { alias html/;\n"
                                                "open_file_cache off; } }" });
    struct client *client = client_open(server);
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/f%d", i % 2 == 0 ? "" : "/own", i);
        memset(bytes, i, SIZE);
        struct response *response = ask_again(client, path);
        ck_assert_int_eq(response->status, 200);
        ck_assert_int_eq(memcmp(response->body, bytes, SIZE), 0);
    }
    server_stop(server);
}
END_TEST

START_TEST(folders_are_cached_too)
{
    struct server *server = start("open_file_cache max=10; open_file_cache_valid 1h;\n"
                                  "server { " LISTEN "try_files $uri $uri/ =404; }");
    struct client *client = client_open(server);

    server_file(server, "html/f/index.html", "f");
    expect(client, "/f", 301, NULL);
    expect(client, "/f", 301, NULL);
    expect(client, "/f/", 200, "f");
    expect(client, "/f/", 200, "f");
    server_stop(server);
}
END_TEST

START_TEST(mistakes_are_named)
{
    const struct mistake mistakes[] = {
        { "open_file_cache max=0;", "invalid \"open_file_cache\" parameter \"max=0\"" },
        { "open_file_cache many;", "invalid \"open_file_cache\" parameter \"many\"" },
        { "open_file_cache max=1 inactive=x;",
          "invalid \"open_file_cache\" parameter \"inactive=x\"" },
        { "open_file_cache inactive=1s;", "\"open_file_cache\" must have the \"max\" parameter" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main(
        "file_cache",
        (const TTest *[]){ a_change_is_seen_at_once, a_change_of_the_same_size_is_seen_at_once,
                           a_change_of_a_larger_file_too, new_times_are_new_headers,
                           a_cached_file_is_trusted_for_a_while,
                           an_invalid_time_means_a_look_each_time, trust_begins_after_min_uses,
                           errors_are_kept_when_asked_for, max_is_the_bound,
                           an_inactive_file_is_closed, a_file_that_is_being_sent_stays,
                           a_file_cut_short_ends_the_connection, more_files_than_descriptors,
                           folders_are_cached_too, mistakes_are_named, NULL });
}
