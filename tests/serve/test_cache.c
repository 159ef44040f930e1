/* proxy_cache: what is fetched once is answered from the disk, as long as it is good. */
#include "tests/serve/harness_cache.h"

#include <signal.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define PATH "proxy_cache_path cache levels=1:2 keys_zone=one:1m inactive=10m;\n"
#define TO_UPSTREAM "proxy_pass http://127.0.0.1:@port2@; proxy_cache one;\n"

static const char usual_conf[] =
    PATH CACHE_SHOW "server { " LISTEN "proxy_cache_key $uri; proxy_cache_valid 200 1h;\n"
                    "location / { " TO_UPSTREAM " } }";

/* --- hits --- */

START_TEST(the_second_request_is_a_hit)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);

    expect_fetch(server, listening, "/a", "X-From: up\r\nContent-Type: text/css\r\n", "MISS",
                 "one");
    expect_cached(server, "/a", "HIT", "one");
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
    struct client *up, *client = cache_ask(server, "HEAD", "/a",
                                           "Range: bytes=0-1\r\n"
                                           "If-None-Match: \"x\"\r\n");
    const char *got;

    up = cache_asked(server, listening, &got);
    ck_assert_msg(strstr(got, "GET /a HTTP/1.0\r\n") != NULL, "%s", got);
    ck_assert_ptr_null(strstr(got, "Range:"));
    ck_assert_ptr_null(strstr(got, "If-None-Match:"));
    cache_answer(up, "ETag: \"e\"\r\nAccept-Ranges: bytes\r\nX-From: up\r\n", "0123456789");
    ck_assert_int_eq(client_read_head(client)->status, 206);
    struct response *response = get_with(server, "/a", "Range: bytes=2-4\r\n");
    ck_assert_int_eq(response->status, 206);
    ck_assert_str_eq(response->body, "234");
    ck_assert_str_eq(header(response, "Content-Range"), "bytes 2-4/10");
    ck_assert_str_eq(response->status_line, "HTTP/1.1 206 Partial Content");
    ck_assert_int_eq(get_with(server, "/a", "If-None-Match: \"e\"\r\n")->status, 304);
    response = get_with(server, "/a", "If-Match: \"f\"\r\n");
    ck_assert_int_eq(response->status, 412);
    ck_assert_ptr_null(header(response, "X-From")); /* it is not of this page */
    response = client_read_head(cache_ask(server, "HEAD", "/a", ""));
    ck_assert_str_eq(header(response, "Content-Length"), "10");
    ck_assert_str_eq(header(response, "X-Cache"), "HIT");
    server_stop(server);
}
END_TEST

/* Several ranges, of what is kept and of what is just being fetched; the whole is kept. */
START_TEST(several_ranges_are_parts_of_one_answer)
{
    static const char *const paths[] = { "/known", "/chunked" };
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);

    for (size_t i = 0; i < 2; i++) {
        struct client *client = cache_ask(server, "GET", paths[i], "Range: bytes=1-2,-1\r\n");
        struct client *up = cache_asked(server, listening, NULL);
        client_send(up,
                    "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Type: a/b\r\n%s\r\n\r\n",
                    i == 0 ? "Content-Length: 10" : "Transfer-Encoding: chunked");
        client_send(up, i == 0 ? "0123" : "4\r\n0123\r\n");
        client_send(up, i == 0 ? "456789" : "6\r\n456789\r\n0\r\n\r\n");
        client_close(up);
        struct response *first = client_read(client);
        struct response *second = get_with(server, paths[i], "Range: bytes=1-2,-1\r\n");
        ck_assert(first->status == 206 ? strstr(first->body, "bytes 1-2/10\r\n\r\n12\r\n") != NULL
                                       : strcmp(first->body, "0123456789") == 0);
        ck_assert_int_eq(second->status, 206);
        ck_assert_str_eq(header(second, "X-Cache"), "HIT");
        ck_assert_ptr_nonnull(strstr(second->body, "bytes 1-2/10\r\n\r\n12\r\n"));
        ck_assert_ptr_nonnull(strstr(second->body, "bytes 9-9/10\r\n\r\n9\r\n"));
        ck_assert_int_eq(get_with(server, paths[i], "Range: bytes=10-\r\n")->status, 416);
        expect_cached(server, paths[i], "HIT", "0123456789");
    }
    server_stop(server);
}
END_TEST

