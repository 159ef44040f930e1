/* settings.h: the directives of the main context that are the master's:
 * processes, user, limits, pid file. */
#ifndef MUXD_MASTER_SETTINGS_H
#define MUXD_MASTER_SETTINGS_H

#include "conf/directive.h"
#include "master/affinity.h"
#include "master/sandbox.h"
#include "worker/modules.h"

#include <sys/types.h>

enum {
    MODULE_MAIN = WORKER_MODULES,
    ALL_MODULES = MODULE_MAIN + 1,
    WORKERS_MAX = 1024, /* nginx's bound of processes */
};

/* Who the workers become; only where the master is root. */
struct worker_user {
    bool set;
    const char *name; /* for initgroups(3); NULL: no other groups */
    uid_t uid;
    gid_t gid;
};

enum debug_points { DEBUG_POINTS_OFF, DEBUG_POINTS_STOP, DEBUG_POINTS_ABORT };

struct main_settings {
    bool daemon;
    bool master_process;
    const char *pid;     /* path of the pid file, absolute */
    const char *control; /* of the control socket, absolute; NULL: there is none */
    bool control_given;  /* it was named: without it muxd does not start */
    struct worker_user user;
    uint64_t workers; /* worker_processes; "auto" is already a number */
    struct affinity affinity;
    int priority;     /* nice(2) value; 0: left as it is */
    bool limit_files; /* worker_rlimit_nofile was given */
    uint64_t files;   /* its value */
    bool limit_core;  /* worker_rlimit_core was given */
    uint64_t core;    /* bytes */
    bool drain_on_term;
    uint64_t drain_delay;           /* ms */
    uint64_t shutdown_timeout;      /* ms; 0: no limit */
    uint64_t stall_timeout;         /* ms without a heartbeat; 0: no matter */
    uint64_t stall_kill;            /* likewise, until the worker is killed */
    struct slice working_directory; /* empty: the master's own */
    struct array environment;       /* of struct slice: NAME or NAME=value */
    struct slice lock_file;         /* accepted as nginx does; nothing is locked */
    int sandbox;                    /* enum sandbox: the walls around workers */
    int debug_points;               /* enum debug_points */
    bool pcre_jit;                  /* accepted: regexes are muxd's own */
    uint64_t timer_resolution;      /* accepted: the clock is read once a turn of the loop */
};

extern const struct conf_module main_module;

/* The main module's settings of a loaded configuration. */
static inline struct main_settings *main_settings(const struct conf *conf)
{
    return conf_settings(conf->main, &main_module);
}

/* How often workers give a sign of life, ms: a few times before one is missed. */
uint64_t main_heartbeat(const struct main_settings *);

/* Fills `modules` (ALL_MODULES of them): the worker's, then the master's own. */
void master_modules(const struct conf_module *modules[ALL_MODULES]);

#endif
