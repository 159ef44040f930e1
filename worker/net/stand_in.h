/* stand_in.h: workers accept for a sibling that does not.
 *
 * Every worker has inherited the sockets of all slots. The master says, in memory that it
 * shares with the workers of a configuration, which of them nobody reads at present: the
 * worker of the slot is stalled, or dead and not followed yet. The others watch these
 * sockets beside their own until it is said no longer. */
#ifndef MUXD_WORKER_NET_STAND_IN_H
#define MUXD_WORKER_NET_STAND_IN_H

#include "worker/net/listener.h"

#include <signal.h>
#include <stdatomic.h>

struct worker;

/* What tells a worker that the master has written something new. */
enum { STAND_IN_SIGNAL = SIGUSR2 };

/* Sockets, by their number in each address's, that are not read by who should. The
 * master writes, workers read. */
struct unattended {
    _Atomic uint64_t bits[LISTENER_SOCKETS_MAX / 64];
};

/* The socket of this number is unattended. */
static inline bool is_unattended(const struct unattended *unattended, unsigned socket)
{
    uint64_t bits = atomic_load_explicit(&unattended->bits[socket / 64], memory_order_acquire);

    return (bits >> socket % 64 & 1) != 0;
}

/* Accepts on the sockets that are unattended, and no longer on those that are not. */
void stand_in_update(struct worker *);

/* Stops, and frees what it took. */
void stand_in_stop(struct worker *);

#endif
