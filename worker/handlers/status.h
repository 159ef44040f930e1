/* status.h: the counters, as a page, as JSON, for Prometheus, and as nginx's stub_status;
 * and which of them a request is counted in. */
#ifndef MUXD_WORKER_HANDLERS_STATUS_H
#define MUXD_WORKER_HANDLERS_STATUS_H

#include "worker/http/request.h"
#include "worker/status/tallies.h"

enum status_format { STATUS_HTML, STATUS_JSON, STATUS_PROMETHEUS };

struct status_settings {
    struct status_tallies {     /* status_zone */
        struct tally *server;   /* NULL: the requests of the server are not counted apart */
        struct tally *location; /* likewise */
    } tallies;
    int format; /* status: enum status_format */
};

static inline const struct status_settings *status_settings(const struct request *request)
{
    return request->settings[MODULE_STATUS];
}

extern const struct conf_module status_module;

#endif
