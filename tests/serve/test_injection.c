/* Bytes of requests in answers' heads, in logs and in heads that go upstream: never as what ends
 * a line, and never as what a terminal acts upon. */
#include "tests/serve/harness_upstream.h"
#include "tests/serve/heads.h"

/* Everywhere that a client's text can be put; $uri is decoded. */
static const char *const SERVERS =
    "log_format plain '$uri|$arg_a|$http_x|$cookie_c|$remote_user|$request|$args';\n"
    "log_format json escape=json '{\"uri\":\"$uri\",\"x\":\"$http_x\"}';\n"
    "upstream behind { server 127.0.0.1:@port2@; keepalive 2; }\n"
    "error_log @root@/logs/error.log debug; access_log @root@/logs/plain.log plain;\n"
    "server { listen 127.0.0.1:@port@; root @root@/html; error_page 410 =301 http://h$uri;\n"
    "  location /header/ { add_header X-Uri $uri always; add_header X-Arg \"$arg_a$cookie_c\";\n"
    "    add_header X-Field $http_x; return 200; }\n"
    "  location /trailer/ { add_trailer X-Uri $uri; return 200; }\n"
    "  location /return/ { return 301 http://h$uri; }\n"
    "  location /relative/ { return 302 $uri; }\n"
    "  location /rewrite/ { rewrite ^/rewrite/(?<rest>.*)$ http://h/$rest permanent; }\n"
    "  location /query/ { rewrite ^ http://h/?u=$uri? redirect; }\n"
    "  location /page/ { return 410; }\n"
    "  location /realm/ { auth_basic $uri; auth_basic_user_file @root@/html/users; }\n"
    "  location /upstream/ { proxy_set_header X-Uri $uri; proxy_pass http://behind; }\n"
    "  location /target/ { proxy_pass http://behind$uri; }\n"
    "  location /arguments/ { rewrite ^ /upstream/?u=$uri? last; }\n"
    "  location /method/ { proxy_method $arg_m$uri; proxy_pass http://behind; }\n"
    "  location /cookie/ { proxy_cookie_path /a $uri; proxy_redirect /b $uri;\n"
    "    proxy_pass http://behind/fixed/; }\n"
    "  location /json/ { access_log @root@/logs/json.log json; return 200; } }\n"
    "server { listen 127.0.0.1:@port2@; access_log off;\n"
    "  location / { add_header Set-Cookie 'a=b; path=/a'; return 200 \"$http_x_uri\"; }\n"
    "  location /fixed/ { add_header Set-Cookie 'a=b; path=/a'; return 302 /b; } }";

static const char *const places[] = {
    "header",   "trailer", "return",    "relative", "rewrite", "query", "page", "realm",
    "upstream", "target",  "arguments", "method",   "cookie",  "json",  "file",
};

/* Decoded: CR, LF, both, behind each a header; other controls; C1, bare and in UTF-8. */
static const char *const payloads[] = {
    "%0d%0aInjected:%20yes",
    "%0aInjected:%20yes",
    "%0dInjected:%20yes",
    "%0d%0a%0d%0aInjected:%20yes",
    "%0d%0a%20Injected:%20yes",
    "%0d%0a%09Injected:%20yes",
    "%e5%98%8a%e5%98%8dInjected:%20yes", /* what becomes CR LF when cut to bytes */
    "%1b[31mInjected:%20yes",
    "%08%08%08Injected:%20yes",
    "%7fInjected:%20yes",
    "%85Injected:%20yes",
    "%c2%85Injected:%20yes",
    "%9b31mInjected:%20yes",
    "%c2%9b31mInjected:%20yes",
    "%20HTTP/1.1%0d%0aInjected:%20yes%0d%0aX:%20",
    "%00Injected:%20yes", /* refused */
    "%0d%00%0aInjected:%20yes",
};

/* Neither a line that begins with it, nor a byte that none of ours would have. */
static void expect_clean(const char *text, const char *what, const char *payload, bool lines_end)
{
    const char *line = text;

    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at, before = at > text ? (unsigned char)at[-1] : 0;
        bool ends_line = (c == '\r' && at[1] == '\n' && lines_end) || c == '\n';
        bool c1 = c >= 0x80 && c <= 0x9f && (before < 0x80 || before == 0xc2);
        if (before == '\n')
            line = at;
        ck_assert_msg((c >= 0x20 || ends_line || c == '\t') && c != 0x7f && !c1,
                      "%s, %s: byte %#x in %.500s", what, payload, c, line);
        ck_assert_msg(strncmp(line, "Injected", 8) != 0, "%s, %s: injected: %.500s", what, payload,
                      line);
    }
}

