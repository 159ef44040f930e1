/* charset, charset_types, source_charset, override_charset, charset_map. */
#include "tests/serve/harness.h"

static const char config[] =
    "types { text/html html; text/plain txt; text/css css; }\n"
    "charset utf-8;\n"
    "server { listen 127.0.0.1:@port@; root @root@/html;\n"
    "location /off/ { charset off; alias @root@/html/; }\n"
    "location /types/ { charset_types text/css; alias @root@/html/; }\n"
    "location /variable/ { charset $arg_c; alias @root@/html/; }\n"
    "location /same/ { source_charset UTF-8; alias @root@/html/; }\n"
    "location /other/ { source_charset $arg_c; alias @root@/html/; }\n"
    "location /301 { return 301 /x; }\n"
    "location /up/ { proxy_pass http://127.0.0.1:@port2@/; }\n"
    "location /over/ { override_charset on; proxy_pass http://127.0.0.1:@port2@/; } }\n"
    "server { listen 127.0.0.1:@port2@; charset off;\n"
    "location /own { default_type \"text/html; charset=UTF-8\"; return 200 x; }\n"
    "location /other { default_type \"text/html; charset=latin1\"; return 200 x; }\n"
    "location /accel { default_type text/html; add_header X-Accel-Charset $arg_c;\n"
    "return 200 x; } }";

static const char *type_of(struct server *server, const char *path)
{
    const char *type = header(get(server, path), "Content-Type");

    return type != NULL ? type : "";
}

START_TEST(the_type_tells_the_charset)
{
    static const char *const rows[][2] = {
        { "/x.html", "text/html; charset=utf-8" },
        { "/x.txt", "text/plain; charset=utf-8" },
        { "/x.css", "text/css" },
        { "/none", "text/html; charset=utf-8" },
        { "/off/x.html", "text/html" },
        { "/types/x.css", "text/css; charset=utf-8" },
        { "/types/x.html", "text/html; charset=utf-8" },
        { "/types/x.txt", "text/plain" },
        { "/variable/x.html?c=koi8-r", "text/html; charset=koi8-r" },
        { "/variable/x.html", "text/html" },
        { "/same/x.html", "text/html; charset=utf-8" },
        { "/other/x.html?c=koi8-r", "text/html" },
        { "/301", "text/html" },
        { "/up/own", "text/html; charset=UTF-8" },
        { "/over/own", "text/html; charset=utf-8" },
        { "/over/other", "text/html; charset=latin1" },
        { "/up/accel?c=UTF-8", "text/html; charset=utf-8" },
        { "/up/accel?c=latin7", "text/html" },
    };
    struct server *server = server_new();

    server_file(server, "html/x.html", "x");
    server_file(server, "html/x.txt", "x");
    server_file(server, "html/x.css", "x");
    server_run(server, &(struct setup){ .http = config });
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(strcmp(type_of(server, rows[i][0]), rows[i][1]) == 0, "%s: %s", rows[i][0],
                      type_of(server, rows[i][0]));
    server_wait_log(server, "no \"charset_map\" between the charsets \"latin1\" and \"utf-8\"");
    server_wait_log(server, "unknown charset \"latin7\" to override");
    server_stop(server);
}
END_TEST

#define MAPS                                           \
    "charset_map koi8-r utf-8 { C1 D0B0; C2 D0B1; }\n" \
    "charset_map koi8-r windows-1251 { C1 E0; C2 E1; }\n"

/* A small body, and one that is made in many pieces. */
START_TEST(bodies_are_converted)
{
    enum { COUNT = 20000 };
    struct server *server = server_new();
    char *letters = server_own(server, malloc(COUNT + 1));

    memset(letters, 0xc1, COUNT);
    letters[COUNT] = '\0';
    server_file(server, "html/koi.txt", "a \xc1\xc2 \xff");
    server_file(server, "html/utf.txt", "a \xd0\xb0\xd0\xb1 \xe2\x82\xac");
    server_file(server, "html/long.txt", letters);
    server_run(server,
               &(struct setup){ .http = MAPS
                                "server { listen 127.0.0.1:@port@; root @root@/html;\n"
                                "charset utf-8; source_charset koi8-r;\n"
                                "location /win/ { charset windows-1251; alias @root@/html/; }\n"
                                "location /back/ { charset koi8-r; source_charset utf-8;\n"
                                "alias @root@/html/; } }" });
    struct response *response = get(server, "/koi.txt");
    ck_assert_str_eq(header(response, "Content-Type"), "text/plain; charset=utf-8");
    ck_assert_str_eq(response->body, "a \xd0\xb0\xd0\xb1 ?");
    ck_assert_ptr_null(header(response, "Accept-Ranges"));
    response = get(server, "/win/koi.txt");
    ck_assert_str_eq(header(response, "Content-Type"), "text/plain; charset=windows-1251");
    ck_assert_str_eq(header(response, "Content-Length"), "6");
    ck_assert_str_eq(response->body, "a \xe0\xe1 ?");
    response = get(server, "/back/utf.txt");
    ck_assert_str_eq(header(response, "Content-Type"), "text/plain; charset=koi8-r");
    ck_assert_str_eq(response->body, "a \xc1\xc2 &#8364;");
    response = get(server, "/long.txt");
    ck_assert_uint_eq(response->body_len, 2 * COUNT);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_int_eq(memcmp(response->body + 2 * i, "\xd0\xb0", 2), 0);
    server_stop(server);
}
END_TEST

START_TEST(mistakes_are_reported)
{
    static const struct mistake rows[] = {
        { "charset utf-8; source_charset koi8-r;",
          "no \"charset_map\" between the charsets \"koi8-r\" and \"utf-8\"" },
        { "charset_map koi8-r KOI8-R { }",
          "\"charset_map\" between the same charsets \"koi8-r\" and \"koi8-r\"" },
        { "charset_map a b { } charset_map b a { }", "duplicate \"charset_map\" between" },
        { "charset_map a b { C1; }", "invalid number of the charset_map parameters" },
        { "charset_map a b { C1 D0B0; }", "invalid value \"D0B0\"" },
        { "charset_map a b { X1 D0; }", "invalid value \"X1\"" },
        { "charset_map a utf-8 { C1 D0; }", "invalid value \"D0\"" },
        { "charset_map a utf-8 { C1 D0B; }", "invalid value \"D0B\"" },
        { 0 },
    };

    expect_mistakes(rows);
}
END_TEST

int main(void)
{
    return serve_main("charset", (const TTest *[]){
                                     the_type_tells_the_charset,
                                     bodies_are_converted,
                                     mistakes_are_reported,
                                     NULL,
                                 });
}
