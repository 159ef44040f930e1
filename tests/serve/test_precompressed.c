/* precompressed: muxd's own. Which of several packed files a client gets. */
#include "tests/serve/encodings.h"

#define LISTEN "listen 127.0.0.1:@port@; "
#define HTTP "types { text/plain txt; } default_type text/html; "

static struct server *start(const char *http)
{
    struct server *server = server_new();

    server_file(server, "html/a.txt", "plain");
    server_file(server, "html/a.txt.gz", "a in gzip");
    server_file(server, "html/a.txt.br", "a in br");
    server_file(server, "html/a.txt.zst", "a in zstd");
    server_file(server, "html/b.txt", "plain");
    server_file(server, "html/b.txt.br", "b in br");
    server_file(server, "html/c.txt", "plain");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

/* The file whose text begins with its name has an encoding, or is plain. */
static void expect(struct server *server, const char *path, const char *accepted,
                   const char *encoding)
{
    char more[200], body[20];

    snprintf(more, sizeof more, "Accept-Encoding: %s\r\n", accepted);
    snprintf(body, sizeof body, "%c in %s", path[1], encoding);
    struct response *response = get_with(server, path, more);
    const char *got = header(response, "Content-Encoding");
    ck_assert_msg(strcmp(response->body, *encoding == '\0' ? "plain" : body) == 0 &&
                      strcmp(got == NULL ? "" : got, encoding) == 0,
                  "%s%s: %s%s", more, path, response->head, response->body);
    ck_assert_str_eq(header(response, "Content-Type"), "text/plain");
    ck_assert_str_eq(header(response, "Vary"), "Accept-Encoding");
}

START_TEST(what_the_client_likes_best)
{
    struct server *server = start(HTTP "precompressed zstd br gzip; server { " LISTEN "}");

    expect(server, "/a.txt", "gzip, br, zstd", "zstd");
    expect(server, "/a.txt", "gzip, br", "br");
    expect(server, "/a.txt", "gzip", "gzip");
    expect(server, "/a.txt", "gzip;q=1, br;q=0.9, zstd;q=0.8", "gzip");
    expect(server, "/a.txt", "gzip;q=0.2, br;q=0.91, zstd;q=0.909", "br");
    expect(server, "/a.txt", "gzip;q=0.5, br;q=0.5", "br");
    expect(server, "/a.txt", "gzip;q=0.5, br;q=0", "gzip");
    expect(server, "/a.txt", "deflate", "");
    expect(server, "/a.txt", "", "");
    expect(server, "/b.txt", "gzip, br;q=0.1, zstd", "br");
    expect(server, "/b.txt", "gzip", "");
    expect(server, "/c.txt", "gzip, br, zstd", "");
    server_stop(server);
}
END_TEST

START_TEST(only_those_that_are_named)
{
    struct server *server =
        start(HTTP "precompressed br; server { " LISTEN
                   "location /off/ { alias @root@/html/; precompressed off; } "
                   "location /static/ { alias @root@/html/; precompressed br; gzip_static on; } }");

    expect(server, "/a.txt", "gzip, br, zstd", "br");
    expect(server, "/a.txt", "gzip, zstd", "");
    struct response *response = get_with(server, "/off/a.txt", "Accept-Encoding: br\r\n");
    expect_plain(response, "plain");
    ck_assert_ptr_null(header(response, "Vary"));
    ck_assert_str_eq(get_with(server, "/static/a.txt", GZIP)->body, "a in gzip");
    server_stop(server);
}
END_TEST

/* What gzip's settings say of clients holds for all of them. */
START_TEST(for_whom)
{
    struct server *server = start(HTTP "precompressed br; gzip_disable Old; server { " LISTEN "}");
    struct response *response =
        get_with(server, "/a.txt", "Accept-Encoding: br\r\nUser-Agent: Old\r\n");

    expect_plain(response, "plain");
    expect_plain(get_with(server, "/a.txt", "Accept-Encoding: br\r\nVia: a\r\n"), "plain");
    server_stop(server);
}
END_TEST

START_TEST(bad_settings)
{
    struct server *server = start(HTTP "server { " LISTEN "}");

    const struct mistake mistakes[] = {
        { "precompressed deflate;", "invalid value \"deflate\"" },
        { "precompressed br br;", "twice" },
        { "precompressed off br;", "invalid value \"off\"" },
        { "gzip_static maybe;", "invalid value \"maybe\"" },
        { 0 },
    };

    expect_mistakes(mistakes);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("precompressed",
                      (const TTest *[]){ what_the_client_likes_best, only_those_that_are_named,
                                         for_whom, bad_settings, NULL });
}
