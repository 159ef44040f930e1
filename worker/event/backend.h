/* backend.h: what a room behind loop.h provides. */
#ifndef MUXD_WORKER_EVENT_BACKEND_H
#define MUXD_WORKER_EVENT_BACKEND_H

#include "worker/event/loop.h"

/* One way to wait. Every function gets the room's own state; results are as
 * loop.h says of the function of the same name. */
struct loop_backend {
    const char *name;
    int descriptor_limit; /* highest descriptor it can watch, plus one */
    void *(*open)(unsigned descriptors);
    int (*add)(void *state, struct watch *, unsigned flags);
    void (*remove)(void *state, struct watch *);
    void (*forget)(void *state, struct watch *);
    int (*wait)(void *state, int timeout, void (*before)(void *), void *context);
    void (*close)(void *state);
};

extern const struct loop_backend epoll_backend;
extern const struct loop_backend select_backend;

#endif
