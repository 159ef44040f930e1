/* status_report.h: `muxd status`: the counters of a running master, for a terminal. */
#ifndef MUXD_MASTER_STATUS_REPORT_H
#define MUXD_MASTER_STATUS_REPORT_H

#include "common/log.h"
#include "master/settings.h"

/* Asks the master, through the control socket that the settings name, and prints what it
 * says; with `watch` again each second, until it is interrupted or the master has left. False,
 * with the reason logged, when there is no master to ask. */
bool status_report(const struct log *, const struct main_settings *, bool watch);

#endif
