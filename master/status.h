/* status.h: the master's part of the counters: who writes where, and what only it knows. */
#ifndef MUXD_MASTER_STATUS_H
#define MUXD_MASTER_STATUS_H

#include "master/master.h"

/* Makes the board. False, with the reason logged, when there is no memory. */
bool status_open(struct master *);

/* For a worker about to be forked: gives its generation's zones their series, if they have
 * none yet, and the worker a lane. NULL, with a warning logged, when all lanes are taken: the
 * worker then counts for itself. */
struct lane *status_lend(struct master *, struct generation *, unsigned slot);

/* The worker of the slot lives and has this process number. */
void status_started(const struct generation *, unsigned slot);

/* Says on the board how the workers are by now. */
void status_update(const struct master *);

/* The command `status` of the control socket: the counters as Prometheus' text. */
void status_command(struct master *, struct control_client *, struct slice arguments, uint64_t now);

#endif
