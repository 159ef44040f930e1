/* spans.h: where a request's time goes.
 *
 * A request is in one span at a time, from its first byte to its end; whoever
 * makes it wait for something else says so. Time is that of the loop's turns: no clock
 * is read here. slow_log.h shows the spans of requests that took long. */
#ifndef MUXD_WORKER_HTTP_SPANS_H
#define MUXD_WORKER_HTTP_SPANS_H

#include "worker/context.h"
#include "worker/http/request.h"

/* What follows in this request is spent on something else than what was before. A handler
 * that asks an upstream calls it when it begins to connect, to wait for the head, and to
 * wait for more of the body; and again, with SPAN_SEND, when it has something for the client.
 * What it comes back to is added up. */
static inline void request_spend(struct request *request, enum span next)
{
    struct request_spans *spans = &request->spans;
    uint64_t now = request->worker->clock.now;

    spans->spent[spans->now] += (uint32_t)(now - spans->since);
    spans->since = now;
    spans->now = (uint8_t)next;
}

#endif
