#include "common/log_file.h"

#include "common/anchor.h"
#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_FILE_MODE = 0644 };

/* A FIFO that nobody reads is an error, not a wait without end. */
static int open_path(const char *path)
{
    int fd;

    do
        fd = anchored_open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
                           LOG_FILE_MODE);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static struct log_file *find(const struct log_files *files, const char *path)
{
    struct log_file *file = files->first;

    while (file != NULL && strcmp(file->path, path) != 0)
        file = file->next;
    return file;
}

/* A write to it may wait for who reads it. */
static bool is_pipe(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

static struct log_file *file_new(const char *path)
{
    struct log_file *file = calloc(1, sizeof *file);

    if (file == NULL)
        return NULL;
    file->path = strdup(path);
    file->standard = strcmp(path, "stderr") == 0;
    file->fd = STDERR_FILENO;
    file->blocking = file->standard && is_pipe(file->fd);
    if (file->path != NULL && !file->standard)
        file->fd = open_path(path);
    if (file->path == NULL || file->fd < 0) {
        int error = errno;
        free(file->path);
        free(file);
        errno = error;
        return NULL;
    }
    return file;
}

struct log_file *log_file_open(struct log_files *files, const char *path)
{
    struct log_file *file = find(files, path);

    if (file == NULL) {
        file = file_new(path);
        if (file == NULL)
            return NULL;
        file->next = files->first;
        files->first = file;
    }
    file->references++;
    return file;
}

void log_file_close(struct log_files *files, struct log_file *file)
{
    if (--file->references > 0)
        return;
    for (struct log_file **place = &files->first; *place != NULL; place = &(*place)->next)
        if (*place == file) {
            *place = file->next;
            break;
        }
    if (!file->standard)
        close(file->fd);
    free(file->path);
    free(file);
}

/* Only a file proper is given away, never a device or somebody's pipe. */
static bool give_to(int fd, uid_t uid)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return false;
    if (!S_ISREG(status.st_mode))
        return true;
    if (status.st_uid != uid && fchown(fd, uid, (gid_t)-1) != 0)
        return false;
    mode_t needed = S_IRUSR | S_IWUSR;
    return (status.st_mode & needed) == needed ||
           fchmod(fd, (status.st_mode | needed) & 07777) == 0;
}

static bool reopen_one(struct log_file *file, uid_t uid)
{
    int fd = open_path(file->path);

    if (fd < 0)
        return false;
    bool done = (uid == (uid_t)-1 || give_to(fd, uid)) && dup3(fd, file->fd, O_CLOEXEC) >= 0;
    int error = errno;
    close(fd);
    errno = error;
    if (done)
        file->full_until = 0;
    return done;
}

/* Remembers what failed last. */
static void note_failure(const struct log_file *file, int *error, const char **failed)
{
    *error = errno;
    if (failed != NULL)
        *failed = file->path;
}

bool log_files_reopen(struct log_files *files, uid_t uid, const char **failed)
{
    int error = 0;

    for (struct log_file *file = files->first; file != NULL; file = file->next)
        if (!file->standard && !reopen_one(file, uid))
            note_failure(file, &error, failed);
    if (error != 0)
        errno = error;
    return error == 0;
}

bool log_files_chown(struct log_files *files, uid_t uid, const char **failed)
{
    int error = 0;

    for (struct log_file *file = files->first; file != NULL; file = file->next)
        if (!file->standard && !give_to(file->fd, uid))
            note_failure(file, &error, failed);
    if (error != 0)
        errno = error;
    return error == 0;
}

/* Waits until a pipe takes more; false, errno EAGAIN, when its reader is too slow. */
static bool wait_for_reader(int fd)
{
    struct pollfd pipe = { .fd = fd, .events = POLLOUT };

    if (poll(&pipe, 1, LOG_PIPE_WAIT) > 0)
        return true;
    errno = EAGAIN;
    return false;
}

/* One write(2) that does not block for long: where there is room in a pipe, there is room for
 * PIPE_BUF bytes (pipe(7)). */
static ssize_t write_some(const struct log_file *file, const char *bytes, size_t len)
{
    if (!file->blocking)
        return write(file->fd, bytes, len);
    if (!wait_for_reader(file->fd))
        return -1;
    return write(file->fd, bytes, len < PIPE_BUF ? len : PIPE_BUF);
}

static bool write_all(const struct log_file *file, const char *bytes, size_t len)
{
    bool waited = file->blocking;

    while (len > 0) {
        ssize_t written = write_some(file, bytes, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN && !waited && wait_for_reader(file->fd)) {
            waited = true;
            continue;
        }
        if (written < 0)
            return false;
        bytes += written;
        len -= (size_t)written;
    }
    return true;
}

bool log_file_write(struct log_file *file, const char *bytes, size_t len)
{
    if (file->full_until != 0 && clock_monotonic() < file->full_until) {
        errno = ENOSPC;
        return false;
    }
    file->full_until = 0;
    if (write_all(file, bytes, len))
        return true;
    int error = errno;
    if (error == ENOSPC || error == EDQUOT || error == EAGAIN)
        file->full_until = clock_monotonic() + LOG_FULL_PAUSE;
    errno = error;
    return false;
}
