/* muxd as the first process of a container: it reaps who is nobody's child any more, stays in
 * the foreground, and finishes what it answers at TERM. */
#include "tests/serve/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#define HELLO                                        \
    "server { listen 127.0.0.1:@port@; root html;\n" \
    "location = /healthz { healthz; }\n"             \
    "location = /body { client_body_read on; return 200 whole; } }\n"

enum { ORPHAN_STATUS = 7 };

/* ---- orphans ---- */

struct orphanage {
    int pipe[2]; /* the orphan lives until its writing end is closed */
};

static void wait_for_end(int fd)
{
    char byte;

    while (read(fd, &byte, 1) < 0 && errno == EINTR)
        continue;
}

/* A process whose parent ends at once: it is then the first process's, which is muxd by and
 * by. Where there is no name space muxd is the nearest who takes such processes. */
static void leave_an_orphan(void *argument)
{
    const struct orphanage *orphanage = argument;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    close(orphanage->pipe[1]);
    if (fork() != 0)
        return;
    if (fork() == 0) {
        wait_for_end(orphanage->pipe[0]);
        _exit(ORPHAN_STATUS);
    }
    _exit(0);
}

START_TEST(orphans_are_reaped)
{
    struct server *server = server_new();
    struct orphanage orphanage;
    unsigned long name_spaces = name_spaces_for(CLONE_NEWPID);

    ck_assert_int_eq(pipe2(orphanage.pipe, O_CLOEXEC), 0);
    server_run(server, &(struct setup){ .http = HELLO,
                                        .main = name_spaces != 0 ? "daemon on;" : "daemon off;",
                                        .name_spaces = name_spaces,
                                        .prepare = leave_an_orphan,
                                        .argument = &orphanage });
    EVENTUALLY(server_workers(server, NULL, 0) == worker_count() + 1);
    if (name_spaces != 0) /* though it is to be a daemon: a container ends with its first process */
        ck_assert_int_eq(atoi(server_read(server, "logs/muxd.pid")), 1);
    close(orphanage.pipe[1]);
    server_wait_log(server, "unknown process ");
    server_wait_log(server, " exited with code 7\n");
    EVENTUALLY(server_workers(server, NULL, 0) == worker_count());
    ck_assert_str_eq(get(server, "/")->body, "welcome\n");
    close(orphanage.pipe[0]);
    server_stop(server);
}
END_TEST

/* ---- TERM ---- */

/* Who stops a container sends TERM, and KILL after a while. */
START_TEST(term_finishes_what_is_answered)
{
    struct server *server = server_new();

    server_run(server, &(struct setup){ .http = HELLO,
                                        .main = "drain_on_term on; drain_delay 100ms;",
                                        .name_spaces = name_spaces_for(CLONE_NEWPID) });
    ck_assert_int_eq(get(server, "/healthz")->status, 200);
    struct client *client = client_open(server);
    client_send(client, "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbo");
    ck_assert_int_eq(get(server, "/healthz")->status, 200);
    server_signal(server, SIGTERM);
    server_wait_log(server, "gracefully shutting down");
    client_send(client, "dy");
    ck_assert_str_eq(client_read(client)->body, "whole");
    server_join(server);
}
END_TEST

int main(void)
{
    return serve_main("container", (const TTest *[]){
                                       orphans_are_reaped,
                                       term_finishes_what_is_answered,
                                       NULL,
                                   });
}