START_TEST(no_head_and_no_log_is_written_by_a_client)
{
    struct server *server = server_new();

    server_file(server, "html/users", "");
    server_run(server, &(struct setup){ .http = SERVERS });
    for (size_t place = 0; place < sizeof places / sizeof *places; place++)
        for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
            struct client *client = client_open(server);
            client_send(
                client,
                "GET /%s/a%sb?a=1%s HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\n"
                "Cookie: c=\x85;\r\nX: \"\\a\tb\xc2\x9b\r\nAuthorization: Basic AQo6Cg==\r\n"
                "Connection: close\r\n\r\n",
                places[place], payloads[i], payloads[i]);
            const char *received = client_read_all(client);
            ck_assert_msg(strncmp(received, "HTTP/1.1 ", 9) == 0, "%s, %s: %s", places[place],
                          payloads[i], received);
            size_t head = (size_t)(strstr(received, "\r\n\r\n") + 2 - received);
            char *copy = server_own(server, strndup(received, head));
            expect_clean(copy, places[place], payloads[i], true);
            /* A trailer stands behind the body; what was sent upstream comes back as one. */
            ck_assert_ptr_null(strstr(received, "\nInjected"));
            client_close(client);
        }
    server_wait_file(server, "logs/plain.log", "/file/");
    expect_clean(server_read(server, "logs/error.log"), "error.log", "", false);
    expect_clean(server_read(server, "logs/plain.log"), "plain.log", "", false);
    /* JSON is UTF-8 for programs: C1 is a letter there as any other. */
    for (const char *at = server_read(server, "logs/json.log"); *at != '\0'; at++)
        ck_assert_msg((unsigned char)*at >= 0x20 || (*at == '\n' && at[-1] == '}'), "%.500s", at);
    server_stop(server);
}
END_TEST

/* What is no control character is left as it is. */
START_TEST(letters_stay_letters)
{
    struct server *server = server_start("server { listen 127.0.0.1:@port@;\n"
                                         "add_header X-Uri $uri; return 301 http://h$uri; }");

    struct response *response = get(server, "/%c3%80%e2%82%ac%20a");
    ck_assert_str_eq(header(response, "X-Uri"), "/\xc3\x80\xe2\x82\xac a");
    ck_assert_str_eq(header(response, "Location"), "http://h/\xc3\x80\xe2\x82\xac a");
    response = get(server, "/a%0d%0ab");
    ck_assert_str_eq(header(response, "X-Uri"), "/a%0D%0Ab");
    ck_assert_str_eq(header(response, "Location"), "http://h/a%0D%0Ab");
    server_stop(server);
}
END_TEST

/* Upstreams answer what clients have told them, now or long ago. */
START_TEST(what_an_upstream_says_goes_the_same_way)
{
    static const char *const told[] = {
        "a\x85Injected: yes",     "a\x1b[31mInjected: yes",       "\xc2\x9bInjected: yes",
        "a\x7f\x08Injected: yes", "/inner/%0d%0aInjected:%20yes", "/inner/%00%85Injected:%20yes"
    };
    struct passing passing = passing_start(
        "log_format up '$upstream_http_x_told|$upstream_cookie_c|$upstream_http_location';\n"
        "error_log @root@/logs/error.log debug;\n"
        "server { listen 127.0.0.1:@port@; access_log @root@/logs/up.log up;\n"
        "  location / { proxy_pass http://127.0.0.1:@port2@; proxy_hide_header X-Told;\n"
        "    proxy_hide_header Set-Cookie; }\n"
        "  location /inner/ { internal; add_header X-Uri $uri always; return 200 inner; } }",
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        bool leads_on = *told[i] == '/';
        if (i > 0)
            passing_next(&passing,
                         "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        upstream_request(passing.up, NULL);
        client_send(passing.up,
                    "HTTP/1.1 200 OK\r\n%s: %s\r\nSet-Cookie: c=%s\r\nContent-Length: 2\r\n"
                    "Connection: close\r\n\r\nok",
                    leads_on ? "X-Accel-Redirect" : "X-Told", told[i], leads_on ? "" : told[i]);
        client_close(passing.up);
        expect_clean(client_read_all(passing.client), "an upstream's", told[i], true);
        client_close(passing.client);
    }
    server_wait_file(passing.server, "logs/up.log", "Injected");
    expect_clean(server_read(passing.server, "logs/up.log"), "up.log", "", false);
    expect_clean(server_read(passing.server, "logs/error.log"), "error.log", "", false);
    server_allow(passing.server, "invalid header");
    server_allow(passing.server, "X-Accel-Redirect");
    server_stop(passing.server);
}
END_TEST

int main(void)
{
    return serve_main("injection",
                      (const TTest *[]){ no_head_and_no_log_is_written_by_a_client,
                                         letters_stay_letters,
                                         what_an_upstream_says_goes_the_same_way, NULL });
}
