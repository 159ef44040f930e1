/* generation.h: one loaded configuration, and what was opened for it.
 *
 * The master loads a configuration at start and at each reload; the one in
 * force and those whose workers have not yet finished are in its list. What
 * the configuration itself holds (its arena, log files) is released when no
 * worker may be started from it any more. */
#ifndef MUXD_MASTER_GENERATION_H
#define MUXD_MASTER_GENERATION_H

#include "master/listeners.h"
#include "master/series.h"
#include "master/settings.h"
#include "master/start_log.h"
#include "master/start_report.h"
#include "worker/worker.h"

/* Where configurations are read from: the command line, made absolute. */
struct launch {
    const char *prefix;
    const char *conf_path;
    const char *error_log;  /* -e, or the built-in one */
    const char *global;     /* -g; NULL: none */
    char *const *arguments; /* the command line, to be executed anew; ends with NULL */
    bool testing;           /* -t */
    struct start_log *log;  /* until a configuration is in force */
};

/* The worker process of one slot. */
struct worker_process {
    pid_t pid;         /* 0: none */
    uint64_t started;  /* monotonic ms */
    bool accepting;    /* its heartbeat has been seen */
    bool stalled;      /* and not for a while by now */
    bool leaves;       /* it has ended accepting, told by somebody else than the master */
    bool told;         /* to leave */
    bool killed;       /* it was stalled for too long */
    unsigned failures; /* how often in a row it died soon after its start */
    uint64_t due;      /* when the next one is started; 0: not to be */
    struct lane *lane; /* of the board, that it counts in; NULL: none */
};

struct generation {
    struct generation *older;
    unsigned number; /* from 1 */
    struct arena arena;
    struct conf *conf;                /* NULL: released, and with it all that points into it */
    struct conf_message **unreported; /* where the messages not logged yet begin */
    struct main_settings *settings;
    struct listener *listeners;
    size_t listener_count;
    unsigned workers;
    struct worker_process *processes; /* by slot */
    struct worker_slot *shared;       /* by slot; memory that the workers share */
    struct unattended *unattended;    /* likewise: which sockets they are to stand in for */
    struct reliefs *reliefs;          /* likewise: which ones others read */
    size_t reliefs_size;
    struct start_report *reports; /* likewise */
    struct series_use series;     /* of the board, that its zones count in */
    bool leaving;                 /* told to quit: its dead are not replaced */
};

/* What the lines of a file begin with that stand in a log below a message about them. */
#define REPORT_INDENT "    "

/* Reads and checks the configuration; its warnings and errors are logged. NULL
 * when there are errors, or memory is out. */
struct generation *generation_load(const struct launch *, unsigned number, const struct log *);

/* Opens the log files of the configuration, keeping those that `previous` (NULL: none) has
 * open, and makes the folders of its temporary files. Problems go to `log`. */
bool generation_open_files(struct generation *, const struct generation *previous,
                           const struct log *);

/* Maps the shared memory zones of the configuration, or takes them over from `previous` (NULL:
 * none). Problems go to `log`. */
bool generation_open_zones(struct generation *, const struct generation *previous,
                           const struct log *);

/* The listener could not be opened, for a reason that has been logged: says where it stands. */
void generation_cannot_listen(struct generation *, const struct listener *, const struct log *);

/* What has been logged just now comes of this directive of the main context: says where it
 * stands, if it is there. */
void generation_blame(struct generation *, const char *directive, const struct log *);

/* USR1: opens the log files anew, and gives them to the workers' user, who does the same.
 * Problems go to `log`. */
void generation_reopen_logs(struct generation *, const struct log *);

/* Makes room for the worker processes. False, with the reason logged, when memory is out. */
bool generation_prepare_workers(struct generation *, const struct log *);

/* No worker is started from it any more: releases its configuration; log files that
 * `kept` has too stay open. */
void generation_release(struct generation *, const struct generation *kept);

/* Frees the rest: no process of it is left. Releases first if need be. */
void generation_free(struct generation *, const struct generation *kept);

/* The error log of the main scope. */
struct log *generation_log(const struct generation *);

#endif
