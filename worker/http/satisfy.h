/* satisfy.h: whether a client is let in, by what the functions of the access phase say.
 *
 * With `satisfy all` each has to agree; with `satisfy any` one that lets the client in
 * is enough, and a 401 or 403 counts only when none has. */
#ifndef MUXD_WORKER_HTTP_SATISFY_H
#define MUXD_WORKER_HTTP_SATISFY_H

#include "worker/http/request.h"

/* What one function's outcome in the access phase amounts to: DECLINED to ask the next one (or,
 * with request->let_in, none), or an outcome to act on. */
int access_judge(struct request *, int outcome);

/* `satisfy any` is in force: one refusal alone means nothing, and is not logged. */
bool access_any(const struct request *);

/* Behind the access phase: answers clients who were not let in; a 401 after auth_delay. */
int access_verdict(struct request *);

extern const struct conf_module satisfy_module;

#endif
