#include "tests/faults/faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[CALLS] = {
    [CALL_MALLOC] = "malloc",
    [CALL_CALLOC] = "calloc",
    [CALL_REALLOC] = "realloc",
    [CALL_ALIGNED_ALLOC] = "aligned_alloc",
    [CALL_MMAP] = "mmap64",
    [CALL_OPEN] = "open64",
    [CALL_OPENAT] = "openat64",
    [CALL_FOPEN] = "fopen64",
    [CALL_FDOPEN] = "fdopen",
    [CALL_OPENDIR] = "opendir",
    [CALL_FDOPENDIR] = "fdopendir",
    [CALL_READDIR] = "readdir64",
    [CALL_READ] = "read",
    [CALL_PREAD] = "pread64",
    [CALL_WRITE] = "write",
    [CALL_PWRITE] = "pwrite64",
    [CALL_SENDFILE] = "sendfile64",
    [CALL_SPLICE] = "splice",
    [CALL_STAT] = "stat64",
    [CALL_LSTAT] = "lstat64",
    [CALL_FSTAT] = "fstat64",
    [CALL_FSTATAT] = "fstatat64",
    [CALL_STATVFS] = "statvfs64",
    [CALL_ACCESS] = "access",
    [CALL_REALPATH] = "realpath",
    [CALL_GETCWD] = "getcwd",
    [CALL_CHDIR] = "chdir",
    [CALL_MKDIR] = "mkdir",
    [CALL_MKDIRAT] = "mkdirat",
    [CALL_RENAME] = "rename",
    [CALL_RENAMEAT] = "renameat",
    [CALL_LINKAT] = "linkat",
    [CALL_UNLINK] = "unlink",
    [CALL_UNLINKAT] = "unlinkat",
    [CALL_CHMOD] = "chmod",
    [CALL_FCHMOD] = "fchmod",
    [CALL_FCHMODAT] = "fchmodat",
    [CALL_CHOWN] = "chown",
    [CALL_FCHOWN] = "fchown",
    [CALL_FUTIMENS] = "futimens",
    [CALL_FADVISE] = "posix_fadvise64",
    [CALL_FCNTL] = "fcntl64",
    [CALL_DUP] = "dup",
    [CALL_DUP2] = "dup2",
    [CALL_DUP3] = "dup3",
    [CALL_PIPE2] = "pipe2",
    [CALL_CLOSE] = "close",
    [CALL_SOCKET] = "socket",
    [CALL_BIND] = "bind",
    [CALL_LISTEN] = "listen",
    [CALL_ACCEPT4] = "accept4",
    [CALL_CONNECT] = "connect",
    [CALL_GETSOCKNAME] = "getsockname",
    [CALL_GETSOCKOPT] = "getsockopt",
    [CALL_SETSOCKOPT] = "setsockopt",
    [CALL_RECV] = "recv",
    [CALL_SEND] = "send",
    [CALL_SENDMSG] = "sendmsg",
    [CALL_SHUTDOWN] = "shutdown",
    [CALL_GETADDRINFO] = "getaddrinfo",
    [CALL_EPOLL_CREATE1] = "epoll_create1",
    [CALL_EPOLL_CTL] = "epoll_ctl",
    [CALL_EPOLL_WAIT] = "epoll_wait",
    [CALL_SELECT] = "select",
    [CALL_POLL] = "poll",
    [CALL_SIGNALFD] = "signalfd",
    [CALL_EVENTFD] = "eventfd",
    [CALL_FORK] = "fork",
    [CALL_EXECVP] = "execvp",
    [CALL_KILL] = "kill",
    [CALL_WAITPID] = "waitpid",
    [CALL_THREAD_CREATE] = "pthread_create",
    [CALL_PRCTL] = "prctl",
    [CALL_SETRLIMIT] = "setrlimit64",
    [CALL_GETRLIMIT] = "getrlimit64",
    [CALL_SETPRIORITY] = "setpriority",
    [CALL_SETAFFINITY] = "sched_setaffinity",
    [CALL_GETPWNAM] = "getpwnam",
    [CALL_GETGRNAM] = "getgrnam",
    [CALL_INITGROUPS] = "initgroups",
    [CALL_SETGROUPS] = "setgroups",
    [CALL_SETGID] = "setgid",
    [CALL_SETUID] = "setuid",
    [CALL_SETSID] = "setsid",
    [CALL_SIGACTION] = "sigaction",
    [CALL_SIGPROCMASK] = "sigprocmask",
    [CALL_DLOPEN] = "dlopen",
    [CALL_GETRANDOM] = "getrandom",
    [CALL_SYSCALL] = "syscall",
};