/* What a client does not want is kept all the same. */
START_TEST(a_large_answer_is_kept_whole)
{
    enum { SIZE = 3 * 1024 * 1024 };
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = cache_ask(server, "GET", "/large", "Range: bytes=5-7\r\n"), *up;
    char *body = server_own(server, calloc(1, SIZE));

    for (size_t i = 0; i < SIZE; i++)
        body[i] = (char)('a' + i % 26 + i / 4096 % 3);
    up = cache_asked(server, listening, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: %d\r\n\r\n", SIZE);
    ck_assert(client_send_bytes(up, body, SIZE));
    client_close(up);
    struct response *response = client_read(client);
    ck_assert_int_eq(response->status, 206);
    ck_assert_str_eq(response->body, "fgh");
    EVENTUALLY(cache_find_file(server, "cache") != NULL);
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
    struct client *client = cache_ask(server, "GET", "/a", ""), *up;

    up = cache_asked(server, listening, NULL);
    client_reset(client);
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    client_send(up, "def");
    client_close(up);
    EVENTUALLY(cache_find_file(server, "cache") != NULL);
    expect_cached(server, "/a", "HIT", "abcdef");
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
    struct server *server = server_start(
        PATH CACHE_SHOW "server { " LISTEN
                        "proxy_cache_valid 200 1h; proxy_no_cache $upstream_http_x_not;\n"
                        "location / { " TO_UPSTREAM "} }");
    int listening = upstream_listen(server, 2);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[16];
        snprintf(path, sizeof path, "/%zu", i);
        expect_fetch(server, listening, path, cases[i].fields, "MISS", "x");
        if (cases[i].kept)
            expect_cached(server, path, "HIT", "x");
        else
            expect_fetch(server, listening, path, "", "MISS", "x");
    }
    server_stop(server);
}
END_TEST

