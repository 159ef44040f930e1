#include "master/control_call.h"

#include "master/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 * 1024 }; /* of an answer; a longer one is none */

int control_connect(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    struct timeval patience = { .tv_sec = CONTROL_PATIENCE / 1000 };

    if (!control_path_fits(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(name.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(fd, (struct sockaddr *)&name, sizeof name) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool send_all(int fd, struct slice text)
{
    while (text.len > 0) {
        ssize_t sent = send(fd, text.at, text.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        text = slice_from(text, (size_t)sent);
    }
    return true;
}

/* A master that has too many clients answers, and closes, before it is asked. */
static bool send_request(int fd, const char *request)
{
    return (send_all(fd, slice_of(request)) && send_all(fd, SLICE("\n"))) || errno == EPIPE;
}

/* What one line of an answer says: the status it ends with; -1: it goes on; -2: it is none. */
static int take_line(struct control_reader *reader, struct slice line)
{
    enum { GOES_ON = -1, NO_ANSWER = -2, WORD = sizeof "out " - 1 };
    struct slice rest = slice_from(line, line.len < WORD ? line.len : WORD);

    if (slice_starts(line, SLICE("end ")))
        return slice_is(rest, "0") ? EXIT_SUCCESS : EXIT_FAILURE;
    bool is_error = slice_starts(line, SLICE("err "));
    if (!is_error && !slice_starts(line, SLICE("out ")))
        return NO_ANSWER;
    reader->line(reader, is_error, rest);
    return GOES_ON;
}

/* Reads lines until one ends the answer. */
static int read_answer(FILE *in, char *line, struct control_reader *reader)
{
    for (;;) {
        if (fgets(line, LINE_MAX_BYTES, in) == NULL) {
            errno = feof(in) ? EPIPE : errno;
            return -1;
        }
        struct slice text = slice_of(line);
        if (!slice_ends(text, SLICE("\n")))
            break;
        int status = take_line(reader, slice_first(text, text.len - 1));
        if (status >= 0)
            return status;
        if (status < -1)
            break;
    }
    errno = EPROTO;
    return -1;
}

int control_call(int fd, const char *request, struct control_reader *reader)
{
    int status = -1;
    int copy = send_request(fd, request) ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    FILE *in = copy >= 0 ? fdopen(copy, "r") : NULL;
    char *line = malloc(LINE_MAX_BYTES);

    if (in != NULL && line != NULL)
        status = read_answer(in, line, reader);
    int error = errno;
    free(line);
    if (in != NULL)
        fclose(in);
    else if (copy >= 0)
        close(copy);
    errno = error;
    return status;
}

static void print_line(struct control_reader *reader, bool is_error, struct slice text)
{
    (void)reader;
    FILE *out = is_error ? stderr : stdout;

    fwrite(text.at, 1, text.len, out);
    putc('\n', out);
}

int control_call_printing(int fd, const char *request)
{
    struct control_reader printer = { .line = print_line };
    int status = control_call(fd, request, &printer);

    return fflush(stdout) == 0 ? status : -1;
}
