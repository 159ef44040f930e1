/* One static file, in a root where nothing else is but its configuration and a site. It is the
 * first process there, as in a container. */
#include "tests/serve/harness.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy_program(const char *from, const char *to)
{
    struct stat found;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);

    ck_assert(in >= 0 && out >= 0 && fstat(in, &found) == 0);
    for (off_t left = found.st_size; left > 0;) {
        ssize_t sent = sendfile(out, in, NULL, (size_t)left);
        ck_assert_int_gt(sent, 0);
        left -= sent;
    }
    close(in);
    ck_assert_int_eq(close(out), 0);
}

static void enter_root(void *argument)
{
    const char *root = argument;

    if (chroot(root) != 0 || chdir("/") != 0)
        _exit(126);
}

/* There is no /proc to name a file by. */
static void put(struct server *server, const char *name, unsigned len)
{
    char path[32];

    snprintf(path, sizeof path, "/%s", name);
    const struct response *response = ask(
        server, "PUT %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %u\r\n\r\n%0*d",
        path, len, (int)len, 1);
    ck_assert_int_eq(response->status, 201);
    ck_assert_uint_eq(get(server, path)->body_len, len);
    response = ask(server,
                   "COPY %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                   "Destination: /copy-%s\r\n\r\n",
                   path, name);
    ck_assert_int_eq(response->status, 204);
}

/* The server's folder is all there is: the program, the configuration, the site, and a place
 * for logs. */
START_TEST(one_file_serves_in_an_empty_root)
{
    struct server *server = server_new();
    struct stat found;

    copy_program(getenv("MUXD_BINARY"), server_path(server, "muxd"));
    ck_assert_int_ne(stat(server_path(server, "etc/passwd"), &found), 0);
    server_run(server,
               &(struct setup){ .config =
                                    "daemon on; pid logs/muxd.pid; error_log logs/error.log info;\n"
                                    "worker_processes 2; events { }\n"
                                    "http { access_log logs/access.log;\n"
                                    "server { listen 127.0.0.1:@port@; root html;\n"
                                    "dav_methods PUT COPY; } }\n",
                                .arguments = (const char *[]){ "-p", "/", NULL },
                                .name_spaces = name_spaces_for(CLONE_NEWPID),
                                .prepare = enter_root,
                                .argument = server->root,
                                .binary = "/muxd" });
    ck_assert_str_eq(get(server, "/")->body, "welcome\n");
    ck_assert_int_eq(get(server, "/none")->status, 404);
    ck_assert_int_eq(chmod(server_path(server, "html"), 0777), 0); /* workers are not root */
    put(server, "small", 10);
    put(server, "large", 100000);
    struct run *run = server_say(server, "reload");
    ck_assert_str_eq(run->text, "reloaded: generation 2, 2 workers\n");
    ck_assert_str_eq(get(server, "/")->body, "welcome\n");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("empty_root", (const TTest *[]){ one_file_serves_in_an_empty_root, NULL });
}
