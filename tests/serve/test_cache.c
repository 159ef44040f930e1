/* proxy_cache: what is fetched once is answered from the disk, as long as it is good. */
#include "tests/serve/harness_upstream.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define PATH "proxy_cache_path cache levels=1:2 keys_zone=one:1m inactive=10m;\n"
#define TO_UPSTREAM "proxy_pass http://127.0.0.1:@port2@; proxy_cache one;\n"
#define SHOW "add_header X-Cache $upstream_cache_status always;\n"

static const char usual_conf[] =
    PATH SHOW "server { " LISTEN "proxy_cache_key $uri; proxy_cache_valid 200 1h;\n"
              "location / { " TO_UPSTREAM " } }";

/* --- asking, and answering as the upstream --- */

/* Sends a request, whose answer is read later. */
static struct client *send_request(struct server *server, const char *method, const char *path,
                                   const char *more)
{
    struct client *client = client_open(server);

    ck_assert(client_send(client, "%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n",
                          method, path, more));
    return client;
}

/* What the upstream is asked; *up is its connection. */
static const char *asked(struct server *server, int listening, struct client **up)
{
    *up = upstream_accept(server, listening);
    return upstream_request(*up, NULL);
}

/* An answer with these fields, each with its CRLF. */
static void answer(struct client *up, const char *fields, const char *body)
{
    client_send(up, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n%s", fields, strlen(body),
                body);
    client_close(up);
}

/* The response to a request that the upstream is asked for. */
static struct response *fetch(struct server *server, int listening, const char *path,
                              const char *fields, const char *body)
{
    struct client *client = send_request(server, "GET", path, ""), *up;

    asked(server, listening, &up);
    answer(up, fields, body);
    return client_read(client);
}

/* The response to a request must come from the cache, in this state and with this body. */
static void expect(struct server *server, const char *path, const char *state, const char *body)
{
    struct response *response = get(server, path);

    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(header(response, "X-Cache"), state);
    ck_assert_str_eq(response->body, body);
}

/* The request must reach the upstream, and its answer the client, in this state. */
static void expect_fetch(struct server *server, int listening, const char *path, const char *fields,
                         const char *state, const char *body)
{
    struct response *response = fetch(server, listening, path, fields, body);

    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(header(response, "X-Cache"), state);
    ck_assert_str_eq(response->body, body);
}

/* --- files --- */

/* The only file below the folder, whose path is as long as a cache's; its path. */
static const char *find_file(struct server *server, const char *folder)
{
    const char *path = server_path(server, folder);
    DIR *dir = opendir(path);
    const char *found = NULL;
    struct dirent *entry;

    ck_assert_ptr_nonnull(dir);
    while (found == NULL && (entry = readdir(dir)) != NULL) {
        char *inner;
        if (entry->d_name[0] == '.')
            continue;
        ck_assert_int_gt(asprintf(&inner, "%s/%s", folder, entry->d_name), 0);
        server_own(server, inner);
        found = strlen(entry->d_name) == 32 ? server_path(server, inner) : find_file(server, inner);
    }
    closedir(dir);
    return found;
}

static const char *cache_file(struct server *server)
{
    const char *path = find_file(server, "cache");

    ck_assert_ptr_nonnull(path);
    return path;
}

/* --- hits --- */

START_TEST(the_second_request_is_a_hit)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);

    expect_fetch(server, listening, "/a", "X-From: up\r\nContent-Type: text/css\r\n", "MISS",
                 "one");
    expect(server, "/a", "HIT", "one");
    struct response *response = get(server, "/a?other");
    ck_assert_str_eq(header(response, "X-From"), "up");
    ck_assert_str_eq(header(response, "Content-Type"), "text/css");
    ck_assert_str_eq(header(response, "Content-Length"), "3");
    expect_fetch(server, listening, "/b", "", "MISS", "two");
    server_stop(server);
}
END_TEST

