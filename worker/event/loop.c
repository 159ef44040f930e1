#include "worker/event/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct loop {
    const struct loop_backend *backend;
    void *state;
};

static const struct loop_backend *const backends[] = { &epoll_backend, &select_backend };

const char *const *loop_names(void)
{
    static const char *const names[] = { "epoll", "select", NULL };
    return names;
}

static const struct loop_backend *backend_find(const char *name)
{
    if (name == NULL)
        return backends[0];
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}

struct loop *loop_open(const char *name, unsigned descriptors)
{
    const struct loop_backend *backend = backend_find(name);

    if (backend == NULL) {
        errno = EINVAL;
        return NULL;
    }
    struct loop *loop = malloc(sizeof *loop);
    if (loop == NULL)
        return NULL;
    loop->backend = backend;
    loop->state = backend->open(descriptors);
    if (loop->state == NULL) {
        free(loop);
        return NULL;
    }
    return loop;
}

const char *loop_name(const struct loop *loop)
{
    return loop->backend->name;
}

int loop_descriptor_limit(const struct loop *loop)
{
    return loop->backend->descriptor_limit;
}

int loop_add(struct loop *loop, struct watch *watch, unsigned flags)
{
    if ((flags & WATCH_USED) == 0) {
        watch->readable = false;
        watch->writable = true;
    }
    watch->hangup = false;
    watch->flags = (uint8_t)flags;
    watch->slot = 0;
    return loop->backend->add(loop->state, watch, flags);
}

void loop_remove(struct loop *loop, struct watch *watch)
{
    loop->backend->remove(loop->state, watch);
}

void loop_forget(struct loop *loop, struct watch *watch)
{
    loop->backend->forget(loop->state, watch);
}

int loop_wait(struct loop *loop, int timeout, void (*before)(void *), void *context)
{
    return loop->backend->wait(loop->state, timeout, before, context);
}

void loop_close(struct loop *loop)
{
    loop->backend->close(loop->state);
    free(loop);
}
