/* start_report.h: what a worker says before it dies at its start.
 *
 * It says so in its error log, as always, and here, in memory that it shares with the
 * master: the client that waits for a reload is told why. */
#ifndef MUXD_MASTER_START_REPORT_H
#define MUXD_MASTER_START_REPORT_H

#include "common/log.h"

enum { START_REPORT_MAX = 512 }; /* bytes; the rest is cut off */

/* Of one worker. The worker writes, the master reads when it is dead. */
struct start_report {
    char text[START_REPORT_MAX]; /* "[emerg] message"; "" when it said nothing */
    const char *directive;       /* that asks for what cannot be; NULL: not known. A literal, which
                                    the master has at the same place */
};

/* In the worker: the first error of the log is reported. `arena` lives as long as the log. */
void start_report_from(struct start_report *, struct log *, struct arena *);

/* What was reported; empty when nothing was. */
struct slice start_report_text(const struct start_report *);

#endif
