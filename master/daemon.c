#include "master/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A system call failed; errno says why. */
static bool failed(const struct log *log, const char *call)
{
    log_write(log, LOG_LEVEL_EMERG, errno, 0, "%s failed", call);
    return false;
}

static bool leave_standard_streams(const struct log *log)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return failed(log, "open(\"/dev/null\")");
    if (dup2(fd, STDIN_FILENO) < 0)
        return failed(log, "dup2(STDIN)");
    if (dup2(fd, STDOUT_FILENO) < 0)
        return failed(log, "dup2(STDOUT)");
    if (fd > STDERR_FILENO)
        close(fd);
    return true;
}

/* In the process that was started: its end is what the caller waits for. Not exit(3):
 * what it had buffered or registered is the new process's now. */
static _Noreturn void leave_when_ready(const int pipe_ends[2])
{
    char byte;
    ssize_t got;

    close(pipe_ends[1]);
    do
        got = read(pipe_ends[0], &byte, 1);
    while (got < 0 && errno == EINTR);
    _exit(got == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

bool daemon_start(const struct log *log, int *ready)
{
    int pipe_ends[2];

    if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        return failed(log, "pipe2()");
    pid_t pid = fork();
    if (pid < 0) {
        failed(log, "fork()");
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        return false;
    }
    if (pid > 0)
        leave_when_ready(pipe_ends);
    close(pipe_ends[0]);
    *ready = pipe_ends[1];
    if (setsid() < 0)
        return failed(log, "setsid()");
    umask(0);
    return leave_standard_streams(log);
}

void daemon_ready(int ready)
{
    ssize_t written;

    /* Fails only when nobody waits any more. */
    do
        written = write(ready, "", 1);
    while (written < 0 && errno == EINTR);
    close(ready);
}
