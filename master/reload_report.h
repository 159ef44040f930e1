/* reload_report.h: a reload says how it goes, and how it has ended, to the clients of the
 * control socket that wait for it. */
#ifndef MUXD_MASTER_RELOAD_REPORT_H
#define MUXD_MASTER_RELOAD_REPORT_H

#include "master/master.h"

/* From here on, warnings and errors of the master's log are told to the clients too. */
void reload_report_begin(struct master *);

/* Tells what a worker that has died at its start had to say, of the first that had. The
 * directive that asked for what cannot be; NULL when that is not known. */
const char *reload_report_workers(struct master *, const struct generation *);

/* The reload has ended; clients are told the last line for a terminal (NULL: it has been
 * logged). The master's log is that of the configuration in force. */
void reload_report_end(struct master *, bool success, const char *line);

#endif
