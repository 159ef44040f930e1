/* Master and workers: how many there are, what they are allowed, how they end and
 * who comes after them. */
#include "tests/serve/harness.h"

#include <netinet/in.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@"
#define HELLO "server { " LISTEN "; location / { return 200 hello; } }"
#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

enum { WORKERS_LOOKED_AT = 32 };

/* ---- looking at processes ---- */

static void expect_workers(struct server *server, size_t count)
{
    EVENTUALLY(server_workers(server, NULL, 0) == count);
}

static pid_t one_worker(struct server *server)
{
    pid_t pids[WORKERS_LOOKED_AT];

    EVENTUALLY(server_workers(server, pids, WORKERS_LOOKED_AT) > 0);
    return pids[0];
}

/* A file of /proc/PID, with the NULs of command lines as spaces. */
static const char *proc_text(pid_t pid, const char *name)
{
    static char text[8192];
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "re");
    size_t len = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);
    if (file != NULL)
        fclose(file);
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    text[len] = '\0';
    return text;
}

/* The line of a file of /proc/PID that begins with a name, behind the name. */
static const char *proc_line(pid_t pid, const char *file, const char *name)
{
    const char *text = proc_text(pid, file);

    while (text != NULL && strncmp(text, name, strlen(name)) != 0)
        text = strchr(text, '\n') == NULL ? NULL : strchr(text, '\n') + 1;
    return text == NULL ? "" : text + strlen(name);
}

static bool has_title(pid_t pid, const char *title)
{
    return strncmp(proc_text(pid, "cmdline"), title, strlen(title)) == 0;
}

static bool is_gone(pid_t pid)
{
    return kill(pid, 0) != 0;
}

static bool log_has(struct server *server, const char *text)
{
    return strstr(server_read(server, "logs/error.log"), text) != NULL;
}

static const char *text_with(struct server *server, const char *format, pid_t pid)
{
    char text[100];

    snprintf(text, sizeof(text), format, pid);
    return server_expand(server, text);
}

/* ---- how many ---- */

START_TEST(there_are_as_many_workers_as_said)
{
    static const unsigned counts[] = { 1, 2, 7 };
    char main[40];

    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        snprintf(main, sizeof(main), "worker_processes %u;", counts[i]);
        struct server *server = server_start_with(&(struct setup){ .http = HELLO, .main = main });
        expect_workers(server, counts[i]);
        ck_assert_uint_eq(
            count_of(server_wait_log(server, "start worker process "), "start worker processes\n"),
            1);
        server_stop(server);
    }
}
END_TEST

START_TEST(auto_respects_the_affinity_mask)
{
    cpu_set_t whole, one;

    ck_assert_int_eq(sched_getaffinity(0, sizeof(whole), &whole), 0);
    CPU_ZERO(&one);
    for (size_t cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &whole))
            CPU_SET(cpu, &one);
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "worker_processes auto;" });
    size_t count = 0;
    EVENTUALLY((count = server_workers(server, NULL, 0)) > 0);
    ck_assert_uint_le(count, (size_t)CPU_COUNT(&whole)); /* fewer under a cgroup's quota */
    server_stop(server);

    ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    server = server_start_with(&(struct setup){ .http = HELLO, .main = "worker_processes auto;" });
    expect_workers(server, 1);
    get(server, "/");
    ck_assert_uint_eq(server_workers(server, NULL, 0), 1);
    server_stop(server);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(whole), &whole), 0);
}
END_TEST

START_TEST(titles_say_who_is_who)
{
    struct server *server = server_start(HELLO);

    EVENTUALLY(has_title(one_worker(server), "muxd: worker process"));
    const char *title = server_expand(server, " -p @root@ -c conf/muxd.conf");
    EVENTUALLY(has_title(server->pid, "muxd: master process /"));
    ck_assert_ptr_nonnull(strstr(proc_text(server->pid, "cmdline"), title));
    server_stop(server);
}
END_TEST

/* ---- what a worker may ---- */

