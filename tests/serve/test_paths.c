/* Ways out of a root, and files that are none: nothing from outside is served, nothing waits,
 * and no length is wrong. */
#include "tests/serve/heads.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define SECRET "this stands outside of the root"

/* Paths that some server has led out of its root by. */
static const char *const ways_out[] = {
    "/../secret",
    "/..//secret",
    "//../secret",
    "/./../secret",
    "/.././secret",
    "/a/../../secret",
    "/a//../../secret",
    "/a/b/../../../secret",
    "/%2e%2e/secret",
    "/%2E%2E/secret",
    "/.%2e/secret",
    "/%2e./secret",
    "/..%2fsecret",
    "/..%2Fsecret",
    "/%2e%2e%2fsecret",
    "/a%2f..%2f..%2fsecret",
    "/a/..%2f..%2fsecret",
    "/%2f..%2fsecret",
    "/..\\secret",
    "/..%5csecret",
    "/%2e%2e%5csecret",
    "/%252e%252e/secret",
    "/%252e%252e%252fsecret",
    "/..%252fsecret",
    "/%25%32%65%25%32%65/secret",
    "/%c0%ae%c0%ae/secret",
    "/%c0%ae%c0%ae%c0%afsecret",
    "/..%c0%afsecret",
    "/%e0%80%ae%e0%80%ae/secret",
    "/..%e0%80%afsecret",
    "/%uff0e%uff0e/secret",
    "/%u002e%u002e/secret",
    "/..%u2215secret",
    "/%ef%bc%8e%ef%bc%8e/secret",
    "/..%00/secret",
    "/%00/../secret",
    "/a%00/../../secret",
    "/..%0a/secret",
    "/..%20/secret",
    "/..;/secret",
    "/..;a=b/secret",
    "/.../secret",
    "/..../secret",
    "/....//secret",
    "/..%2f..%2f..%2f..%2f..%2f..%2f..%2f@root@/secret",
    "/@root@/secret",
    "//@root@/secret",
    "/%2f@root@/secret",
    "/file:@root@/secret",
    "/proc/self/cwd/secret",
    "/aliased../secret",
    "/aliased..%2fsecret",
    "/aliased%2e%2e/secret",
    "/aliased..",
    "/aliased/../../secret",
    "/aliased/..%2f..%2fsecret",
    "/rewritten/x?../secret",
    "/rewritten/x?a/../../secret",
    "/tried?../secret",
    "/tried?/../secret",
    "/tried?a/../../secret",
};

static const char *const TREE = "server { " LISTEN "root @root@/html; autoindex on;\n"
                                "location /aliased { alias @root@/html/; }\n"
                                "location /rewritten { rewrite ^ /$args?; }\n"
                                "location /tried { try_files /$args =404; } }\n"
                                "server { listen 127.0.0.1:@port2@; root @root@/html;\n"
                                "merge_slashes off; disable_symlinks on from=@root@/html; }";

static struct server *start(const char *http)
{
    struct server *server = server_new();

    server_file(server, "secret", SECRET);
    server_file(server, "html/a/b/inside", "inside");
    server_run(server, &(struct setup){ .http = http });
    return server;
}

START_TEST(no_path_leads_out_of_the_root)
{
    struct server *server = start(TREE);

    for (size_t i = 0; i < sizeof ways_out / sizeof *ways_out; i++)
        for (unsigned port = 1; port <= 2; port++) {
            struct client *client = client_open_port(server, port);
            client_send(client, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                        server_expand(server, ways_out[i]));
            struct response *response = client_read(client);
            ck_assert_msg(response->status >= 400 && strstr(response->body, SECRET) == NULL,
                          "%s: %d", ways_out[i], response->status);
            client_close(client);
        }
    ck_assert_str_eq(get(server, "/a/../a/%62/inside")->body, "inside");
    ck_assert_str_eq(get(server, "/aliased/a/b/inside")->body, "inside");
    ck_assert_str_eq(get(server, "/tried?a/b/inside")->body, "inside");
    ck_assert_str_eq(get(server, "/rewritten/x?a/b/inside")->body, "inside");
    server_wait_log(server, "\"/aliased../secret\" leads out of");
    server_stop(server);
}
END_TEST

