/* The caches of FastCGI, uwsgi and SCGI: that of the proxy, by other names. */
#include "tests/serve/harness_upstream.h"

static const char gateways_conf[] =
    "fastcgi_cache_path fastcgi_cache keys_zone=fastcgi:1m;\n"
    "fastcgi_cache_key $request_method$request_uri; fastcgi_cache_valid 1h;\n"
    "fastcgi_cache_use_stale updating; fastcgi_cache_methods GET;\n"
    "fastcgi_cache_bypass $arg_bypass; fastcgi_no_cache $arg_not;\n"
    "fastcgi_cache_purge $arg_purge; fastcgi_cache_min_uses 1;\n"
    "fastcgi_cache_max_range_offset 1m; fastcgi_cache_lock on;\n"
    "fastcgi_cache_lock_timeout 5s; fastcgi_cache_lock_age 5s;\n"
    "fastcgi_cache_revalidate on; fastcgi_cache_background_update off;\n"
    "uwsgi_cache_path uwsgi_cache keys_zone=uwsgi:1m;\n"
    "uwsgi_cache_key $request_method$request_uri; uwsgi_cache_valid 1h;\n"
    "uwsgi_cache_use_stale updating; uwsgi_cache_methods GET;\n"
    "uwsgi_cache_bypass $arg_bypass; uwsgi_no_cache $arg_not;\n"
    "uwsgi_cache_purge $arg_purge; uwsgi_cache_min_uses 1;\n"
    "uwsgi_cache_max_range_offset 1m; uwsgi_cache_lock on;\n"
    "uwsgi_cache_lock_timeout 5s; uwsgi_cache_lock_age 5s;\n"
    "uwsgi_cache_revalidate on; uwsgi_cache_background_update off;\n"
    "scgi_cache_path scgi_cache keys_zone=scgi:1m;\n"
    "scgi_cache_key $request_method$request_uri; scgi_cache_valid 1h;\n"
    "scgi_cache_use_stale updating; scgi_cache_methods GET;\n"
    "scgi_cache_bypass $arg_bypass; scgi_no_cache $arg_not;\n"
    "scgi_cache_purge $arg_purge; scgi_cache_min_uses 1;\n"
    "scgi_cache_max_range_offset 1m; scgi_cache_lock on; scgi_cache_lock_timeout 5s;\n"
    "scgi_cache_lock_age 5s; scgi_cache_revalidate on;\n"
    "scgi_cache_background_update off;\n"
    "add_header X-Cache $upstream_cache_status; add_header X-Key $upstream_cache_key;\n"
    "server { listen 127.0.0.1:@port@;\n"
    "location /fastcgi { fastcgi_pass 127.0.0.1:@port2@; fastcgi_cache fastcgi; }\n"
    "location /uwsgi { uwsgi_pass 127.0.0.1:@port2@; uwsgi_cache uwsgi; }\n"
    "location /scgi { scgi_pass 127.0.0.1:@port2@; scgi_cache scgi; }\n"
    "}";

#define END "\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0"
#define RECORD(len, text) "\1\6\0\1\0" len "\0\0" text END

/* What a program answers: plain, and in records. */
struct answer {
    const char *bytes;
    size_t len;
};

#define ANSWER(text)           \
    {                          \
        text, sizeof(text) - 1 \
    }

static const struct answer old_plain = ANSWER("X-Accel-Expires: @1\r\nETag: \"e\"\r\n\r\nold"),
                           old_record = ANSWER(
                               RECORD("\45", "X-Accel-Expires: @1\r\nETag: \"e\"\r\n\r\nold")),
                           same_plain = ANSWER("Status: 304\r\n\r\n"),
                           same_record = ANSWER(RECORD("\17", "Status: 304\r\n\r\n"));

/* Sends a GET; when the program is to be asked, answers it; `conditional`: whether
 * something has changed is asked. */
static struct response *fetch(struct server *server, int listening, const char *path,
                              const struct answer *answer, bool conditional)
{
    struct client *client = client_open(server);

    client_send(client, "GET %s HTTP/1.1\r\nHost: h\r\nRange: bytes=9-\r\n\r\n", path);
    if (answer != NULL) {
        struct client *up = upstream_accept(server, listening);
        client_read_bytes(up, conditional ? 40 : 18);
        ck_assert(conditional == (memmem(up->received, up->len, "HTTP_IF_NONE_MATCH", 18) != NULL));
        ck_assert_ptr_null(memmem(up->received, up->len, "HTTP_RANGE", 10));
        client_send_bytes(up, answer->bytes, answer->len);
        client_close(up);
    }
    return client_read(client);
}

static void check(const char *path, const struct answer *old, const struct answer *same)
{
    struct server *server = server_start(gateways_conf);
    int listening = upstream_listen(server, 2);
    struct response *response = fetch(server, listening, path, old, false);

    ck_assert_str_eq(header(response, "X-Cache"), "MISS");
    ck_assert_str_eq(response->body, "old");
    response = fetch(server, listening, path, same, true);
    ck_assert_str_eq(header(response, "X-Cache"), "REVALIDATED");
    ck_assert_str_eq(response->body, "old");
    server_stop(server);
}

START_TEST(fastcgi_answers_are_kept)
{
    check("/fastcgi", &old_record, &same_record);
}
END_TEST

START_TEST(uwsgi_answers_are_kept)
{
    check("/uwsgi", &old_plain, &same_plain);
}
END_TEST

START_TEST(scgi_answers_are_kept)
{
    check("/scgi", &old_plain, &same_plain);
}
END_TEST

START_TEST(a_key_must_be_said)
{
    struct server *server = server_start("server { listen 127.0.0.1:@port@; }");
    const char *text = config_test(server, "events { }\nhttp {\n"
                                           "scgi_cache_path cache keys_zone=one:1m;\n"
                                           "server { location / { scgi_pass 127.0.0.1:1;\n"
                                           "scgi_cache one; } } }\n")
                           ->text;

    ck_assert_msg(strstr(text, "no \"scgi_cache_key\" for \"scgi_cache\"") != NULL, "%s", text);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("cache_gateways", (const TTest *[]){
                                            fastcgi_answers_are_kept,
                                            uwsgi_answers_are_kept,
                                            scgi_answers_are_kept,
                                            a_key_must_be_said,
                                            NULL,
                                        });
}