START_TEST(workers_have_their_processors)
{
    cpu_set_t whole;
    char main[CPU_SETSIZE + 60], digits[CPU_SETSIZE + 1];
    size_t first = 0;

    ck_assert_int_eq(sched_getaffinity(0, sizeof(whole), &whole), 0);
    while (!CPU_ISSET(first, &whole))
        first++;
    memset(digits, '0', first + 1);
    digits[0] = '1'; /* the leftmost digit is the highest processor */
    digits[first + 1] = '\0';
    for (int automatic = 0; automatic < 2; automatic++) {
        snprintf(main, sizeof(main), "worker_processes 1; worker_cpu_affinity %s%s;",
                 automatic ? "auto " : "", digits);
        struct server *server = server_start_with(&(struct setup){ .http = HELLO, .main = main });
        get(server, "/");
        int allowed = -1, end = 0;
        const char *list = proc_line(one_worker(server), "status", "Cpus_allowed_list:");
        ck_assert_int_eq(sscanf(list, "%d%n", &allowed, &end), 1);
        ck_assert_int_eq(allowed, (int)first);
        ck_assert_int_eq(list[end], '\n');
        server_stop(server);
    }
}
END_TEST

START_TEST(workers_have_their_limits)
{
    struct server *server = server_start_with(&(struct setup){
        .http = HELLO,
        .main = "worker_processes 1; worker_rlimit_nofile 300; worker_rlimit_core 7m;" });
    unsigned long soft, hard;

    get(server, "/");
    pid_t worker = one_worker(server);
    ck_assert_int_eq(sscanf(proc_line(worker, "limits", "Max open files"), "%lu %lu", &soft, &hard),
                     2);
    ck_assert_uint_eq(soft, 300);
    ck_assert_uint_eq(hard, 300);
    ck_assert_int_eq(
        sscanf(proc_line(worker, "limits", "Max core file size"), "%lu %lu", &soft, &hard), 2);
    ck_assert_uint_eq(soft, 7 << 20);
    server_stop(server);
}
END_TEST

START_TEST(workers_have_their_priority)
{
    int own = getpriority(PRIO_PROCESS, 0);
    char main[60];

    snprintf(main, sizeof(main), "worker_processes 1; worker_priority %d;", own + 3);
    struct server *server = server_start_with(&(struct setup){ .http = HELLO, .main = main });
    get(server, "/");
    ck_assert_int_eq(getpriority(PRIO_PROCESS, (id_t)one_worker(server)), own + 3);
    ck_assert_int_eq(getpriority(PRIO_PROCESS, (id_t)server->pid), own);
    server_stop(server);
}
END_TEST

START_TEST(workers_of_root_are_somebody_else)
{
    if (geteuid() != 0)
        return;
    static const char *const mains[] = { "worker_processes 1;", "worker_processes 1; user daemon;",
                                         "worker_processes 1; user daemon bin;" };
    static const char *const users[] = { "nobody", "daemon", "daemon" };

    for (size_t i = 0; i < sizeof(mains) / sizeof(*mains); i++) {
        struct passwd *user = getpwnam(users[i]);
        if (user == NULL)
            continue;
        struct server *server =
            server_start_with(&(struct setup){ .http = HELLO, .main = mains[i] });
        unsigned real, effective, saved;
        get(server, "/");
        pid_t worker = one_worker(server);
        ck_assert_int_eq(
            sscanf(proc_line(worker, "status", "Uid:"), "%u %u %u", &real, &effective, &saved), 3);
        ck_assert(real == user->pw_uid && effective == user->pw_uid && saved == user->pw_uid);
        ck_assert_int_eq(
            sscanf(proc_line(worker, "status", "Gid:"), "%u %u %u", &real, &effective, &saved), 3);
        ck_assert(real != 0 && effective != 0 && saved != 0);
        ck_assert_uint_eq(strtoul(proc_line(worker, "status", "CapEff:"), NULL, 16), 0);
        server_stop(server);
    }
}
END_TEST

START_TEST(workers_run_in_their_folder)
{
    struct server *server = server_new();
    char folder[100] = "", path[64];

    server_file(server, "work/file", "");
    server_run(server,
               &(struct setup){ .http = HELLO,
                                .main = "worker_processes 1; working_directory @root@/work;" });
    get(server, "/");
    snprintf(path, sizeof(path), "/proc/%d/cwd", one_worker(server));
    ck_assert_int_gt(readlink(path, folder, sizeof(folder) - 1), 0);
    ck_assert_str_eq(folder, server_path(server, "work"));
    server_stop(server);
}
END_TEST

