/* dav_methods and its kin: PUT, DELETE, MKCOL, COPY and MOVE. */
#include "tests/serve/harness.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define METHODS "dav_methods PUT DELETE MKCOL COPY MOVE;"

#define SERVER                                              \
    "client_body_buffer_size 4k; client_max_body_size 0;\n" \
    "server { listen 127.0.0.1:@port@; root @root@/html; " METHODS "\n"

enum { LARGE = 100000 };

static struct server *start(const char *http)
{
    struct server *server = server_new();

    server_file(server, "html/file", "old");
    server_file(server, "html/dir/a", "a");
    server_file(server, "html/dir/sub/b", "b");
    server_file(server, "outside/secret", "secret");
    ck_assert_int_eq(chmod(server_path(server, "html"), 0777), 0);
    ck_assert_int_eq(chmod(server_path(server, "html/dir"), 0777), 0);
    ck_assert_int_eq(chmod(server_path(server, "html/dir/sub"), 0777), 0);
    ck_assert_int_eq(chmod(server_path(server, "outside"), 0777), 0);
    ck_assert_int_eq(symlink("../outside", server_path(server, "html/link")), 0);
    server_run(server, &(struct setup){ .http = http });
    return server;
}

/* A request without a body; `more` is further header lines. */
static struct response *do_with(struct server *server, const char *line, const char *more)
{
    return ask(server, "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", line, more);
}

static int status_of(struct server *server, const char *line, const char *more)
{
    return do_with(server, line, more)->status;
}

static struct response *put(struct server *server, const char *path, const char *body)
{
    return ask(server,
               "PUT %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
               "Content-Length: %zu\r\n\r\n%s",
               path, strlen(body), body);
}

static unsigned mode_of(struct server *server, const char *path)
{
    struct stat stat;

    return lstat(server_path(server, path), &stat) == 0 ? stat.st_mode & 07777 : 0;
}

