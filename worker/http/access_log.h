/* access_log.h: one line a request, when it is over.
 *
 * Each worker has the configuration's log files open for appending and writes
 * whole lines, at once or, with buffer=, many together. */
#ifndef MUXD_WORKER_HTTP_ACCESS_LOG_H
#define MUXD_WORKER_HTTP_ACCESS_LOG_H

#include "worker/modules.h"

struct request;
struct worker;

extern const struct conf_module access_log_module; /* access_log, log_format, open_log_file_cache */

/* In a fresh worker: prepares buffers and their flush= timers. False when memory is out. */
bool access_logs_start(struct worker *);

/* Writes the request's lines to the access logs of its location. */
void access_log_write(struct request *);

/* Writes out what the buffers hold: before reopening, and when the worker leaves. */
void access_log_flush(struct worker *);

#endif
