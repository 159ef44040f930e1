/* Runs of the program beside the server, the processes it has, and main. */
#include "tests/serve/harness_internal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- commands ---- */

static void become_command(struct server *server, const char *const *given, int output)
{
    const char *arguments[32] = { muxd_binary() };
    int input = open("/dev/null", O_RDONLY);

    for (size_t i = 0; given[i] != NULL && i < 30; i++)
        arguments[i + 1] = server_expand(server, given[i]);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(arguments[0], (char *const *)(uintptr_t)arguments);
    perror(arguments[0]);
    _exit(127);
}

struct run *server_command(struct server *server, const char *const *arguments)
{
    static unsigned number;
    struct run *run = server_own(server, calloc(1, sizeof(*run)));
    char output[32];
    int status = 0;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    snprintf(output, sizeof(output), "logs/command-%u.txt", number++);
    server_file(server, output, "");
    int fd = open(server_path(server, output), O_WRONLY | O_APPEND | O_CLOEXEC);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        become_command(server, arguments, fd);
    close(fd);
    while (waitpid(pid, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    run->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    run->text = server_read(server, output);
    if (strstr(run->text, "Sanitizer:") != NULL || strstr(run->text, "runtime error:") != NULL)
        server_fail(server, "%s", run->text);
    return run;
}

struct run *server_run_here(struct server *server, const char *const *more)
{
    const char *arguments[16] = { "-p", "@root@", "-c", "conf/muxd.conf" };

    for (size_t i = 0; more[i] != NULL; i++) {
        ck_assert_uint_lt(4 + i, sizeof(arguments) / sizeof(*arguments) - 1);
        arguments[4 + i] = more[i];
    }
    return server_command(server, arguments);
}

struct run *server_say(struct server *server, const char *word)
{
    return server_run_here(server, (const char *[]){ "-s", word, NULL });
}

struct run *config_test_bytes(struct server *server, const void *bytes, size_t len)
{
    server_file_bytes(server, "conf/test.conf", bytes, len);
    return server_command(
        server, (const char *[]){ "-t", "-p", "@root@", "-c", "@root@/conf/test.conf", NULL });
}

struct run *config_test(struct server *server, const char *config)
{
    const char *text = server_expand(server, config);

    return config_test_bytes(server, text, strlen(text));
}

void expect_mistakes_in(const char *before, const struct mistake *mistake, const char *behind)
{
    struct server *server = server_new();

    for (; mistake->config != NULL; mistake++) {
        char *config;
        ck_assert_int_gt(asprintf(&config, "%s%s%s", before, mistake->config, behind), 0);
        const struct run *run = config_test(server, server_own(server, config));
        ck_assert_msg(run->status == 1 && strstr(run->text, mistake->problem) != NULL,
                      "%s: status %d\n%s", config, run->status, run->text);
    }
    server_stop(server);
}

void expect_mistakes(const struct mistake *mistakes)
{
    expect_mistakes_in("events { } http { ", mistakes, " }");
}

/* ---- processes ---- */

/* Those that have not ended, in no order. */
size_t children_of(pid_t parent, pid_t *pids, size_t most)
{
    DIR *processes = opendir("/proc");
    size_t count = 0;
    char path[300], state;
    pid_t pid, its_parent;

    /* Also called when no test runs, so nothing is asserted here. */
    for (struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;) {
        snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        FILE *file = isdigit((unsigned char)entry->d_name[0]) ? fopen(path, "re") : NULL;
        if (file == NULL)
            continue;
        if (fscanf(file, "%d (%*[^)]) %c %d", &pid, &state, &its_parent) == 3 &&
            its_parent == parent && state != 'Z' && count++ < most)
            pids[count - 1] = pid;
        fclose(file);
    }
    if (processes != NULL)
        closedir(processes);
    return count;
}

size_t server_workers(struct server *server, pid_t *pids, size_t most)
{
    return children_of(server->pid, pids, most);
}

struct workers server_all_workers(struct server *server)
{
    struct workers workers = { { 0 } };

    ck_assert_uint_le(worker_count(), WORKERS_MOST);
    EVENTUALLY(server_workers(server, workers.pids, WORKERS_MOST) == worker_count());
    return workers;
}

bool workers_are(const struct workers *before, const struct workers *now)
{
    for (unsigned i = 0; i < worker_count(); i++) {
        unsigned j = 0;
        while (j < worker_count() && now->pids[j] != before->pids[i])
            j++;
        if (j == worker_count())
            return false;
    }
    return true;
}

/* The system lets this process make them. */
static bool may_have(unsigned long name_spaces)
{
    pid_t pid = (pid_t)syscall(SYS_clone, name_spaces | SIGCHLD, NULL, NULL, NULL, 0);

    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return pid > 0;
}

unsigned long name_spaces_for(unsigned long flags)
{
    if (may_have(flags))
        return flags;
    return may_have(flags | CLONE_NEWUSER) ? flags | CLONE_NEWUSER : 0;
}

/* Daemons that a failed test has left behind are children of this process, the
 * nearest reaper; so are their workers in the next round. */
static void kill_orphans(void)
{
    pid_t pids[64];
    size_t count;

    while ((count = children_of(getpid(), pids, 64)) > 0)
        for (size_t i = 0; i < count && i < 64; i++) {
            kill(pids[i], SIGKILL);
            waitpid(pids[i], NULL, 0);
        }
}

/* ---- main ---- */

void allow_many_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int serve_main(const char *name, const TTest *const *tests)
{
    enum { TEST_SECONDS = 120 };
    Suite *suite = suite_create(name);
    TCase *all = tcase_create(name);

    tcase_set_timeout(all, TEST_SECONDS);
    for (; *tests != NULL; tests++)
        tcase_add_test(all, *tests);
    suite_add_tcase(suite, all);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    kill_orphans();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
