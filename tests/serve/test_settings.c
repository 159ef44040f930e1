/* Settings that change nothing a client can see, or that muxd takes for nginx's sake:
 * they are taken, checked, and the server serves. */
#include "tests/serve/harness.h"

struct setting {
    const char *main, *events, *http;
};

START_TEST(settings_without_effect_are_taken)
{
    static const struct setting settings[] = {
        { .events = "multi_accept on;" },
        { .events = "accept_mutex on; accept_mutex_delay 100ms;" },
        { .main = "lock_file logs/muxd.lock;" },
        { .main = "debug_points abort;" },
        { .main = "env PATH; env MUXD_TEST=1;" },
        { .main = "pcre_jit on; timer_resolution 100ms; thread_pool p threads=4 max_queue=9;" },
        { .events = "worker_aio_requests 16;" },
        { .http = "aio threads=p; aio_write on; directio 4m; directio_alignment 4k;" },
        { .http = "aio on; directio off; output_buffers 1 64k; open_file_cache_events on;" },
        { .http = "subrequest_output_buffer_size 8k; proxy_send_lowat 1; fastcgi_send_lowat 1;" },
        { .http = "log_subrequest on;" },
        { .http = "variables_hash_bucket_size 128; variables_hash_max_size 2048;" },
        { .http = "tcp_nodelay off;" },
        { .http = "tcp_nopush on; sendfile on;" },
        { .http = "postpone_output 0;" },
        { .http = "send_lowat 1k;" },
        { .http = "connection_pool_size 1k; request_pool_size 8k;" },
    };

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        char http[512];
        snprintf(http, sizeof http,
                 "%s\nserver { listen 127.0.0.1:@port@; location /ok { return 200 OK; } }",
                 settings[i].http != NULL ? settings[i].http : "");
        struct server *server = server_start_with(&(struct setup){
            .http = http, .main = settings[i].main, .events = settings[i].events });
        ck_assert_str_eq(get(server, "/ok")->body, "OK");
        server_stop(server);
    }
}
END_TEST

START_TEST(their_values_are_checked)
{
    static const char *const wrong[] = {
        "events { multi_accept maybe; }",
        "events { accept_mutex maybe; }",
        "events { accept_mutex_delay soon; }",
        "events { } debug_points sleep;",
        "events { } http { log_subrequest maybe; }",
        "events { } http { variables_hash_bucket_size large; }",
        "events { } http { variables_hash_max_size large; }",
        "events { } http { tcp_nodelay maybe; }",
        "events { } http { tcp_nopush maybe; }",
        "events { } http { chunked_transfer_encoding maybe; }",
        "events { } http { postpone_output much; }",
        "events { } http { send_lowat much; }",
        "events { } http { connection_pool_size much; }",
        "events { } http { request_pool_size much; }",
        "events { } env;",
        "events { } pcre_jit maybe;",
        "events { } thread_pool p;",
        "events { } thread_pool p threads=many;",
        "events { } thread_pool p threads=1 queue=2;",
        "events { worker_aio_requests many; }",
        "events { } http { aio maybe; }",
        "events { } http { aio threads=; }",
        "events { } http { directio much; }",
        "events { } http { output_buffers 1; }",
        "events { } lock_file;",
    };
    struct server *server = server_new();

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct run *run = config_test(server, wrong[i]);
        ck_assert_msg(run->status == 1, "%s: %s", wrong[i], run->text);
        ck_assert_ptr_nonnull(strstr(run->text, "test.conf:1"));
    }
    server_stop(server);
}
END_TEST

START_TEST(chunked_transfer_encoding_may_be_off)
{
    struct server *server = server_start(
        "gzip on; gzip_min_length 0; gzip_types *;\n"
        "server { listen 127.0.0.1:@port@;\n"
        "location /on { return 200 \"some text\"; }\n"
        "location /off { chunked_transfer_encoding off; return 200 \"some text\"; } }");
    static const char *const request =
        "GET /%s HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n";
    struct client *client = client_open(server);

    client_send(client, request, "on");
    struct response *response = client_read(client);
    ck_assert(response->chunked);
    ck_assert_str_eq(header(response, "Connection"), "keep-alive");
    client_send(client, request, "off");
    response = client_read(client);
    ck_assert_int_eq(response->status, 200);
    ck_assert(!response->chunked);
    ck_assert(response->to_close);
    ck_assert_ptr_null(header(response, "Content-Length"));
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("settings", (const TTest *[]){
                                      settings_without_effect_are_taken,
                                      their_values_are_checked,
                                      chunked_transfer_encoding_may_be_off,
                                      NULL,
                                  });
}