static any_function next[CALLS];
static struct plan *plan;
static uint32_t role = IN_MASTER;
static _Thread_local bool paused;

any_function next_of(enum call call)
{
    if (next[call] == NULL) {
        void *symbol = dlsym(RTLD_NEXT, names[call]);
        memcpy(&next[call], &symbol, sizeof symbol);
    }
    return next[call];
}

void plan_pause(void)
{
    paused = true;
}

void plan_go_on(void)
{
    paused = false;
}

void plan_forked(void)
{
    role = IN_WORKERS;
}

/* Without its plan the library would let a test pass that tests nothing. */
static void attach_failed(const char *path)
{
    fprintf(stderr, "faults: %s: %s\n", path, strerror(errno));
    _exit(125);
}

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("MUXD_FAULTS");
    struct stat file;

    for (enum call call = 0; call < CALLS; call++)
        if (next_of(call) == NULL)
            attach_failed(names[call]);
    if (path == NULL)
        return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file) < 0)
        attach_failed(path);
    if (file.st_size != sizeof(struct plan)) {
        errno = EINVAL;
        attach_failed(path);
    }
    struct plan *mapped = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        attach_failed(path);
    close(fd);
    for (enum call call = 0; call < CALLS; call++)
        strcpy(mapped->rules[call].name, names[call]);
    mapped->rule_count = CALLS;
    plan = mapped;
}

/* Numbers that look random, the same ones for the same seed. */
static uint32_t mixed(uint64_t seed, enum call call, uint64_t number)
{
    uint64_t x = seed ^ ((uint64_t)call << 48) ^ number;

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x ^ (x >> 31)) & 0xffff);
}

static bool is_chosen(const struct rule *rule, enum call call, uint64_t number)
{
    if (rule->error == 0)
        return false;
    if (rule->first > 0 && number >= rule->first &&
        (number == rule->first || (rule->every > 0 && (number - rule->first) % rule->every == 0)))
        return true;
    return rule->rate > 0 && mixed(plan->seed, call, number) < rule->rate;
}

static void write_down(struct rule *rule, enum call call, uint64_t number)
{
    uint64_t at = atomic_fetch_add(&plan->failure_count, 1) % FAILURES_KEPT;

    atomic_fetch_add(&rule->failures, 1);
    plan->failures[at] = (struct failure){
        .number = number, .call = (int32_t)call, .error = rule->error, .pid = getpid()
    };
}

enum verdict verdict_of(enum call call)
{
    if (plan == NULL || paused || atomic_load(&plan->armed) == 0 || (plan->where & role) == 0)
        return PASS;
    struct rule *rule = &plan->rules[call];
    uint64_t number = atomic_fetch_add(&rule->calls, 1) + 1;
    if (!is_chosen(rule, call, number))
        return PASS;
    write_down(rule, call, number);
    if (plan->trap != 0)
        abort();
    if (rule->error == SHORT_HALF)
        return CUT_HALF;
    if (rule->error == SHORT_ONE)
        return CUT_ONE;
    errno = rule->error;
    return FAIL;
}

bool fails(enum call call)
{
    return verdict_of(call) == FAIL;
}

/* Reads and writes of this may be short: it has no records. */
static bool is_stream(int fd)
{
    struct stat file;
    int type = 0;
    socklen_t len = sizeof type;
    __typeof__(fstat) *look = (__typeof__(fstat) *)next_of(CALL_FSTAT);
    __typeof__(getsockopt) *ask = (__typeof__(getsockopt) *)next_of(CALL_GETSOCKOPT);

    if (look(fd, &file) < 0)
        return false;
    if (!S_ISSOCK(file.st_mode))
        return S_ISREG(file.st_mode);
    return ask(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

size_t cut(enum verdict verdict, int fd, size_t len)
{
    if (verdict == PASS || len == 0 || !is_stream(fd))
        return len;
    return verdict == CUT_ONE ? 1 : (len + 1) / 2;
}
