#include "worker/handlers/user_file.h"

#include "common/anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 4096 };

enum line_state {
    LINE_USER,  /* as yet the user's name */
    LINE_HASH,  /* the name was the user's */
    LINE_OTHER, /* somebody else's: up to its end */
    LINE_FOUND,
};

struct reader {
    enum line_state state;
    struct slice user;
    size_t matched; /* bytes of the name */
    char *hash;
    size_t hash_len;
};

static enum line_state take_name(struct reader *reader, char c)
{
    if (reader->matched == 0 && c == '\n')
        return LINE_USER;
    if (reader->matched == 0 && c == '#')
        return LINE_OTHER;
    if (reader->matched == reader->user.len)
        return c == ':' ? LINE_HASH : c == '\n' ? LINE_USER : LINE_OTHER;
    if (c == reader->user.at[reader->matched]) {
        reader->matched++;
        return LINE_USER;
    }
    return c == '\n' ? LINE_USER : LINE_OTHER;
}

static enum line_state take_hash(struct reader *reader, char c)
{
    if (c == '\n' || c == '\r' || c == ':')
        return LINE_FOUND;
    if (reader->hash_len < USER_HASH_MAX)
        reader->hash[reader->hash_len++] = c;
    return LINE_HASH;
}

static enum line_state take(struct reader *reader, char c)
{
    switch (reader->state) {
    case LINE_USER:
        return take_name(reader, c);
    case LINE_HASH:
        return take_hash(reader, c);
    case LINE_OTHER:
        return c == '\n' ? LINE_USER : LINE_OTHER;
    case LINE_FOUND:
        break;
    }
    return LINE_FOUND;
}

static void take_all(struct reader *reader, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len && reader->state != LINE_FOUND; i++) {
        reader->state = take(reader, bytes.at[i]);
        if (bytes.at[i] == '\n')
            reader->matched = 0;
    }
}

/* Never waits for the other end of a pipe. */
static int open_file(const char *path)
{
    struct stat stat;
    int fd = anchored_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);

    if (fd < 0 || (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode)))
        return fd;
    close(fd);
    errno = EISDIR;
    return -1;
}

enum user_file_result user_file_find(const char *path, struct slice user,
                                     char hash[USER_HASH_MAX + 1])
{
    struct reader reader = { .state = LINE_USER, .user = user, .hash = hash };
    char bytes[READ_SIZE];
    ssize_t got;
    int fd = open_file(path);

    if (fd < 0)
        return USER_FILE_FAILED;
    do {
        got = read(fd, bytes, sizeof bytes);
        if (got > 0)
            take_all(&reader, slice_make(bytes, (size_t)got));
    } while ((got > 0 && reader.state != LINE_FOUND) || (got < 0 && errno == EINTR));
    int error = errno;
    close(fd);
    errno = error;
    hash[reader.hash_len] = '\0';
    if (got < 0)
        return USER_FILE_FAILED;
    return reader.state == LINE_FOUND || reader.state == LINE_HASH ? USER_FOUND : USER_UNKNOWN;
}
