/* Another binary takes over on the same sockets: USR2, WINCH, QUIT, the way back, and
 * `muxd -s upgrade`. No client notices. */
#include "tests/serve/load.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELLO "server { listen 127.0.0.1:@port@; location / { return 200 hello; } }\n"
#define UNIX "server { listen unix:@root@/logs/socket; location / { return 200 hello; } }\n"

static bool exists(struct server *server, const char *path)
{
    struct stat found;

    return lstat(server_path(server, path), &found) == 0;
}

static pid_t pid_in_file(struct server *server)
{
    return (pid_t)atoi(server_read(server, "logs/muxd.pid"));
}

/* The old master has left, and the harness has the new one. Its parent is now this process. */
static void follow(struct server *server, pid_t next)
{
    int status = -1;

    ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
    ck_assert_int_eq(status, 0);
    server->pid = next;
    EVENTUALLY(!exists(server, "logs/muxd.pid.oldbin"));
    ck_assert_int_eq(pid_in_file(server), next);
}

static void configure(struct server *server, const char *main)
{
    server_configure(server, &(struct setup){ .http = HELLO UNIX, .main = main });
}

static struct server *start(const char *main)
{
    return server_start_with(&(struct setup){ .http = HELLO UNIX, .main = main });
}

/* Executes a new master beside the old one; it serves. */
static pid_t begin(struct server *server)
{
    server_signal(server, SIGUSR2);
    server_wait_log(server, " serves\n");
    ck_assert(exists(server, "logs/muxd.pid.oldbin"));
    pid_t next = pid_in_file(server);
    ck_assert_int_ne(next, server->pid);
    return next;
}

START_TEST(upgrade_does_it_all)
{
    static const char *const workers[] = { "worker_processes 4;", "worker_processes 1;",
                                           "worker_processes 8;" };
    struct server *server = start("worker_processes 2;");
    struct load load = load_tcp(server, "hello");

    for (size_t i = 0; i < sizeof(workers) / sizeof(*workers); i++) {
        configure(server, workers[i]);
        struct run *run = server_say(server, "upgrade");
        pid_t next = pid_in_file(server);
        char line[60];
        snprintf(line, sizeof(line), "upgraded: process %d serves\n", next);
        ck_assert_str_eq(run->text, line);
        ck_assert_int_eq(run->status, 0);
        follow(server, next);
    }
    load_stop(server, &load);
    struct run *run = server_say(server, "reload");
    ck_assert_int_eq(run->status, 0);
    struct client *client = client_open_unix(server, "logs/socket");
    client_send(client, LOAD_REQUEST);
    ck_assert_str_eq(client_read(client)->body, "hello");
    server_stop(server);
}
END_TEST

START_TEST(by_hand_and_back)
{
    struct server *server = start("worker_processes 3; daemon on;");
    struct load load = load_tcp(server, "hello");

    configure(server, "worker_processes 5; daemon on;");
    pid_t next = begin(server);
    server_signal(server, SIGWINCH);
    EVENTUALLY(server_workers(server, NULL, 0) == 1); /* the new master */
    server_signal(server, SIGHUP);
    EVENTUALLY(server_workers(server, NULL, 0) == 4);
    ck_assert_int_eq(kill(next, SIGQUIT), 0);
    EVENTUALLY(!exists(server, "logs/muxd.pid.oldbin"));
    EVENTUALLY(pid_in_file(server) == server->pid);
    ck_assert(exists(server, "logs/socket"));
    ck_assert_int_eq(server_say(server, "reload")->status, 0);

    /* And now in earnest. */
    configure(server, "worker_processes 2; daemon on;");
    server_signal(server, SIGUSR2);
    EVENTUALLY(exists(server, "logs/muxd.pid.oldbin") && pid_in_file(server) > 0 &&
               count_of(server_read(server, "logs/error.log"), " serves\n") == 2);
    next = pid_in_file(server);
    server_signal(server, SIGWINCH);
    EVENTUALLY(server_workers(server, NULL, 0) == 1);
    server_signal(server, SIGQUIT);
    follow(server, next);
    load_stop(server, &load);
    server_stop(server);
}
END_TEST

