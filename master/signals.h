/* signals.h: the signals of the master, taken one at a time.
 *
 * They are blocked for good and read from a descriptor (signalfd(2)), so nothing
 * of the master runs in a handler and none is lost between looking and
 * sleeping. The table here is also what a signal is called and does. */
#ifndef MUXD_MASTER_SIGNALS_H
#define MUXD_MASTER_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct signals {
    int fd;            /* readable when a signal waits */
    sigset_t original; /* the process's mask before */
};

/* What the master does at a signal. */
enum signal_action {
    ACTION_NONE,
    ACTION_REAP,    /* CHLD */
    ACTION_STOP,    /* INT: leave at once */
    ACTION_TERM,    /* TERM: likewise, or drain */
    ACTION_QUIT,    /* QUIT: leave when what is served is done */
    ACTION_RELOAD,  /* HUP */
    ACTION_REOPEN,  /* USR1: log files */
    ACTION_RETIRE,  /* WINCH: workers leave, the master stays */
    ACTION_UPGRADE, /* USR2 */
};

struct signal_received {
    int number;
    const char *name; /* "SIGHUP" */
    enum signal_action action;
    pid_t sender; /* 0: the kernel */
};

/* Blocks the master's signals, ignores SIGPIPE, and opens the descriptor. False, with
 * errno set, when that fails. */
bool signals_open(struct signals *);

/* The next signal that waits, without waiting for one. False when there is none. */
bool signals_next(struct signals *, struct signal_received *);

/* The mask a worker waits with: `original` with nothing blocked that is meant for
 * workers. */
sigset_t signals_worker_mask(const struct signals *);

/* In a child: closes the descriptor. The signals stay blocked. */
void signals_leave(struct signals *);

#endif