/* Conditions, ranges and HEAD are answered from the file; the upstream never sees them. */
START_TEST(a_hit_is_served_as_a_file)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    struct client *up, *client = send_request(server, "HEAD", "/a",
                                              "Range: bytes=0-1\r\n"
                                              "If-None-Match: \"x\"\r\n");
    const char *got = asked(server, listening, &up);

    ck_assert_msg(strstr(got, "GET /a HTTP/1.0\r\n") != NULL, "%s", got);
    ck_assert_ptr_null(strstr(got, "Range:"));
    ck_assert_ptr_null(strstr(got, "If-None-Match:"));
    answer(up, "ETag: \"e\"\r\nAccept-Ranges: bytes\r\n", "0123456789");
    ck_assert_int_eq(client_read_head(client)->status, 206);
    struct response *response = get_with(server, "/a", "Range: bytes=2-4\r\n");
    ck_assert_int_eq(response->status, 206);
    ck_assert_str_eq(response->body, "234");
    ck_assert_str_eq(header(response, "Content-Range"), "bytes 2-4/10");
    ck_assert_str_eq(response->status_line, "HTTP/1.1 206 Partial Content");
    ck_assert_int_eq(get_with(server, "/a", "If-None-Match: \"e\"\r\n")->status, 304);
    ck_assert_int_eq(get_with(server, "/a", "If-Match: \"f\"\r\n")->status, 412);
    response = client_read_head(send_request(server, "HEAD", "/a", ""));
    ck_assert_str_eq(header(response, "Content-Length"), "10");
    ck_assert_str_eq(header(response, "X-Cache"), "HIT");
    server_stop(server);
}
END_TEST

/* What a client does not want is kept all the same. */
START_TEST(a_large_answer_is_kept_whole)
{
    enum { SIZE = 3 * 1024 * 1024 };
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = send_request(server, "GET", "/large", "Range: bytes=5-7\r\n"), *up;
    char *body = server_own(server, calloc(1, SIZE));

    for (size_t i = 0; i < SIZE; i++)
        body[i] = (char)('a' + i % 26 + i / 4096 % 3);
    asked(server, listening, &up);
    client_send(up, "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: %d\r\n\r\n", SIZE);
    ck_assert(client_send_bytes(up, body, SIZE));
    client_close(up);
    struct response *response = client_read(client);
    ck_assert_int_eq(response->status, 206);
    ck_assert_str_eq(response->body, "fgh");
    EVENTUALLY(find_file(server, "cache") != NULL);
    response = get(server, "/large");
    ck_assert_uint_eq(response->body_len, SIZE);
    ck_assert_int_eq(memcmp(response->body, body, SIZE), 0);
    server_stop(server);
}
END_TEST

START_TEST(a_client_that_leaves_does_not_stop_the_store)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = send_request(server, "GET", "/a", ""), *up;

    asked(server, listening, &up);
    client_reset(client);
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    client_send(up, "def");
    client_close(up);
    EVENTUALLY(find_file(server, "cache") != NULL);
    expect(server, "/a", "HIT", "abcdef");
    server_stop(server);
}
END_TEST

/* --- what is kept, and how long --- */

START_TEST(the_upstream_says_what_is_kept)
{
    static const struct {
        const char *fields;
        bool kept;
    } cases[] = {
        { "", true },
        { "Cache-Control: no-store\r\n", false },
        { "Cache-Control: private, max-age=60\r\n", false },
        { "Cache-Control: max-age=0\r\n", false },
        { "Cache-Control: max-age=0, s-maxage=60\r\n", true },
        { "Set-Cookie: a=b\r\n", false },
        { "Vary: *\r\n", false },
        { "Expires: Thu, 01 Jan 1970 00:00:01 GMT\r\n", false },
        { "Expires: Thu, 01 Jan 1970 00:00:01 GMT\r\nCache-Control: max-age=60\r\n", true },
        { "X-Accel-Expires: 0\r\n", false },
        { "X-Accel-Expires: 60\r\nCache-Control: no-store\r\n", true },
        { "X-Accel-Buffering: no\r\n", false },
        { "X-Not: y\r\n", false },
    };
    struct server *server =
        server_start(PATH SHOW "server { " LISTEN
                               "proxy_cache_valid 200 1h; proxy_no_cache $upstream_http_x_not;\n"
                               "location / { " TO_UPSTREAM "} }");
    int listening = upstream_listen(server, 2);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[16];
        snprintf(path, sizeof path, "/%zu", i);
        expect_fetch(server, listening, path, cases[i].fields, "MISS", "x");
        if (cases[i].kept)
            expect(server, path, "HIT", "x");
        else
            expect_fetch(server, listening, path, "", "MISS", "x");
    }
    server_stop(server);
}
END_TEST

