#include "common/read_write.h"

#include <errno.h>
#include <unistd.h>

ssize_t read_up_to(int fd, void *room, size_t len, uint64_t offset)
{
    size_t done = 0;

    while (done < len) {
        ssize_t got = pread(fd, (char *)room + done, len - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

bool read_exactly(int fd, void *room, size_t len, uint64_t offset)
{
    ssize_t got = read_up_to(fd, room, len, offset);

    if (got >= 0 && (size_t)got < len)
        errno = EIO;
    return got == (ssize_t)len;
}

bool write_exactly(int fd, struct slice bytes, uint64_t offset)
{
    while (bytes.len > 0) {
        ssize_t written = pwrite(fd, bytes.at, bytes.len, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = ENOSPC;
        if (written <= 0)
            return false;
        offset += (uint64_t)written;
        bytes = slice_from(bytes, (size_t)written);
    }
    return true;
}
