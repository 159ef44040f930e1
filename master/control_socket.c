#include "master/control_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONTROL_BACKLOG = 16,
    CONTROL_UMASK = 0177, /* the file's mode is 0600 */
};

bool control_path_fits(const char *path)
{
    return strlen(path) < sizeof((struct sockaddr_un *)NULL)->sun_path;
}

static bool name_from(struct sockaddr_un *name, const char *path)
{
    if (!control_path_fits(path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    *name = (struct sockaddr_un){ .sun_family = AF_UNIX };
    strcpy(name->sun_path, path);
    return true;
}

/* Where problems are said, and how loudly. */
struct complaints {
    const struct log *log;
    enum log_level level;
};

static enum control_opening failed(const struct complaints *to, const char *call, const char *path)
{
    log_write(to->log, to->level, errno, 0, "%s of the control socket \"%s\" failed", call, path);
    return CONTROL_FAILED;
}

static int socket_new(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Nobody listens on the socket of this name: its master is dead. */
static bool is_stale(const struct sockaddr_un *name)
{
    struct stat found;

    if (lstat(name->sun_path, &found) < 0 || !S_ISSOCK(found.st_mode))
        return false;
    int fd = socket_new();
    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)name, sizeof *name) < 0 &&
                   (errno == ECONNREFUSED || errno == ENOENT);
    close(fd);
    return refused;
}

/* bind(2), with a mode that lets nobody else in from the first moment. */
static bool bind_private(int fd, const struct sockaddr_un *name)
{
    mode_t usual = umask(CONTROL_UMASK);
    bool bound = bind(fd, (const struct sockaddr *)name, sizeof *name) == 0;
    int error = errno;

    umask(usual);
    errno = error;
    return bound;
}

/* Binds, in the place of a dead master's socket if need be. */
static enum control_opening bind_name(const struct complaints *to, int fd,
                                      const struct sockaddr_un *name)
{
    if (bind_private(fd, name))
        return CONTROL_OPENED;
    if (errno != EADDRINUSE)
        return failed(to, "bind()", name->sun_path);
    if (!is_stale(name)) {
        errno = EADDRINUSE;
        failed(to, "bind()", name->sun_path);
        return CONTROL_TAKEN;
    }
    if (unlink(name->sun_path) < 0 && errno != ENOENT)
        return failed(to, "unlink()", name->sun_path);
    return bind_private(fd, name) ? CONTROL_OPENED : failed(to, "bind()", name->sun_path);
}

static enum control_opening listen_on(const struct complaints *to, struct control_socket *opened)
{
    struct stat file;

    if (stat(opened->name.sun_path, &file) < 0)
        return failed(to, "stat()", opened->name.sun_path);
    opened->device = file.st_dev;
    opened->inode = file.st_ino;
    if (listen(opened->fd, CONTROL_BACKLOG) < 0)
        return failed(to, "listen()", opened->name.sun_path);
    return CONTROL_OPENED;
}

enum control_opening control_socket_open(const struct log *log, enum log_level level,
                                         const char *path, struct control_socket *opened)
{
    const struct complaints *to = &(struct complaints){ log, level };

    *opened = control_socket_none;
    if (!name_from(&opened->name, path))
        return failed(to, "bind()", path);
    opened->fd = socket_new();
    if (opened->fd < 0)
        return failed(to, "socket()", path);
    enum control_opening result = bind_name(to, opened->fd, &opened->name);
    if (result != CONTROL_OPENED) {
        control_socket_leave(opened);
        return result;
    }
    result = listen_on(to, opened);
    if (result != CONTROL_OPENED)
        control_socket_close(opened);
    return result;
}

/* The mode of the file keeps others out already; but it may have been changed. */
static bool is_allowed(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    return peer.uid == geteuid() || peer.uid == 0;
}

int control_socket_accept(const struct control_socket *listening)
{
    int fd;

    do
        fd = accept4(listening->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd >= 0 && !is_allowed(fd)) {
        close(fd);
        return -1;
    }
    return fd;
}

bool control_socket_rename(struct control_socket *open, const struct log *log, const char *path)
{
    struct sockaddr_un name;

    if (!name_from(&name, path) || rename(open->name.sun_path, path) < 0) {
        log_write(log, LOG_LEVEL_ALERT, errno, 0, "rename() \"%s\" to \"%s\" failed",
                  open->name.sun_path, path);
        return false;
    }
    open->name = name;
    return true;
}

void control_socket_leave(struct control_socket *open)
{
    if (open->fd >= 0)
        close(open->fd);
    open->fd = -1;
}

void control_socket_close(struct control_socket *open)
{
    struct stat file;

    if (open->fd >= 0 && stat(open->name.sun_path, &file) == 0 && file.st_dev == open->device &&
        file.st_ino == open->inode)
        unlink(open->name.sun_path);
    control_socket_leave(open);
}