START_TEST(settings_say_what_is_kept)
{
    struct server *server = server_start(
        PATH SHOW "server { " LISTEN "proxy_cache_valid 404 1h; proxy_cache_valid any 1h;\n"
                  "proxy_ignore_headers Cache-Control Set-Cookie Vary Expires X-Accel-Expires;\n"
                  "location / { " TO_UPSTREAM
                  "proxy_cache_bypass $http_x_bypass; proxy_cache_methods POST; }\n"
                  "location /twice { " TO_UPSTREAM "proxy_cache_min_uses 2; }\n"
                  "location /far { " TO_UPSTREAM "proxy_cache_max_range_offset 100;\n"
                  "  proxy_cache_convert_head off; }\n"
                  "location /off { proxy_pass http://127.0.0.1:@port2@; proxy_cache off; } }");
    int listening = upstream_listen(server, 2);
    struct client *up, *client;

    expect_fetch(server, listening, "/a", "Cache-Control: no-store\r\nSet-Cookie: a\r\nVary: *\r\n",
                 "MISS", "one");
    expect(server, "/a", "HIT", "one");
    expect_fetch(server, listening, "/twice", "", "MISS", "one");
    expect_fetch(server, listening, "/twice", "", "MISS", "two");
    expect(server, "/twice", "HIT", "two");
    client = send_request(server, "GET", "/far", "Range: bytes=100-\r\n");
    ck_assert_ptr_nonnull(strstr(asked(server, listening, &up), "Range: bytes=100-\r\n"));
    answer(up, "", "not kept");
    ck_assert_str_eq(client_read(client)->body, "not kept");
    expect_fetch(server, listening, "/far", "", "MISS", "kept");
    expect_fetch(server, listening, "/b", "", "MISS", "one");
    client = send_request(server, "GET", "/b", "X-Bypass: 1\r\n");
    asked(server, listening, &up);
    answer(up, "", "two");
    ck_assert_str_eq(header(client_read(client), "X-Cache"), "BYPASS");
    expect(server, "/b", "HIT", "two");
    struct response *response = fetch(server, listening, "/off", "", "x");
    ck_assert_ptr_null(header(response, "X-Cache"));
    server_stop(server);
}
END_TEST

/* --- damaged files --- */

static void cut(const char *path)
{
    struct stat stat_;

    ck_assert_int_eq(stat(path, &stat_), 0);
    ck_assert_int_eq(truncate(path, stat_.st_size - 1), 0);
}