START_TEST(settings_say_what_is_kept)
{
    struct server *server =
        server_start(PATH CACHE_SHOW
                     "server { " LISTEN "proxy_cache_valid 404 1h; proxy_cache_valid any 1h;\n"
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
    expect_cached(server, "/a", "HIT", "one");
    expect_fetch(server, listening, "/twice", "", "MISS", "one");
    expect_fetch(server, listening, "/twice", "", "MISS", "two");
    expect_cached(server, "/twice", "HIT", "two");
    client = cache_ask(server, "GET", "/far", "Range: bytes=100-\r\n");
    const char *got;
    up = cache_asked(server, listening, &got);
    ck_assert_ptr_nonnull(strstr(got, "Range: bytes=100-\r\n"));
    cache_answer(up, "", "not kept");
    ck_assert_str_eq(client_read(client)->body, "not kept");
    expect_fetch(server, listening, "/far", "", "MISS", "kept");
    expect_fetch(server, listening, "/b", "", "MISS", "one");
    client = cache_ask(server, "GET", "/b", "X-Bypass: 1\r\n");
    up = cache_asked(server, listening, NULL);
    cache_answer(up, "", "two");
    ck_assert_str_eq(header(client_read(client), "X-Cache"), "BYPASS");
    expect_cached(server, "/b", "HIT", "two");
    struct response *response = cache_fetch(server, listening, "/off", "", "x");
    ck_assert_ptr_null(header(response, "X-Cache"));
    server_stop(server);
}
END_TEST

/* --- one fetches, others wait --- */

static const char lock_conf[] = PATH CACHE_SHOW
    "server { " LISTEN "proxy_cache_valid 200 1h; proxy_cache_lock on;\n"
    "location / { " TO_UPSTREAM "proxy_cache_lock_timeout 1h; proxy_cache_lock_age 1h; }\n"
    "location /impatient { " TO_UPSTREAM "proxy_cache_lock_timeout 0; }\n"
    "location /waits { " TO_UPSTREAM "proxy_cache_lock_timeout 50ms; proxy_cache_lock_age 1h; }\n"
    "location /aged { " TO_UPSTREAM "proxy_cache_lock_timeout 1h; proxy_cache_lock_age 50ms; } }";

START_TEST(many_wait_for_one)
{
    enum { MANY = 20 };
    struct server *server = server_start(lock_conf);
    int listening = upstream_listen(server, 2);
    struct client *clients[MANY], *up;

    for (size_t i = 0; i < MANY; i++)
        clients[i] = cache_ask(server, "GET", "/a", "");
    up = cache_asked(server, listening, NULL);
    cache_answer(up, "", "one");
    for (size_t i = 0; i < MANY; i++)
        ck_assert_str_eq(client_read(clients[i])->body, "one");
    expect_cached(server, "/a", "HIT", "one");
    server_stop(server);
}
END_TEST

/* When the one fails, another one tries. */
START_TEST(who_waits_goes_on_after_a_failure)
{
    struct server *server = server_start(lock_conf);
    int listening = upstream_listen(server, 2);
    struct client *first = cache_ask(server, "GET", "/a", ""), *up, *second;

    up = cache_asked(server, listening, NULL);
    second = cache_ask(server, "GET", "/a", "");
    client_close(up);
    ck_assert_int_eq(client_read(first)->status, 502);
    up = cache_asked(server, listening, NULL);
    cache_answer(up, "", "two");
    ck_assert_str_eq(client_read(second)->body, "two");
    server_stop(server);
}
END_TEST

/* Not at all, or no longer than lock_timeout: what it gets is not kept. */
START_TEST(who_does_not_wait_gets_its_own)
{
    static const char *const paths[] = { "/impatient", "/waits" };
    struct server *server = server_start(lock_conf);
    int listening = upstream_listen(server, 2);

    for (size_t i = 0; i < 2; i++) {
        struct client *first = cache_ask(server, "GET", paths[i], "");
        struct client *up = cache_asked(server, listening, NULL);
        expect_fetch(server, listening, paths[i], "", "MISS", "not kept");
        cache_answer(up, "", "kept");
        ck_assert_str_eq(client_read(first)->body, "kept");
        expect_cached(server, paths[i], "HIT", "kept");
    }
    server_stop(server);
}
END_TEST

/* One that takes longer than lock_age: another one is passed, for which the others wait. */
START_TEST(who_takes_too_long_is_not_waited_for)
{
    struct server *server = server_start(lock_conf);
    int listening = upstream_listen(server, 2);
    struct client *first = cache_ask(server, "GET", "/aged", "");
    struct client *up = cache_asked(server, listening, NULL);

    expect_fetch(server, listening, "/aged", "", "MISS", "second");
    expect_cached(server, "/aged", "HIT", "second");
    cache_answer(up, "", "first");
    ck_assert_str_eq(client_read(first)->body, "first");
    expect_cached(server, "/aged", "HIT", "first");
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
            struct client *client = cache_ask(server, "GET", "/a", more), *up;
            if (round == 0) {
                up = cache_asked(server, listening, NULL);
                cache_answer(up, "Vary: Accept-Language\r\n", languages[i]);
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
        PATH CACHE_SHOW "map $request_method $purges { PURGE 1; default 0; }\n"
                        "server { " LISTEN "proxy_cache_valid 200 1h; proxy_cache_key $uri;\n"
                        "location / { " TO_UPSTREAM "proxy_cache_purge $purges; } }");
    int listening = upstream_listen(server, 2);

    expect_fetch(server, listening, "/a", "", "MISS", "one");
    expect_cached(server, "/a", "HIT", "one");
    ck_assert_int_eq(client_read(cache_ask(server, "PURGE", "/b", ""))->status, 404);
    ck_assert_int_eq(client_read(cache_ask(server, "PURGE", "/a", ""))->status, 204);
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
    expect_cached(server, "/a", "HIT", "one");
    server_quit(server);
    server_run(server, &(struct setup){ .http = usual_conf });
    expect_cached(server, "/a", "HIT", "one");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main(
        "cache",
        (const TTest *[]){
            the_second_request_is_a_hit, a_hit_is_served_as_a_file,
            several_ranges_are_parts_of_one_answer, a_large_answer_is_kept_whole,
            a_client_that_leaves_does_not_stop_the_store, the_upstream_says_what_is_kept,
            settings_say_what_is_kept, many_wait_for_one, who_waits_goes_on_after_a_failure,
            who_does_not_wait_gets_its_own, who_takes_too_long_is_not_waited_for, answers_vary,
            a_request_removes_what_is_kept, a_cache_outlives_a_reload_and_a_restart, NULL });
}
