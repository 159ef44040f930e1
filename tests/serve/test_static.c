/* Files: where they are looked up, what is said of them, and what is refused. */
#include "tests/serve/heads.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "

/* A server with the http block and a page. */
static struct server *start(const char *http)
{
    struct server *server = server_new();

    server_file(server, "html/a.html", "<p>a</p>");
    server_file(server, "html/dir/b.txt", "b");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

static void expect_type(struct server *server, const char *path, const char *type)
{
    const char *found = header(get(server, path), "Content-Type");

    ck_assert_msg(found != NULL && strcmp(found, type) == 0, "%s: %s", path, found);
}

START_TEST(a_file_and_its_headers)
{
    struct server *server = start("server { " LISTEN "}");
    struct stat stat_of_file;
    char etag[64];

    ck_assert_int_eq(stat(server_path(server, "html/a.html"), &stat_of_file), 0);
    struct response *response = get(server, "/a.html");
    ck_assert_str_eq(response->status_line, "HTTP/1.1 200 OK");
    ck_assert_str_eq(header_names(response), "Server Date Content-Type Content-Length "
                                             "Last-Modified Connection ETag Accept-Ranges");
    ck_assert_str_eq(response->body, "<p>a</p>");
    ck_assert_str_eq(header(response, "Content-Type"), "text/html");
    ck_assert_str_eq(header(response, "Content-Length"), "8");
    snprintf(etag, sizeof etag, "\"%llx-8\"", (unsigned long long)stat_of_file.st_mtim.tv_sec);
    ck_assert_str_eq(header(response, "ETag"), etag);
    response = ask_method(server, "HEAD", "/a.html", "");
    ck_assert_str_eq(header(response, "Content-Length"), "8");
    ck_assert_uint_eq(response->body_len, 0);
    server_stop(server);
}
END_TEST

START_TEST(root_is_where_uris_are_looked_up)
{
    struct server *server =
        start("server { " LISTEN "root @root@/html/; location /dir/ { }\n"
              "location /b.txt { root html/dir; }\n"
              "location ~ ^/v/(\\w+)/ { root @root@/html/$1; try_files /b.txt =404; }\n"
              "location /rel/ { root html/$arg_d; try_files /b.txt =404; }\n"
              "location @root@ { root /; } }");

    expect_answer(server, "/a.html", 200, "<p>a</p>");
    expect_answer(server, "/dir/b.txt", 200, "b");
    expect_answer(server, "/b.txt", 200, "b");
    expect_answer(server, "/v/dir/x", 200, "b");
    expect_answer(server, "/rel/?d=dir", 200, "b");
    expect_answer(server, server_expand(server, "@root@/html/a.html"), 200, "<p>a</p>");
    server_stop(server);
}
END_TEST

START_TEST(alias_stands_for_the_locations_name)
{
    struct server *server =
        start("server { " LISTEN "location /x/ { alias @root@/html/; }\n"
              "location /rel/ { alias html/dir/; }\n"
              "location /one { alias html/a.html; }\n"
              "location /outer/ { alias html/; location ~ \\.txt$ { add_header X regex; } }\n"
              "location ~ ^/re/(.*)\\.old$ { alias html/$1; }\n"
              "location ~ ^/fixed { alias html/dir/b.txt; }\n"
              "location /arg/ { alias html/$arg_d/; }\n"
              "location /noslash { alias html/di; } }");

    expect_answer(server, "/x/a.html", 200, "<p>a</p>");
    expect_answer(server, "/x/dir/b.txt", 200, "b");
    expect_answer(server, "/rel/b.txt", 200, "b");
    expect_answer(server, "/one", 200, "<p>a</p>");
    expect_type(server, "/one", "text/plain");
    expect_answer(server, "/outer/dir/b.txt", 200, "b");
    ck_assert_str_eq(header(get(server, "/outer/dir/b.txt"), "X"), "regex");
    expect_answer(server, "/re/dir/b.txt.old", 200, "b");
    expect_answer(server, "/fixed/what/ever", 200, "b");
    expect_answer(server, "/arg/b.txt?d=dir", 200, "b");
    expect_answer(server, "/noslashr/b.txt", 200, "b");
    expect_answer(server, "/x/nothing", 404, NULL);
    server_stop(server);
}
END_TEST

START_TEST(root_and_alias_are_one_setting)
{
    static const char *const wrong[][2] = {
        { "location / { root a;\nroot b; }", "\"root\" directive is duplicate" },
        { "location / { alias a;\nalias b; }", "\"alias\" directive is duplicate" },
        { "location / { alias a;\nroot b; }",
          "\"root\" directive is duplicate, \"alias\" directive was specified earlier" },
        { "location / { root a;\nalias b; }",
          "\"alias\" directive is duplicate, \"root\" directive was specified earlier" },
        { "location @x {\nalias a; }",
          "the \"alias\" directive cannot be used inside the named location" },
        { "\nroot $document_root/a;",
          "the $document_root variable cannot be used in the \"root\" directive" },
        { "\nroot ${realpath_root};",
          "the $realpath_root variable cannot be used in the \"root\" directive" },
        { "\nalias a;", "\"alias\" directive is not allowed here" },
    };
    struct server *server = server_new();

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *config = NULL;
        ck_assert_int_gt(asprintf(&config, "events { }\nhttp { server { %s } }\n", wrong[i][0]), 0);
        struct run *run = config_test(server, server_own(server, config));
        ck_assert_int_eq(run->status, 1);
        ck_assert_msg(strstr(run->text, wrong[i][1]) != NULL, "%s: %s", wrong[i][0], run->text);
        ck_assert_msg(strstr(run->text, "test.conf:3") != NULL, "%s", run->text);
    }
    server_stop(server);
}
END_TEST

