/* environment.h: the variables that workers keep: env. */
#ifndef MUXD_MASTER_ENVIRONMENT_H
#define MUXD_MASTER_ENVIRONMENT_H

#include "common/arena.h"

/* Replaces the process's environment: of `wanted` (struct slice: NAME or NAME=value),
 * those with a value, and those that are there now; TZ is kept in any case. In the
 * arena. False when memory is out; nothing is changed then. */
bool environment_set(const struct array *wanted, struct arena *);

#endif
