/* folders.h: the folders that a configuration's workers write temporary files to. */
#ifndef MUXD_WORKER_FOLDERS_H
#define MUXD_WORKER_FOLDERS_H

#include "conf/directive.h"

#include <sys/types.h>

/* Makes each folder that is missing, mode 0700, and gives it to the workers' user
 * (`owner` (uid_t)-1: it stays whose it is). As nginx, -t makes them too. Problems go to
 * conf->messages; false then. */
bool worker_make_folders(struct conf *, uid_t owner);

/* Calls `visit` with each of them, with one that several scopes share perhaps more than once.
 * False when a visit was; the others are made all the same. */
bool worker_each_folder(const struct conf *, bool (*visit)(void *context, const char *path),
                        void *context);

#endif
