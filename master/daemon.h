/* daemon.h: leaving the terminal. */
#ifndef MUXD_MASTER_DAEMON_H
#define MUXD_MASTER_DAEMON_H

#include "common/log.h"

#include <stdbool.h>

/* Goes on in a new process without a terminal: of its own session, with umask
 * 0 (nginx's), standard input and output at /dev/null. The calling process waits for
 * daemon_ready and exits with status 0; with 1 when the new one ends before that.
 * *ready is for daemon_ready. False, with the reason logged, on failure. */
bool daemon_start(const struct log *, int *ready);

/* The pid file is written: whoever has started muxd may look for it. */
void daemon_ready(int ready);

#endif
