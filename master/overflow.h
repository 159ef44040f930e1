/* overflow.h: connections that the kernel turns away, as the queue of their listening socket
 * is full.
 *
 * Clients see a connection that takes seconds, or none at all; the server sees nothing. The
 * kernel counts them for each TCP socket (SO_MEMINFO, socket(7)); of unix sockets it only
 * shows how many wait. */
#ifndef MUXD_MASTER_OVERFLOW_H
#define MUXD_MASTER_OVERFLOW_H

#include "common/log.h"

struct listeners;

/* What is known of the sockets of one address. Zero-initialise. */
struct overflow {
    bool begun;
    uint64_t seen;   /* what the kernel has counted, at the last look */
    uint64_t unsaid; /* counted, and not logged yet */
    uint64_t said;   /* monotonic ms of the last line in the log; 0: none yet */
};

enum { OVERFLOW_SAID_EVERY = 60000 /* ms */ };

/* Looks at all sockets, and logs what was turned away since the last time that it was logged:
 * at once when that was OVERFLOW_SAID_EVERY ago. */
void overflow_look(struct listeners *, const struct log *, uint64_t now);

#endif
