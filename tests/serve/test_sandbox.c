/* Workers behind the walls of the sandbox: they are there, and serving goes on. What they refuse
 * is tested in tests/unit/master/test_sandbox.c; every other test here runs inside of them. */
#include "tests/serve/heads.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "

/* Sanitizers make calls of their own: no walls then. */
#if defined(__SANITIZE_ADDRESS__)
#define INSTRUMENTED true
#else
#define INSTRUMENTED false
#endif

static bool status_has(pid_t pid, const char *line)
{
    char path[64], text[4096];

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return strstr(text, line) != NULL;
}

/* /proc/PID/status of each worker has this line, once it has come so far. */
static void expect_of_workers(struct server *server, const char *line)
{
    pid_t pids[16];

    EVENTUALLY(server_workers(server, pids, 16) == worker_count());
    for (size_t i = 0; i < worker_count(); i++)
        EVENTUALLY(status_has(pids[i], line));
}

START_TEST(workers_are_locked_in_unless_told_otherwise)
{
    static const char *const http = "server { " LISTEN "return 200 ok; }";
    static const struct {
        const char *main, *line;
    } rows[] = { { "", "\nSeccomp:\t2\n" },
                 { "sandbox on;", "\nNoNewPrivs:\t1\n" },
                 { "sandbox report;", "\nSeccomp:\t2\n" },
                 { "sandbox off;", "\nSeccomp:\t0\n" } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct server *server =
            server_start_with(&(struct setup){ .main = rows[i].main, .http = http });
        ck_assert_str_eq(get(server, "/")->body, "ok");
        /* Where muxd itself runs in a filter of a container, there is one more of the same. */
        if (!INSTRUMENTED && strstr(rows[i].main, "off") == NULL)
            expect_of_workers(server, rows[i].line);
        server_stop(server);
    }
}
END_TEST

static const char *const FAMILIES =
    "client_body_buffer_size 64; upstream behind { server 127.0.0.1:@port2@; keepalive 1; }\n"
    "access_log @root@/varying/$arg_log.log;\n"
    "server { " LISTEN "root @root@/html; autoindex on;\n"
    "  location /body { client_body_read on; client_body_in_file_only clean;\n"
    "    return 200 $content_length; }\n"
    "  location /up { proxy_pass http://behind; proxy_http_version 1.1;\n"
    "    proxy_set_header Connection ''; }\n"
    "  location /secret { auth_basic x; auth_basic_user_file @root@/users/list; } }\n"
    "server { listen 127.0.0.1:@port2@; return 200 up; }";

START_TEST(everything_goes_on_inside)
{
    struct server *server = server_new();
    struct setup setup = { .main = "sandbox on;", .http = FAMILIES };

    server_file(server, "html/file", "file");
    server_file(server, "varying/none", "");
    ck_assert_int_eq(chmod(server_path(server, "varying"), 0777), 0);
    server_file(server, "users/list", "a:{PLAIN}b\n");
    server_run(server, &setup);
    for (int round = 0; round < 2; round++) {
        ck_assert_str_eq(get(server, "/file?log=a")->body, "file");
        ck_assert_int_eq(get(server, "/")->status, 200);
        ck_assert_str_eq(get(server, "/up")->body, "up");
        ck_assert_int_eq(get(server, "/secret")->status, 401);
        ck_assert_int_eq(get_with(server, "/secret", "Authorization: Basic YTpi\r\n")->status, 404);
        struct client *client = client_open(server);
        client_send(client, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n%200d",
                    1);
        ck_assert_str_eq(client_read(client)->body, "200");
        client_close(client);
        server_wait_file(server, "varying/a.log", "GET /file");
        ck_assert_int_eq(
            rename(server_path(server, "logs/error.log"), server_path(server, "logs/error.old")),
            0);
        server_signal(server, SIGUSR1);
        EVENTUALLY(access(server_path(server, "logs/error.log"), F_OK) == 0);
        struct run *run =
            server_command(server, (const char *const[]){ "-p", "@root@", "-c", "conf/muxd.conf",
                                                          "-s", "reload", NULL });
        ck_assert_msg(run->status == 0, "%s", run->text);
    }
    server_stop(server);
}
END_TEST

/* Relative names of user files start there, wherever the prefix is. */
START_TEST(users_stand_beside_the_configuration)
{
    struct server *server = server_new();
    const char *const arguments[] = { "-p", server_path(server, "prefix"), "-c",
                                      server_path(server, "conf/muxd.conf"), NULL };

    server_file(server, "prefix/html/file", "file");
    server_file(server, "prefix/logs/none", "");
    server_file(server, "conf/users", "a:{PLAIN}b\n");
    server_run(server, &(struct setup){ .main = "sandbox on;",
                                        .http = "server { " LISTEN "root html; auth_basic x;\n"
                                                "auth_basic_user_file users; }",
                                        .arguments = arguments });
    ck_assert_int_eq(get(server, "/file")->status, 401);
    ck_assert_str_eq(get_with(server, "/file", "Authorization: Basic YTpi\r\n")->body, "file");
    server_stop(server);
}
END_TEST

