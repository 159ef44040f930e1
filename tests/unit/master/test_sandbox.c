#include "common/anchor.h"
#include "master/sandbox.h"
#include "master/settings.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Sanitizers make calls of their own; sandbox_enter leaves them alone. */
#if defined(__SANITIZE_ADDRESS__)
#define INSTRUMENTED true
#else
#define INSTRUMENTED false
#endif

static struct arena arena;
static struct conf *conf;
static struct worker_slot *slot;
static char folder[64];

static void write_text(const char *name, const char *text)
{
    char path[200];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static const char *path_of(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name).at;
}

/* root/, logs/ and other/, of which the configuration names the first two; its own folder is
 * conf/. */
static void setup(void)
{
    const struct conf_module *modules[ALL_MODULES];

    arena_init(&arena, NULL);
    strcpy(folder, "/tmp/muxd-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    static const char *const folders[] = { "root", "logs", "other", "prefix" };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        ck_assert_int_eq(mkdir(path_of(folders[i]), 0755), 0);
    write_text("root/file", "file");
    write_text("other/file", "file");
    write_text("conf", arena_printf(&arena,
                                    "events { }\nhttp { server { root %s/root;\n"
                                    "access_log %s/logs/access.log; } }",
                                    folder, folder)
                           .at);
    master_modules(modules);
    conf = conf_load(&arena, &(struct conf_request){ .path = path_of("conf"),
                                                     .prefix = path_of("prefix/"),
                                                     .error_log = "stderr",
                                                     .modules = modules,
                                                     .module_count = ALL_MODULES });
    ck_assert_ptr_nonnull(conf);
    ck_assert_uint_eq(conf->messages.errors, 0);
    slot = mmap(NULL, sizeof *slot, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(slot, MAP_FAILED);
}

static void teardown(void)
{
    static const char *const names[] = { "root/file", "other/file", "logs/new", "conf",
                                         "root",      "logs",       "other",    "prefix" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(path_of(names[i]));
    rmdir(folder);
    munmap(slot, sizeof *slot);
    arena_free(&arena);
}

static bool enter(enum sandbox sandbox)
{
    static struct log log;

    log = log_stderr;
    return sandbox_enter(sandbox,
                         &(struct worker_setup){ .conf = conf, .log = &log, .shared = slot });
}

/* The wait status of a process that does this in the sandbox, and exits with what it returns. */
static int status_in(enum sandbox sandbox, int (*deed)(void))
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(enter(sandbox) ? deed() : 100);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static int run_program(void)
{
    char *const arguments[] = { "true", NULL };

    return execv("/bin/true", arguments);
}

static int trace(void)
{
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int make_process(void)
{
    return fork() == 0;
}

static int send_signal(void)
{
    return kill(getppid(), 0) == 0 ? kill(getpid(), SIGCONT) : 1;
}

static int open_packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) < 0;
}

static int open_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0;
}

static int change_user(void)
{
    return setuid(0);
}

static int mount_nothing(void)
{
    return (int)syscall(SYS_mount, NULL, NULL, NULL, 0, NULL);
}

static int open_as_others(void)
{
    return open("/etc/shadow", O_RDONLY | O_CLOEXEC) < 0;
}

static int open_from_current(void)
{
    return (int)syscall(SYS_openat, AT_FDCWD, "/etc/shadow", O_RDONLY) < 0;
}

/* The folder is not looked at for an absolute path, and so may be any. */
static int open_from_nowhere(void)
{
    return (int)syscall(SYS_openat2, -1, "/etc/shadow", NULL, 0) < 0;
}

static int catch_the_signal(void)
{
    return signal(SIGSYS, SIG_IGN) == SIG_ERR;
}

static int write_a_program(void)
{
    return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
           MAP_FAILED;
}

START_TEST(forbidden_calls_end_the_process)
{
    static const struct {
        int (*deed)(void);
        int call;
        const char *name;
    } rows[] = {
        { run_program, SYS_execve, "execve" },
        { trace, SYS_ptrace, "ptrace" },
        { make_process, SYS_clone, "clone" },
        { send_signal, SYS_kill, "kill" },
        { open_packet_socket, SYS_socket, "socket" },
        { open_netlink, SYS_socket, "socket" },
        { change_user, SYS_setuid, "setuid" },
        { mount_nothing, SYS_mount, "mount" },
        { open_as_others, SYS_openat, "openat" },
        { open_from_current, SYS_openat, "openat" },
        { open_from_nowhere, SYS_openat2, "openat2" },
        { catch_the_signal, SYS_rt_sigaction, "rt_sigaction" },
        { write_a_program, SYS_mmap, "mmap" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows && !INSTRUMENTED; i++) {
        atomic_store(&slot->refused_call, 0);
        int status = status_in(SANDBOX_ON, rows[i].deed);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: %#x", rows[i].name,
                      status);
        ck_assert_int_eq(atomic_load(&slot->refused_call), rows[i].call + 1);
        ck_assert_str_eq(sandbox_call_name(rows[i].call), rows[i].name);
    }
}
END_TEST

/* How opening went: 0, or an errno. */
static int open_error(const char *path, int flags)
{
    int fd = anchored_open(path, flags | O_CLOEXEC, 0644);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int look_around(void)
{
    if (open_error(path_of("root/file"), O_RDONLY) != 0)
        return 1;
    if (open_error(path_of("logs/new"), O_WRONLY | O_CREAT) != 0)
        return 2;
    if (open_error(path_of("root/file"), O_WRONLY) != EACCES)
        return 3;
    if (open_error(path_of("root/new"), O_WRONLY | O_CREAT) != EACCES)
        return 4;
    if (open_error(path_of("other/file"), O_RDONLY) != EACCES)
        return 5;
    if (open_error("/etc/passwd", O_RDONLY) != EACCES)
        return 6;
    if (open_error("/etc/shadow", O_RDONLY) != EACCES)
        return 7;
    return 0;
}

/* libc looks for the zone's file again, unless the environment names it. */
static int make_time(void)
{
    struct tm tm = { .tm_year = 100, .tm_mday = 1 };

    return mktime(&tm) == (time_t)-1;
}

START_TEST(times_open_no_file)
{
    ck_assert_int_eq(status_in(SANDBOX_ON, make_time), 0);
}
END_TEST

START_TEST(only_named_folders_are_open)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    int status = status_in(SANDBOX_ON, look_around);

    ck_assert(WIFEXITED(status));
    if (version > 0 && !INSTRUMENTED)
        ck_assert_int_eq(WEXITSTATUS(status), 0);
    else /* a kernel without Landlock leaves files to their permissions */
        ck_assert_int_ne(WEXITSTATUS(status), 100);
}
END_TEST

static int do_all(void)
{
    int fd = socket(AF_PACKET, SOCK_RAW, 0);

    if (fd >= 0)
        close(fd);
    return open_error("/etc/passwd", O_RDONLY) == 0 && kill(getppid(), 0) == 0 ? 0 : 1;
}

START_TEST(off_and_report_refuse_nothing)
{
    ck_assert_int_eq(status_in(SANDBOX_OFF, do_all), 0);
    ck_assert_int_eq(status_in(SANDBOX_REPORT, do_all), 0);
}
END_TEST

START_TEST(calls_have_names)
{
    ck_assert_str_eq(sandbox_call_name(SYS_read), "read");
    ck_assert_ptr_null(sandbox_call_name(-1));
    ck_assert_ptr_null(sandbox_call_name(100000));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sandbox");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, forbidden_calls_end_the_process);
    tcase_add_test(tests, times_open_no_file);
    tcase_add_test(tests, only_named_folders_are_open);
    tcase_add_test(tests, off_and_report_refuse_nothing);
    tcase_add_test(tests, calls_have_names);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
