#include "worker/handlers/file_tree.h"

#include "worker/handlers/draft.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What is done with an entry of a folder. */
struct visit {
    /* False with errno. */
    bool (*entry)(struct visit *, const struct place *, unsigned depth);
    int to;    /* copying: the folder that is copied to */
    int error; /* removing: of the first failure */
};

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool is_too_deep(unsigned depth)
{
    errno = ELOOP;
    return depth > TREE_DEPTH_MAX;
}

static DIR *open_folder(const struct place *place)
{
    int fd = openat(place->folder, place->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (folder == NULL && fd >= 0) {
        int error = errno;
        close(fd);
        errno = error;
    }
    return folder;
}

/* Visits what is in the folder. False with errno when it, or an entry, failed. */
static bool visit_folder(struct visit *visit, const struct place *place, unsigned depth)
{
    struct dirent *entry;
    bool done = true;

    DIR *folder = is_too_deep(depth) ? NULL : open_folder(place);
    if (folder == NULL)
        return false;
    while (errno = 0, (entry = readdir(folder)) != NULL) {
        if (is_dots(entry->d_name))
            continue;
        done = visit->entry(visit, &(struct place){ dirfd(folder), entry->d_name }, depth + 1);
        if (!done)
            break;
    }
    int error = errno;
    closedir(folder);
    errno = error;
    return done && error == 0;
}

static bool stat_place(const struct place *place, struct stat *stat)
{
    return fstatat(place->folder, place->name, stat, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- removing --- */

/* Notes a failure; there may be more that can be removed. */
static void note(struct visit *visit)
{
    if (visit->error == 0)
        visit->error = errno;
}

static bool remove_entry(struct visit *visit, const struct place *place, unsigned depth)
{
    struct stat stat;

    if (!stat_place(place, &stat)) {
        note(visit);
        return true;
    }
    if (S_ISDIR(stat.st_mode) && !visit_folder(visit, place, depth))
        note(visit);
    else if (unlinkat(place->folder, place->name, S_ISDIR(stat.st_mode) ? AT_REMOVEDIR : 0) != 0)
        note(visit);
    return true;
}

bool tree_remove(const struct place *place)
{
    struct visit visit = { .entry = remove_entry };

    remove_entry(&visit, place, 0);
    errno = visit.error;
    return visit.error == 0;
}

/* --- copying --- */

bool tree_copy_file(int from, const struct place *to, mode_t mode)
{
    struct draft draft;
    struct stat stat;

    if (fstat(from, &stat) != 0 || !draft_open(&draft, to))
        return false;
    if (draft_copy(&draft, from))
        return draft_commit(&draft, to, &(struct draft_facts){ mode, stat.st_mtime });
    draft_drop(&draft);
    return false;
}

static bool copy_folder(const struct place *from, const struct place *to, const struct stat *stat,
                        unsigned depth);

static bool copy_entry(struct visit *visit, const struct place *from, unsigned depth)
{
    struct place to = { visit->to, from->name };
    struct stat stat;

    if (!stat_place(from, &stat))
        return false;
    if (S_ISDIR(stat.st_mode))
        return copy_folder(from, &to, &stat, depth);
    if (!S_ISREG(stat.st_mode))
        return true;
    int fd = openat(from->folder, from->name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool copied = tree_copy_file(fd, &to, stat.st_mode & 07777);
    int error = errno;
    close(fd);
    errno = error;
    return copied;
}

/* The folder can be written until all is in it. */
static bool copy_folder(const struct place *from, const struct place *to, const struct stat *stat,
                        unsigned depth)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, stat->st_mtim };
    struct visit visit = { .entry = copy_entry };

    if (is_too_deep(depth) || mkdirat(to->folder, to->name, 0700) != 0)
        return false;
    visit.to = openat(to->folder, to->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (visit.to < 0)
        return false;
    bool copied = visit_folder(&visit, from, depth) &&
                  fchmod(visit.to, stat->st_mode & 07777) == 0 && futimens(visit.to, times) == 0;
    int error = errno;
    close(visit.to);
    errno = error;
    return copied;
}

bool tree_copy(const struct place *from, const struct place *to)
{
    struct stat stat;

    return stat_place(from, &stat) && copy_folder(from, to, &stat, 0);
}