START_TEST(types_go_by_the_extension)
{
    struct server *server = server_new();
    static const char *const names[] = { "a.html",  "a.GIF", "a.jpg",     "a.x",        "a",
                                         ".html",   "a.b.x", "d.x/plain", "a.jpeg",     "a.",
                                         "sub/s.x", "sub/a", "none/a.x",  "none/n.html" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "html/%s", names[i]);
        server_file(server, path, "?");
    }
    server_run(server, &(struct setup){
                           .http = "server { " LISTEN "location /sub/ { default_type a/b;\n"
                                   "types_hash_max_size 100; types_hash_bucket_size 64;\n"
                                   "types { x/x X y; }\n types { z/z z; } }\n"
                                   "location /none/ { types { } default_type none/none; } }" });
    expect_type(server, "/a.html", "text/html");
    expect_type(server, "/a.GIF", "image/gif");
    expect_type(server, "/a.jpg", "image/jpeg");
    expect_type(server, "/a.jpeg", "text/plain");
    expect_type(server, "/a", "text/plain");
    expect_type(server, "/.html", "text/plain");
    expect_type(server, "/a.", "text/plain");
    expect_type(server, "/d.x/plain", "text/plain");
    expect_type(server, "/sub/s.x", "x/x");
    expect_type(server, "/sub/a", "a/b");
    expect_type(server, "/none/a.x", "none/none");
    expect_type(server, "/none/n.html", "none/none");
    server_stop(server);
}
END_TEST

START_TEST(a_folder_is_redirected_to_its_slash)
{
    struct server *server = server_new();
    char location[200];

    server_file(server, "html/dir/b.txt", "b");
    server_file(server, "html/a b%/c", "c");
    server_run(server, &(struct setup){
                           .http = "server { " LISTEN "location /al/ { alias html/; }\n"
                                   "location /rel/ { alias html/; absolute_redirect off; } }" });
    struct response *response = get(server, "/dir");
    snprintf(location, sizeof location, "http://localhost:%d/dir/", server->ports[0]);
    ck_assert_int_eq(response->status, 301);
    ck_assert_str_eq(header(response, "Location"), location);
    response = get(server, "/dir?a=b&c");
    snprintf(location, sizeof location, "http://localhost:%d/dir/?a=b&c", server->ports[0]);
    ck_assert_str_eq(header(response, "Location"), location);
    ck_assert_str_eq(header(get(server, "/rel/dir"), "Location"), "/rel/dir/");
    ck_assert_str_eq(header(get(server, "/rel/a%20b%25"), "Location"), "/rel/a%20b%25/");
    ck_assert_int_eq(get(server, "/al/dir")->status, 301);
    server_stop(server);
}
END_TEST