/* How many names stand in a folder. */
static unsigned names_in(struct server *server, const char *path)
{
    DIR *folder = opendir(server_path(server, path));
    unsigned count = 0;

    ck_assert_ptr_nonnull(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 2;
}

START_TEST(files_are_put)
{
    struct server *server =
        start(SERVER "dav_access group:rw all:r;\n"
                     "location /full/ { create_full_put_path on; dav_access user:rw; } }");
    unsigned names = names_in(server, "html");
    struct response *response = put(server, "/new%20one", "text");

    ck_assert_int_eq(response->status, 201);
    ck_assert_str_eq(header(response, "Location"),
                     server_expand(server, "http://localhost:@port@/new%20one"));
    ck_assert_str_eq(server_read(server, "html/new one"), "text");
    ck_assert_uint_eq(mode_of(server, "html/new one"), 0664);
    ck_assert_int_eq(put(server, "/file", "new")->status, 204);
    ck_assert_str_eq(get(server, "/file")->body, "new");
    ck_assert_uint_eq(names_in(server, "html"), names + 1);
    ck_assert_int_eq(put(server, "/none/x", "x")->status, 500);
    ck_assert_int_eq(put(server, "/full/a/b", "x")->status, 201);
    ck_assert_uint_eq(mode_of(server, "html/full/a"), 0700);
    ck_assert_uint_eq(mode_of(server, "html/full/a/b"), 0600);
    ck_assert_int_eq(put(server, "/dir", "x")->status, 409);
    ck_assert_int_eq(put(server, "/dir/", "x")->status, 409);
    server_stop(server);
}
END_TEST

/* Those that come in pieces, and through a file. */
static void put_large(struct server *server, const char *path, bool chunked)
{
    struct client *client = client_open(server);
    char *body = server_own(server, malloc(LARGE + 1));

    memset(body, chunked ? 'c' : 's', LARGE);
    body[LARGE] = '\0';
    if (chunked)
        client_send(client,
                    "PUT %s HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", path,
                    LARGE);
    else
        client_send(client, "PUT %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", path,
                    LARGE);
    client_send_bytes(client, body, LARGE);
    if (chunked)
        client_send(client, "\r\n0\r\n\r\n");
    ck_assert_int_eq(client_read(client)->status, 201);
    client_send(client, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    ck_assert_str_eq(client_read(client)->body, body);
    client_close(client);
}

START_TEST(large_files_are_put)
{
    struct server *server =
        start(SERVER "location /elsewhere/ { create_full_put_path on;\n"
                     "client_body_temp_path /dev/shm/muxd-@port@; }\n"
                     "location /named/ { create_full_put_path on; client_body_in_file_only on;\n"
                     "client_body_temp_path @root@/named; } }");

    put_large(server, "/sized", false);
    put_large(server, "/chunked", true);
    put_large(server, "/elsewhere/x", false);
    put_large(server, "/named/x", false);
    ck_assert_uint_eq(names_in(server, "named"), 0);
    ck_assert_uint_eq(names_in(server, "html/named"), 1);
    ck_assert_uint_eq(names_in(server, "html/elsewhere"), 1);
    rmdir(server_expand(server, "/dev/shm/muxd-@port@"));
    server_stop(server);
}
END_TEST

START_TEST(a_lost_client_leaves_the_old_file)
{
    struct server *server = start(SERVER "}");
    unsigned names = names_in(server, "html");
    char *body = server_own(server, malloc(LARGE));

    memset(body, 'x', LARGE);
    for (unsigned i = 0; i < 2; i++) {
        struct client *client = client_open(server);
        client_send(client, "PUT /%s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n",
                    i == 0 ? "file" : "other", LARGE + 1);
        client_send_bytes(client, body, LARGE);
        client_close(client);
        EVENTUALLY(count_of(server_read(server, "logs/access.log"), "\"PUT /") == i + 1);
    }
    ck_assert_str_eq(get(server, "/file")->body, "old");
    ck_assert_uint_eq(names_in(server, "html"), names);
    server_stop(server);
}
END_TEST

/* A file may not grow beyond what a disk, or the system, has for it. */
START_TEST(a_full_disk_leaves_the_old_file)
{
    struct rlimit limit = { LARGE / 2, LARGE / 2 };
    char *body = malloc(LARGE + 1);

    ck_assert_ptr_nonnull(body);
    memset(body, 'x', LARGE);
    body[LARGE] = '\0';
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct server *server =
        start("client_body_buffer_size 1m; client_max_body_size 0;\n"
              "server { listen 127.0.0.1:@port@; root @root@/html; " METHODS "\n"
              "location /dir/ { client_body_buffer_size 4k; } }");
    server_allow(server, "File too large");
    unsigned names = names_in(server, "html");

    ck_assert_int_eq(put(server, "/file", body)->status, 500);
    ck_assert_int_eq(put(server, "/dir/a", body)->status, 500);
    ck_assert_str_eq(get(server, "/file")->body, "old");
    ck_assert_str_eq(get(server, "/dir/a")->body, "a");
    ck_assert_uint_eq(names_in(server, "html"), names);
    ck_assert_int_eq(put(server, "/file", "small")->status, 204);
    free(body);
    server_stop(server);
}
END_TEST

START_TEST(files_and_folders_are_deleted)
{
    struct server *server = start(SERVER "location /dir/ { min_delete_depth 3; }\n"
                                         "location /off/ { dav_methods off; } }");

    ck_assert_int_eq(status_of(server, "DELETE /file", ""), 204);
    ck_assert_int_eq(status_of(server, "DELETE /file", ""), 404);
    ck_assert_int_eq(status_of(server, "DELETE /dir/a", ""), 409);
    ck_assert_int_eq(status_of(server, "DELETE /dir/sub", ""), 409);
    ck_assert_int_eq(status_of(server, "DELETE /dir/sub/b", ""), 204);
    ck_assert_int_eq(status_of(server, "DELETE /off/x", ""), 405);
    ck_assert_int_eq(status_of(server, "MKCOL /made/", ""), 201);
    ck_assert_uint_eq(mode_of(server, "html/made"), 0700);
    ck_assert_int_eq(status_of(server, "MKCOL /made/", ""), 405);
    ck_assert_int_eq(put(server, "/made/x", "x")->status, 201);
    ck_assert_int_eq(status_of(server, "DELETE /made/", "Depth: 1\r\n"), 400);
    ck_assert_int_eq(status_of(server, "DELETE /made/", ""), 204);
    ck_assert_int_eq(status_of(server, "GET /made/", ""), 404);
    server_stop(server);
}
END_TEST

#define TO(path) "Destination: " path "\r\n"

/* All of it is read at once: one look at the file is not good for what follows a change. */
START_TEST(a_change_shows_in_the_request_behind_it)
{
    struct server *server = start(SERVER "}");
    struct client *client = client_open(server);

    client_send(client, "GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n"
                        "PUT /file HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nnew"
                        "GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n"
                        "DELETE /file HTTP/1.1\r\nHost: localhost\r\n\r\n"
                        "GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "old");
    ck_assert_int_eq(client_read(client)->status, 204);
    ck_assert_str_eq(client_read(client)->body, "new");
    ck_assert_int_eq(client_read(client)->status, 204);
    ck_assert_int_eq(client_read(client)->status, 404);
    server_stop(server);
}
END_TEST

START_TEST(files_and_folders_are_copied_and_moved)
{
    struct server *server = start(SERVER "}");

    ck_assert_int_eq(status_of(server, "COPY /file", TO("/copy")), 204);
    ck_assert_str_eq(get(server, "/copy")->body, "old");
    ck_assert_int_eq(status_of(server, "COPY /file", TO("/dir/a") "Overwrite: F\r\n"), 412);
    ck_assert_int_eq(status_of(server, "MOVE /copy", TO("http://localhost/new/copy")), 204);
    ck_assert_str_eq(get(server, "/new/copy")->body, "old");
    ck_assert_int_eq(status_of(server, "GET /copy", ""), 404);
    ck_assert_int_eq(status_of(server, "COPY /dir/", TO("/dir2/")), 201);
    ck_assert_str_eq(get(server, "/dir2/sub/b")->body, "b");
    ck_assert_int_eq(status_of(server, "MOVE /dir2/", TO("/dir3/")), 201);
    ck_assert_str_eq(get(server, "/dir3/a")->body, "a");
    ck_assert_int_eq(status_of(server, "GET /dir2/a", ""), 404);
    ck_assert_int_eq(status_of(server, "MOVE /dir3/", TO("/new/")), 201);
    ck_assert_int_eq(status_of(server, "GET /new/copy", ""), 404);
    ck_assert_str_eq(get(server, "/new/sub/b")->body, "b");
    server_stop(server);
}
END_TEST

/* One in the other, or both the same: nothing is lost. */
START_TEST(a_folder_is_not_copied_into_itself)
{
    struct server *server = start(SERVER "}");

    ck_assert_int_eq(status_of(server, "COPY /dir/", TO("/dir/")), 403);
    ck_assert_int_eq(status_of(server, "COPY /dir/", TO("/dir/sub/new/")), 403);
    ck_assert_int_eq(status_of(server, "MOVE /dir/", TO("/dir/sub/")), 403);
    ck_assert_int_eq(status_of(server, "MOVE /dir/sub/", TO("/dir/")), 403);
    ck_assert_int_eq(status_of(server, "COPY /file", TO("/file")), 204);
    ck_assert_int_eq(status_of(server, "MOVE /file", TO("/file")), 204);
    ck_assert_str_eq(get(server, "/file")->body, "old");
    ck_assert_str_eq(get(server, "/dir/sub/b")->body, "b");
    server_stop(server);
}
END_TEST

START_TEST(nothing_leaves_the_root)
{
    struct server *server =
        start(SERVER "location /aliased/ { alias @root@/html/dir/; }\n"
                     "location ~ ^/regex/(.*)$ { alias @root@/html/dir/$1; }\n"
                     "location /guarded/ { disable_symlinks on; alias @root@/html/; } }");

    ck_assert_int_eq(status_of(server, "COPY /file", TO("/../outside/x")), 400);
    ck_assert_int_eq(status_of(server, "COPY /file", TO("/%%2e%%2e/outside/x")), 400);
    ck_assert_int_eq(status_of(server, "COPY /file", TO("http://other/x")), 400);
    ck_assert_int_eq(status_of(server, "PUT /../outside/x", "Content-Length: 0\r\n"), 400);
    ck_assert_int_eq(status_of(server, "COPY /aliased/a", TO("/aliased/b")), 204);
    ck_assert_str_eq(get(server, "/dir/b")->body, "a");
    ck_assert_int_eq(status_of(server, "COPY /aliased/a", TO("/x")), 403);
    ck_assert_int_eq(status_of(server, "COPY /aliased/a", TO("/")), 409);
    ck_assert_int_eq(status_of(server, "COPY /regex/a", TO("/regex/c")), 403);
    /* Links lead where the configuration lets them. */
    ck_assert_int_eq(put(server, "/link/x", "x")->status, 201);
    ck_assert_int_eq(put(server, "/guarded/link/y", "y")->status, 500);
    ck_assert_int_eq(status_of(server, "DELETE /guarded/link/secret", ""), 409);
    ck_assert_int_eq(status_of(server, "MKCOL /guarded/link/z/", ""), 409);
    ck_assert_int_eq(status_of(server, "COPY /guarded/link/secret", TO("/guarded/s")), 404);
    ck_assert_int_eq(status_of(server, "MOVE /guarded/file", TO("/guarded/link/f")), 404);
    ck_assert_uint_eq(names_in(server, "outside"), 2);
    /* A folder's links are removed, not what they lead to, and not copied. */
    ck_assert_int_eq(rename(server_path(server, "html/link"), server_path(server, "html/dir/link")),
                     0);
    ck_assert_int_eq(status_of(server, "COPY /dir/", TO("/dir2/")), 201);
    ck_assert_int_eq(status_of(server, "GET /dir2/link/secret", ""), 404);
    ck_assert_int_eq(status_of(server, "DELETE /dir/", ""), 204);
    ck_assert_uint_eq(names_in(server, "outside"), 2);
    server_stop(server);
}
END_TEST

START_TEST(mistakes_are_reported)
{
    static const struct mistake rows[] = {
        { "dav_methods GET;", "invalid value \"GET\"" },
        { "dav_access user:x;", "invalid value \"user:x\"" },
        { "dav_access other:rw;", "invalid value \"other:rw\"" },
        { "create_full_put_path yes;", "invalid value \"yes\"" },
        { "min_delete_depth x;", "invalid number" },
        { 0 },
    };

    expect_mistakes(rows);
}
END_TEST

int main(void)
{
    return serve_main("dav", (const TTest *[]){
                                 files_are_put,
                                 large_files_are_put,
                                 a_lost_client_leaves_the_old_file,
                                 a_full_disk_leaves_the_old_file,
                                 files_and_folders_are_deleted,
                                 a_change_shows_in_the_request_behind_it,
                                 files_and_folders_are_copied_and_moved,
                                 a_folder_is_not_copied_into_itself,
                                 nothing_leaves_the_root,
                                 mistakes_are_reported,
                                 NULL,
                             });
}
