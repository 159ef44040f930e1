/* spawn.h: a new worker process. */
#ifndef MUXD_MASTER_SPAWN_H
#define MUXD_MASTER_SPAWN_H

#include "master/master.h"

/* Forks the worker of a slot of a generation, whose process is then filled in. False,
 * with the reason logged, when that failed. Returns in the master only. */
bool spawn_worker(struct master *, struct generation *, unsigned slot, uint64_t now);

#endif
