/* access_log.h: one line a request, when it is over.
 *
 * Each worker has the configuration's log files open for appending and writes
 * whole lines: those of one turn of the loop, or with buffer= many more,
 * together. */
#ifndef MUXD_WORKER_HTTP_ACCESS_LOG_H
#define MUXD_WORKER_HTTP_ACCESS_LOG_H

#include "worker/http/template.h"
#include "worker/modules.h"

struct request;
struct worker;
struct log_file_cache; /* log_file_cache.h */
struct log_format;     /* log_format.h */
struct log_target;     /* log_target.h */

/* One access_log directive. */
struct access_log {
    struct access_log *next;
    const struct log_format *format;
    bool conditional; /* if= */
    struct template condition;
    struct log_target *target; /* a file; else: */
    struct syslog *syslog;     /* ...; else: */
    struct template path;      /* a path with variables */
    uint64_t complained;       /* a worker's own: see log_may_complain */
};

/* Those of one block. */
struct access_logs {
    bool off;
    struct access_log *first, **last;
};

struct access_log_settings {
    struct access_logs *logs;     /* NULL: none was said: logs/access.log */
    struct log_file_cache *cache; /* open_log_file_cache; NULL: off */
};

extern const struct conf_module access_log_module; /* access_log, log_format, open_log_file_cache */

/* The access log of blocks that have none, when some server or location is such a
 * block; at load's end. False when memory is out. */
bool access_log_default(struct conf *);

/* In a fresh worker: prepares buffers and their flush= timers. False when memory is out. */
bool access_logs_start(struct worker *);

/* Writes the request's lines to the access logs of its location. */
void access_log_write(struct request *);

/* Writes out what the buffers hold: when the worker leaves. */
void access_log_flush(struct worker *);

#endif
