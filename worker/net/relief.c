#include "worker/net/relief.h"

#include "worker/context.h"
#include "worker/net/accept.h"

void relief_update(struct worker *worker)
{
    const struct worker_setup *setup = worker->setup;
    const struct reliefs *reliefs = setup->reliefs;

    if (reliefs == NULL || !atomic_load_explicit(&reliefs->begun, memory_order_acquire))
        return;
    for (size_t i = 0; i < setup->listener_count; i++) {
        struct acceptor *acceptor = &worker->acceptors[i];
        unsigned socket = listener_socket_number(acceptor->listener, setup->slot);
        if (acceptor_accepts(acceptor) && is_relieved(reliefs, i, socket))
            acceptor_leave(acceptor);
    }
    atomic_store_explicit(&setup->shared->relieved, true, memory_order_relaxed);
}
