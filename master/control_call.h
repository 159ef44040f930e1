/* control_call.h: the other side of the control socket: speaking to a running master. */
#ifndef MUXD_MASTER_CONTROL_CALL_H
#define MUXD_MASTER_CONTROL_CALL_H

#include "common/slice.h"

#include <stdbool.h>

enum {
    CONTROL_PATIENCE = 60000, /* ms without a word from the master */
};

/* A connection to the master whose control socket has this path; -1 with errno set:
 * ENOENT and ECONNREFUSED when no master listens there. To be closed. */
int control_connect(const char *path);

/* Who is told the lines of an answer. */
struct control_reader {
    void (*line)(struct control_reader *, bool is_error, struct slice text);
};

/* Sends a request, and reads its answer to the end. The exit status it ends with, 0 or 1;
 * -1 with errno set when the connection fails before: EPIPE when the master has left,
 * EAGAIN when it is silent, EPROTO when what it says is no answer. */
int control_call(int fd, const char *request, struct control_reader *);

/* The same, with the lines written to standard output and standard error. */
int control_call_printing(int fd, const char *request);

#endif
