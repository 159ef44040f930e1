/* keeper.h: the upkeep of a worker's caches: what is too much or too old is removed, and after
 * a start the files that are there are found.
 *
 * Looking through folders and removing files takes time that no client should wait: a thread of
 * the worker does it. Each worker has one; of a cache only one at a time takes care, and if
 * its process ends another one takes its place. The thread touches nothing of the worker but its
 * configuration and log: all else it shares by the zone. */
#ifndef MUXD_WORKER_CACHE_KEEPER_H
#define MUXD_WORKER_CACHE_KEEPER_H

#include "common/log.h"
#include "conf/directive.h"

struct cache_keeper;

/* Starts the keeper of a configuration's caches; *keeper is NULL when it has none. 0, or an errno
 * value. */
int cache_keeper_start(const struct conf *, const struct log *, struct cache_keeper **keeper);

/* Ends it, waiting until it is done with what is under way; NULL is nothing. */
void cache_keeper_stop(struct cache_keeper *);

#endif