static void change_byte(const char *path, off_t at)
{
    char byte;
    int fd = open(path, O_RDWR);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte = (char)(byte ^ 1);
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void change_record(const char *path)
{
    change_byte(path, 10);
}

static void change_head(const char *path)
{
    change_byte(path, 120);
}

static void change_body(const char *path)
{
    struct stat stat_;

    ck_assert_int_eq(stat(path, &stat_), 0);
    change_byte(path, stat_.st_size - 1);
}

/* As if the disk had changed it: nothing but the content tells. */
static void change_body_silently(const char *path)
{
    struct stat stat_;

    ck_assert_int_eq(stat(path, &stat_), 0);
    change_byte(path, stat_.st_size - 1);
    struct timespec times[2] = { stat_.st_atim, stat_.st_mtim };
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void empty(const char *path)
{
    ck_assert_int_eq(truncate(path, 0), 0);
}

static void remove_file(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
}

static void make_folder(const char *path)
{
    remove_file(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

START_TEST(a_damaged_file_is_fetched_again)
{
    static void (*const damages[])(const char *) = {
        cut, change_record, change_head, change_body, change_body_silently, empty, remove_file,
    };
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    char body[40000];

    server_allow(server, "md5 collision");
    expect_fetch(server, listening, "/a", "", "MISS", "small");
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        expect(server, "/a", "HIT", "small");
        damages[i](cache_file(server));
        expect_fetch(server, listening, "/a", "", "MISS", "small");
    }
    remove_file(cache_file(server));
    memset(body, 'x', sizeof body - 1); /* too large to be held in memory */
    body[sizeof body - 1] = '\0';
    expect_fetch(server, listening, "/b", "", "MISS", body);
    change_body(cache_file(server));
    expect_fetch(server, listening, "/b", "", "MISS", body);
    cut(cache_file(server));
    expect_fetch(server, listening, "/b", "", "MISS", body);
    expect(server, "/b", "HIT", body);
    server_stop(server);
}
END_TEST

/* A file that cannot be written costs the client nothing. */
START_TEST(what_cannot_be_written_is_passed_on)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);

    server_allow(server, "failed (");
    expect_fetch(server, listening, "/a", "", "MISS", "one");
    make_folder(cache_file(server));
    expect_fetch(server, listening, "/a", "", "MISS", "two");
    expect_fetch(server, listening, "/a", "", "MISS", "three");
    server_stop(server);
}
END_TEST

/* --- answers that are too old --- */

static const char stale_conf[] = PATH SHOW
    "server { " LISTEN "proxy_cache_valid 200 1h; proxy_read_timeout 10s;\n"
    "location / { " TO_UPSTREAM "proxy_cache_revalidate on;\n"
    "  proxy_set_header X-Old \"$upstream_cache_etag $upstream_cache_last_modified\";\n"
    "  add_header X-Age $upstream_cache_age; " SHOW "}\n"
    "location /stale { " TO_UPSTREAM
    "proxy_cache_use_stale error timeout invalid_header updating http_500 http_502 http_503\n"
    "  http_504 http_403 http_404 http_429; }\n"
    "location /background { " TO_UPSTREAM "proxy_cache_use_stale updating;\n"
    "  proxy_cache_background_update on; } }";

#define OLD "X-Accel-Expires: @1\r\n" /* it is so at once */

START_TEST(an_old_answer_is_fetched_anew)
{
    struct server *server = server_start(stale_conf);
    int listening = upstream_listen(server, 2);

    expect_fetch(server, listening, "/a", OLD, "MISS", "one");
    expect_fetch(server, listening, "/a", "", "EXPIRED", "two");
    expect(server, "/a", "HIT", "two");
    server_stop(server);
}
END_TEST

START_TEST(an_old_answer_may_be_good_again)
{
    struct server *server = server_start(stale_conf);
    int listening = upstream_listen(server, 2);
    struct client *client, *up;

    expect_fetch(server, listening, "/a",
                 OLD "ETag: \"e\"\r\nLast-Modified: Thu, 01 Jan 2015 00:00:00 GMT\r\n", "MISS",
                 "one");
    client = send_request(server, "GET", "/a", "If-None-Match: \"other\"\r\n");
    const char *got = asked(server, listening, &up);
    ck_assert_ptr_nonnull(strstr(got, "If-None-Match: \"e\"\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "If-Modified-Since: Thu, 01 Jan 2015 00:00:00 GMT\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "X-Old: \"e\" Thu, 01 Jan 2015 00:00:00 GMT\r\n"));
    ck_assert_ptr_null(strstr(got, "\"other\""));
    client_send(up, "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\n\r\n");
    struct response *response = client_read(client);
    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(header(response, "X-Cache"), "REVALIDATED");
    ck_assert_str_eq(response->body, "one");
    response = get(server, "/a");
    ck_assert_str_eq(header(response, "X-Cache"), "HIT");
    ck_assert_int_lt(atoi(header(response, "X-Age")), 10);
    server_stop(server);
}
END_TEST

START_TEST(an_old_answer_is_better_than_none)
{
    static const char *const failures[] = {
        "HTTP/1.1 500 Bad\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "garbage\r\n\r\n",
        "",
    };
    struct server *server = server_start(stale_conf);
    int listening = upstream_listen(server, 2);
    struct client *client, *up;
    char fields[80];

    expect_fetch(server, listening, "/stale", OLD, "MISS", "one");
    snprintf(fields, sizeof fields,
             "Cache-Control: stale-if-error=60\r\nX-Accel-Expires: @%lld\r\n",
             (long long)time(NULL) - 1);
    expect_fetch(server, listening, "/a", fields, "MISS", "one");
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        const char *path = i % 2 == 0 ? "/stale" : "/a";
        client = send_request(server, "GET", path, "");
        asked(server, listening, &up);
        client_send(up, "%s", failures[i]);
        client_close(up);
        struct response *response = client_read(client);
        ck_assert_msg(strcmp(header(response, "X-Cache"), "STALE") == 0, "%zu: %s %d", i,
                      header(response, "X-Cache"), response->status);
    }
    server_stop(server);
}
END_TEST

