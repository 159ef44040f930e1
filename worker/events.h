/* events.h: the events block: how a worker waits, and for how many clients. */
#ifndef MUXD_WORKER_EVENTS_H
#define MUXD_WORKER_EVENTS_H

#include "worker/modules.h"

struct events_settings {
    const char *use; /* name of the loop; NULL: the best */
    uint64_t worker_connections;
    bool multi_accept, accept_mutex; /* accepted; muxd accepts what waits, from its own socket */
    uint64_t accept_mutex_delay;
    uint64_t worker_aio_requests; /* accepted; files are read from the page cache */
};

extern const struct conf_module events_module;

/* The settings of the events block of a loaded configuration. */
const struct events_settings *events_settings(const struct conf *);

#endif