/* ---- who dies is replaced ---- */

START_TEST(a_killed_worker_is_replaced)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "worker_processes 3;" });
    pid_t workers[3];

    server_allow(server, "exited on signal 9");
    for (int round = 0; round < 3; round++) {
        EVENTUALLY(server_workers(server, workers, 3) == 3);
        ck_assert_int_eq(kill(workers[round], SIGKILL), 0);
        server_wait_log(server,
                        text_with(server, "worker process %d exited on signal 9", workers[round]));
        for (int i = 0; i < 10; i++) /* all but one serve on, and its queue is inherited */
            ck_assert_str_eq(get(server, "/")->body, "hello");
    }
    expect_workers(server, 3);
    ck_assert(log_has(server, "signal 17 (SIGCHLD) received from "));
    server_stop(server);
}
END_TEST

START_TEST(what_waits_for_a_dead_worker_is_inherited)
{
    enum { CLIENTS = 10 };
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "worker_processes 1;" });
    struct client *clients[CLIENTS];
    pid_t worker = one_worker(server);

    server_allow(server, "exited on signal 9");
    ck_assert_int_eq(kill(worker, SIGSTOP), 0);
    EVENTUALLY(strstr(proc_line(worker, "status", "State:"), "stopped") != NULL);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(server);
        client_send(clients[i], "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    ck_assert_int_eq(kill(worker, SIGKILL), 0);
    for (int i = 0; i < CLIENTS; i++)
        ck_assert_str_eq(client_read(clients[i])->body, "hello");
    server_stop(server);
}
END_TEST

START_TEST(a_worker_that_leaves_by_itself_is_replaced)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "worker_processes 2;" });
    pid_t worker = one_worker(server);

    get(server, "/");
    ck_assert_int_eq(kill(worker, SIGTERM), 0);
    server_wait_log(server, text_with(server, "worker process %d exited with code 0", worker));
    expect_workers(server, 2);
    ck_assert_str_eq(get(server, "/")->body, "hello");
    server_stop(server);
}
END_TEST

START_TEST(workers_that_die_at_once_are_replaced_later_and_later)
{
    /* No worker can start: the folder that it wants to go to is not there. */
    struct server *server = server_start_with(
        &(struct setup){ .http = HELLO, .main = "working_directory @root@/none;" });

    server_allow(server, "chdir(");
    server_wait_log(server, "chdir(\"");
    server_wait_log(server, "exited with code 2");
    server_wait_log(server, "ended at once, 3 times in a row: the next one starts in 400 ms");
    ck_assert(log_has(server, "ended at once, 1 times in a row: the next one starts in 100 ms"));
    ck_assert_int_eq(kill(server->pid, 0), 0);

    /* The master serves as soon as it can. */
    server_configure(server, &(struct setup){ .http = HELLO });
    server_signal(server, SIGHUP);
    ck_assert_str_eq(get(server, "/")->body, "hello");
    server_stop(server);
}
END_TEST

START_TEST(one_that_dies_again_and_again_gets_no_connections)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "worker_processes 3;" });
    pid_t before[3], after[3];
    char text[60];

    server_allow(server, "exited on signal 9");
    for (unsigned death = 1; death <= 5; death++) {
        EVENTUALLY(server_workers(server, before, 3) == 3);
        /* The newest: it has just followed the last one that was killed. */
        pid_t victim = before[0] > before[1] ? before[0] : before[1];
        victim = before[2] > victim ? before[2] : victim;
        kill(victim, SIGKILL);
        snprintf(text, sizeof(text), "worker process %d exited on signal 9", victim);
        server_wait_log(server, text);
    }
    for (int i = 0; i < 30; i++)
        ck_assert_str_eq(get(server, "/")->body, "hello");
    EVENTUALLY(server_workers(server, after, 3) == 3);
    server_stop(server);
}
END_TEST

