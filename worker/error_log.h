/* error_log.h: the error_log directive, and the log files of a configuration. */
#ifndef MUXD_WORKER_ERROR_LOG_H
#define MUXD_WORKER_ERROR_LOG_H

#include "common/log.h"
#include "worker/modules.h"

struct request;

extern const struct conf_module error_log_module;

/* The error log in force for a request: of its location, else its server. */
struct log *request_error_log(const struct request *);

#endif
