/* slow_log.h: a line for each request that took long, with where its time went. */
#ifndef MUXD_WORKER_HTTP_SLOW_LOG_H
#define MUXD_WORKER_HTTP_SLOW_LOG_H

#include "worker/http/request.h"

struct log_target; /* log_target.h */

/* One slow_request_log directive. */
struct slow_log {
    uint64_t limit;            /* ms */
    struct log_target *target; /* NULL: off */
};

struct slow_log_settings {
    struct slow_log log;
};

extern const struct conf_module slow_log_module;

/* Writes the request's line; it has ended, and took `milliseconds`. */
void slow_log_write(struct request *, uint64_t milliseconds);

/* The request, which has ended, is to be in a slow log. */
static inline bool slow_log_wants(const struct request *request, uint64_t milliseconds)
{
    const struct slow_log_settings *settings = request->settings[MODULE_SLOW_LOG];

    return settings->log.target != NULL && milliseconds >= settings->log.limit;
}

#endif
