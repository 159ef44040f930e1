/* accept.h: taking connections off a listening socket.
 *
 * One acceptor a listener, on the socket of the worker's slot. Accepting is
 * paused when the worker has all the connections it may have, or descriptors
 * have run out, and goes on when one is closed: what waits stays in the
 * kernel's queue, and nothing spins. */
#ifndef MUXD_WORKER_NET_ACCEPT_H
#define MUXD_WORKER_NET_ACCEPT_H

#include "worker/event/loop.h"
#include "worker/event/timer.h"
#include "worker/net/listener.h"

struct worker;

struct acceptor {
    struct watch watch;
    struct timer retry; /* after EMFILE and the like */
    bool watched;       /* by the loop: not while connections wait that it cannot take */
    struct worker *worker;
    const struct listener *listener;
    struct acceptor *own;          /* the worker's own one of the listener: maybe itself */
    struct acceptor *next, **link; /* in the list of all that accept; link NULL: it does not */
};

/* Starts accepting on every listener of the worker's set-up. False, with the
 * reason logged, when one cannot be watched. */
bool acceptors_open(struct worker *);

/* Starts accepting on one more socket of a listener; `own`, worker and listener are filled
 * in. False, with errno set, when it cannot be watched. */
bool acceptor_start(struct acceptor *, int fd);

/* It has been started, and not stopped. */
static inline bool acceptor_accepts(const struct acceptor *acceptor)
{
    return acceptor->link != NULL;
}

/* Stops accepting on it. */
void acceptor_stop(struct acceptor *);

/* The same for good: takes what waits there before, as nobody else may have been told of it. */
void acceptor_leave(struct acceptor *);

/* Looks whether connections wait in the sockets that workers share: the one that was told
 * of them may not come to take them. */
void acceptors_look(struct worker *);

/* Stops accepting; the sockets stay open. A worker that leaves takes what waits in them before. */
void acceptors_stop(struct worker *);

/* A connection was closed: goes on where accepting was paused. */
void acceptors_resume(struct worker *);

/* Frees the acceptors. */
void acceptors_close(struct worker *);

#endif
