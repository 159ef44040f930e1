/* logs.h: the log files of one configuration.
 *
 * Directives register here what they name; worker_open_logs opens it. Each
 * configuration opens its files itself, so that a reload, like USR1, goes on in
 * a new file where the old one was moved away; a path is opened once, however
 * often it is named. */
#ifndef MUXD_WORKER_LOGS_H
#define MUXD_WORKER_LOGS_H

#include "common/log.h"
#include "common/syslog.h"
#include "conf/directive.h"

struct access_logs;    /* worker/http/access_log.h */
struct error_log;      /* worker/error_log.h */
struct log_file_cache; /* worker/http/log_file_cache.h */
struct log_target;     /* worker/http/log_target.h */

/* A syslog server, opened with the files. */
struct log_server {
    struct log_server *next;
    struct syslog *syslog;
};

struct conf_logs {
    struct log_files files;
    struct error_log *error_logs;       /* of all blocks */
    struct error_log *main;             /* set by worker_open_logs */
    struct log_target *targets;         /* files of access logs */
    struct log_file_cache *caches;      /* open_log_file_cache, of all blocks */
    struct log_server *servers;         /* syslog: of all blocks */
    struct access_logs *default_access; /* of blocks without access_log; NULL: there is none */
};

/* The configuration's logs, made when needed; NULL when memory is out. */
struct conf_logs *conf_logs(struct conf *);

/* The access log file of this absolute path, made when needed; NULL when memory is out. */
struct log_target *conf_log_target(struct conf *, const char *path, struct position at);

/* Parses a log's "syslog:..." word and registers the server. NULL, with the error
 * reported, when it is not one or memory is out. */
struct syslog *conf_log_syslog(struct conf *, const struct word *);

/* Writes out what a worker's access log buffers hold. */
void conf_logs_flush(struct conf *);

#endif
