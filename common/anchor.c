#include "common/anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FOLDER_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC };

/* Of the process, like what they stand for: see the header. */
static struct {
    bool held;
    int root, current;
    int error; /* why `current` could not be opened */
} anchors;

bool anchors_hold(void)
{
    int root = open("/", FOLDER_FLAGS);

    if (root < 0)
        return false;
    anchors.root = root;
    /* A user who may not enter the folder that muxd was started in can open nothing from it. */
    anchors.current = open(".", FOLDER_FLAGS);
    anchors.error = errno;
    if (anchors.current < 0 && errno != EACCES && errno != ENOENT) {
        close(root);
        errno = anchors.error;
        return false;
    }
    anchors.held = true;
    return true;
}

int anchor_of(const char **path)
{
    const char *rest = *path;

    if (!anchors.held)
        return AT_FDCWD;
    if (*rest != '/') {
        if (anchors.current < 0)
            errno = anchors.error;
        return anchors.current;
    }
    while (*rest == '/')
        rest++;
    *path = *rest == '\0' ? "." : rest;
    return anchors.root;
}

int anchored_open(const char *path, int flags, mode_t mode)
{
    int folder = anchor_of(&path);

    return folder == -1 ? -1 : openat(folder, path, flags, mode);
}

DIR *anchored_open_folder(const char *path)
{
    int fd = anchored_open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC, 0);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (fd >= 0 && folder == NULL) {
        int error = errno;
        close(fd);
        errno = error;
    }
    return folder;
}
