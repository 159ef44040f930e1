/* connection_steps.h: what the parts of a connection share; connection.c puts them together.
 *
 * connection_pool.c has its memory and the list of idle ones, connection_input.c its reading
 * and the PROXY protocol, connection_batch.c the requests that are read, and the answers that
 * leave, together, connection_body.c the bodies of requests, connection_close.c its end. */
#ifndef MUXD_WORKER_NET_CONNECTION_STEPS_H
#define MUXD_WORKER_NET_CONNECTION_STEPS_H

#include "worker/context.h"
#include "worker/http/client.h"
#include "worker/http/request.h"
#include "worker/net/connection.h"

/* What a state's function says: go on (with the state it left), wait for the
 * loop, or the connection is gone. */
enum step { STEP_ON, STEP_WAIT, STEP_GONE };

/* Between requests, those of the last one; before the first, the default server's. */
static inline const struct client_settings *connection_settings(const struct connection *connection)
{
    const struct request *request = connection->request;

    if (request != NULL)
        return request->settings[MODULE_CLIENT];
    return connection->settings;
}

static inline void connection_deadline(struct connection *connection, uint64_t milliseconds)
{
    struct worker *worker = connection->worker;

    connection->yielded = false;
    timer_arm(&worker->timers, &connection->timer, worker->clock.now + milliseconds);
}

/* The state has no deadline of the client's. One that is about to be moved, as of nearly
 * every request, need not be taken away first: later is for free (timer.h). */
static inline void connection_no_deadline(struct connection *connection)
{
    timer_disarm(&connection->worker->timers, &connection->timer);
}

/* --- connection_pool.c --- */

/* A connection's memory, not cleared; NULL when there is none. It belongs to the worker. */
struct connection *connection_alloc(struct worker *);

/* Gives it back. */
void connection_free(struct connection *);

/* Puts it last into the list of idle ones, and takes it out, if it is there. */
void connection_idle_enter(struct connection *);
void connection_idle_leave(struct connection *);

/* --- connection_batch.c --- */

/* Reads a connection that has become ready and waits for a request, or for the rest of its head,
 * and has it driven on when others have been read too: a row of the same system call finds the
 * kernel's code in the processor's cache, and one look at a file is good for all whose requests
 * were here before it. False: that is not what it is to do now. True: the connection may be
 * gone. */
bool connection_read_in_batch(struct connection *);

/* What a connection is to send may leave at the end of this turn of the loop: nothing else is
 * to be done for it before. */
bool connection_may_wait(const struct connection *);

/* Has what was rendered for a connection (in CONNECTION_SEND) sent together with other
 * connections' answers. STEP_WAIT; the connection may be gone. */
enum step connection_send_in_burst(struct connection *);

/* It is closed: takes it out of those read and of the burst, if it is there. */
void connection_batch_leave(struct connection *);

/* --- connection_input.c --- */

enum read_result { READ_SOME, READ_NOTHING, READ_END };

/* One recv into the free part of the input buffer. A short read has emptied the
 * socket (epoll(7)), unless the peer has closed: then one more read finds it. */
enum read_result connection_read(struct connection *);

/* Moves the bytes not used yet into a buffer of `size` (the same one when that
 * is its size). The head being read moves along. False: memory is out. */
bool connection_move_input(struct connection *, size_t size);

/* Room for more of a head: the limits of head_read end a head that is too
 * large before this can grow without bound. False: memory is out. */
bool connection_make_room(struct connection *);

/* PROXY: reads the header that comes before the first request. */
enum step connection_step_proxy(struct connection *);

/* --- connection_body.c --- */

/* BODY: a handler waits for the body. */
enum step connection_step_body(struct connection *);

/* DISCARD: the answer is out; what the client still sends of a body that nobody
 * wanted is read off, so that the connection can be kept. */
enum step connection_step_discard(struct connection *);

/* --- connection_close.c --- */

/* Closes at once: STEP_GONE. */
enum step connection_close_now(struct connection *);

/* The client closed before its request was whole: logged as 400, as nginx does. */
enum step connection_client_gone(struct connection *);

/* The client was too slow: with reset_timedout_connection the kernel's memory
 * of the socket goes at once, by RST. */
void connection_close_timed_out(struct connection *);

/* Everything has left. A client that is still sending would be reset by a plain
 * close and might lose the answer: its bytes are read off for a while. */
enum step connection_close_politely(struct connection *);

/* LINGER: reads off what comes until the client is done or it has lasted too long. */
enum step connection_step_linger(struct connection *);

/* --- connection.c --- */

/* Its turn has come: it is driven on, or closed if it was too slow. */
void connection_go_on(struct connection *);

/* After the head, or the body that was waited for: the request has answered, or says by the
 * connection's state what it waits for. */
enum step connection_after_request(struct connection *);

/* The answer is in the output: the request ends, and the next one begins, or the
 * connection closes when the output has left. */
enum step connection_end_request(struct connection *);

/* It no longer waits for the rest of a head. */
static inline void connection_reading_leave(struct connection *connection)
{
    if (connection->state == CONNECTION_HEAD)
        connection->worker->reading_count--;
}

#endif
