/* autoindex: lists of folders, to the byte. */
#include "tests/serve/heads.h"

#include <sys/stat.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define NAME_49 "49-4567890123456789012345678901234567890123456789"
#define NAME_50 "50-45678901234567890123456789012345678901234567890"
#define NAME_51 "51-456789012345678901234567890123456789012345678901"
#define NAME_51_CUT "51-45678901234567890123456789012345678901234567"

static void set_time(struct server *server, const char *path)
{
    const struct timespec times[2] = { { .tv_sec = FILE_TIME }, { .tv_sec = FILE_TIME } };

    ck_assert_int_eq(utimensat(AT_FDCWD, server_path(server, path), times, AT_SYMLINK_NOFOLLOW), 0);
}

static void sized_file(struct server *server, const char *path, off_t size)
{
    server_file(server, path, "");
    ck_assert_int_eq(truncate(server_path(server, path), size), 0);
    set_time(server, path);
}

/* html/l with a little of everything in it. */
static struct server *start(const char *http)
{
    struct server *server = server_new();

    sized_file(server, "html/l/<&>\".txt", 2);
    sized_file(server, "html/l/B", 0);
    sized_file(server, "html/l/a b", 1);
    sized_file(server, "html/l/caf\xc3\xa9", 9999);
    sized_file(server, "html/l/new\nline", 10000);
    sized_file(server, "html/l/z%?#", 1572864);
    sized_file(server, "html/l/.hidden", 1);
    sized_file(server, "html/l/sub/x", 1);
    sized_file(server, "html/l/q\"/x", 1);
    ck_assert_int_eq(symlink("nowhere", server_path(server, "html/l/gone")), 0);
    ck_assert_int_eq(symlink("sub", server_path(server, "html/l/link")), 0);
    ck_assert_int_eq(mkfifo(server_path(server, "html/l/fifo"), 0644), 0);
    set_time(server, "html/l/sub");
    set_time(server, "html/l/q\"");
    set_time(server, "html/l/gone");
    set_time(server, "html/l/fifo");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

/* The whole text; a failure shows where it differs. */
static void expect_text(const struct response *response, const char *expected)
{
    size_t same = 0;

    while (expected[same] != '\0' && expected[same] == response->body[same])
        same++;
    ck_assert_msg(strcmp(expected, response->body) == 0, "at byte %zu: \"%.60s\" for \"%.60s\"",
                  same, response->body + same, expected + same);
}

#define SPACES_10 "          "
#define SPACES_40 SPACES_10 SPACES_10 SPACES_10 SPACES_10
#define AT " 09-Sep-2001 01:46 "
#define NONE "                  -\r\n"

START_TEST(html)
{
    struct server *server = start("server { " LISTEN "autoindex on; }");
    struct response *response = get(server, "/l/");

    ck_assert_str_eq(header_names(response),
                     "Server Date Content-Type Transfer-Encoding Connection");
    ck_assert_str_eq(header(response, "Content-Type"), "text/html");
    expect_text(response,
                "<html>\r\n<head><title>Index of /l/</title></head>\r\n<body>\r\n"
                "<h1>Index of /l/</h1><hr><pre><a href=\"../\">../</a>\r\n"
                "<a href=\"link/\">link/</a>" SPACES_40 "     " AT NONE
                "<a href=\"q%22/\">q&quot;/</a>" SPACES_40 "       " AT NONE
                "<a href=\"sub/\">sub/</a>" SPACES_40 "      " AT NONE
                "<a href=\"%3C%26%3E%22.txt\">&lt;&amp;&gt;&quot;.txt</a>" SPACES_40 "  " AT
                "                  2\r\n"
                "<a href=\"B\">B</a>" SPACES_40 "         " AT "                  0\r\n"
                "<a href=\"a%20b\">a b</a>" SPACES_40 "       " AT "                  1\r\n"
                "<a href=\"caf%C3%A9\">caf\xc3\xa9</a>" SPACES_40 "     " AT
                "               9999\r\n"
                "<a href=\"fifo\">fifo</a>" SPACES_40 "      " AT "                  0\r\n"
                "<a href=\"gone\">gone</a>" SPACES_40 "      " AT "                  7\r\n"
                "<a href=\"new%0Aline\">new\nline</a>" SPACES_40 "  " AT "              10000\r\n"
                "<a href=\"z%25%3F%23\">z%?#</a>" SPACES_40 "      " AT "            1572864\r\n"
                "</pre><hr></body>\r\n</html>\r\n");
    server_stop(server);
}
END_TEST

START_TEST(json)
{
    struct server *server = start("server { " LISTEN "autoindex on; autoindex_format json; }");
    struct response *response = get(server, "/l/");

    ck_assert_str_eq(header(response, "Content-Type"), "application/json");
#define JSON_TIME "\"mtime\":\"" FILE_DATE "\""
    expect_text(response,
                "[\r\n"
                "{ \"name\":\"link\", \"type\":\"directory\", " JSON_TIME " },\r\n"
                "{ \"name\":\"q\\\"\", \"type\":\"directory\", " JSON_TIME " },\r\n"
                "{ \"name\":\"sub\", \"type\":\"directory\", " JSON_TIME " },\r\n"
                "{ \"name\":\"<&>\\\".txt\", \"type\":\"file\", " JSON_TIME ", \"size\":2 },\r\n"
                "{ \"name\":\"B\", \"type\":\"file\", " JSON_TIME ", \"size\":0 },\r\n"
                "{ \"name\":\"a b\", \"type\":\"file\", " JSON_TIME ", \"size\":1 },\r\n"
                "{ \"name\":\"caf\xc3\xa9\", \"type\":\"file\", " JSON_TIME ", \"size\":9999 },\r\n"
                "{ \"name\":\"fifo\", \"type\":\"other\", " JSON_TIME " },\r\n"
                "{ \"name\":\"gone\", \"type\":\"other\", " JSON_TIME " },\r\n"
                "{ \"name\":\"new\\nline\", \"type\":\"file\", " JSON_TIME ", \"size\":10000 },\r\n"
                "{ \"name\":\"z%?#\", \"type\":\"file\", " JSON_TIME ", \"size\":1572864 }\r\n"
                "]");
    server_stop(server);
}
END_TEST

START_TEST(jsonp)
{
    struct server *server = start("server { " LISTEN "autoindex on; autoindex_format jsonp; }");
    char path[200];

    ck_assert_int_eq(mkdir(server_path(server, "html/none"), 0755), 0);
    struct response *response = get(server, "/none/?callback=a.b_1");
    ck_assert_str_eq(header(response, "Content-Type"), "application/javascript");
    ck_assert_str_eq(response->body, "/* callback */\r\na.b_1([\r\n]);");
    response = get(server, "/none/");
    ck_assert_str_eq(header(response, "Content-Type"), "application/json");
    ck_assert_str_eq(response->body, "[\r\n]");
    ck_assert_int_eq(get(server, "/none/?callback=a-b")->status, 400);
    ck_assert_int_eq(get(server, "/none/?callback=a(b")->status, 400);
    snprintf(path, sizeof path, "/none/?callback=%0129d", 0);
    ck_assert_int_eq(get(server, path)->status, 400);
    snprintf(path, sizeof path, "/none/?callback=%0128d", 0);
    ck_assert_int_eq(get(server, path)->status, 200);
    server_stop(server);
}
END_TEST

START_TEST(xml)
{
    struct server *server = start("server { " LISTEN "autoindex on; autoindex_format xml; }");
    struct response *response = get(server, "/l/");

    ck_assert_str_eq(header(response, "Content-Type"), "text/xml; charset=utf-8");
#define XML_TIME "mtime=\"2001-09-09T01:46:40Z\""
    expect_text(response, "<?xml version=\"1.0\"?>\r\n<list>\r\n"
                          "<directory " XML_TIME ">link</directory>\r\n"
                          "<directory " XML_TIME ">q&quot;</directory>\r\n"
                          "<directory " XML_TIME ">sub</directory>\r\n"
                          "<file " XML_TIME " size=\"2\">&lt;&amp;&gt;&quot;.txt</file>\r\n"
                          "<file " XML_TIME " size=\"0\">B</file>\r\n"
                          "<file " XML_TIME " size=\"1\">a b</file>\r\n"
                          "<file " XML_TIME " size=\"9999\">caf\xc3\xa9</file>\r\n"
                          "<other " XML_TIME ">fifo</other>\r\n"
                          "<other " XML_TIME ">gone</other>\r\n"
                          "<file " XML_TIME " size=\"10000\">new\nline</file>\r\n"
                          "<file " XML_TIME " size=\"1572864\">z%?#</file>\r\n"
                          "</list>\r\n");
    server_stop(server);
}
END_TEST

static void expect_line(struct server *server, const char *path, const char *line)
{
    struct response *response = get(server, path);

    ck_assert_msg(strstr(response->body, line) != NULL, "%s: %s", line, response->body);
}

START_TEST(sizes_are_rounded)
{
    struct server *server = start("server { " LISTEN "autoindex on; autoindex_exact_size off; }");

    sized_file(server, "html/s/bytes", 9999);
    sized_file(server, "html/s/kilo", 10000);
    sized_file(server, "html/s/kilos", 1048575);
    sized_file(server, "html/s/mega", 1048576);
    sized_file(server, "html/s/megas", 1572864);
    sized_file(server, "html/s/giga", (off_t)1 << 30);
    sized_file(server, "html/s/gigas", ((off_t)5 << 29) - 1);
    expect_line(server, "/l/", ">sub/</a>" SPACES_40 "      " AT "      -\r\n");
    expect_line(server, "/s/", ">bytes</a>" SPACES_40 "     " AT "   9999\r\n");
    expect_line(server, "/s/", ">kilo</a>" SPACES_40 "      " AT "    10K\r\n");
    expect_line(server, "/s/", ">kilos</a>" SPACES_40 "     " AT "  1024K\r\n");
    expect_line(server, "/s/", ">mega</a>" SPACES_40 "      " AT "     1M\r\n");
    expect_line(server, "/s/", ">megas</a>" SPACES_40 "     " AT "     2M\r\n");
    expect_line(server, "/s/", ">giga</a>" SPACES_40 "      " AT "     1G\r\n");
    expect_line(server, "/s/", ">gigas</a>" SPACES_40 "     " AT "     2G\r\n");
    server_stop(server);
}
END_TEST

START_TEST(long_names_are_cut)
{
    struct server *server = start("server { " LISTEN "autoindex on; }");

    sized_file(server, "html/n/" NAME_49, 1);
    sized_file(server, "html/n/" NAME_50, 1);
    sized_file(server, "html/n/" NAME_51, 1);
    sized_file(server, "html/n/d" NAME_49 "/x", 1);
    sized_file(server, "html/n/d/" NAME_49 "/x", 1);
    sized_file(server, "html/n/&" NAME_50, 1);
    set_time(server, "html/n/d" NAME_49);
    set_time(server, "html/n/d/" NAME_49);
    expect_line(server, "/n/", "\">" NAME_49 "</a> " AT "                  1\r\n");
    expect_line(server, "/n/", "\">" NAME_50 "</a>" AT "                  1\r\n");
    expect_line(server, "/n/", "\">" NAME_51_CUT "..&gt;</a>" AT "                  1\r\n");
    expect_line(server, "/n/", "/\">d" NAME_49 "</a>" AT NONE);
    expect_line(server, "/n/d/", "/\">" NAME_49 "/</a>" AT NONE);
    expect_line(server, "/n/",
                "\">&amp;50-4567890123456789012345678901234567890123456..&gt;</a>" AT);
    server_stop(server);
}
END_TEST

START_TEST(local_time)
{
    ck_assert_int_eq(setenv("TZ", "XXX-5:30", 1), 0);
    struct server *server = start("server { " LISTEN "autoindex on; autoindex_localtime on;\n"
                                  "location /utc/ { alias html/l/; autoindex_localtime off; } }");

    expect_line(server, "/l/", "a b</a>" SPACES_40 "        09-Sep-2001 07:16 ");
    expect_line(server, "/utc/", "a b</a>" SPACES_40 "        09-Sep-2001 01:46 ");
    server_stop(server);
}
END_TEST

START_TEST(the_uri_is_escaped)
{
    struct server *server = start("server { " LISTEN "autoindex on; }");

    ck_assert_int_eq(mkdir(server_path(server, "html/<b>"), 0755), 0);
    expect_line(server, "/%3Cb%3E/", "<title>Index of /&lt;b&gt;/</title>");
    expect_line(server, "/%3Cb%3E/", "<h1>Index of /&lt;b&gt;/</h1>");
    server_stop(server);
}
END_TEST

START_TEST(only_folders_without_an_index_are_listed)
{
    struct server *server = start("server { " LISTEN "location / { autoindex on; index B; }\n"
                                  "location /off/ { alias html/l/; }\n"
                                  "location /alias/ { alias html/l/sub/; autoindex on; } }");

    ck_assert_int_eq(get(server, "/l/")->status, 200);
    ck_assert_uint_eq(get(server, "/l/")->body_len, 0);
    ck_assert_int_eq(get(server, "/off/")->status, 403);
    server_wait_log(server, "directory index of \"");
    expect_line(server, "/alias/", "<a href=\"x\">x</a>");
    ck_assert_int_eq(get(server, "/none/")->status, 404);
    ck_assert_int_eq(get(server, "/l/B/")->status, 404);
    ck_assert_int_eq(ask_method(server, "POST", "/l/sub/", "Content-Length: 0\r\n")->status, 403);
    struct response *response = ask_method(server, "HEAD", "/l/sub/", "");
    ck_assert_int_eq(response->status, 200);
    ck_assert_ptr_null(header(response, "Content-Length"));
    server_stop(server);
}
END_TEST

START_TEST(a_large_folder)
{
    enum { FILES = 3000 };
    struct server *server = start("server { " LISTEN "autoindex on; }");
    char path[64];

    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "html/many/%04d-&&&&&&&&", i);
        sized_file(server, path, i);
    }
    struct response *response = get(server, "/many/");
    ck_assert_uint_eq(count_of(response->body, "&amp;&amp;&amp;&amp;</a>"), FILES);
    ck_assert_int_lt(strstr(response->body, ">0007") - strstr(response->body, ">0006"), 200);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("autoindex",
                      (const TTest *[]){ html, json, jsonp, xml, sizes_are_rounded,
                                         long_names_are_cut, local_time, the_uri_is_escaped,
                                         only_folders_without_an_index_are_listed, a_large_folder,
                                         NULL });
}
