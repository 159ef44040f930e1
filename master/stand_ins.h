/* stand_ins.h: queues that their own worker does not empty are emptied by its siblings.
 *
 * Connections that a socket had been given before they were steered elsewhere would wait
 * for as long as its worker is stalled or dead. The master says so in the memory that
 * the workers share (worker/net/stand_in.h). */
#ifndef MUXD_MASTER_STAND_INS_H
#define MUXD_MASTER_STAND_INS_H

#include "master/master.h"

/* Tells the workers of every configuration which sockets to stand in for, if that is a
 * change. */
void stand_ins_update(struct master *);

#endif