/* /proc has links that lead to any process's root and open files. */
START_TEST(links_of_proc_lead_nowhere)
{
    struct server *server = start("server { " LISTEN "location /p/ { alias /proc/self/; } }");

    ck_assert_int_eq(symlink("/proc/self/root/etc/passwd", server_path(server, "html/root")), 0);
    ck_assert_int_eq(get(server, "/p/root/etc/passwd")->status, 403);
    ck_assert_int_eq(get(server, "/p/cwd/etc/passwd")->status, 403);
    ck_assert_int_eq(get(server, "/p/fd/0")->status, 403);
    ck_assert_int_eq(get(server, "/root")->status, 403);
    server_allow(server, "Too many levels of symbolic links");
    server_stop(server);
}
END_TEST

static void make_socket(struct server *server, const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(name.sun_path, sizeof name.sun_path, "%s", server_path(server, path));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    close(fd);
}

START_TEST(what_is_no_file_is_not_served)
{
    static const char *const names[] = { "/fifo", "/socket", "/link", "/loop", "/zero" };
    struct server *server = start("server { " LISTEN "}");

    ck_assert_int_eq(mkfifo(server_path(server, "html/fifo"), 0666), 0);
    ck_assert_int_eq(symlink("/dev/zero", server_path(server, "html/link")), 0);
    ck_assert_int_eq(symlink("loop", server_path(server, "html/loop")), 0);
    make_socket(server, "html/socket");
    /* Only root may make a device; for others there is just the link to one. */
    if (mknod(server_path(server, "html/zero"), S_IFCHR | 0666, makedev(1, 5)) < 0)
        ck_assert_int_eq(symlink("/dev/zero", server_path(server, "html/zero")), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int status = get(server, names[i])->status;
        ck_assert_msg(status == 403 || status == 404, "%s: %d", names[i], status);
    }
    server_allow(server, "is not a regular file");
    server_stop(server);
}
END_TEST

enum { LARGE = 16 << 20, CUT = 12 << 20 };

/* Sends a file that is much larger than the sockets hold, changes it when the head has come, and
 * says how many bytes of it the client got before the connection was closed. */
static size_t got_of_changed(const char *http, void (*change)(struct server *))
{
    struct server *server = server_new();

    server_file(server, "html/large", "");
    ck_assert_int_eq(truncate(server_path(server, "html/large"), LARGE), 0);
    server_run(server, &(struct setup){ .http = http });
    struct client *client = client_open(server);
    client_send(client, "GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    client_read_bytes(client, 1);
    change(server);
    const char *received = client_read_all(client);
    const char *body = strstr(received, "\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(received, "Content-Length: 16777216\r\n"));
    size_t got = client->len - (size_t)(body + 4 - received);
    /* Whatever has become of the file: the next request is answered. */
    ck_assert_int_eq(get(server, "/none")->status, 404);
    server_allow(server, "was truncated");
    server_stop(server);
    return got;
}

static void cut_short(struct server *server)
{
    ck_assert_int_eq(truncate(server_path(server, "html/large"), CUT), 0);
}

static void make_longer(struct server *server)
{
    ck_assert_int_eq(truncate(server_path(server, "html/large"), 2 * LARGE), 0);
}

static void take_away(struct server *server)
{
    ck_assert_int_eq(unlink(server_path(server, "html/large")), 0);
}

static void replace(struct server *server)
{
    server_file(server, "html/new", "new");
    ck_assert_int_eq(rename(server_path(server, "html/new"), server_path(server, "html/large")), 0);
}

START_TEST(a_file_that_changes_while_it_is_sent)
{
    static const char *const ways[] = { "server { " LISTEN "sendfile on; }",
                                        "server { " LISTEN "sendfile off; }" };

    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(got_of_changed(ways[i], cut_short), CUT);
        ck_assert_uint_eq(got_of_changed(ways[i], make_longer), LARGE);
        ck_assert_uint_eq(got_of_changed(ways[i], take_away), LARGE);
        ck_assert_uint_eq(got_of_changed(ways[i], replace), LARGE);
    }
}
END_TEST

int main(void)
{
    return serve_main("paths",
                      (const TTest *[]){ no_path_leads_out_of_the_root, links_of_proc_lead_nowhere,
                                         what_is_no_file_is_not_served,
                                         a_file_that_changes_while_it_is_sent, NULL });
}
