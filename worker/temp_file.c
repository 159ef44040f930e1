#include "worker/temp_file.h"

#include "common/anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

enum { NAME_TRIES = 100 };

int temp_file_named(const char *folder, char name[static PATH_MAX])
{
    uint64_t number;

    for (unsigned try = 0; try < NAME_TRIES; try++) {
        if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
            continue;
        int len = snprintf(name, PATH_MAX, "%s/%016llx", folder, (unsigned long long)number);
        if (len < 0 || len >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = anchored_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 || (errno != EEXIST && errno != EINTR))
            return fd;
    }
    errno = EEXIST;
    return -1;
}

/* Where O_TMPFILE is not known: a name that nobody has, taken away at once. */
static int open_named(const char *folder)
{
    char name[PATH_MAX];
    int fd = temp_file_named(folder, name);

    if (fd >= 0)
        unlink(name);
    return fd;
}

int temp_file_open(const char *folder)
{
    int fd;

    do
        fd = anchored_open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    while (fd < 0 && errno == EINTR);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT))
        return open_named(folder);
    return fd;
}
