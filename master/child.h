/* child.h: what a fresh fork does before it serves, and what it promises. */
#ifndef MUXD_MASTER_CHILD_H
#define MUXD_MASTER_CHILD_H

#include "master/settings.h"
#include "master/start_report.h"
#include "worker/worker.h"

/* Becomes the worker of the set-up: takes its environment, limits, priority and
 * processors, gives up the master's privileges, asks to be ended with `parent`, and
 * serves. The process exits with the worker's status; with 2 where a promise could not be
 * kept, and the report says which directive asked for it. */
_Noreturn void child_run(const struct main_settings *, struct arena *, struct worker_setup *,
                         struct start_report *, pid_t parent);

#endif
