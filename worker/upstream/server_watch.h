/* server_watch.h: server ... resolve: a name that is looked up whenever the last answer is too
 * old, while the worker runs; the group gets a new set of peers when the answer is another.
 *
 * What cannot be looked up stays as it was; a name that does not exist (any more) has no
 * servers. A service is looked up in two steps: its SRV records, and the addresses of the
 * servers that they name. */
#ifndef MUXD_WORKER_UPSTREAM_SERVER_WATCH_H
#define MUXD_WORKER_UPSTREAM_SERVER_WATCH_H

#include "worker/upstream/group.h"
#include "worker/upstream/peers.h"

/* Begins to look up the server's name. False: memory is out. */
bool server_watch_start(struct worker *, struct upstream_group *, struct group_server *);

/* Ends that; nothing when it was not begun. */
void server_watch_stop(struct group_server *);

#endif