START_TEST(a_stalled_worker_gets_no_connections)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "worker_processes 3;" });
    pid_t worker;

    get(server, "/");
    worker = one_worker(server);
    ck_assert_int_eq(kill(worker, SIGSTOP), 0);
    server_wait_log(server, text_with(server, "worker process %d is stalled", worker));
    for (int i = 0; i < 30; i++)
        ck_assert_str_eq(get(server, "/")->body, "hello");
    ck_assert_int_eq(kill(worker, SIGCONT), 0);
    server_wait_log(server, text_with(server, "worker process %d goes on", worker));
    server_stop(server);
}
END_TEST

/* ---- signals of the master ---- */

START_TEST(term_and_int_leave_at_once)
{
    for (int i = 0; i < 2; i++) {
        struct server *server = server_start(HELLO);
        struct client *client = client_open(server);
        client_send(client, "GET / HTTP/1.1\r\nHost: ");
        get(server, "/");
        server_signal(server, i == 0 ? SIGTERM : SIGINT);
        client_expect_closed(client);
        server_wait(server);
        ck_assert(log_has(server, i == 0 ? "signal 15 (SIGTERM) received from "
                                         : "signal 2 (SIGINT) received from "));
        ck_assert_int_ne(access(server_path(server, "logs/muxd.pid"), F_OK), 0);
        server_stop(server);
    }
}
END_TEST

START_TEST(term_kills_who_does_not_listen)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "worker_processes 2;" });

    server_allow(server, "exited on signal 9");
    get(server, "/");
    ck_assert_int_eq(kill(one_worker(server), SIGSTOP), 0);
    server_signal(server, SIGTERM);
    server_join(server);
}
END_TEST

START_TEST(quit_finishes_what_has_begun)
{
    struct server *server = server_start(HELLO);
    struct client *half = client_open(server);
    struct client *waiting = client_open(server);

    client_send(half, "GET / HTTP/1.1\r\nHost: local");
    get(server, "/");
    client_send(waiting, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    server_signal(server, SIGQUIT);
    server_wait_log(server, "gracefully shutting down");
    EVENTUALLY(has_title(one_worker(server), "muxd: worker process is shutting down"));
    ck_assert_str_eq(client_read(waiting)->body, "hello");
    client_send(half, "host\r\n\r\n");
    struct response *response = client_read(half);
    ck_assert_str_eq(response->body, "hello");
    ck_assert_str_eq(header(response, "Connection"), "close");
    client_expect_closed(half);
    server_join(server);
}
END_TEST

START_TEST(quit_waits_no_longer_than_it_is_told)
{
    struct server *server = server_start_with(
        &(struct setup){ .http = HELLO, .main = "worker_shutdown_timeout 300ms;" });
    struct client *client = client_open(server);

    client_send(client, "GET / HTTP/1.1\r\nHost: local");
    get(server, "/");
    server_signal(server, SIGQUIT);
    client_expect_closed(client);
    server_join(server);
}
END_TEST

START_TEST(winch_means_nothing_at_a_terminal)
{
    struct server *server = server_start(HELLO);

    server_signal(server, SIGWINCH);
    server_wait_log(server, "signal 28 (SIGWINCH) received from ");
    ck_assert_str_eq(get(server, "/")->body, "hello");
    ck_assert_uint_eq(server_workers(server, NULL, 0), worker_count());
    server_stop(server);
}
END_TEST

START_TEST(winch_retires_the_workers_of_a_daemon)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "daemon on;" });

    get(server, "/");
    server_signal(server, SIGWINCH);
    expect_workers(server, 0);
    ck_assert(log_has(server, ", stop accepting connections"));
    ck_assert_int_eq(kill(server->pid, 0), 0);
    struct client *client = client_open(server); /* waits in the master's socket */
    client_send(client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    server_signal(server, SIGHUP);
    ck_assert_str_eq(client_read(client)->body, "hello");
    expect_workers(server, worker_count());
    server_stop(server);
}
END_TEST

START_TEST(workers_end_with_their_master)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "worker_processes 2;" });
    pid_t workers[2];
    int status;

    get(server, "/");
    EVENTUALLY(server_workers(server, workers, 2) == 2);
    server_signal(server, SIGKILL);
    ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
    for (int i = 0; i < 2; i++) /* orphans of this process, a subreaper */
        EVENTUALLY(waitpid(workers[i], NULL, WNOHANG) != 0);
    ck_assert(is_gone(workers[0]) && is_gone(workers[1]));
    /* The address is free for the next one. */
    server_run(server, &(struct setup){ .http = HELLO, .main = "worker_processes 2;" });
    ck_assert_str_eq(get(server, "/")->body, "hello");
    server_stop(server);
}
END_TEST

