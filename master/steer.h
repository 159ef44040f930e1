/* steer.h: new connections go to the workers that can take them. */
#ifndef MUXD_MASTER_STEER_H
#define MUXD_MASTER_STEER_H

#include "master/master.h"

/* Sends new connections, on every address of the configuration in force, to the sockets
 * whose worker is in service, if that is a change. */
void steer_connections(struct master *);

#endif
