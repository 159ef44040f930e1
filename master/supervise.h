/* supervise.h: the master's loop. */
#ifndef MUXD_MASTER_SUPERVISE_H
#define MUXD_MASTER_SUPERVISE_H

#include "master/master.h"

/* Starts the workers of the configuration in force, and keeps them going until the
 * master is told to leave and the last one has gone. */
void supervise(struct master *);

#endif
