/* select(2): the kernel is asked, each turn, only for what is not known to be
 * ready. Descriptors from FD_SETSIZE on are refused: an fd_set has no bits for
 * them. */
#include "worker/event/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

enum { MEMORY_PAUSE = 10000000 }; /* ns until a call that found no memory is made again */

struct select_state {
    unsigned count, limit;
    struct watch *watches[FD_SETSIZE];
    unsigned ready_at, ready_count;
    struct watch *ready[FD_SETSIZE]; /* the batch that is being handled */
};

static void *select_open(unsigned descriptors)
{
    struct select_state *state = calloc(1, sizeof *state);

    if (state != NULL)
        state->limit = descriptors < FD_SETSIZE ? descriptors : FD_SETSIZE;
    return state;
}

static int select_add(void *opaque, struct watch *watch, unsigned flags)
{
    struct select_state *state = opaque;

    (void)flags;
    if (watch->fd < 0) {
        errno = EBADF;
        return -1;
    }
    if (watch->fd >= FD_SETSIZE || state->count >= state->limit) {
        errno = EMFILE;
        return -1;
    }
    watch->slot = state->count;
    state->watches[state->count++] = watch;
    return 0;
}

/* The last watch takes the place of the one that leaves. */
static void select_remove(void *opaque, struct watch *watch)
{
    struct select_state *state = opaque;

    if (watch->slot >= state->count || state->watches[watch->slot] != watch)
        return;
    struct watch *last = state->watches[--state->count];
    state->watches[watch->slot] = last;
    last->slot = watch->slot;
    /* It may be ready in the batch at hand, and its memory may be used again. */
    for (unsigned i = state->ready_at + 1; i < state->ready_count; i++)
        if (state->ready[i] == watch)
            state->ready[i] = NULL;
}

/* A number, for the bits of a set: select_add has refused negative ones. */
static unsigned descriptor(const struct watch *watch)
{
    return (unsigned)watch->fd;
}

static int select_prepare(const struct select_state *state, fd_set *reads, fd_set *writes)
{
    int highest = -1;

    FD_ZERO(reads);
    FD_ZERO(writes);
    for (unsigned i = 0; i < state->count; i++) {
        const struct watch *watch = state->watches[i];
        bool listener = (watch->flags & WATCH_LISTENER) != 0;
        if (!watch->readable)
            FD_SET(descriptor(watch), reads);
        if (!watch->writable && !listener)
            FD_SET(descriptor(watch), writes);
        if ((!watch->readable || (!watch->writable && !listener)) && watch->fd > highest)
            highest = watch->fd;
    }
    return highest;
}

/* A descriptor that was closed without loop_remove would make every select fail:
 * its owner learns of it by a failing read. */
static int select_mark_bad(struct select_state *state, fd_set *reads)
{
    int bad = 0;

    FD_ZERO(reads);
    for (unsigned i = 0; i < state->count; i++)
        if (fcntl(state->watches[i]->fd, F_GETFD) < 0 && !state->watches[i]->hangup) {
            state->watches[i]->hangup = true;
            FD_SET(descriptor(state->watches[i]), reads);
            bad++;
        }
    return bad;
}

/* Marks what has news; all of it before the first call, which may remove any. */
static void select_mark(struct select_state *state, fd_set *reads, fd_set *writes)
{
    state->ready_count = 0;
    for (unsigned i = 0; i < state->count; i++) {
        struct watch *watch = state->watches[i];
        bool read = FD_ISSET(descriptor(watch), reads), write = FD_ISSET(descriptor(watch), writes);
        if (!read && !write)
            continue;
        watch->readable |= read;
        watch->writable |= write;
        state->ready[state->ready_count++] = watch;
    }
}

static int select_call(struct select_state *state)
{
    int called = 0;

    for (state->ready_at = 0; state->ready_at < state->ready_count; state->ready_at++) {
        struct watch *watch = state->ready[state->ready_at];
        if (watch == NULL)
            continue;
        watch->on_ready(watch);
        called++;
    }
    state->ready_count = 0;
    return called;
}

static int select_turn(void *opaque, int timeout, void (*before)(void *), void *context)
{
    struct select_state *state = opaque;
    struct timeval limit = { timeout / 1000, timeout % 1000 * 1000 };
    fd_set reads, writes;

    int highest = select_prepare(state, &reads, &writes);
    int count = select(highest + 1, &reads, &writes, NULL, timeout < 0 ? NULL : &limit);
    int error = count < 0 ? errno : 0;
    if (before != NULL)
        before(context);
    if (error == EBADF) {
        FD_ZERO(&writes);
        count = select_mark_bad(state, &reads);
    } else if (error == ENOMEM) { /* for the sets, past some hundreds of descriptors */
        nanosleep(&(struct timespec){ .tv_nsec = MEMORY_PAUSE }, NULL);
        return 0;
    } else if (error != 0) {
        errno = error;
        return error == EINTR ? 0 : -1;
    }
    if (count == 0)
        return 0;
    select_mark(state, &reads, &writes);
    return select_call(state);
}

static void select_close(void *opaque)
{
    free(opaque);
}

const struct loop_backend select_backend = {
    .name = "select",
    .descriptor_limit = FD_SETSIZE,
    .open = select_open,
    .add = select_add,
    .remove = select_remove,
    .forget = select_remove,
    .wait = select_turn,
    .close = select_close,
};
