#include "worker/handlers/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <unistd.h>

enum { NAME_TRIES = 100, COPY_PIECE = 1 << 20 };

/* A name that nobody has, we hope. */
static bool make_name(char name[32])
{
    uint64_t number;

    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return false;
    snprintf(name, 32, ".upload-%016llx", (unsigned long long)number);
    return true;
}

/* Where the file system has no files without names, or they could not be given one. */
static bool open_named(struct draft *draft)
{
    draft->fd = -1;
    for (unsigned try = 0; try < NAME_TRIES; try++) {
        if (!make_name(draft->name))
            break;
        draft->fd = openat(draft->folder, draft->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (draft->fd >= 0 || (errno != EEXIST && errno != EINTR))
            break;
    }
    if (draft->fd < 0)
        *draft->name = '\0';
    return draft->fd >= 0;
}

/* name_file needs /proc, which an empty root does not have. */
static bool can_be_named_later(void)
{
    return access("/proc/self/fd", X_OK) == 0;
}

bool draft_open(struct draft *draft, const struct place *place)
{
    *draft = (struct draft){ .folder = place->folder };
    if (!can_be_named_later())
        return open_named(draft);
    do
        draft->fd = openat(place->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    while (draft->fd < 0 && errno == EINTR);
    if (draft->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return draft->fd >= 0;
    return open_named(draft);
}

bool draft_write(struct draft *draft, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(draft->fd, bytes.at, bytes.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes = slice_from(bytes, (size_t)written);
    }
    return true;
}

bool draft_copy(struct draft *draft, int from)
{
    off_t at = 0;

    for (;;) {
        ssize_t copied = sendfile(draft->fd, from, &at, COPY_PIECE);
        if (copied < 0 && errno == EINTR)
            continue;
        if (copied <= 0)
            return copied == 0;
    }
}

static bool set_facts(int fd, const struct draft_facts *facts)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = facts->modified } };

    return fchmod(fd, facts->mode) == 0 && (facts->modified < 0 || futimens(fd, times) == 0);
}

/* Gives an unnamed file a name. */
static bool name_file(int fd, int folder, const char *name)
{
    char link[32];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, link, folder, name, AT_SYMLINK_FOLLOW) == 0;
}

/* A link takes no other file's name: it gets a name of its own first, and is renamed. */
static bool name_aside(struct draft *draft)
{
    for (unsigned try = 0; try < NAME_TRIES; try++) {
        if (!make_name(draft->name))
            break;
        if (name_file(draft->fd, draft->folder, draft->name))
            return true;
        if (errno != EEXIST)
            break;
    }
    *draft->name = '\0';
    return false;
}

static bool put(struct draft *draft, const struct place *place)
{
    if (*draft->name == '\0') {
        if (name_file(draft->fd, place->folder, place->name))
            return true;
        if (errno != EEXIST || !name_aside(draft))
            return false;
    }
    if (renameat(draft->folder, draft->name, place->folder, place->name) != 0)
        return false;
    *draft->name = '\0';
    return true;
}

bool draft_commit(struct draft *draft, const struct place *place, const struct draft_facts *facts)
{
    bool done = set_facts(draft->fd, facts) && put(draft, place);

    draft_drop(draft);
    return done;
}

void draft_drop(struct draft *draft)
{
    int error = errno;

    if (*draft->name != '\0')
        unlinkat(draft->folder, draft->name, 0);
    close(draft->fd);
    errno = error;
}

bool draft_place_file(int fd, const struct place *place, const struct draft_facts *facts)
{
    struct draft draft = { .fd = fd, .folder = place->folder };

    if (!set_facts(fd, facts))
        return false;
    if (put(&draft, place))
        return true;
    if (*draft.name != '\0') { /* the name was found, the place cannot be had */
        int error = errno;
        unlinkat(draft.folder, draft.name, 0);
        errno = error;
        return false;
    }
    /* Another file system, or a file whose only name was taken away. */
    if (errno != EXDEV && errno != ENOENT)
        return false;
    if (!draft_open(&draft, place))
        return false;
    if (draft_copy(&draft, fd))
        return draft_commit(&draft, place, facts);
    draft_drop(&draft);
    return false;
}
