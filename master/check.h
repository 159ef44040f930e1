/* check.h: muxd -t and -T: would this configuration start? */
#ifndef MUXD_MASTER_CHECK_H
#define MUXD_MASTER_CHECK_H

#include "master/generation.h"

/* Reads the configuration and tries what it names: log files, pid file, addresses
 * (one that is in use is no problem: a running muxd has it). Says what is wrong, or,
 * unless `quiet`, that nothing is, on standard error; `dump` also writes every file
 * of the configuration to standard output. The exit status: 0; 1 when it would not
 * start. */
int check_configuration(const struct launch *, bool quiet, bool dump);

#endif
