/* phases.h: the way of a request, in nginx's phases and order.
 *
 * Each phase is a list of functions; the whole way is one table in phases.c.
 * A function's answer (enum outcome, or a status) says what comes next. */
#ifndef MUXD_WORKER_HTTP_PHASES_H
#define MUXD_WORKER_HTTP_PHASES_H

#include "worker/http/request.h"

/* Runs the phases from request->step on, until the request is answered or waits. */
void phases_run(struct request *);

/* Acts on one outcome as if the present phase function had returned it, and
 * runs on where that says so. */
void phases_take(struct request *, int outcome);

/* Answers with a status, by its error page: phases_take for a status. */
void phases_answer(struct request *, int status);

/* The step at which a phase begins. */
uint8_t phases_first(enum phase);

/* The steps that a block's settings ask for, bit 1 << step: a step whose module nothing is
 * said of, in the block and around it, is not taken. */
uint32_t phases_wanted(const struct conf *, const struct conf_scope *);

/* The location (NULL: none, the server's own settings) is in force from here on. */
void phases_enter_location(struct request *, const struct location *);

#endif
