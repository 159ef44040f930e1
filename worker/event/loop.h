/* loop.h: which descriptors are ready, the one place where a worker sleeps.
 *
 * A watch is embedded in what it watches and carries sticky readiness: the
 * loop sets `readable` and `writable`, the owner clears one when the kernel
 * said EAGAIN. So a watch is registered once for its whole life: the epoll
 * room (edge-triggered) makes no system call in the steady state, and the
 * select room asks the kernel only for what is not known to be ready. Both
 * rooms, epoll.c and select.c, stand behind this face. */
#ifndef MUXD_WORKER_EVENT_LOOP_H
#define MUXD_WORKER_EVENT_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch {
    void (*on_ready)(struct watch *); /* called in loop_wait when something became ready */
    int fd;
    bool readable; /* a read may succeed; set by the loop, cleared by the owner on EAGAIN */
    bool writable; /* likewise for a write; starts true: a new socket can be written */
    bool hangup;   /* the peer has closed its side, or the socket failed; stays set. A hint:
                      select learns of an end only by the read that returns 0 */
    uint8_t flags; /* the loop's own: see loop_add */
    uint32_t slot; /* the loop's own */
};

enum watch_flags {
    WATCH_LISTENER = 1, /* never written, and told of again in each turn while it is readable:
                           the owner may clear `readable` before the kernel says EAGAIN */
    WATCH_SHARED = 2,   /* several workers watch it: wake one of them (EPOLLEXCLUSIVE) */
    WATCH_USED = 4,     /* it was read or written before: readable and writable stay as they are */
};

struct loop;

/* A loop by its `use` name ("epoll", "select"); NULL picks the best. At most
 * `descriptors` watches. NULL with errno set: EINVAL for an unknown name, else
 * what the kernel said. */
struct loop *loop_open(const char *name, unsigned descriptors);

/* The name of the loop's room. */
const char *loop_name(const struct loop *);

/* Highest descriptor number this loop can watch, plus one: FD_SETSIZE for
 * select, INT_MAX for epoll. Owners pause accepting before they pass it. */
int loop_descriptor_limit(const struct loop *);

/* The names loop_open knows, best first, NULL-terminated. */
const char *const *loop_names(void);

/* Starts watching watch->fd (on_ready and fd set by the caller; the rest is
 * initialised here: readable and hangup false, writable true). `flags` is of
 * enum watch_flags. 0, or -1 with errno: EBADF-like kernel errors, ENOSPC at
 * the kernel's limit, EMFILE at the descriptor limit or `descriptors`. */
int loop_add(struct loop *, struct watch *, unsigned flags);

/* Stops watching; call before close(2). Safe inside on_ready, for any watch,
 * also one that is ready in the same turn: it will not be called. */
void loop_remove(struct loop *, struct watch *);

/* Likewise for a descriptor that is closed right after and that no other process has: the
 * kernel drops what it knows of it then, and need not be told. */
void loop_forget(struct loop *, struct watch *);

/* Waits until something is ready, `timeout` milliseconds have passed (-1: no
 * limit), or a signal arrived; then calls on_ready of each ready watch once.
 * `before`, unless NULL, is called once after the wait and before the first
 * on_ready (the worker refreshes its clock there). Number of watches called,
 * 0 on time-out and signals, -1 with errno when the kernel failed. */
int loop_wait(struct loop *, int timeout, void (*before)(void *), void *context);

/* Closes the loop and frees it; the watches are the caller's. */
void loop_close(struct loop *);

#endif