/* ---- one process, and a daemon ---- */

START_TEST(without_a_master_the_process_serves_itself)
{
    static const int signals[] = { SIGQUIT, SIGTERM };

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        struct server *server =
            server_start_with(&(struct setup){ .http = HELLO, .main = "master_process off;" });
        ck_assert_str_eq(get(server, "/")->body, "hello");
        ck_assert_uint_eq(server_workers(server, NULL, 0), 0);
        ck_assert_int_eq(atoi(server_read(server, "logs/muxd.pid")), server->pid);
        server_signal(server, signals[i]);
        server_wait(server);
        ck_assert_int_ne(access(server_path(server, "logs/muxd.pid"), F_OK), 0);
        server_stop(server);
    }
}
END_TEST

START_TEST(a_daemon_leaves_its_terminal)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "daemon on;" });
    char path[64], target[100] = "";

    ck_assert_str_eq(get(server, "/")->body, "hello");
    ck_assert_int_eq(atoi(server_read(server, "logs/muxd.pid")), server->pid);
    ck_assert_int_eq(getsid(server->pid), server->pid);
    for (int fd = 0; fd < 2; fd++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", server->pid, fd);
        memset(target, 0, sizeof(target));
        ck_assert_int_gt(readlink(path, target, sizeof(target) - 1), 0);
        ck_assert_str_eq(target, "/dev/null");
    }
    server_quit(server);
    ck_assert_int_ne(access(server_path(server, "logs/muxd.pid"), F_OK), 0);
    server_stop(server);
}
END_TEST

START_TEST(a_unix_socket_comes_and_goes_with_the_server)
{
    struct server *server = server_new();
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    struct stat found;
    int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    /* What a killed server has left behind. */
    snprintf(name.sun_path, sizeof(name.sun_path), "%s/logs/socket", server->root);
    ck_assert_int_eq(bind(stale, (struct sockaddr *)&name, sizeof(name)), 0);
    close(stale);
    server_run(server, &(struct setup){ .http = "server { listen unix:@root@/logs/socket;\n"
                                                "location / { return 200 hello; } }\n" HELLO });
    ck_assert_int_eq(stat(name.sun_path, &found), 0);
    ck_assert_uint_eq(found.st_mode & 0777, 0666);
    for (int i = 0; i < 10; i++) {
        struct client *client = client_open_unix(server, "logs/socket");
        client_send(client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        ck_assert_str_eq(client_read(client)->body, "hello");
        client_close(client);
    }
    server_quit(server);
    ck_assert_int_ne(stat(name.sun_path, &found), 0);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("processes", (const TTest *[]){
                                       there_are_as_many_workers_as_said,
                                       auto_respects_the_affinity_mask,
                                       titles_say_who_is_who,
                                       workers_have_their_processors,
                                       workers_have_their_limits,
                                       workers_have_their_priority,
                                       workers_of_root_are_somebody_else,
                                       workers_run_in_their_folder,
                                       a_killed_worker_is_replaced,
                                       what_waits_for_a_dead_worker_is_inherited,
                                       a_worker_that_leaves_by_itself_is_replaced,
                                       workers_that_die_at_once_are_replaced_later_and_later,
                                       one_that_dies_again_and_again_gets_no_connections,
                                       a_stalled_worker_gets_no_connections,
                                       term_and_int_leave_at_once,
                                       term_kills_who_does_not_listen,
                                       quit_finishes_what_has_begun,
                                       quit_waits_no_longer_than_it_is_told,
                                       winch_means_nothing_at_a_terminal,
                                       winch_retires_the_workers_of_a_daemon,
                                       workers_end_with_their_master,
                                       without_a_master_the_process_serves_itself,
                                       a_daemon_leaves_its_terminal,
                                       a_unix_socket_comes_and_goes_with_the_server,
                                       NULL,
                                   });
}
