#include "worker/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

enum { NAME_TRIES = 100 };

/* Where O_TMPFILE is not known: a name that nobody has, taken away at once. */
static int open_named(const char *folder)
{
    char name[PATH_MAX];
    uint64_t number;

    for (unsigned try = 0; try < NAME_TRIES; try++) {
        if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
            continue;
        int len = snprintf(name, sizeof name, "%s/%016llx", folder, (unsigned long long)number);
        if (len < 0 || (size_t)len >= sizeof name) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0)
            unlink(name);
        if (fd >= 0 || (errno != EEXIST && errno != EINTR))
            return fd;
    }
    errno = EEXIST;
    return -1;
}

int temp_file_open(const char *folder)
{
    int fd;

    do
        fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    while (fd < 0 && errno == EINTR);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT))
        return open_named(folder);
    return fd;
}
