#include "master/pidfile.h"

#include "common/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A process number, and some blanks around it. */
enum { PIDFILE_TEXT = 32 };

static int pidfile_open(const struct log *log, const char *path, int flags)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0644);

    if (fd < 0)
        log_write(log, LOG_LEVEL_EMERG, errno, 0, "open() \"%s\" failed", path);
    return fd;
}

/* Closes; false, with the reason logged, when what was written did not arrive. */
static bool pidfile_close(const struct log *log, const char *path, int fd)
{
    if (close(fd) == 0)
        return true;
    log_write(log, LOG_LEVEL_ALERT, errno, 0, "close() \"%s\" failed", path);
    return false;
}

bool pidfile_check(const struct log *log, const char *path)
{
    bool there = access(path, F_OK) == 0;
    int fd = pidfile_open(log, path, 0);

    if (fd < 0)
        return false;
    bool closed = pidfile_close(log, path, fd);
    if (!there)
        unlink(path);
    return closed;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, text, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        text += written;
        len -= (size_t)written;
    }
    return true;
}

static bool is_regular(int fd)
{
    struct stat file;

    return fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
}

bool pidfile_write(const struct log *log, const char *path, pid_t pid)
{
    char text[PIDFILE_TEXT];
    int len = snprintf(text, sizeof text, "%ld\n", (long)pid);
    int fd = pidfile_open(log, path, O_TRUNC);

    if (fd < 0)
        return false;
    bool removable = is_regular(fd); /* a device is nobody's to remove */
    bool written = write_all(fd, text, (size_t)len);
    if (!written)
        log_write(log, LOG_LEVEL_EMERG, errno, 0, "write() to \"%s\" failed", path);
    if (!pidfile_close(log, path, fd))
        written = false;
    if (!written && removable)
        unlink(path);
    return written;
}

/* The file's bytes; what does not fit cannot be a number. -1 on failure. */
static ssize_t pidfile_text(const struct log *log, const char *path, char text[PIDFILE_TEXT])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len;

    if (fd < 0) {
        log_write(log, LOG_LEVEL_ERROR, errno, 0, "open() \"%s\" failed", path);
        return -1;
    }
    do
        len = read(fd, text, PIDFILE_TEXT);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        log_write(log, LOG_LEVEL_ERROR, errno, 0, "read() \"%s\" failed", path);
    close(fd);
    return len;
}

pid_t pidfile_read(const struct log *log, const char *path)
{
    char text[PIDFILE_TEXT];
    ssize_t len = pidfile_text(log, path, text);
    uint64_t pid;

    if (len < 0)
        return -1;
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    struct slice number = slice_make(text, (size_t)len);
    /* kill(2) gives 0 another meaning: this very process group. */
    if (!slice_to_number(number, INT_MAX, &pid) || pid < 1) {
        log_write(log, LOG_LEVEL_ERROR, 0, 0, "invalid PID number \"%.*s\" in \"%s\"", (int)len,
                  text, path);
        return -1;
    }
    return (pid_t)pid;
}

void pidfile_remove(const struct log *log, const char *path)
{
    if (unlink(path) < 0)
        log_write(log, LOG_LEVEL_ALERT, errno, 0, "unlink() \"%s\" failed", path);
}
