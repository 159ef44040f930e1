/* charset, charset_types, source_charset, override_charset. */
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

START_TEST(charsets_that_would_have_to_be_converted)
{
    struct server *server = server_new();
    struct run *run =
        config_test(server, "events {} http { charset utf-8; source_charset koi8-r; }");

    ck_assert_int_eq(run->status, 1);
    ck_assert_ptr_nonnull(
        strstr(run->text, "no \"charset_map\" between the charsets \"koi8-r\" and \"utf-8\""));
    run = config_test(server, "events {} http { charset_map koi8-r utf-8 { } }");
    ck_assert_int_eq(run->status, 1);
    ck_assert_ptr_nonnull(strstr(run->text, "unknown directive \"charset_map\""));
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("charset", (const TTest *[]){
                                     the_type_tells_the_charset,
                                     charsets_that_would_have_to_be_converted,
                                     NULL,
                                 });
}