/* One fetches; the others get what there is. */
START_TEST(an_old_answer_is_used_while_it_is_updated)
{
    struct server *server = server_start(stale_conf);
    int listening = upstream_listen(server, 2);
    struct client *client, *up;

    expect_fetch(server, listening, "/stale", OLD, "MISS", "one");
    client = send_request(server, "GET", "/stale", "");
    asked(server, listening, &up);
    expect(server, "/stale", "UPDATING", "one");
    answer(up, "", "two");
    ck_assert_str_eq(client_read(client)->body, "two");
    expect(server, "/stale", "HIT", "two");
    server_stop(server);
}
END_TEST

START_TEST(an_old_answer_is_updated_in_the_background)
{
    struct server *server = server_start(stale_conf);
    int listening = upstream_listen(server, 2);
    struct client *client, *up;

    expect_fetch(server, listening, "/background", OLD, "MISS", "one");
    client = send_request(server, "GET", "/background", "");
    struct response *response = client_read(client);
    ck_assert_str_eq(header(response, "X-Cache"), "STALE");
    ck_assert_str_eq(response->body, "one");
    asked(server, listening, &up);
    expect(server, "/background", "UPDATING", "one");
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nt");
    client_send(up, "wo!");
    client_expect_closed(client);
    expect(server, "/background", "HIT", "two!");
    server_stop(server);
}
END_TEST

/* --- one fetches, others wait --- */

static const char lock_conf[] = PATH SHOW
    "server { " LISTEN "proxy_cache_valid 200 1h; proxy_cache_lock on;\n"
    "location / { " TO_UPSTREAM "proxy_cache_lock_timeout 1h; proxy_cache_lock_age 1h; }\n"
    "location /impatient { " TO_UPSTREAM "proxy_cache_lock_timeout 0; } }";

START_TEST(many_wait_for_one)
{
    enum { MANY = 20 };
    struct server *server = server_start(lock_conf);
    int listening = upstream_listen(server, 2);
    struct client *clients[MANY], *up;

    for (size_t i = 0; i < MANY; i++)
        clients[i] = send_request(server, "GET", "/a", "");
    asked(server, listening, &up);
    answer(up, "", "one");
    for (size_t i = 0; i < MANY; i++)
        ck_assert_str_eq(client_read(clients[i])->body, "one");
    expect(server, "/a", "HIT", "one");
    server_stop(server);
}
END_TEST

/* When the one fails, another one tries. */
START_TEST(who_waits_goes_on_after_a_failure)
{
    struct server *server = server_start(lock_conf);
    int listening = upstream_listen(server, 2);
    struct client *first = send_request(server, "GET", "/a", ""), *up, *second;

    asked(server, listening, &up);
    second = send_request(server, "GET", "/a", "");
    client_close(up);
    ck_assert_int_eq(client_read(first)->status, 502);
    asked(server, listening, &up);
    answer(up, "", "two");
    ck_assert_str_eq(client_read(second)->body, "two");
    server_stop(server);
}
END_TEST

