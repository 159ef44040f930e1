/* activation.h: listening sockets that the service manager has opened: sd_listen_fds(3). */
#ifndef MUXD_MASTER_ACTIVATION_H
#define MUXD_MASTER_ACTIVATION_H

#include "master/listeners.h"

/* Takes the sockets of $LISTEN_FDS, when they are meant for this process: a `listen` of the
 * same address uses them; $LISTEN_FDNAMES is for the log. They stay the manager's: they go on
 * listening when muxd leaves, and what waits in them then is for who comes next. One that the
 * configuration no longer names stays open, and takes nothing new until it is named again. */
void activation_inherit(struct listeners *, const struct log *);

#endif
