/* disable_symlinks: which symbolic links lead to a file. */
#include "tests/serve/heads.h"

#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "

static void link_to(struct server *server, const char *target, const char *path)
{
    ck_assert_int_eq(symlink(target, server_path(server, path)), 0);
}

/* html/real/f.txt, and links to the file, to its folder, and to nothing. */
static struct server *start(const char *http)
{
    struct server *server = server_new();

    server_file(server, "html/real/f.txt", "f");
    server_file(server, "html/real/index.html", "index");
    link_to(server, "real", "html/folder");
    link_to(server, "real/f.txt", "html/file");
    link_to(server, "nothing", "html/gone");
    link_to(server, "f.txt", "html/real/link");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

static void expect(struct server *server, const char *path, int status)
{
    int found = get(server, path)->status;

    ck_assert_msg(found == status, "%s: %d, not %d", path, found, status);
}

START_TEST(off_follows_every_link)
{
    struct server *server =
        start("disable_symlinks on; server { " LISTEN "disable_symlinks off; }");

    expect(server, "/real/f.txt", 200);
    expect(server, "/folder/f.txt", 200);
    expect(server, "/file", 200);
    expect(server, "/folder/", 200);
    expect(server, "/folder", 301);
    expect(server, "/gone", 404);
    server_stop(server);
}
END_TEST

START_TEST(on_follows_none)
{
    struct server *server = start("server { " LISTEN "disable_symlinks on; }");

    expect(server, "/real/f.txt", 200);
    expect(server, "/real/", 200);
    expect(server, "/real", 301);
    expect(server, "/file", 403);
    expect(server, "/real/link", 403);
    expect(server, "/gone", 403);
    expect(server, "/none", 404);
    server_wait_log(server, server_expand(server, "openat() \"@root@/html/file\" failed (40: Too "
                                                  "many levels of symbolic links)"));
    expect(server, "/folder/f.txt", 404);
    expect(server, "/folder/", 404);
    expect(server, "/folder", 403);
    server_wait_log(server, "openat() \"");
    server_wait_log(server, "/html/folder/f.txt\" failed (20: Not a directory)");
    server_stop(server);
}
END_TEST

START_TEST(from_says_where_the_refusal_begins)
{
    struct server *server = start(
        "server { " LISTEN "location / { disable_symlinks on from=$document_root; }\n"
        "location /f/ { alias html/folder/; disable_symlinks on from=@root@/html/folder; }\n"
        "location /s/ { alias html/folder/; disable_symlinks on from=@root@/html/folder/; }\n"
        "location /all/ { alias html/folder/; disable_symlinks on; }\n"
        "location /other/ { alias html/folder/; disable_symlinks on from=/other; }\n"
        "location = /whole { alias html/file; disable_symlinks on from=@root@/html/file; } }");

    expect(server, "/real/f.txt", 200);
    expect(server, "/file", 403);
    expect(server, "/f/f.txt", 200);
    expect(server, "/f/link", 403);
    expect(server, "/s/f.txt", 200);
    expect(server, "/s/link", 403);
    expect(server, "/all/f.txt", 404);
    expect(server, "/other/f.txt", 404);
    expect(server, "/whole", 200);
    server_stop(server);
}
END_TEST

START_TEST(if_not_owner_asks_who_made_the_link)
{
    struct server *server = start("server { " LISTEN "disable_symlinks if_not_owner; }");

    expect(server, "/real/f.txt", 200);
    expect(server, "/file", 200);
    expect(server, "/folder/f.txt", 200);
    expect(server, "/folder/", 200);
    expect(server, "/gone", 404);
    if (geteuid() == 0) {
        ck_assert_int_eq(lchown(server_path(server, "html/file"), 65534, 65534), 0);
        ck_assert_int_eq(lchown(server_path(server, "html/folder"), 65534, 65534), 0);
        expect(server, "/file", 403);
        expect(server, "/folder/f.txt", 403);
        expect(server, "/folder/", 403);
        expect(server, "/real/f.txt", 200);
    }
    server_stop(server);
}
END_TEST

START_TEST(a_file_that_becomes_a_link_is_refused)
{
    struct server *server = start("server { " LISTEN "disable_symlinks on;\n"
                                  "location /free/ { alias html/; disable_symlinks off; } }");

    server_file(server, "html/now", "now");
    expect(server, "/now", 200);
    expect(server, "/now", 200);
    ck_assert_int_eq(unlink(server_path(server, "html/now")), 0);
    link_to(server, "real/f.txt", "html/now");
    expect(server, "/free/now", 200);
    expect(server, "/now", 403);
    ck_assert_int_eq(rename(server_path(server, "html/real"), server_path(server, "html/moved")),
                     0);
    link_to(server, "moved", "html/real");
    expect(server, "/free/real/f.txt", 200);
    expect(server, "/real/f.txt", 404);
    server_stop(server);
}
END_TEST

START_TEST(index_and_try_files_are_guarded_too)
{
    struct server *server = start("server { " LISTEN "disable_symlinks on; index link;\n"
                                  "location /t/ { alias html/; try_files $uri =404; } }");

    expect(server, "/real/", 403);
    server_allow(server, "Too many levels of symbolic links");
    expect(server, "/t/file", 404);
    expect(server, "/t/real/f.txt", 200);
    server_stop(server);
}
END_TEST

START_TEST(mistakes_are_named)
{
    const struct mistake mistakes[] = {
        { "disable_symlinks maybe;", "invalid parameter \"maybe\"" },
        { "disable_symlinks from=/a;",
          "\"disable_symlinks\" must have \"off\", \"on\" or \"if_not_owner\" parameter" },
        { "disable_symlinks on off;", "duplicate parameters \"on off\"" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main(
        "symlinks", (const TTest *[]){
                        off_follows_every_link, on_follows_none, from_says_where_the_refusal_begins,
                        if_not_owner_asks_who_made_the_link, a_file_that_becomes_a_link_is_refused,
                        index_and_try_files_are_guarded_too, mistakes_are_named, NULL });
}
