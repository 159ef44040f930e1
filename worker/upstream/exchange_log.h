/* exchange_log.h: the upstream in the tail of the error log's lines. */
#ifndef MUXD_WORKER_UPSTREAM_EXCHANGE_LOG_H
#define MUXD_WORKER_UPSTREAM_EXCHANGE_LOG_H

#include "common/slice.h"

struct request;

/* "http://127.0.0.1:8080/path" of the request's present attempt; empty: there is none. */
struct slice exchange_url(struct request *);

#endif
