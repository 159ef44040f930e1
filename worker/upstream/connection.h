/* connection.h: a connection to an upstream server, and the idle ones that are kept.
 *
 * It is watched by the worker's loop from connect to close, registered once. While it is
 * lent to a request, that sets what is called when it is ready or its time is up; an idle
 * one is closed as soon as anything comes from it. */
#ifndef MUXD_WORKER_UPSTREAM_CONNECTION_H
#define MUXD_WORKER_UPSTREAM_CONNECTION_H

#include "worker/event/loop.h"
#include "worker/event/timer.h"
#include "worker/upstream/group.h"
#include "worker/upstream/peers.h"

struct exchange;

struct upstream_connection {
    struct watch watch;
    struct timer timer;
    struct worker *worker;
    struct peer *peer;
    struct exchange *exchange;                   /* that it is lent to; NULL: idle */
    struct upstream_connection *newer, *older;   /* among the idle ones of its group */
    struct upstream_connection *previous, *next; /* among all of the worker */
    uint64_t started;                            /* monotonic ms of connect */
    uint64_t requests;                           /* made over it */
    bool reused;                                 /* it was idle before */
};

/* How a socket is made. */
struct connect_options {
    const struct address *from; /* proxy_bind; NULL: the kernel chooses */
    bool transparent;           /* `from` is no address of this machine */
    bool keepalive;             /* SO_KEEPALIVE */
};

/* Begins to connect to the peer: writable once it is through, or has failed (SO_ERROR).
 * NULL with errno set: not even begun. The caller sets watch.on_ready, timer.fire and
 * exchange. */
struct upstream_connection *upstream_connect(struct worker *, struct peer *,
                                             const struct connect_options *);

/* An idle connection to the peer, taken out of the pool; NULL: there is none. */
struct upstream_connection *upstream_take_idle(struct peer *);

/* Gives a connection on which nothing is outstanding to its group's pool, or closes it when
 * that has no room, or it is used up. */
void upstream_keep(struct upstream_connection *);

/* Closes the idle connections to peers that are not in the group's set any more. */
void upstream_close_gone(struct upstream_group *);

/* Closes it. NULL is ignored. */
void upstream_close(struct upstream_connection *);

/* Closes all, when the worker ends. */
void upstream_close_all(struct worker *);

#endif