START_TEST(a_link_out_of_all_folders_leads_nowhere)
{
    struct server *server = server_new();

    server_file(server, "html/inside", "inside");
    ck_assert_int_eq(symlink("inside", server_path(server, "html/link")), 0);
    ck_assert_int_eq(symlink("/etc/passwd", server_path(server, "html/passwd")), 0);
    server_run(server, &(struct setup){ .http = "server { " LISTEN "root @root@/html; }" });
    ck_assert_int_eq(get(server, "/link")->status, 200);
    int status = get(server, "/passwd")->status;
    /* 200: the kernel has no Landlock, or there is no sandbox. */
    ck_assert(status == 403 || status == 200);
    if (status == 403)
        server_wait_log(server, "passwd\" failed (13: Permission denied)");
    server_stop(server);
}
END_TEST

/* As deployments do it: a link in the middle of a root is moved while muxd runs. */
START_TEST(a_root_may_be_moved_to_another_release)
{
    struct server *server = server_new();
    const char *const arguments[] = { "-p", server_path(server, "prefix"), "-c",
                                      server_path(server, "conf/muxd.conf"), NULL };

    server_file(server, "prefix/logs/none", "");
    server_file(server, "site/releases/1/public/file", "one");
    server_file(server, "site/releases/2/public/file", "two");
    ck_assert_int_eq(symlink("releases/1", server_path(server, "site/current")), 0);
    server_run(server,
               &(struct setup){ .http = "server { " LISTEN "root @root@/site/current/public; }",
                                .arguments = arguments });
    ck_assert_str_eq(get(server, "/file")->body, "one");
    ck_assert_int_eq(symlink("releases/2", server_path(server, "site/next")), 0);
    ck_assert_int_eq(rename(server_path(server, "site/next"), server_path(server, "site/current")),
                     0);
    ck_assert_str_eq(get(server, "/file")->body, "two");
    server_stop(server);
}
END_TEST

START_TEST(a_worker_that_is_ended_is_replaced)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = "server { " LISTEN "return 200 ok; }" });
    pid_t pids[16];

    server_allow(server, "exited on signal 31");
    EVENTUALLY(server_workers(server, pids, 16) == worker_count());
    pid_t ended = pids[0];
    ck_assert_str_eq(get(server, "/")->body, "ok"); /* it has begun to serve */
    ck_assert_int_eq(kill(ended, SIGSYS), 0);
    server_wait_log(server, "exited on signal 31");
    EVENTUALLY(kill(ended, 0) < 0 && server_workers(server, pids, 16) == worker_count());
    ck_assert_str_eq(get(server, "/")->body, "ok");
    server_stop(server);
}
END_TEST

#if defined(__x86_64__)

/* A worker that somebody has taken over, as by a mistake in a handler: it is stopped where it
 * waits, and its registers say what it does next. */
struct taken {
    pid_t pid;
    struct user_regs_struct before;
};

enum { SYSCALL_SIZE = 2 }; /* bytes of the instruction "syscall", which it has just made */

static bool stop_waiting(struct taken *taken)
{
    int status;

    ck_assert_int_eq(ptrace(PTRACE_ATTACH, taken->pid, NULL, NULL), 0);
    ck_assert_int_eq(waitpid(taken->pid, &status, __WALL), taken->pid);
    ck_assert_int_eq(ptrace(PTRACE_GETREGS, taken->pid, NULL, &taken->before), 0);
    long code = ptrace(PTRACE_PEEKTEXT, taken->pid, taken->before.rip - SYSCALL_SIZE, NULL);
    if ((code & 0xffff) == 0x050f)
        return true;
    ck_assert_int_eq(ptrace(PTRACE_DETACH, taken->pid, NULL, NULL), 0);
    return false;
}

static struct taken take_over(struct server *server)
{
    struct taken taken;
    pid_t pids[16];

    EVENTUALLY(server_workers(server, pids, 16) == worker_count());
    ck_assert_str_eq(get(server, "/")->body, "ok"); /* they have begun to serve */
    taken.pid = pids[0];
    EVENTUALLY(stop_waiting(&taken));
    return taken;
}

/* The registers for a call, with a text below the stack as argument `place` (0: none). */
static void put_call(const struct taken *taken, long number, const long arguments[3],
                     const char *text, int place)
{
    struct user_regs_struct now = taken->before;
    unsigned long room = (now.rsp - 4096) & ~7UL;
    unsigned long long *const registers[] = { &now.rdi, &now.rsi, &now.rdx };
    char words[64] = { 0 };

    for (int i = 0; i < 3; i++)
        *registers[i] = (unsigned long long)arguments[i];
    if (place > 0) {
        strncpy(words, text, sizeof words - 1);
        for (size_t i = 0; i < sizeof words; i += sizeof(long)) {
            long word;
            memcpy(&word, words + i, sizeof word);
            ck_assert_int_eq(ptrace(PTRACE_POKEDATA, taken->pid, room + i, word), 0);
        }
        *registers[place - 1] = room;
    }
    now.orig_rax = (unsigned long long)-1; /* the wait is not begun again */
    now.rax = (unsigned long long)number;
    now.rip -= SYSCALL_SIZE;
    ck_assert_int_eq(ptrace(PTRACE_SETREGS, taken->pid, NULL, &now), 0);
}

