/* drain.h: sockets and workers that are no longer wanted leave without losing a
 * connection.
 *
 * New connections are steered elsewhere first. What waits in a socket that goes
 * away is then taken by the worker that has always read it: only when nothing is
 * left, and handshakes under way have had their time, is the socket closed and
 * the worker told to finish; on sockets that stay it accepts no more. Workers whose
 * sockets all stay are told at once: their successors read the same sockets. */
#ifndef MUXD_MASTER_DRAIN_H
#define MUXD_MASTER_DRAIN_H

#include "master/master.h"

/* A new configuration is in force: its predecessors leave. `retiring`: there are sockets
 * that it does not want. */
void drain_older(struct master *, bool retiring, uint64_t now);

/* QUIT: every socket and every worker leaves. */
void drain_all(struct master *, uint64_t now);

/* A socket of the slot is drained, and the slot's worker, of this generation, is who empties
 * it. */
bool drain_needs(const struct master *, const struct generation *, unsigned slot);

/* The step of the loop: what has drained is closed, who has nothing more to take is
 * told, and who has gone is forgotten. */
void drain_advance(struct master *, uint64_t now);

#endif
