/* exchange_steps.h: what the sources of an exchange call of each other: its states' steps, and
 * what they share. Nobody else includes it. */
#ifndef MUXD_WORKER_UPSTREAM_EXCHANGE_STEPS_H
#define MUXD_WORKER_UPSTREAM_EXCHANGE_STEPS_H

#include "worker/upstream/exchange.h"

/* What a step comes to, beside enum outcome and statuses: the next state's turn. */
enum { GO_ON = 0 };

/* The step of each state that has one; GO_ON, AGAIN, or what the exchange has come to. */
int exchange_step_connect(struct exchange *);
int exchange_step_send(struct exchange *);
int exchange_step_head(struct exchange *);

/* Asks the next peer; `fresh`: by a new connection. GO_ON, AGAIN when it waits for one, or a
 * status. */
int exchange_attempt(struct exchange *, bool fresh);

/* The present attempt has failed: another one (GO_ON), or the status that is answered. */
int exchange_fail_over(struct exchange *, enum next_upstream);

/* Another peer may be asked after a failure of this kind. */
bool exchange_may_try_next(const struct exchange *, enum next_upstream);

/* Reads what has come of the head; as a step. */
int exchange_receive_head(struct exchange *);

/* Acts on an outcome that was reached outside of the phases. The request may be gone after. */
void exchange_resume(struct exchange *, int outcome);

/* The body is written to a file that others will get. */
bool exchange_is_kept(const struct exchange *);

/* Reads on in a body that is only kept. False: there is no more of it. */
bool exchange_keep_on(struct exchange *);

/* The connection is ready, or its time is up. */
void exchange_ready(struct watch *);
void exchange_timeout(struct timer *);

/* The next part of the answer's body into `room`: STREAM_WAIT: nothing has come. */
enum stream_result exchange_read_body(struct exchange *, char *room, size_t len, size_t *made);

/* A large body's middle goes to the client through a pipe, unread: the stream's move. Bytes that
 * wait in the pipe come before whatever is read. */
enum stream_moved exchange_move(struct exchange *, size_t *moved);
size_t exchange_in_passage(const struct exchange *);
void exchange_close_passage(struct exchange *);

/* All that was read of the body is with the client, but for what is in the passage. */
bool exchange_is_drained(const struct exchange *);

/* Waits for more of the body. */
void exchange_wait_for_body(struct exchange *);

/* Sends what can be sent. */
enum upload_result { UPLOAD_DONE, UPLOAD_BLOCKED, UPLOAD_STARVED, UPLOAD_FAILED, UPLOAD_NO_MEMORY };
enum upload_result upload_send(struct exchange *);

/* Everything anew, for another attempt. */
void upload_rewind(struct upload *);

/* The answer's head was taken: fills in the response; 0, 500, or what an X-Accel-Redirect
 * asks for. */
int exchange_respond(struct exchange *);

/* The field of the answer is for the client: neither hidden nor between the upstream and this
 * server only. */
bool exchange_passes(const struct exchange *, const struct answer_field *);

/* A 103 was read: the client gets it, when early_hints says so. False: memory is out. */
bool exchange_pass_hints(struct exchange *);

/* The body has ended: what trailers came behind it are for the client, too, when
 * proxy_pass_trailers says so. */
void exchange_pass_trailers(struct exchange *);

/* The head was read; the body's first bytes are in the input. Prepares to read on. False:
 * its framing is broken. */
bool exchange_begin_body(struct exchange *);

/* The conversation is over: the connection is kept or closed, the peer is told. */
void exchange_release(struct exchange *, bool keep, bool failed);

/* Waits for the upstream, at most so long. */
void exchange_wait(struct exchange *, uint64_t milliseconds);

/* A line in the request's error log: "... while `action`", with the upstream in its tail. */
void exchange_log(struct exchange *, int level, int error_number, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
