/* What each variable of the core is: in an answer, in a log, and behind a proxy. */
#include "tests/serve/heads.h"

#include <regex.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define CONFIG_MAX 16384

/* The variable's value in an answer to GET PATH with the fields matches the (extended) regex. */
struct variable_case {
    const char *variable;
    const char *query; /* behind the path */
    const char *fields;
    const char *expected;
};

static bool text_matches(const char *text, const char *pattern)
{
    regex_t regex;

    ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool matches = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

static void expect_text(struct server *server, const char *what, const char *text,
                        const char *pattern)
{
    pattern = server_expand(server, pattern);
    ck_assert_msg(text_matches(text, pattern), "%s: %s, not %s", what, text, pattern);
}

/* In the location /NUMBER of each, its value is the answer. */
static const struct variable_case cases[] = {
    { "$arg_a|$arg_A|$arg_none", "?b=1&a=%202&c", "", "^%202\\|%202\\|$" },
    { "$args|$query_string|$is_args", "?a=1", "", "^a=1\\|a=1\\|\\?$" },
    { "$args|$query_string|$is_args", "", "", "^\\|\\|$" },
    { "$binary_remote_addr", "", "", "^.{0,4}$" },
    { "$body_bytes_sent|$bytes_sent", "", "", "^0\\|0$" },
    { "$connection", "", "", "^[1-9][0-9]*$" },
    { "$connection_requests", "", "", "^1$" },
    { "$connection_time", "", "", "^[0-9]+\\.[0-9]{3}$" },
    { "$connections_active", "", "", "^[1-9][0-9]*$" },
    { "$connections_reading", "", "", "^[0-9]+$" },
    { "$connections_waiting", "", "", "^[0-9]+$" },
    { "$connections_writing", "", "", "^[1-9][0-9]*$" },
    { "$content_length|$content_type", "", "Content-Length: 0\r\nContent-Type: x/y\r\n",
      "^0\\|x/y$" },
    { "$cookie_k|$cookie_j", "", "Cookie: j=1; k=2\r\n", "^2\\|1$" },
    { "$limit_rate", "", "", "^0$" },
    { "$document_root|$realpath_root", "", "", "^@root@/html\\|@root@/html$" },
    { "$document_uri|$uri", "", "", "^/([0-9]+)\\|/[0-9]+$" },
    { "$gzip_ratio", "", "", "^$" },
    { "$host", "", "", "^localhost$" },
    { "$hostname", "", "", "^[^A-Z]+$" },
    { "$http_cookie", "", "Cookie: a\r\nCookie: b\r\n", "^a; b$" },
    { "$http_host", "", "", "^localhost$" },
    { "$http_referer|$http_user_agent", "", "Referer: r\r\nUser-Agent: u\r\n", "^r\\|u$" },
    { "$http_x_forwarded_for", "", "X-Forwarded-For: a\r\nX-Forwarded-For: b\r\n", "^a, b$" },
    { "$http_x_any", "", "X-Any: first\r\nX-Any: second\r\n", "^first$" },
    { "$http2|$https|$scheme", "", "", "^\\|\\|http$" },
    { "$msec", "", "", "^[0-9]{10}\\.[0-9]{3}$" },
    { "$nginx_version", "", "", "^[0-9]+\\.[0-9]+\\.[0-9]+$" },
    { "$pid", "", "", "^[0-9]+$" },
    { "$pipe", "", "", "^\\.$" },
    { "$proxy_add_x_forwarded_for", "", "", "^127\\.0\\.0\\.1$" },
    { "$proxy_add_x_forwarded_for", "", "X-Forwarded-For: a\r\n", "^a, 127\\.0\\.0\\.1$" },
    { "$proxy_protocol_addr|$proxy_protocol_port", "", "", "^\\|$" },
    { "$realip_remote_addr|$realip_remote_port", "", "", "^127\\.0\\.0\\.1\\|[1-9][0-9]*$" },
    { "$remote_addr|$remote_port", "", "", "^127\\.0\\.0\\.1\\|[1-9][0-9]*$" },
    { "$remote_user", "", "Authorization: Basic dXNlcjpwYXNz\r\n", "^user$" },
    { "$remote_user", "", "Authorization: Basic dXNlcg==\r\n", "^$" },
    { "$request", "?q", "", "^GET /[0-9]+\\?q HTTP/1\\.1$" },
    { "$request_completion", "", "", "^$" },
    { "$request_filename", "", "", "^@root@/html/[0-9]+$" },
    { "$request_id|$request_id", "", "", "^([0-9a-f]{32})\\|[0-9a-f]{32}$" },
    { "$request_length", "", "", "^[1-9][0-9]+$" },
    { "$request_method", "", "", "^GET$" },
    { "$request_time", "", "", "^[0-9]+\\.[0-9]{3}$" },
    { "$request_uri", "?a=%20", "", "^/[0-9]+\\?a=%20$" },
    { "$server_addr|$server_port", "", "", "^127\\.0\\.0\\.1\\|@port@$" },
    { "$server_name", "", "", "^first\\.example$" },
    { "$server_protocol", "", "", "^HTTP/1\\.1$" },
    { "$ssl_protocol|$ssl_cipher|$ssl_server_name|$ssl_alpn_protocol", "", "", "^\\|\\|\\|$" },
    { "$status", "", "", "^(200|000)$" },
    { "$tcpinfo_rtt|$tcpinfo_rttvar", "", "", "^[0-9]+\\|[0-9]+$" },
    { "$tcpinfo_snd_cwnd|$tcpinfo_rcv_space", "", "", "^[0-9]+\\|[0-9]+$" },
    { "$time_iso8601", "", "",
      "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{2}:[0-9]{2}$" },
    { "$time_local", "", "",
      "^[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}$" },
};

enum { CASES = sizeof cases / sizeof *cases };

START_TEST(each_has_its_value)
{
    char config[CONFIG_MAX] = "server { " LISTEN "server_name first.example *.second.example;\n";
    size_t len = strlen(config);

    for (size_t i = 0; i < CASES; i++)
        len += (size_t)snprintf(config + len, sizeof config - len,
                                "location = /%zu { return 200 \"%s\"; }\n", i, cases[i].variable);
    snprintf(config + len, sizeof config - len, "}");
    struct server *server = server_start(config);
    for (size_t i = 0; i < CASES; i++) {
        char path[64];
        snprintf(path, sizeof path, "/%zu%s", i, cases[i].query);
        const struct response *response = get_with(server, path, cases[i].fields);
        ck_assert_msg(response->status == 200, "%s: %d", cases[i].variable, response->status);
        expect_text(server, cases[i].variable, response->body, cases[i].expected);
    }
    server_stop(server);
}
END_TEST

/* What is only known when the answer has been sent. */
START_TEST(a_log_line_knows_what_was_sent)
{
    struct server *server = server_start(
        "log_format all '$uri $status $body_bytes_sent $bytes_sent [$request_completion] '\n"
        "'$sent_http_content_type $sent_http_content_length $sent_http_x_a $sent_http_connection "
        "'\n"
        "'$sent_http_etag $sent_http_last_modified $sent_http_location $sent_http_accept_ranges '\n"
        "'$sent_http_cache_control $sent_http_transfer_encoding $sent_trailer_t '\n"
        "'$sent_http_link $sent_http_keep_alive $sent_http_content_range';\n"
        "access_log logs/all.log all;\n"
        "server { " LISTEN "location / { add_header X-A b; add_header Cache-Control c;\n"
        "                   add_header Cache-Control d; add_trailer T t; }\n"
        "location /to { absolute_redirect off; return 301 /x; } }");

    dated_file(server, "html/a.txt", "text");
    struct client *client = client_open(server);
    client_send(client, "GET /a.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(client_read_all(client), "\r\n0\r\nT: t\r\n\r\n"));
    server_wait_file(server, "logs/all.log", "/a.txt");
    ck_assert_int_eq(get(server, "/to")->status, 301);
    const char *log = server_wait_file(server, "logs/all.log", "/to 301");
    expect_text(server, "log", log,
                "^/a.txt 200 20 [0-9]{3} \\[OK\\] text/plain - b close .x22[0-9a-f]+-4.x22 "
                "Sun, 09 Sep 2001 01:46:40 GMT - bytes c, d chunked t - - -\n"
                "/to 301 [0-9]+ [0-9]+ \\[OK\\] text/html [0-9]+ - close - - /x - - - - - - -\n$");
    server_stop(server);
}
END_TEST

/* Whose values an upstream's answer gives. */
START_TEST(a_log_line_knows_the_upstream)
{
    struct server *server = server_start(
        "log_format up '$upstream_addr $upstream_status $upstream_response_length '\n"
        "'$upstream_bytes_sent $upstream_bytes_received $upstream_connect_time '\n"
        "'$upstream_header_time $upstream_response_time $upstream_http_x_a $upstream_cookie_c '\n"
        "'$proxy_host $proxy_port [$upstream_trailer_t]';\n"
        "server { " LISTEN "access_log logs/up.log up;\n"
        "         location / { proxy_pass http://127.0.0.1:@port2@; } }\n"
        "server { listen 127.0.0.1:@port2@; add_header X-A b; add_header Set-Cookie c=d;\n"
        "         return 201 text; }");

    ck_assert_int_eq(get(server, "/")->status, 201);
    expect_text(server, "log", server_wait_file(server, "logs/up.log", "\n"),
                "^127.0.0.1:@port2@ 201 4 [1-9][0-9]+ [1-9][0-9]+ [0-9]+\\.[0-9]{3} "
                "[0-9]+\\.[0-9]{3} [0-9]+\\.[0-9]{3} b d 127.0.0.1:@port2@ @port2@ \\[-\\]\n$");
    server_stop(server);
}
END_TEST

START_TEST(bodies_are_variables)
{
    struct server *server =
        server_start("server { " LISTEN "client_body_read on;\n"
                     "location /m { return 200 \"[$request_body|$request_body_file]\"; }\n"
                     "location /f { client_body_in_file_only clean;\n"
                     "              return 200 \"[$request_body|$request_body_file]\"; } }");
    static const char post[] = "POST %s HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody";

    ck_assert_str_eq(get(server, "/m")->body, "[|]");
    ck_assert_str_eq(ask(server, post, "/m")->body, "[body|]");
    expect_text(server, "$request_body_file", ask(server, post, "/f")->body,
                "^\\[\\|@root@/client_body_temp/.+\\]$");
    server_stop(server);
}
END_TEST

START_TEST(a_connection_counts_its_requests)
{
    struct server *server =
        server_start("server { " LISTEN "return 200 \"$connection_requests $pipe\"; }");
    struct client *client = client_open(server);

    client_send(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "1 .");
    ck_assert_str_eq(client_read(client)->body, "2 p");
    client_send(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "3 .");
    server_stop(server);
}
END_TEST

/* A version 2 header: from 192.0.2.1:1000 to 192.0.2.2:443, with TLVs. */
START_TEST(the_proxy_protocol_tells_of_tls)
{
    static const char header[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x44"
                                 "\xc0\0\2\1\xc0\0\2\2\x03\xe8\x01\xbb"
                                 "\x01\0\x02h2"
                                 "\x02\0\x09"
                                 "a.example"
                                 "\x20\0\x24\1\0\0\0\0"
                                 "\x21\0\x07TLSv1.3"
                                 "\x23\0\x12"
                                 "TLS_AES_128_GCM_SH";
    struct server *server = server_start(
        "server { listen 127.0.0.1:@port@ proxy_protocol;\n"
        "return 200 \"$ssl_protocol $ssl_cipher $ssl_server_name $ssl_alpn_protocol $https "
        "$proxy_protocol_server_addr $proxy_protocol_server_port $proxy_protocol_addr "
        "$proxy_protocol_port $proxy_protocol_tlv_ssl_version\"; }");
    struct client *client = client_open(server);

    client_send_bytes(client, header, sizeof header - 1);
    client_send(client, "GET / HTTP/1.0\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body,
                     "TLSv1.3 TLS_AES_128_GCM_SH a.example h2 on 192.0.2.2 443 192.0.2.1 1000 "
                     "TLSv1.3");
    server_stop(server);
}
END_TEST

START_TEST(a_listen_that_is_behind_tls_says_so)
{
    struct server *server = server_start(
        "server { listen 127.0.0.1:@port@ tls_terminated; location /to { return 301 /x; }\n"
        "         location / { return 200 \"$scheme $https [$ssl_protocol]\"; } }\n"
        "server { listen 127.0.0.1:@port@; server_name other; return 200 $scheme; }\n"
        "server { listen 127.0.0.1:@port2@; return 200 $scheme; }");

    ck_assert_str_eq(get(server, "/")->body, "https on []");
    ck_assert_str_eq(header(get(server, "/to"), "Location"), "https://localhost/x");
    ck_assert_str_eq(ask(server, "GET / HTTP/1.0\r\nHost: other\r\n\r\n")->body, "https");
    struct client *client = client_open_port(server, 2);
    client_send(client, "GET / HTTP/1.0\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "http");
    server_stop(server);
}
END_TEST

START_TEST(an_unknown_one_is_refused)
{
    const struct mistake mistakes[] = {
        { "server { return 200 $request_idd; }", "unknown \"request_idd\" variable" },
        { "server { return 200 $request_idd; }", "did you mean" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main("variables", (const TTest *[]){
                                       each_has_its_value,
                                       a_log_line_knows_what_was_sent,
                                       a_log_line_knows_the_upstream,
                                       bodies_are_variables,
                                       a_connection_counts_its_requests,
                                       the_proxy_protocol_tells_of_tls,
                                       a_listen_that_is_behind_tls_says_so,
                                       an_unknown_one_is_refused,
                                       NULL,
                                   });
}
