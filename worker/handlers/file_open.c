#include "worker/handlers/file_open.h"

#include "common/anchor.h"
#include "common/read_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    FOLDER_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC,
    FILE_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, /* a FIFO must not make us wait */
    READ_TRIES = 2, /* a file that is cut short while it is read is opened once more */
};

/* open(2) that a signal does not break off. */
static int open_at(int folder, const char *name, int flags)
{
    int fd;

    do
        fd = openat(folder, name, flags);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* Closes and keeps errno. */
static void close_quietly(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
}

static int open_path(const char *path, int flags)
{
    int fd;

    do
        fd = anchored_open(path, flags, 0);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* openat2(2), which libc has no name for: the kernel itself refuses what `resolve` forbids. */
static int open_resolved(int folder, const char *name, int flags, uint64_t resolve)
{
    struct open_how how = { .flags = (unsigned)flags, .resolve = resolve };
    long fd;

    do
        fd = syscall(SYS_openat2, folder, name, &how, sizeof how);
    while (fd < 0 && errno == EINTR);
    return (int)fd;
}

static int open_path_resolved(const char *path, int flags, uint64_t resolve)
{
    int folder = anchor_of(&path);

    return folder == -1 ? -1 : open_resolved(folder, path, flags, resolve);
}

/* A kernel before 5.6, or a container's filter that does not know the call. */
static bool is_unknown_call(int error)
{
    return error == ENOSYS || error == EPERM;
}

/* Follows links, but not those of /proc that lead to other processes' roots and files. */
static int open_followed(const char *path, int flags)
{
    int fd = open_path_resolved(path, flags, RESOLVE_NO_MAGICLINKS);

    return fd < 0 && is_unknown_call(errno) ? open_path(path, flags) : fd;
}

/* In one call, for a guard that refuses links. What it fails for is found out by the walk, which
 * has nginx's errors. */
static int open_without_links(struct slice path, size_t from, int flags)
{
    char base[PATH_MAX];

    if (from == 0)
        return open_path_resolved(path.at, flags, RESOLVE_NO_SYMLINKS);
    if (from >= sizeof base)
        return -1;
    memcpy(base, path.at, from);
    base[from] = '\0';
    int folder = open_path(base, FOLDER_FLAGS);
    if (folder < 0)
        return -1;
    const char *name = path.at + from + 1;
    int fd = open_resolved(folder, *name == '\0' ? "." : name, flags,
                           RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    close_quietly(folder);
    return fd;
}

/* Opens what may be a link only when the link's owner also owns what it leads to. */
static int open_of_owner(int folder, const char *name, int flags)
{
    struct stat link, target;
    int fd = open_at(folder, name, flags);

    if (fd < 0)
        return -1;
    if (fstatat(folder, name, &link, AT_SYMLINK_NOFOLLOW) < 0 || fstat(fd, &target) < 0) {
        close_quietly(fd);
        return -1;
    }
    if (!S_ISLNK(link.st_mode) || link.st_uid == target.st_uid)
        return fd;
    close(fd);
    errno = ELOOP;
    return -1;
}

static int open_step(int folder, const char *name, int flags, enum symlinks mode)
{
    return mode == SYMLINKS_OF_OWNER ? open_of_owner(folder, name, flags)
                                     : open_at(folder, name, flags | O_NOFOLLOW);
}

/* A walk through the components of a path. */
struct walk {
    int folder; /* descriptor of the folder reached */
    char *name; /* what is left; the last component at the end; "" after a trailing '/' */
};

/* Steps into every folder but the last component. False with errno, all closed. */
static bool walk_folders(struct walk *walk, enum symlinks mode)
{
    for (;;) {
        char *slash = strchr(walk->name, '/');
        if (slash == NULL)
            return true;
        *slash = '\0';
        int next = slash == walk->name ? walk->folder
                                       : open_step(walk->folder, walk->name, FOLDER_FLAGS, mode);
        if (next != walk->folder)
            close_quietly(walk->folder);
        if (next < 0)
            return false;
        walk->folder = next;
        walk->name = slash + 1;
    }
}

/* The folder of the path's last component, and its name, in `text`. */
static bool walk_to_last(struct slice path, struct path_guard guard, char text[PATH_MAX],
                         struct walk *walk)
{
    if (path.len >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(text, path.at, path.len + 1);
    walk->name = text + 1;
    if (guard.from > 0) {
        text[guard.from] = '\0';
        walk->name = text + guard.from + 1;
    }
    walk->folder = open_path(guard.from > 0 ? text : "/", FOLDER_FLAGS);
    return walk->folder >= 0 && walk_folders(walk, guard.mode);
}

int guarded_open(struct slice path, struct path_guard guard)
{
    char text[PATH_MAX];
    struct walk walk;

    if (guard.mode == SYMLINKS_FOLLOWED)
        return open_followed(path.at, FILE_FLAGS);
    if (guard.mode == SYMLINKS_REFUSED) {
        int fd = open_without_links(path, guard.from, FILE_FLAGS);
        if (fd >= 0)
            return fd;
    }
    if (!walk_to_last(path, guard, text, &walk))
        return -1;
    int fd = *walk.name == '\0' ? open_at(walk.folder, ".", FILE_FLAGS)
                                : open_step(walk.folder, walk.name, FILE_FLAGS, guard.mode);
    close_quietly(walk.folder);
    return fd;
}

/* --- places --- */

static struct slice without_slashes(struct slice path)
{
    while (path.len > 0 && path.at[path.len - 1] == '/')
        path.len--;
    return path;
}

/* The guard for a part of the path that it was made for: the part may end before `from` does. */
static struct path_guard guard_of_part(struct path_guard guard, size_t len)
{
    if (guard.from >= len)
        guard.mode = SYMLINKS_FOLLOWED;
    return guard;
}

/* With links followed, the kernel does the walking. */
static bool walk_freely(char text[PATH_MAX], struct walk *walk)
{
    char *slash = strrchr(text, '/');

    *slash = '\0';
    walk->name = slash + 1;
    walk->folder = open_followed(slash == text ? "/" : text, FOLDER_FLAGS);
    return walk->folder >= 0;
}

bool place_open(struct slice path, struct path_guard guard, char text[PATH_MAX],
                struct place *place)
{
    char copy[PATH_MAX];
    struct walk walk;

    path = without_slashes(path);
    if (path.len == 0 || path.len >= PATH_MAX) {
        errno = path.len == 0 ? EINVAL : ENAMETOOLONG;
        return false;
    }
    memcpy(text, path.at, path.len);
    text[path.len] = '\0';
    guard = guard_of_part(guard, path.len);
    if (guard.mode == SYMLINKS_FOLLOWED) {
        if (!walk_freely(text, &walk))
            return false;
    } else {
        memcpy(copy, text, path.len + 1);
        if (!walk_to_last(slice_make(copy, path.len), guard, text, &walk))
            return false;
    }
    *place = (struct place){ walk.folder, walk.name };
    return true;
}

void place_close(struct place *place)
{
    close_quietly(place->folder);
}

/* One that is there already is as good. */
static bool make_folder(struct slice path, struct path_guard guard, mode_t mode)
{
    char text[PATH_MAX];
    struct place place;

    if (!place_open(path, guard, text, &place))
        return false;
    bool made = mkdirat(place.folder, place.name, mode) == 0 &&
                fchmodat(place.folder, place.name, mode, 0) == 0; /* whatever the umask */
    bool there = !made && errno == EEXIST;
    place_close(&place);
    return made || there;
}

bool place_make_folders(struct slice path, struct path_guard guard, mode_t mode)
{
    path = without_slashes(path);
    for (size_t at = 1; at < path.len; at++)
        if (path.at[at] == '/' && path.at[at - 1] != '/' &&
            !make_folder(slice_first(path, at), guard_of_part(guard, at), mode))
            return false;
    return true;
}

/* --- stat --- */

/* stat of the last component: a link is refused, or followed if its owner is its target's. */
static int stat_last(const struct walk *walk, enum symlinks mode, struct stat *stat)
{
    struct stat target;

    if (*walk->name == '\0')
        return fstat(walk->folder, stat) < 0 ? errno : 0;
    if (fstatat(walk->folder, walk->name, stat, AT_SYMLINK_NOFOLLOW) < 0)
        return errno;
    if (!S_ISLNK(stat->st_mode))
        return 0;
    if (mode == SYMLINKS_REFUSED)
        return ELOOP;
    if (fstatat(walk->folder, walk->name, &target, 0) < 0)
        return errno;
    if (stat->st_uid != target.st_uid)
        return ELOOP;
    *stat = target;
    return 0;
}

int guarded_stat(struct slice path, struct path_guard guard, struct stat *result)
{
    char text[PATH_MAX];
    struct walk walk;

    if (guard.mode == SYMLINKS_FOLLOWED)
        return stat(path.at, result) < 0 ? errno : 0;
    if (guard.mode == SYMLINKS_REFUSED) {
        int fd = open_without_links(path, guard.from, O_PATH | O_CLOEXEC);
        if (fd >= 0) {
            int error = fstat(fd, result) < 0 ? errno : 0;
            close(fd);
            return error;
        }
    }
    if (!walk_to_last(path, guard, text, &walk))
        return errno;
    int error = stat_last(&walk, guard.mode, result);
    close(walk.folder);
    return error;
}

enum file_kind stat_kind(const struct stat *stat)
{
    if (S_ISREG(stat->st_mode))
        return FILE_REGULAR;
    return S_ISDIR(stat->st_mode) ? FILE_DIRECTORY : FILE_OTHER;
}

/* --- small files --- */

/* Takes the content into memory and closes the file. False: it stays open. */
static bool take_content(struct opened *opened)
{
    size_t size = (size_t)opened->stat.st_size;

    opened->content = malloc(size + 1);
    if (opened->content == NULL)
        return false;
    if (!read_exactly(opened->fd, opened->content, size, 0)) {
        free(opened->content);
        opened->content = NULL;
        return false;
    }
    close(opened->fd);
    opened->fd = -1;
    return true;
}

/* One try of path_open; *whole false: the content could not be read, the file is open. */
static int open_once(struct slice path, struct path_guard guard, size_t content_max,
                     struct opened *opened, bool *whole)
{
    *whole = true;
    *opened = (struct opened){ .fd = guarded_open(path, guard) };
    if (opened->fd < 0 && errno == ENXIO) { /* a socket: it cannot be opened, only known */
        int error = guarded_stat(path, guard, &opened->stat);
        opened->kind = stat_kind(&opened->stat);
        return error != 0 ? error : opened->kind == FILE_REGULAR ? ENXIO : 0;
    }
    if (opened->fd < 0)
        return errno;
    if (fstat(opened->fd, &opened->stat) < 0) {
        int error = errno;
        close(opened->fd);
        return error;
    }
    opened->kind = stat_kind(&opened->stat);
    if (opened->kind != FILE_REGULAR) {
        close(opened->fd);
        opened->fd = -1;
    } else if ((uint64_t)opened->stat.st_size <= content_max) {
        *whole = take_content(opened);
    }
    return 0;
}

int path_open(struct slice path, struct path_guard guard, size_t content_max, struct opened *opened)
{
    bool whole;
    int error = 0;

    for (int tries = 0; tries < READ_TRIES; tries++) {
        if (tries > 0)
            close(opened->fd);
        error = open_once(path, guard, content_max, opened, &whole);
        if (error != 0 || whole)
            return error;
    }
    return 0; /* it keeps changing: it is sent from its descriptor */
}
