/* epoll(7), edge-triggered: each descriptor is registered once, for reading and
 * writing together, and never modified. Listeners are level-triggered. */
#include "worker/event/backend.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    EPOLL_BATCH = 256,
    CACHE_LINE = 64, /* bytes */
    OWNER_LINES = 3, /* of what a watch stands at the beginning of: a connection's */
};

struct epoll_state {
    int fd;
    unsigned watches, limit;
    int at, count; /* of the batch that is being handled */
    struct epoll_event events[EPOLL_BATCH];
};

static void *epoll_open(unsigned descriptors)
{
    struct epoll_state *state = calloc(1, sizeof *state);

    if (state == NULL)
        return NULL;
    state->limit = descriptors;
    state->fd = epoll_create1(EPOLL_CLOEXEC);
    if (state->fd < 0) {
        free(state);
        return NULL;
    }
    return state;
}

static int epoll_add(void *opaque, struct watch *watch, unsigned flags)
{
    struct epoll_state *state = opaque;
    struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = watch };

    if (state->watches >= state->limit) {
        errno = EMFILE;
        return -1;
    }
    if (flags & WATCH_LISTENER)
        event.events = EPOLLIN | (flags & WATCH_SHARED ? EPOLLEXCLUSIVE : 0);
    else
        event.events |= EPOLLOUT | EPOLLRDHUP;
    if (epoll_ctl(state->fd, EPOLL_CTL_ADD, watch->fd, &event) < 0)
        return -1;
    state->watches++;
    return 0;
}

/* What is ready next comes into the processor's cache while the one before it is served: among
 * thousands its memory is cold. */
static void prefetch(const struct watch *watch)
{
    for (size_t line = 0; line < OWNER_LINES; line++)
        __builtin_prefetch((const char *)watch + line * CACHE_LINE);
}

/* It may be ready in the batch at hand, and its memory may be used again. */
static void leave_batch(struct epoll_state *state, const struct watch *watch)
{
    for (int i = state->at + 1; i < state->count; i++)
        if (state->events[i].data.ptr == watch)
            state->events[i].data.ptr = NULL;
}

static void epoll_remove(void *opaque, struct watch *watch)
{
    struct epoll_state *state = opaque;

    if (epoll_ctl(state->fd, EPOLL_CTL_DEL, watch->fd, NULL) == 0)
        state->watches--;
    leave_batch(state, watch);
}

static void epoll_forget(void *opaque, struct watch *watch)
{
    struct epoll_state *state = opaque;

    state->watches--;
    leave_batch(state, watch);
}

static void epoll_mark(struct watch *watch, uint32_t events)
{
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        watch->readable = true;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        watch->writable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        watch->hangup = true;
}

static int epoll_turn(void *opaque, int timeout, void (*before)(void *), void *context)
{
    struct epoll_state *state = opaque;
    int called = 0;

    state->count = epoll_wait(state->fd, state->events, EPOLL_BATCH, timeout);
    int error = state->count < 0 ? errno : 0;
    if (before != NULL)
        before(context);
    if (error != 0) {
        state->count = 0;
        errno = error;
        return error == EINTR ? 0 : -1;
    }
    for (state->at = 0; state->at < state->count; state->at++) {
        struct watch *watch = state->events[state->at].data.ptr;
        if (state->at + 1 < state->count)
            prefetch(state->events[state->at + 1].data.ptr);
        if (watch == NULL)
            continue;
        bool only_writable = watch->writable && state->events[state->at].events == EPOLLOUT;
        epoll_mark(watch, state->events[state->at].events);
        if (only_writable) /* known before: a new socket's first report */
            continue;
        watch->on_ready(watch);
        called++;
    }
    state->count = 0;
    return called;
}

static void epoll_close(void *opaque)
{
    struct epoll_state *state = opaque;

    close(state->fd);
    free(state);
}

const struct loop_backend epoll_backend = {
    .name = "epoll",
    .descriptor_limit = INT_MAX,
    .open = epoll_open,
    .add = epoll_add,
    .remove = epoll_remove,
    .forget = epoll_forget,
    .wait = epoll_turn,
    .close = epoll_close,
};
