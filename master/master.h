/* master.h: the process that owns sockets and workers, and serves no client.
 *
 * It starts the workers, replaces those that die, reloads the configuration and
 * leaves, all in one loop (supervise.h) that takes one step after the other:
 * each looks at the time, does what is due, and says when it has to be called
 * again. */
#ifndef MUXD_MASTER_MASTER_H
#define MUXD_MASTER_MASTER_H

#include "master/control.h"
#include "master/generation.h"
#include "master/notify.h"
#include "master/signals.h"

enum master_phase {
    MASTER_SERVING,
    MASTER_QUITTING, /* QUIT: what is served is finished */
    MASTER_STOPPING, /* TERM, INT */
};

/* A configuration that is about to come into force: reload.h. */
struct reload {
    struct generation *next;       /* NULL: none under way */
    unsigned ticket;               /* its number; clients of the control socket wait for it */
    bool forked;                   /* its sockets are open and its workers started */
    bool in_force;                 /* but older workers may still accept */
    bool again;                    /* another one was asked for meanwhile */
    unsigned attempts;             /* to open its sockets */
    uint64_t due;                  /* the next attempt; then: when workers are waited for no more */
    struct control_socket control; /* opened for it, when it wants another one */
    struct log log;                /* the master's while it is under way: reload_report.h */
    struct log_sink sink;
    struct log_tap tap;
};

/* Sockets that are no longer wanted, and what still waits in them: drain.h. */
struct drain {
    bool active;
    uint64_t begun;
    uint64_t settled; /* what was on its way inside the kernel has arrived by then */
    uint64_t blind;   /* where the kernel does not tell of handshakes, they have ended by then */
    uint64_t bound;   /* what waits still is given up */
};

/* Two masters on the same sockets: upgrade.h. */
struct upgrade {
    pid_t predecessor;  /* the old master, while it lives; 0: none */
    int ready;          /* where that one is told; -1: nowhere */
    int standard_error; /* that one's; -1: it is this one's already */
    pid_t successor;    /* the new master that this one has executed; 0: none */
    bool whole;         /* this one leaves when that serves */
    bool serving;       /* that serves */
    bool reclaimed;     /* this one steers all the same */
    unsigned ticket;    /* clients of the control socket wait for it */
    int report;         /* what the new one says until it serves; -1: nothing more */
    uint64_t due;       /* it is given up */
    char said[1024];    /* the beginning of it */
    size_t said_len;
    unsigned matched; /* of the word that tells it: so many bytes have come */
};

struct master {
    const struct launch *launch;
    const struct log *log; /* the error log in force; standard error before there is one */
    struct signals signals;
    struct control control;
    struct notify notify;
    struct upgrade upgrade;
    bool announced; /* the service manager knows that the first workers accept */
    struct listeners listeners;
    struct board *board; /* counters, shared with the workers */
    struct series_owners series;
    struct generation *current; /* in force; those whose workers have not finished behind it */
    struct reload reload;
    struct drain drain;
    enum master_phase phase;
    bool daemon;      /* it has left its terminal */
    uint64_t quit_at; /* draining (drain_on_term): QUITTING begins then; 0: it does not */
    uint64_t kill_at; /* STOPPING: who is still there is killed */
    uint64_t look_at; /* the next look at the queues of listening sockets: overflow.h */
    uint64_t wake;    /* monotonic ms: when the loop turns at the latest */
};

/* The loop turns at `when` at the latest. */
static inline void master_wake_at(struct master *master, uint64_t when)
{
    if (when < master->wake)
        master->wake = when;
}

/* Reads the configuration, opens what it names and serves until told to leave.
 * `title` is what ps(1) shows behind "master process". The exit status: 0; 1
 * when it could not start, with the reason on standard error. */
int master_run(const struct launch *, const char *title);

/* What is written to standard error goes to the error log in force from here on. */
void master_redirect_stderr(const struct master *);

#endif