START_TEST(who_does_not_wait_gets_its_own)
{
    struct server *server = server_start(lock_conf);
    int listening = upstream_listen(server, 2);
    struct client *first = send_request(server, "GET", "/impatient", ""), *up;

    asked(server, listening, &up);
    expect_fetch(server, listening, "/impatient", "", "MISS", "not kept");
    answer(up, "", "kept");
    ck_assert_str_eq(client_read(first)->body, "kept");
    expect(server, "/impatient", "HIT", "kept");
    server_stop(server);
}
END_TEST

/* --- variants --- */

START_TEST(answers_vary)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    static const char *const languages[] = { "de", "en", "fr, en" };

    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < 3; i++) {
            char more[64];
            struct response *response;
            snprintf(more, sizeof more, "Accept-Language: %s\r\n", languages[i]);
            struct client *client = send_request(server, "GET", "/a", more), *up;
            if (round == 0) {
                asked(server, listening, &up);
                answer(up, "Vary: Accept-Language\r\n", languages[i]);
            }
            response = client_read(client);
            ck_assert_str_eq(header(response, "X-Cache"), round == 0 ? "MISS" : "HIT");
            ck_assert_str_eq(response->body, languages[i]);
        }
    ck_assert_str_eq(get_with(server, "/a", "accept-language: fr ,en\r\n")->body, "fr, en");
    server_stop(server);
}
END_TEST

/* --- purging --- */

START_TEST(a_request_removes_what_is_kept)
{
    struct server *server = server_start(
        PATH SHOW "map $request_method $purges { PURGE 1; default 0; }\n"
                  "server { " LISTEN "proxy_cache_valid 200 1h; proxy_cache_key $uri;\n"
                  "location / { " TO_UPSTREAM "proxy_cache_purge $purges; } }");
    int listening = upstream_listen(server, 2);

    expect_fetch(server, listening, "/a", "", "MISS", "one");
    expect(server, "/a", "HIT", "one");
    ck_assert_int_eq(client_read(send_request(server, "PURGE", "/b", ""))->status, 404);
    ck_assert_int_eq(client_read(send_request(server, "PURGE", "/a", ""))->status, 204);
    expect_fetch(server, listening, "/a", "", "MISS", "two");
    server_stop(server);
}
END_TEST

/* --- the life of a cache --- */

START_TEST(a_cache_outlives_a_reload_and_a_restart)
{
    struct server *server = server_new();

    server_run(server, &(struct setup){ .http = usual_conf });
    int listening = upstream_listen(server, 2);
    expect_fetch(server, listening, "/a", "", "MISS", "one");
    server_signal(server, SIGHUP);
    server_wait_log(server, "reconfigured");
    expect(server, "/a", "HIT", "one");
    server_quit(server);
    server_run(server, &(struct setup){ .http = usual_conf });
    expect(server, "/a", "HIT", "one");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("cache", (const TTest *[]){
                                   the_second_request_is_a_hit,
                                   a_hit_is_served_as_a_file,
                                   a_large_answer_is_kept_whole,
                                   a_client_that_leaves_does_not_stop_the_store,
                                   the_upstream_says_what_is_kept,
                                   settings_say_what_is_kept,
                                   a_damaged_file_is_fetched_again,
                                   what_cannot_be_written_is_passed_on,
                                   an_old_answer_is_fetched_anew,
                                   an_old_answer_may_be_good_again,
                                   an_old_answer_is_better_than_none,
                                   an_old_answer_is_used_while_it_is_updated,
                                   an_old_answer_is_updated_in_the_background,
                                   many_wait_for_one,
                                   who_waits_goes_on_after_a_failure,
                                   who_does_not_wait_gets_its_own,
                                   answers_vary,
                                   a_request_removes_what_is_kept,
                                   a_cache_outlives_a_reload_and_a_restart,
                                   NULL,
                               });
}