START_TEST(a_binary_that_does_not_start_changes_nothing)
{
    struct server *server = start("");
    struct load load = load_tcp(server, "hello");

    server_allow(server, "[emerg]");
    configure(server, "worker_processes 2; error_log @root@/none/error.log;");
    struct client *client = client_open_unix(server, "logs/muxd.sock");
    ck_assert(client_send(client, "upgrade\n"));
    const char *answer = client_read_bytes(client, 150);
    ck_assert_ptr_nonnull(strstr(answer, "err muxd: [emerg] open() \""));
    ck_assert_ptr_nonnull(strstr(answer, "none/error.log\" failed (2: No such file"));
    EVENTUALLY(!exists(server, "logs/muxd.pid.oldbin"));
    ck_assert_int_eq(pid_in_file(server), server->pid);
    configure(server, "");
    ck_assert_int_eq(server_say(server, "reload")->status, 0);
    load_stop(server, &load);
    server_stop(server);
}
END_TEST

/* Its workers end with it, and its sockets; the old one has everything again. */
START_TEST(a_new_master_that_is_killed_is_as_if_it_had_not_been)
{
    enum { ENOUGH = 40, WORKERS = 4 };
    struct server *server = start("worker_processes 2;");
    pid_t workers[WORKERS];

    server_allow(server, "exited on signal 9");
    for (int round = 0; round < 2; round++) {
        configure(server, "worker_processes 4;");
        server_signal(server, SIGUSR2);
        EVENTUALLY(count_of(server_read(server, "logs/error.log"), " serves\n") ==
                   (unsigned)round + 1);
        pid_t next = pid_in_file(server);
        ck_assert_int_ne(next, server->pid);
        EVENTUALLY(children_of(next, workers, WORKERS) == WORKERS);
        ck_assert_int_eq(kill(next, SIGKILL), 0);
        for (int i = 0; i < WORKERS; i++) /* they are this process's children by now */
            EVENTUALLY(waitpid(workers[i], NULL, WNOHANG) == workers[i]);
        EVENTUALLY(pid_in_file(server) == server->pid);
        ck_assert(!exists(server, "logs/muxd.pid.oldbin"));
        ck_assert(exists(server, "logs/socket"));
        for (int i = 0; i < ENOUGH; i++)
            ck_assert_str_eq(get(server, "/")->body, "hello");
        ck_assert_int_eq(server_say(server, "reload")->status, 0);
    }
    server_stop(server);
}
END_TEST

/* What a container's log is: it goes on to where it went. */
START_TEST(standard_error_stays_the_log)
{
    struct server *server = start("error_log stderr notice;");

    for (unsigned round = 1; round <= 2; round++) {
        ck_assert_int_eq(server_say(server, "upgrade")->status, 0);
        follow(server, pid_in_file(server));
        ck_assert_int_eq(server_say(server, "reload")->status, 0);
        EVENTUALLY(count_of(server_read(server, "logs/output.txt"), "reconfigured: ") == round);
        ck_assert_int_eq(get(server, "/")->status, 200);
    }
    server_stop(server);
}
END_TEST

START_TEST(one_upgrade_at_a_time)
{
    struct server *server = start("");
    pid_t next = begin(server);

    server_signal(server, SIGUSR2);
    server_wait_log(server, "the binary is not changed: an upgrade is under way");
    struct run *run = server_say(server, "upgrade"); /* the new master is asked */
    ck_assert_int_eq(run->status, 1);
    ck_assert_ptr_nonnull(strstr(run->text, "not upgraded: an upgrade is under way"));
    server_signal(server, SIGQUIT);
    follow(server, next);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("upgrade", (const TTest *[]){
                                     upgrade_does_it_all,
                                     by_hand_and_back,
                                     a_binary_that_does_not_start_changes_nothing,
                                     a_new_master_that_is_killed_is_as_if_it_had_not_been,
                                     standard_error_stays_the_log,
                                     one_upgrade_at_a_time,
                                     NULL,
                                 });
}