START_TEST(other_methods_are_refused)
{
    struct server *server = start("server { " LISTEN "}");

    ck_assert_int_eq(ask_method(server, "POST", "/a.html", "Content-Length: 0\r\n")->status, 405);
    ck_assert_int_eq(ask_method(server, "PUT", "/a.html", "Content-Length: 0\r\n")->status, 405);
    ck_assert_int_eq(ask_method(server, "DELETE", "/a.html", "")->status, 405);
    ck_assert_int_eq(ask_method(server, "OPTIONS", "/a.html", "")->status, 405);
    ck_assert_int_eq(ask_method(server, "POST", "/none", "Content-Length: 0\r\n")->status, 404);
    ck_assert_int_eq(ask_method(server, "POST", "/dir", "Content-Length: 0\r\n")->status, 301);
    server_stop(server);
}
END_TEST

START_TEST(what_is_missing_is_logged)
{
    struct server *server = start("server { " LISTEN "location /quiet/ { log_not_found off; } }");

    expect_answer(server, "/quiet/none", 404, NULL);
    expect_answer(server, "/none", 404, NULL);
    expect_answer(server, "/a.html/more", 404, NULL);
    server_wait_log(server, server_expand(server, "open() \"@root@/html/none\" failed "
                                                  "(2: No such file or directory), client: "));
    server_wait_log(server, "/html/a.html/more\" failed (20: Not a directory)");
    ck_assert_uint_eq(count_of(server_read(server, "logs/error.log"), "quiet"), 0);
    server_stop(server);
}
END_TEST

START_TEST(a_long_name_is_not_found)
{
    struct server *server = start("server { " LISTEN "}");
    char path[600] = "/";

    memset(path + 1, 'n', 300);
    expect_answer(server, path, 404, NULL);
    server_wait_log(server, "(36: File name too long)");
    server_stop(server);
}
END_TEST

START_TEST(what_may_not_be_read_is_forbidden)
{
    struct server *server = server_new();
    const char *user = geteuid() == 0 ? "user nobody nogroup;" : "";

    server_file(server, "html/a.html", "a");
    server_file(server, "html/shut/b.html", "b");
    chmod(server->root, 0755);
    server_run(server, &(struct setup){ .main = user, .http = "server { " LISTEN "}" });
    expect_answer(server, "/a.html", 200, "a");
    expect_answer(server, "/shut/b.html", 200, "b");
    ck_assert_int_eq(chmod(server_path(server, "html/a.html"), 0), 0);
    ck_assert_int_eq(chmod(server_path(server, "html/shut"), 0), 0);
    expect_answer(server, "/a.html", 403, NULL);
    expect_answer(server, "/shut/b.html", 403, NULL);
    expect_answer(server, "/shut", 403, NULL);
    server_wait_log(server, "/html/a.html\" failed (13: Permission denied)");
    ck_assert_int_eq(chmod(server_path(server, "html/shut"), 0755), 0);
    ck_assert_int_eq(chmod(server_path(server, "html/a.html"), 0644), 0);
    expect_answer(server, "/a.html", 200, "a");
    server_stop(server);
}
END_TEST

START_TEST(what_is_no_file_never_waits)
{
    struct server *server = start("server { " LISTEN "location = /null { alias /dev/null; } }");

    ck_assert_int_eq(mkfifo(server_path(server, "html/fifo"), 0644), 0);
    server_allow(server, "is not a regular file");
    expect_answer(server, "/fifo", 404, NULL);
    expect_answer(server, "/null", 404, NULL);
    server_wait_log(server, "/html/fifo\" is not a regular file");
    server_stop(server);
}
END_TEST

START_TEST(a_link_is_followed)
{
    struct server *server = start("server { " LISTEN "}");

    ck_assert_int_eq(symlink("a.html", server_path(server, "html/link")), 0);
    ck_assert_int_eq(symlink("loop", server_path(server, "html/loop")), 0);
    expect_answer(server, "/link", 200, "<p>a</p>");
    expect_answer(server, "/loop", 403, NULL);
    server_wait_log(server, "(40: Too many levels of symbolic links)");
    server_stop(server);
}
END_TEST

