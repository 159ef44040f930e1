/* error_log.h: the error_log directive. */
#ifndef MUXD_WORKER_ERROR_LOG_H
#define MUXD_WORKER_ERROR_LOG_H

#include "common/log.h"
#include "worker/modules.h"

struct request;
struct syslog;

/* One error_log directive. */
struct error_log_place {
    struct error_log_place *next;
    const char *path; /* absolute, or "stderr"; NULL: syslog */
    struct syslog *syslog;
    enum log_level level;
    bool optional; /* the built-in one: where it cannot be opened, standard error serves */
    struct position at;
};

/* Those of one block, and the log that writes to them once they are open. */
struct error_log {
    struct error_log *next; /* of the configuration */
    struct error_log_place *first, **last;
    struct log log;
};

struct error_log_settings {
    struct error_log *log; /* NULL: none was said: the default one */
};

extern const struct conf_module error_log_module;

/* The log of a configuration without error_log: -e's or the built-in file, at level
 * error. NULL when memory is out. */
struct error_log *error_log_default(struct conf *);

/* The error log in force for a request: of its location, else its server. */
struct log *request_error_log(const struct request *);

#endif
