/* What files are and what descriptors are made of. */
#include "tests/faults/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

int chmod(const char *path, mode_t mode)
{
    return fails(CALL_CHMOD) ? -1 : ((__typeof__(chmod) *)next_of(CALL_CHMOD))(path, mode);
}

int fchmod(int fd, mode_t mode)
{
    return fails(CALL_FCHMOD) ? -1 : ((__typeof__(fchmod) *)next_of(CALL_FCHMOD))(fd, mode);
}

int fchmodat(int folder, const char *path, mode_t mode, int flags)
{
    return fails(CALL_FCHMODAT)
               ? -1
               : ((__typeof__(fchmodat) *)next_of(CALL_FCHMODAT))(folder, path, mode, flags);
}

int chown(const char *path, uid_t user, gid_t group)
{
    return fails(CALL_CHOWN) ? -1 : ((__typeof__(chown) *)next_of(CALL_CHOWN))(path, user, group);
}

int fchown(int fd, uid_t user, gid_t group)
{
    return fails(CALL_FCHOWN) ? -1 : ((__typeof__(fchown) *)next_of(CALL_FCHOWN))(fd, user, group);
}

int futimens(int fd, const struct timespec times[2])
{
    return fails(CALL_FUTIMENS) ? -1 : ((__typeof__(futimens) *)next_of(CALL_FUTIMENS))(fd, times);
}

int posix_fadvise(int fd, off_t at, off_t len, int advice)
{
    return fails(CALL_FADVISE)
               ? errno
               : ((__typeof__(posix_fadvise) *)next_of(CALL_FADVISE))(fd, at, len, advice);
}

int fcntl(int fd, int command, ...)
{
    va_list more;

    va_start(more, command);
    long argument = va_arg(more, long);
    va_end(more);
    return fails(CALL_FCNTL) ? -1
                             : ((__typeof__(fcntl) *)next_of(CALL_FCNTL))(fd, command, argument);
}

int dup(int fd)
{
    return fails(CALL_DUP) ? -1 : ((__typeof__(dup) *)next_of(CALL_DUP))(fd);
}

int dup2(int fd, int to)
{
    return fails(CALL_DUP2) ? -1 : ((__typeof__(dup2) *)next_of(CALL_DUP2))(fd, to);
}

int dup3(int fd, int to, int flags)
{
    return fails(CALL_DUP3) ? -1 : ((__typeof__(dup3) *)next_of(CALL_DUP3))(fd, to, flags);
}

int pipe2(int ends[2], int flags)
{
    return fails(CALL_PIPE2) ? -1 : ((__typeof__(pipe2) *)next_of(CALL_PIPE2))(ends, flags);
}

/* The descriptor is gone whatever close(2) says. */
int close(int fd)
{
    int error = fails(CALL_CLOSE) ? errno : 0;
    int result = ((__typeof__(close) *)next_of(CALL_CLOSE))(fd);

    if (error == 0)
        return result;
    errno = error;
    return -1;
}
