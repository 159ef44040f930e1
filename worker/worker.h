/* worker.h: the process that serves clients.
 *
 * The master calls worker_run in a fresh fork that has already dropped its
 * privileges; the worker owns nothing that outlives it. */
#ifndef MUXD_WORKER_WORKER_H
#define MUXD_WORKER_WORKER_H

#include "common/log.h"
#include "conf/directive.h"
#include "worker/net/relief.h"
#include "worker/net/stand_in.h"

#include <signal.h>
#include <stdatomic.h>

/* A worker's line in the memory that master and workers share. The worker
 * writes, the master reads; each field is written by one process only. */
struct worker_slot {
    _Atomic uint64_t heartbeat; /* monotonic ms of the last loop turn; 0: not accepting yet */
    _Atomic int refused_call;   /* 1 + the number of the system call that it has died of; 0 */
    _Atomic bool relieved;      /* it accepts nothing where a newer configuration's workers do */
} __attribute__((aligned(64)));

struct board;         /* worker/status/board.h */
struct crypt_library; /* common/crypt_library.h */
struct lane;
struct worker; /* worker/context.h */

struct worker_setup {
    unsigned slot; /* 0 .. slots - 1 */
    unsigned slots;
    unsigned generation; /* of the configuration, from 1 */
    struct conf *conf;
    struct log *log; /* of the main scope; opened */
    struct listener *listeners;
    size_t listener_count;
    struct worker_slot *shared;          /* this worker's line */
    struct board *board;                 /* the counters of all workers */
    struct lane *lane;                   /* this worker's part of them; NULL: there was none left */
    const struct unattended *unattended; /* sockets to stand in for; NULL: no siblings */
    const struct reliefs *reliefs;       /* sockets that others read by now; NULL: never */
    struct crypt_library *crypt;         /* the worker's from here on; NULL: not loaded before */
    uint64_t heartbeat_every;            /* ms: the loop turns at least so often */
    uint64_t shutdown_timeout;           /* worker_shutdown_timeout, ms; 0: no limit */
    sigset_t signals; /* mask to wait with: the master forks with its signals blocked */
    bool single;      /* master_process off: also HUP is answered by leaving */
};

/* Serves until told to leave: TERM, INT: at once; QUIT, WINCH: accept no more, finish
 * what is there (worker_shutdown_timeout bounds it); USR1: reopen logs. The
 * exit status: 0; 2 when it could not start, for the reason that errno says (the master then
 * backs off). */
int worker_run(const struct worker_setup *);

/* The parts of worker_run, for who turns the loop by himself, as fuzzing does: what the worker
 * needs is opened (NULL with errno: it cannot be; the reason is logged), what is ready is served
 * after a wait of at most setup->heartbeat_every (false: the loop has failed), and all is closed.
 */
struct worker *worker_start(const struct worker_setup *);
bool worker_turn(struct worker *);
void worker_end(struct worker *);

/* Opens every log file that the configuration names (error_log, access_log); the master
 * calls it inside the reload transaction, before any worker is forked. Each configuration
 * opens its files itself: one that was moved away is made anew, as by USR1. With conf->testing
 * it only finds out whether they could be opened. Problems go to conf->messages.
 * False on failure; nothing of `previous` is changed. */
bool worker_open_logs(struct conf *, const struct conf *previous);

/* Maps the shared memory zones that the configuration names; those that `previous` (NULL: none)
 * has for the same use are taken over with what is in them. The master calls it
 * inside the reload transaction, before any worker is forked. Problems go to
 * conf->messages. False on failure; nothing of `previous` is changed. */
bool worker_open_zones(struct conf *, const struct conf *previous);

/* Reopens the log files in place (USR1), in the master or a worker: what is buffered is
 * written first, and the new file is opened before the old one is closed. What fails goes
 * on in the old file, and is logged. */
void worker_reopen_logs(struct conf *);

/* The error log of the main scope; valid after worker_open_logs. */
struct log *worker_main_log(struct conf *);

/* What `-V` prints after "features:": the loops, and the module families that
 * are wholly built in, space-separated. In the arena; {NULL, 0} when memory is out. */
struct slice worker_features(struct arena *);

/* Releases what a configuration holds outside its arena: its log files and zones. Nothing of
 * `kept` (may be NULL) is changed. */
void worker_conf_release(struct conf *, const struct conf *kept);

#endif