START_TEST(etag_and_if_modified_since_can_be_set)
{
    struct server *server =
        start("server { " LISTEN "location /no/ { alias html/; etag off; }\n"
              "location /off/ { alias html/; if_modified_since off; etag off; }\n"
              "location /before/ { alias html/; if_modified_since before; } }");
    const char *modified = header(get(server, "/a.html"), "Last-Modified");
    char same[128], later[] = "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n";

    snprintf(same, sizeof same, "If-Modified-Since: %s\r\n", modified);
    ck_assert_ptr_null(header(get(server, "/no/a.html"), "ETag"));
    ck_assert_int_eq(get_with(server, "/a.html", same)->status, 304);
    ck_assert_int_eq(get_with(server, "/a.html", later)->status, 200);
    ck_assert_int_eq(get_with(server, "/off/a.html", same)->status, 200);
    ck_assert_int_eq(get_with(server, "/before/a.html", later)->status, 304);
    server_stop(server);
}
END_TEST

START_TEST(ranges_are_bounded)
{
    struct server *server =
        start("server { " LISTEN "location /none/ { alias html/; max_ranges 0; }\n"
              "location /one/ { alias html/; max_ranges 1; } }");

    struct response *response = get_with(server, "/a.html", "Range: bytes=1-3\r\n");
    ck_assert_int_eq(response->status, 206);
    ck_assert_str_eq(response->body, "p>a");
    ck_assert_ptr_null(header(get(server, "/none/a.html"), "Accept-Ranges"));
    expect_answer(server, "/none/a.html", 200, "<p>a</p>");
    ck_assert_int_eq(get_with(server, "/none/a.html", "Range: bytes=1-3\r\n")->status, 200);
    ck_assert_int_eq(get_with(server, "/one/a.html", "Range: bytes=1-3\r\n")->status, 206);
    ck_assert_int_eq(get_with(server, "/one/a.html", "Range: bytes=0-1,3-4\r\n")->status, 200);
    server_stop(server);
}
END_TEST

START_TEST(large_files_come_whole)
{
    enum { SIZE = 5 * 1024 * 1024 + 17 };
    struct server *server = server_new();
    char *bytes = server_own(server, malloc(SIZE));

    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 2654435761U >> 13);
    server_file_bytes(server, "html/large", bytes, SIZE);
    server_file_bytes(server, "html/medium", bytes, 40000);
    server_file_bytes(server, "html/small", bytes, 16 * 1024);
    server_file_bytes(server, "html/smaller", bytes, 16 * 1024 + 1);
    server_file(server, "html/empty", "");
    server_run(server, &(struct setup){
                           .http = "sendfile on; server { " LISTEN "\n"
                                   "location /off/ { alias html/; sendfile off; }\n"
                                   "location /chunk/ { alias html/; sendfile_max_chunk 100k; }\n"
                                   "location /ahead/ { alias html/; read_ahead 64k; } }" });
    static const char *const places[] = { "/", "/off/", "/chunk/", "/ahead/" };
    static const struct {
        const char *name;
        size_t size;
    } files[] = { { "large", SIZE },
                  { "medium", 40000 },
                  { "small", 16 * 1024 },
                  { "smaller", 16 * 1024 + 1 },
                  { "empty", 0 } };
    for (size_t place = 0; place < 4; place++)
        for (size_t file = 0; file < 5; file++) {
            char path[64];
            snprintf(path, sizeof path, "%s%s", places[place], files[file].name);
            struct response *response = get(server, path);
            ck_assert_int_eq(response->status, 200);
            ck_assert_uint_eq(response->body_len, files[file].size);
            ck_assert_msg(memcmp(response->body, bytes, files[file].size) == 0, "%s", path);
        }
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main(
        "static", (const TTest *[]){ a_file_and_its_headers, root_is_where_uris_are_looked_up,
                                     alias_stands_for_the_locations_name,
                                     root_and_alias_are_one_setting, types_go_by_the_extension,
                                     a_folder_is_redirected_to_its_slash, other_methods_are_refused,
                                     what_is_missing_is_logged, a_long_name_is_not_found,
                                     what_may_not_be_read_is_forbidden, what_is_no_file_never_waits,
                                     a_link_is_followed, etag_and_if_modified_since_can_be_set,
                                     ranges_are_bounded, large_files_come_whole, NULL });
}
