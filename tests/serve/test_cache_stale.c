/* Answers of a cache that are too old: fetched anew, found to be good again, or better than
 * none. */
#include "tests/serve/harness_cache.h"

#include <time.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define PATH "proxy_cache_path cache levels=1:2 keys_zone=one:1m inactive=10m;\n"
#define TO_UPSTREAM "proxy_pass http://127.0.0.1:@port2@; proxy_cache one;\n"

static const char stale_conf[] = PATH CACHE_SHOW
    "server { " LISTEN "proxy_cache_valid 200 1h; proxy_read_timeout 10s;\n"
    "location / { " TO_UPSTREAM "proxy_cache_revalidate on;\n"
    "  proxy_set_header X-Old \"$upstream_cache_etag $upstream_cache_last_modified\";\n"
    "  add_header X-Age $upstream_cache_age; " CACHE_SHOW "}\n"
    "location /stale { " TO_UPSTREAM
    "proxy_cache_use_stale error timeout invalid_header updating http_500 http_502 http_503\n"
    "  http_504 http_403 http_404 http_429; }\n"
    "location /background { " TO_UPSTREAM "proxy_cache_use_stale updating;\n"
    "  proxy_cache_background_update on; } }";

#define OLD "X-Accel-Expires: @1\r\n" /* it is so at once */

/* A server whose cache has an old answer under the path: "one". */
static struct server *start_old(const char *path, const char *fields, int *listening)
{
    struct server *server = server_start(stale_conf);

    *listening = upstream_listen(server, 2);
    expect_fetch(server, *listening, path, fields, "MISS", "one");
    return server;
}

START_TEST(an_old_answer_is_fetched_anew)
{
    int listening;
    struct server *server = start_old("/a", OLD, &listening);

    expect_fetch(server, listening, "/a", "", "EXPIRED", "two");
    expect_cached(server, "/a", "HIT", "two");
    server_stop(server);
}
END_TEST

/* --- revalidation --- */

#define STORED                                                        \
    "ETag: \"e\"\r\nLast-Modified: Thu, 01 Jan 2015 00:00:00 GMT\r\n" \
    "Cache-Control: max-age=7\r\n"

static void expect_stored(struct response *response, const char *state)
{
    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(header(response, "X-Cache"), state);
    ck_assert_str_eq(response->body, "one");
    ck_assert_str_eq(header(response, "ETag"), "\"e\"");
    ck_assert_str_eq(header(response, "Cache-Control"), "max-age=7");
    ck_assert_int_lt(atoi(header(response, "X-Age")), 10);
}

/* What the upstream says then is how long the answer is good; clients get what is stored, as
 * nginx's do. */
START_TEST(an_old_answer_may_be_good_again)
{
    int listening;
    struct server *server = start_old("/a", OLD STORED, &listening);
    struct client *client = cache_ask(server, "GET", "/a", "If-None-Match: \"other\"\r\n");
    const char *got;
    struct client *up = cache_asked(server, listening, &got);

    ck_assert_ptr_nonnull(strstr(got, "If-None-Match: \"e\"\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "If-Modified-Since: Thu, 01 Jan 2015 00:00:00 GMT\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "X-Old: \"e\" Thu, 01 Jan 2015 00:00:00 GMT\r\n"));
    ck_assert_ptr_null(strstr(got, "\"other\""));
    client_send(up, "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\n\r\n");
    expect_stored(client_read(client), "REVALIDATED");
    expect_stored(get(server, "/a"), "HIT");
    server_stop(server);
}
END_TEST

/* A 304 that nobody has asked for is an answer as any other. */
START_TEST(a_304_may_be_kept_itself)
{
    struct server *server = server_start(stale_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = cache_ask(server, "GET", "/a", "");

    client_send(cache_asked(server, listening, NULL),
                "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\n\r\n");
    ck_assert_int_eq(client_read(client)->status, 304);
    struct response *response = get(server, "/a");
    ck_assert_int_eq(response->status, 304);
    ck_assert_str_eq(header(response, "X-Cache"), "HIT");
    ck_assert_ptr_null(header(response, "Content-Length"));
    server_stop(server);
}
END_TEST

/* --- better than none --- */

START_TEST(an_old_answer_is_better_than_none)
{
    static const char *const failures[] = {
        "HTTP/1.1 500 Bad\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "garbage\r\n\r\n",
        "",
    };
    int listening;
    struct server *server = start_old("/stale", OLD, &listening);
    char fields[80];

    snprintf(fields, sizeof fields,
             "Cache-Control: stale-if-error=60\r\nX-Accel-Expires: @%lld\r\n",
             (long long)time(NULL) - 1);
    expect_fetch(server, listening, "/a", fields, "MISS", "one");
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct client *client = cache_ask(server, "GET", i % 2 == 0 ? "/stale" : "/a", "");
        struct client *up = cache_asked(server, listening, NULL);
        client_send(up, "%s", failures[i]);
        client_close(up);
        struct response *response = client_read(client);
        ck_assert_msg(strcmp(header(response, "X-Cache"), "STALE") == 0, "%zu: %s %d", i,
                      header(response, "X-Cache"), response->status);
    }
    server_stop(server);
}
END_TEST

/* --- while it is updated --- */

/* One fetches; the others get what there is. */
START_TEST(an_old_answer_is_used_while_it_is_updated)
{
    int listening;
    struct server *server = start_old("/stale", OLD, &listening);
    struct client *client = cache_ask(server, "GET", "/stale", "");
    struct client *up = cache_asked(server, listening, NULL);

    expect_cached(server, "/stale", "UPDATING", "one");
    cache_answer(up, "", "two");
    ck_assert_str_eq(client_read(client)->body, "two");
    expect_cached(server, "/stale", "HIT", "two");
    server_stop(server);
}
END_TEST

START_TEST(an_old_answer_is_updated_in_the_background)
{
    int listening;
    struct server *server = start_old("/background", OLD, &listening);
    struct client *client = cache_ask(server, "GET", "/background", "");
    struct response *response = client_read(client);

    ck_assert_str_eq(header(response, "X-Cache"), "STALE");
    ck_assert_str_eq(response->body, "one");
    struct client *up = cache_asked(server, listening, NULL);
    expect_cached(server, "/background", "UPDATING", "one");
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nt");
    client_send(up, "wo!");
    client_expect_closed(client);
    expect_cached(server, "/background", "HIT", "two!");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("cache_stale",
                      (const TTest *[]){ an_old_answer_is_fetched_anew,
                                         an_old_answer_may_be_good_again, a_304_may_be_kept_itself,
                                         an_old_answer_is_better_than_none,
                                         an_old_answer_is_used_while_it_is_updated,
                                         an_old_answer_is_updated_in_the_background, NULL });
}
