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

bool daemon_start(const struct log *log)
{
    switch (fork()) {
    case -1:
        return failed(log, "fork()");
    case 0:
        break;
    default:
        /* Not exit(3): what this process had buffered or registered is the child's now. */
        _exit(EXIT_SUCCESS);
    }
    if (setsid() < 0)
        return failed(log, "setsid()");
    umask(0);
    return leave_standard_streams(log);
}
