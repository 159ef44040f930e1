/* Processes: how they begin, what they may, who they are. */
#include "tests/faults/faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t fork(void)
{
    if (fails(CALL_FORK))
        return -1;
    pid_t pid = ((__typeof__(fork) *)next_of(CALL_FORK))();
    if (pid == 0)
        plan_forked();
    return pid;
}

int execvp(const char *path, char *const arguments[])
{
    return fails(CALL_EXECVP) ? -1 : ((__typeof__(execvp) *)next_of(CALL_EXECVP))(path, arguments);
}

int kill(pid_t pid, int number)
{
    return fails(CALL_KILL) ? -1 : ((__typeof__(kill) *)next_of(CALL_KILL))(pid, number);
}

pid_t waitpid(pid_t pid, int *status, int flags)
{
    return fails(CALL_WAITPID) ? -1
                               : ((__typeof__(waitpid) *)next_of(CALL_WAITPID))(pid, status, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument)
{
    return fails(CALL_THREAD_CREATE) ? errno
                                     : ((__typeof__(pthread_create) *)next_of(CALL_THREAD_CREATE))(
                                           thread, attributes, run, argument);
}

int prctl(int option, ...)
{
    unsigned long arguments[4];
    va_list more;

    va_start(more, option);
    for (size_t i = 0; i < 4; i++)
        arguments[i] = va_arg(more, unsigned long);
    va_end(more);
    return fails(CALL_PRCTL) ? -1
                             : ((__typeof__(prctl) *)next_of(CALL_PRCTL))(
                                   option, arguments[0], arguments[1], arguments[2], arguments[3]);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    return fails(CALL_SETRLIMIT)
               ? -1
               : ((__typeof__(setrlimit) *)next_of(CALL_SETRLIMIT))(resource, limit);
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
    return fails(CALL_GETRLIMIT)
               ? -1
               : ((__typeof__(getrlimit) *)next_of(CALL_GETRLIMIT))(resource, limit);
}

int setpriority(__priority_which_t which, id_t who, int value)
{
    return fails(CALL_SETPRIORITY)
               ? -1
               : ((__typeof__(setpriority) *)next_of(CALL_SETPRIORITY))(which, who, value);
}

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
    return fails(CALL_SETAFFINITY)
               ? -1
               : ((__typeof__(sched_setaffinity) *)next_of(CALL_SETAFFINITY))(pid, size, set);
}

struct passwd *getpwnam(const char *name)
{
    if (fails(CALL_GETPWNAM))
        return NULL;
    plan_pause();
    struct passwd *found = ((__typeof__(getpwnam) *)next_of(CALL_GETPWNAM))(name);
    plan_go_on();
    return found;
}

struct group *getgrnam(const char *name)
{
    if (fails(CALL_GETGRNAM))
        return NULL;
    plan_pause();
    struct group *found = ((__typeof__(getgrnam) *)next_of(CALL_GETGRNAM))(name);
    plan_go_on();
    return found;
}

int initgroups(const char *user, gid_t group)
{
    if (fails(CALL_INITGROUPS))
        return -1;
    plan_pause();
    int result = ((__typeof__(initgroups) *)next_of(CALL_INITGROUPS))(user, group);
    plan_go_on();
    return result;
}

int setgroups(size_t count, const gid_t *groups)
{
    return fails(CALL_SETGROUPS)
               ? -1
               : ((__typeof__(setgroups) *)next_of(CALL_SETGROUPS))(count, groups);
}

int setgid(gid_t group)
{
    return fails(CALL_SETGID) ? -1 : ((__typeof__(setgid) *)next_of(CALL_SETGID))(group);
}

int setuid(uid_t user)
{
    return fails(CALL_SETUID) ? -1 : ((__typeof__(setuid) *)next_of(CALL_SETUID))(user);
}

pid_t setsid(void)
{
    return fails(CALL_SETSID) ? -1 : ((__typeof__(setsid) *)next_of(CALL_SETSID))();
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    return fails(CALL_SIGACTION)
               ? -1
               : ((__typeof__(sigaction) *)next_of(CALL_SIGACTION))(number, action, old);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    return fails(CALL_SIGPROCMASK)
               ? -1
               : ((__typeof__(sigprocmask) *)next_of(CALL_SIGPROCMASK))(how, set, old);
}

void *dlopen(const char *path, int flags)
{
    return fails(CALL_DLOPEN) ? NULL : ((__typeof__(dlopen) *)next_of(CALL_DLOPEN))(path, flags);
}

ssize_t getrandom(void *buffer, size_t len, unsigned flags)
{
    return fails(CALL_GETRANDOM)
               ? -1
               : ((__typeof__(getrandom) *)next_of(CALL_GETRANDOM))(buffer, len, flags);
}

long syscall(long number, ...)
{
    long arguments[6];
    va_list more;

    va_start(more, number);
    for (size_t i = 0; i < 6; i++)
        arguments[i] = va_arg(more, long);
    va_end(more);
    return fails(CALL_SYSCALL)
               ? -1
               : ((__typeof__(syscall) *)next_of(CALL_SYSCALL))(number, arguments[0], arguments[1],
                                                                arguments[2], arguments[3],
                                                                arguments[4], arguments[5]);
}
