/* limit_rate.h: how fast an answer is sent to its client.
 *
 * After limit_rate_after bytes, what has been sent is never more than `rate` bytes for each
 * second since the request began, and one second's worth: as nginx counts. Whoever sends asks
 * how much may leave now, and waits as long as it is told before it asks again. */
#ifndef MUXD_WORKER_HTTP_LIMIT_RATE_H
#define MUXD_WORKER_HTTP_LIMIT_RATE_H

#include "worker/modules.h"

struct request;

/* A request's. */
struct limit_rate {
    uint64_t rate;  /* bytes a second; 0: any */
    uint64_t after; /* bytes that are not limited */
    uint64_t pause; /* ms until more may be sent: limit_rate_pause */
    bool set;       /* by $limit_rate or X-Accel-Limit-Rate, or settled */
};

/* Sets the rate, whatever the location says. */
void limit_rate_set(struct request *, uint64_t rate);

/* The answer begins: settles its rate by limit_rate and limit_rate_after in force, unless it
 * has been set. One of the filters. False: memory is out. */
bool limit_rate_begin(struct request *);

/* Bytes of the answer that may leave now; UINT64_MAX: any number. */
uint64_t limit_rate_budget(const struct request *);

/* What may leave now has left: sets the pause; 0 when more may leave in the next turn. */
void limit_rate_pause(struct request *);

extern const struct conf_module limit_rate_module;

#endif