/* What a call returns that does not end it; then it goes on as if nothing had been. */
static long call_and_restore(struct taken *taken, long number, const long arguments[3],
                             const char *text, int place)
{
    struct user_regs_struct after;
    int status;

    put_call(taken, number, arguments, text, place);
    ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, taken->pid, NULL, NULL), 0);
    ck_assert_int_eq(waitpid(taken->pid, &status, __WALL), taken->pid);
    ck_assert_int_eq(ptrace(PTRACE_GETREGS, taken->pid, NULL, &after), 0);
    ck_assert_int_eq(ptrace(PTRACE_SETREGS, taken->pid, NULL, &taken->before), 0);
    ck_assert_int_eq(ptrace(PTRACE_DETACH, taken->pid, NULL, NULL), 0);
    return (long)after.rax;
}

static const struct deed {
    const char *said; /* by the master */
    long number;
    long arguments[3];
    const char *text;
    int place; /* of the text */
} deeds[] = {
    { "(execve)", SYS_execve, { 0 }, "/bin/sh", 1 },
    { "(ptrace)", SYS_ptrace, { PTRACE_ATTACH, 1 }, NULL, 0 },
    { "(socket)", SYS_socket, { AF_NETLINK, SOCK_RAW, 0 }, NULL, 0 },
    /* As open(3), fopen(3) and all of libc do; muxd has a descriptor in the first argument. */
    { "(open)", SYS_open, { 0, O_RDONLY }, "/etc/shadow", 1 },
    { "(openat)", SYS_openat, { AT_FDCWD, 0, O_RDONLY }, "/etc/shadow", 2 },
};

START_TEST(a_worker_that_is_taken_over_dies_of_what_it_tries)
{
    for (size_t i = 0; !INSTRUMENTED && i < sizeof deeds / sizeof *deeds; i++) {
        struct server *server =
            server_start_with(&(struct setup){ .http = "server { " LISTEN "return 200 ok; }" });
        pid_t pids[16];
        server_allow(server, "exited on signal 31");
        server_allow(server, "made the system call");
        struct taken taken = take_over(server);
        put_call(&taken, deeds[i].number, deeds[i].arguments, deeds[i].text, deeds[i].place);
        ck_assert_int_eq(ptrace(PTRACE_DETACH, taken.pid, NULL, NULL), 0);
        server_wait_log(server, deeds[i].said);
        EVENTUALLY(kill(taken.pid, 0) < 0 && server_workers(server, pids, 16) == worker_count());
        ck_assert_str_eq(get(server, "/")->body, "ok");
        server_stop(server);
    }
}
END_TEST

/* The descriptor that a process has of "/"; -1: none. */
static long root_held_by(pid_t pid)
{
    char path[64], leads_to[8];

    for (int fd = 0; fd < 100; fd++) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
        if (readlink(path, leads_to, sizeof leads_to) == 1)
            return fd;
    }
    return -1;
}

/* Who opens as muxd itself does, from the descriptor that the worker holds, is refused, which does
 * not end it: a client may have asked for a link that leads there. */
START_TEST(a_worker_that_is_taken_over_reads_no_other_file)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = "server { " LISTEN "return 200 ok; }" });
    static const char *const paths[] = { "etc/shadow", "/etc/shadow" };

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct taken taken = take_over(server);
        const long how[3] = { root_held_by(taken.pid), 0, O_RDONLY };
        long result = call_and_restore(&taken, SYS_openat, how, paths[i], 2);
        ck_assert_int_ge(how[0], 0);
        /* A descriptor: the kernel has no Landlock, or there is no sandbox. */
        ck_assert_msg(result == -EACCES || result >= 0, "%ld", result);
        ck_assert_str_eq(get(server, "/")->body, "ok");
    }
    server_stop(server);
}
END_TEST

#endif

int main(void)
{
    return serve_main(
        "sandbox", (const TTest *[]) {
            workers_are_locked_in_unless_told_otherwise, everything_goes_on_inside,
                users_stand_beside_the_configuration, a_link_out_of_all_folders_leads_nowhere,
                a_root_may_be_moved_to_another_release, a_worker_that_is_ended_is_replaced,
#if defined(__x86_64__)
                a_worker_that_is_taken_over_dies_of_what_it_tries,
                a_worker_that_is_taken_over_reads_no_other_file,
#endif
                NULL,
        });
}
