/* location.h: the `location` and `limit_except` blocks. */
#ifndef MUXD_WORKER_HTTP_LOCATION_H
#define MUXD_WORKER_HTTP_LOCATION_H

#include "worker/http/core.h"

extern const struct value_type as_location;
extern const struct value_type as_limit_except;

#endif
