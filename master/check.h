/* check.h: muxd -t and -T: would this configuration start? */
#ifndef MUXD_MASTER_CHECK_H
#define MUXD_MASTER_CHECK_H

#include "master/generation.h"

struct check_manner {
    bool quiet;  /* says nothing when all is well */
    bool dump;   /* writes every file of the configuration to standard output */
    bool strict; /* what is warned of is wrong */
};

/* Reads the configuration and tries what it names: log files, pid file, addresses
 * (one that is in use is no problem: a running muxd has it). Says on standard
 * error what is wrong, or that nothing is, and warns of the traps of worker/lint. The exit
 * status: 0; 1 when it would not start, or there are warnings and `strict`. */
int check_configuration(const struct launch *, const struct check_manner *);

#endif
