/* options.h: the command line, nginx's.
 *
 * Letters may be joined (-tq), an argument may be joined to its letter
 * (-c/etc/x.conf) or follow it; nothing is an argument of its own. The words
 * more than nginx: -h NAME asks for the help of one directive; --strict, with -t; status. */
#ifndef MUXD_MASTER_OPTIONS_H
#define MUXD_MASTER_OPTIONS_H

#include "common/arena.h"

struct options {
    bool version;          /* -v, and all that prints more: -V, -h */
    bool build;            /* -V */
    bool help;             /* -h, -? */
    bool test;             /* -t, -T */
    bool dump;             /* -T */
    bool quiet;            /* -q */
    bool strict;           /* --strict: what -t warns of is an error */
    const char *directive; /* -h NAME; NULL: not asked */
    const char *prefix;    /* -p; NULL: the built-in one */
    const char *conf_path; /* -c; NULL: the built-in one */
    const char *error_log; /* -e; NULL: the built-in one */
    const char *global;    /* -g; NULL: none */
    const char *signal;    /* -s; one of signal_command's words; NULL: none */
    bool status;           /* the word status: print the counters of the running master */
    bool watch;            /* --watch behind it: again and again */
};

/* Reads the command line; the pointers set point into argv. On failure the
 * result is what is wrong, in the arena, and `options` is of no use; on success
 * it is an empty slice. */
struct slice options_parse(struct options *, struct arena *, int argc, char *const argv[]);

/* The prefix in force: absolute, with a '/' at its end. NULL, with errno set, when the
 * working directory is unknown or memory is out. In the arena. */
const char *options_prefix(const struct options *, struct arena *);

/* The configuration file in force, absolute; a relative one starts from
 * `prefix`. NULL when memory is out. In the arena. */
const char *options_conf_path(const struct options *, struct arena *, const char *prefix);

#endif
