/* relief.h: workers of a newer configuration accept where those of an older one did.
 *
 * Most old workers leave at once. One that has to empty a socket that goes away stays on,
 * but for that alone: the master says, in memory that it shares with the workers of a
 * configuration, which of their sockets a newer one's workers read, and on these they accept
 * no more. */
#ifndef MUXD_WORKER_NET_RELIEF_H
#define MUXD_WORKER_NET_RELIEF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;

/* The master writes, workers read. */
struct reliefs {
    _Atomic bool begun; /* written last */
    /* By listener: how many of its sockets, from the first one on, others read. */
    _Atomic uint32_t sockets[];
};

/* Others read this socket of the listener, both by their number. NULL: there are no others. */
static inline bool is_relieved(const struct reliefs *reliefs, size_t listener, unsigned socket)
{
    return reliefs != NULL && atomic_load_explicit(&reliefs->begun, memory_order_acquire) &&
           socket < atomic_load_explicit(&reliefs->sockets[listener], memory_order_relaxed);
}

/* Accepts no more where others do, and says so to the master. */
void relief_update(struct worker *);

#endif
