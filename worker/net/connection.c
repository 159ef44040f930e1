#include "worker/net/connection.h"

#include "worker/context.h"
#include "worker/http/body.h"
#include "worker/http/client.h"
#include "worker/http/core.h"
#include "worker/http/request.h"
#include "worker/http/subrequest.h"
#include "worker/net/accept.h"
#include "worker/net/output.h"
#include "worker/net/proxy_protocol.h"
#include "worker/upstream/exchange.h"
#include "worker/upstream/tunnel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a state's function says: go on (with the state it left), wait for the
 * loop, or the connection is gone. */
enum step { STEP_ON, STEP_WAIT, STEP_GONE };

enum { DISCARD_TURN = 256 * 1024 }; /* bytes read off before others get their turn */

/* --- memory --- */

enum { BLOCK_CONNECTIONS = 64 };

/* Connections are allocated many at a time: an idle one is little more than its struct,
 * and all of them can be found when the worker ends. */
struct connection_block {
    struct connection_block *next;
    struct connection connections[BLOCK_CONNECTIONS];
};

static void connection_free(struct connection *connection)
{
    struct worker *worker = connection->worker;

    connection->watch.fd = -1; /* not in use */
    connection->older = worker->free_connections;
    worker->free_connections = connection;
}

static struct connection *connection_alloc(struct worker *worker)
{
    if (worker->free_connections == NULL) {
        struct connection_block *block = malloc(sizeof *block);
        if (block == NULL)
            return NULL;
        block->next = worker->connection_blocks;
        worker->connection_blocks = block;
        for (size_t i = BLOCK_CONNECTIONS; i-- > 0;) {
            block->connections[i].worker = worker;
            connection_free(&block->connections[i]);
        }
    }
    struct connection *connection = worker->free_connections;
    worker->free_connections = connection->older;
    return connection;
}

/* --- the list of idle connections, oldest first --- */

static void idle_enter(struct connection *connection)
{
    struct worker *worker = connection->worker;

    connection->idle = true;
    worker->waiting_count++;
    connection->newer = NULL;
    connection->older = worker->newest_idle;
    if (worker->newest_idle != NULL)
        worker->newest_idle->newer = connection;
    else
        worker->oldest_idle = connection;
    worker->newest_idle = connection;
}

static void idle_leave(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (!connection->idle)
        return;
    connection->idle = false;
    worker->waiting_count--;
    if (connection->older != NULL)
        connection->older->newer = connection->newer;
    else
        worker->oldest_idle = connection->newer;
    if (connection->newer != NULL)
        connection->newer->older = connection->older;
    else
        worker->newest_idle = connection->older;
}

/* It no longer waits for the rest of a head. */
static void reading_leave(struct connection *connection)
{
    if (connection->state == CONNECTION_HEAD)
        connection->worker->reading_count--;
}

/* A new connection's request may be on its way. */
static bool is_fresh(const struct connection *connection)
{
    return connection->requests == 0 &&
           connection->worker->clock.now - connection->started < CONNECTION_FRESH;
}

size_t connection_close_idle(struct worker *worker, size_t count)
{
    struct connection *next;
    size_t closed = 0;

    for (struct connection *idle = worker->oldest_idle; idle != NULL && closed < count;
         idle = next) {
        next = idle->newer;
        if (is_fresh(idle))
            continue;
        connection_close(idle);
        closed++;
    }
    return closed;
}

/* --- settings in force --- */

/* Between requests, those of the last one; before the first, the default server's. */
static const struct client_settings *settings_of(const struct connection *connection)
{
    const struct request *request = connection->request;

    if (request != NULL)
        return request->settings[MODULE_CLIENT];
    return connection->settings;
}

static void deadline_in(struct connection *connection, uint64_t milliseconds)
{
    struct worker *worker = connection->worker;

    connection->yielded = false;
    timer_arm(&worker->timers, &connection->timer, worker->clock.now + milliseconds);
}

/* --- closing --- */

void connection_close(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (connection->request != NULL)
        request_finish(connection->request);
    idle_leave(connection);
    reading_leave(connection);
    timer_disarm(&worker->timers, &connection->timer);
    if (connection->watched)
        loop_forget(worker->loop, &connection->watch);
    close(connection->watch.fd);
    output_drop(connection);
    buffer_give(&worker->buffers, connection->input);
    free(connection->proxied);
    connection_free(connection);
    worker->connection_count--;
    acceptors_resume(worker);
}

static enum step close_now(struct connection *connection)
{
    connection_close(connection);
    return STEP_GONE;
}

/* The client closed before its request was whole: logged as 400, as nginx does. */
static enum step client_gone(struct connection *connection)
{
    if (connection->request != NULL) {
        request_log(connection->request, LOG_LEVEL_INFO, 0, "client prematurely closed connection");
        connection->request->response.status = 400;
    }
    return close_now(connection);
}

/* The client was too slow: with reset_timedout_connection the kernel's memory
 * of the socket goes at once, by RST. */
static void close_timed_out(struct connection *connection)
{
    struct linger abort = { .l_onoff = 1, .l_linger = 0 };

    if (settings_of(connection)->reset_timedout_connection)
        setsockopt(connection->watch.fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    connection_close(connection);
}

/* Everything has left. A client that is still sending would be reset by a plain
 * close and might lose the answer: its bytes are read off for a while. */
static enum step close_politely(struct connection *connection)
{
    const struct client_settings *settings = settings_of(connection);
    bool unread = connection->input != NULL && connection->input->start < connection->input->end;
    bool linger = settings->lingering_close == LINGERING_ALWAYS ||
                  (settings->lingering_close == LINGERING_ON &&
                   (connection->lingering || unread || connection->watch.readable));

    /* What was held back for the FIN leaves with it; a close that finds unread bytes would
     * drop it. */
    bool ended = shutdown(connection->watch.fd, SHUT_WR) == 0;
    if (!ended || !linger || (connection->watch.hangup && !connection->watch.readable))
        return close_now(connection);
    connection->linger_until = connection->worker->clock.now + settings->lingering_time;
    connection->state = CONNECTION_LINGER;
    deadline_in(connection, settings->lingering_timeout);
    return STEP_ON;
}

static enum step step_linger(struct connection *connection)
{
    char sink[4096];
    size_t total = 0;

    while (connection->watch.readable) {
        ssize_t got = recv(connection->watch.fd, sink, sizeof sink, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return close_now(connection);
        if (got < 0 && errno == EAGAIN) {
            connection->watch.readable = false;
            break;
        }
        total += got > 0 ? (size_t)got : 0;
        if (total > DISCARD_TURN)
            break;
    }
    uint64_t now = connection->worker->clock.now;
    if (now >= connection->linger_until)
        return close_now(connection);
    uint64_t quiet = settings_of(connection)->lingering_timeout;
    uint64_t left = connection->linger_until - now;
    deadline_in(connection, connection->watch.readable ? 0 : (quiet < left ? quiet : left));
    connection->yielded = connection->watch.readable;
    return STEP_WAIT;
}

/* --- reading --- */

enum read_result { READ_SOME, READ_NOTHING, READ_END };

/* One recv into the free part of the input buffer. A short read has emptied the
 * socket (epoll(7)), unless the peer has closed: then one more read finds it. */
static enum read_result read_input(struct connection *connection)
{
    struct buffer *input = connection->input;
    size_t room = input->size - input->end;
    ssize_t got;

    do
        got = recv(connection->watch.fd, input->data + input->end, room, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        input->end += (size_t)got;
        if ((size_t)got < room && !connection->watch.hangup)
            connection->watch.readable = false;
        return READ_SOME;
    }
    if (got < 0 && errno == EAGAIN) {
        connection->watch.readable = false;
        return READ_NOTHING;
    }
    return READ_END;
}

/* Moves the bytes not used yet into a buffer of `size` (the same one when that
 * is its size). The head being read moves along. */
static bool input_move(struct connection *connection, size_t size)
{
    struct buffer *old = connection->input;
    size_t len = old->end - old->start;
    const char *from = old->data + old->start;

    if (size == old->size) {
        memmove(old->data, from, len);
        if (connection->request != NULL)
            head_rebase(&connection->request->head, from, old->data);
        old->start = 0;
        old->end = len;
        return true;
    }
    struct buffer *larger = buffer_take_sized(&connection->worker->buffers, size);
    if (larger == NULL)
        return false;
    memcpy(larger->data, from, len);
    larger->end = len;
    if (connection->request != NULL)
        head_rebase(&connection->request->head, from, larger->data);
    connection->input = larger;
    buffer_give(&connection->worker->buffers, old);
    return true;
}

/* Room for more of a head: the limits of head_read end a head that is too
 * large before this can grow without bound. */
static bool input_make_room(struct connection *connection)
{
    struct buffer *input = connection->input;

    if (input == NULL) {
        connection->input = buffer_take(&connection->worker->buffers);
        return connection->input != NULL;
    }
    if (input->start == input->end && connection->request == NULL)
        input->start = input->end = 0;
    if (input->end < input->size)
        return true;
    return input_move(connection, input->start > 0 ? input->size : input->size * 2);
}

static enum step become_idle(struct connection *connection)
{
    const struct client_settings *settings = settings_of(connection);

    buffer_give(&connection->worker->buffers, connection->input);
    connection->input = NULL;
    if (connection->idle) /* woken for nothing: the deadline stays */
        return STEP_WAIT;
    connection->state = CONNECTION_IDLE;
    idle_enter(connection);
    deadline_in(connection, connection->requests > 0 ? settings->keepalive_timeout.timeout
                                                     : settings->client_header_timeout);
    return STEP_WAIT;
}

static enum step wait_for_head(struct connection *connection)
{
    const struct client_settings *settings = settings_of(connection);
    struct buffer *input = connection->input;

    if (input == NULL || input->start == input->end)
        return become_idle(connection);
    if (connection->state != CONNECTION_HEAD) {
        connection->state = CONNECTION_HEAD;
        connection->worker->reading_count++;
        deadline_in(connection, settings->client_header_timeout);
    }
    /* A slow client must not hold a whole buffer for a few bytes. */
    size_t len = input->end - input->start;
    size_t small = settings->client_header_buffer_size;
    if (input->size == connection->worker->buffers.size && len < small && small < input->size / 2 &&
        !input_move(connection, small))
        return close_now(connection);
    return STEP_WAIT;
}

/* --- the PROXY protocol --- */

/* The header is kept for the connection's life, its TLVs behind the struct. */
static bool keep_proxied(struct connection *connection, const struct proxy_header *header)
{
    struct proxied *proxied = malloc(sizeof *proxied + header->tlvs.len);

    if (proxied == NULL)
        return false;
    *proxied = (struct proxied){ header->source,
                                 header->destination,
                                 { (char *)(proxied + 1), header->tlvs.len },
                                 header->tls };
    memcpy(proxied + 1, header->tlvs.at, header->tlvs.len);
    connection->proxied = proxied;
    return true;
}

static enum step refuse_proxy(struct connection *connection)
{
    char peer[IP_TEXT_MAX];

    ip_text(&connection->peer, peer);
    log_write(connection->worker->log, LOG_LEVEL_ERROR, 0, connection->number,
              "broken header while reading PROXY protocol, client: %s", peer);
    return close_now(connection);
}

/* A silent client holds no buffer. */
static void give_empty_input(struct connection *connection)
{
    if (connection->input == NULL || connection->input->start < connection->input->end)
        return;
    buffer_give(&connection->worker->buffers, connection->input);
    connection->input = NULL;
}

/* PROXY: reads the header that comes before the first request. */
static enum step step_proxy(struct connection *connection)
{
    struct proxy_header header;

    for (;;) {
        struct buffer *input = connection->input;
        struct slice bytes = SLICE("");
        if (input != NULL)
            bytes = slice_make(input->data + input->start, input->end - input->start);
        switch (proxy_protocol_read(bytes, &header)) {
        case PROXY_BAD:
            return refuse_proxy(connection);
        case PROXY_DONE:
            connection->input->start += header.size;
            connection->state = CONNECTION_IDLE;
            return keep_proxied(connection, &header) ? STEP_ON : close_now(connection);
        case PROXY_MORE:
            break;
        }
        if (!connection->watch.readable) {
            give_empty_input(connection);
            return STEP_WAIT;
        }
        if (!input_make_room(connection))
            return close_now(connection);
        enum read_result got = read_input(connection);
        if (got == READ_END)
            return close_now(connection);
        if (got == READ_SOME)
            idle_leave(connection);
    }
}

/* --- requests --- */

/* The state has no deadline of the client's. One that is about to be moved, as of nearly
 * every request, need not be taken away first: later is for free (timer.h). */
static void no_deadline(struct connection *connection)
{
    timer_disarm(&connection->worker->timers, &connection->timer);
}

/* After the head: the request has answered, or says by the connection's state
 * what it waits for. */
static enum step after_request(struct connection *connection)
{
    if (connection->state == CONNECTION_WAIT || connection->state == CONNECTION_BODY) {
        no_deadline(connection);
        return STEP_ON;
    }
    if (connection->request->tunnel != NULL && connection->answered) {
        no_deadline(connection);
        connection->state = CONNECTION_TUNNEL;
        return STEP_ON;
    }
    if (connection->request->silent) {
        output_flush(connection); /* answers of requests before this one */
        return close_now(connection);
    }
    /* An answer that is wholly in the buffers leaves with those of the requests
     * that follow it in the same read; a large body is sent at once. */
    const struct response *response = &connection->request->response;
    bool large = response->body != NULL || response->stream != NULL;
    connection->state = large ? CONNECTION_SEND : CONNECTION_DISCARD;
    return STEP_ON;
}

static enum step begin_request(struct connection *connection, enum head_result result)
{
    struct request *request = connection->request;

    reading_leave(connection);
    connection->state = CONNECTION_SEND;
    connection->requests++;
    connection->lingering = false;
    connection->answered = false;
    connection->linger_until = 0;
    if (result == HEAD_DONE)
        connection->input->start += request->head.size;
    request_start(request, result);
    return after_request(connection);
}

/* IDLE and HEAD: parses what is there; sends what pipelined requests before have
 * been answered; then reads more, or waits. */
static enum step step_head(struct connection *connection)
{
    for (;;) {
        struct buffer *input = connection->input;
        if (input != NULL && input->start < input->end && connection->output_size < OUTPUT_HIGH) {
            if (connection->request == NULL && request_new(connection) == NULL)
                return close_now(connection);
            struct slice bytes = { input->data + input->start, input->end - input->start };
            enum head_result result = head_read(&connection->request->head, bytes);
            if (result != HEAD_MORE)
                return begin_request(connection, result);
        }
        if (connection->output != NULL) {
            connection->state = CONNECTION_SEND;
            return STEP_ON;
        }
        if (!connection->watch.readable)
            return wait_for_head(connection);
        if (!input_make_room(connection))
            return close_now(connection);
        enum read_result got = read_input(connection);
        if (got == READ_END)
            return client_gone(connection);
        if (got == READ_SOME)
            idle_leave(connection);
    }
}

/* From the second request on, answers must not wait for the client's ACKs. */
static void set_nodelay(struct connection *connection)
{
    int on = 1;

    connection->nodelay = true;
    if (connection->peer.family != AF_UNIX && settings_of(connection)->tcp_nodelay)
        setsockopt(connection->watch.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Subrequests in the background keep the request: what it was answered with leaves
 * meanwhile. Their ends drive the connection on. */
static enum step wait_for_subrequests(struct connection *connection)
{
    if (connection->output != NULL) {
        connection->state = CONNECTION_SEND;
        return STEP_ON;
    }
    no_deadline(connection);
    return STEP_WAIT;
}

/* The answer is in the output: the request ends, and the next one begins, or the
 * connection closes when the output has left. */
static enum step end_request(struct connection *connection)
{
    struct request *request = connection->request;

    if (request->subrequests != NULL && subrequests_running(request))
        return wait_for_subrequests(connection);
    connection->keep_alive = request->keep_alive && !connection->worker->leaving;
    connection->settings = request->settings[MODULE_CLIENT];
    if (connection->keep_alive && !connection->nodelay)
        set_nodelay(connection);
    if (request->body != NULL && !request->body->whole)
        connection->lingering = true;
    request_finish(request);
    connection->answered = false;
    connection->state = connection->keep_alive ? CONNECTION_IDLE : CONNECTION_SEND;
    return STEP_ON;
}

/* Nobody is there any more to wait for an answer. Bytes that came are left for later. */
static bool client_has_left(struct connection *connection)
{
    const struct exchange *exchange = connection->request->exchange;
    char byte;

    if (!connection->watch.readable ||
        (exchange != NULL && exchange->settings->ignore_client_abort))
        return false;
    ssize_t got = recv(connection->watch.fd, &byte, 1, MSG_PEEK);
    if (got < 0 && errno == EAGAIN)
        connection->watch.readable = false;
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/* nginx's 499: the client has closed its connection while it was to be answered. */
static enum step abandon(struct connection *connection)
{
    request_log(connection->request, LOG_LEVEL_INFO, 0, "client prematurely closed connection%s",
                connection->request->exchange != NULL ? ", so upstream connection is closed too"
                                                      : "");
    connection->request->response.status = 499;
    return close_now(connection);
}

/* SEND: flushes; when all has left, ends the request, goes on, or closes. */
static enum step step_send(struct connection *connection)
{
    switch (output_flush(connection)) {
    case OUTPUT_FAILED:
        return close_now(connection);
    case OUTPUT_BLOCKED:
        deadline_in(connection, settings_of(connection)->send_timeout);
        if (connection->request != NULL && connection->request->exchange != NULL)
            exchange_read_ahead(connection->request);
        return STEP_WAIT;
    case OUTPUT_WAITS: /* the deadline is its handler's */
        no_deadline(connection);
        return client_has_left(connection) ? close_now(connection) : STEP_WAIT;
    case OUTPUT_YIELD:
        deadline_in(connection, 0);
        connection->yielded = true;
        return STEP_WAIT;
    case OUTPUT_SENT:
        break;
    }
    if (connection->request != NULL && connection->answered) {
        connection->state = CONNECTION_DISCARD;
        return STEP_ON;
    }
    if (connection->request == NULL && !connection->keep_alive && connection->requests > 0)
        return close_politely(connection);
    if (connection->request != NULL && connection->resume_state != CONNECTION_IDLE) {
        no_deadline(connection);
        connection->state = connection->resume_state;
        connection->resume_state = CONNECTION_IDLE;
        return STEP_ON;
    }
    connection->state = CONNECTION_IDLE;
    return STEP_ON;
}

/* The bytes of a body that the input holds, then those the socket holds. The
 * head's buffer must stay as it is while the request lives: it is set aside
 * when it is used up. */
static enum step read_body(struct connection *connection, int *status)
{
    struct request *request = connection->request;
    size_t total = 0;

    for (;;) {
        struct buffer *input = connection->input;
        if (input != NULL && input->start < input->end) {
            struct slice in = { input->data + input->start, input->end - input->start };
            *status = body_take(request, &in);
            input->start = input->end - in.len;
            if (*status != 0 || request->body->whole)
                return STEP_ON;
        }
        if (body_is_full(request->body))
            return STEP_WAIT;
        if (input != NULL && request->head_buffer == NULL) {
            request->head_buffer = input;
            connection->input = input = NULL;
        }
        if (!connection->watch.readable || total > DISCARD_TURN)
            return STEP_WAIT;
        if (input == NULL && !input_make_room(connection))
            return STEP_GONE;
        connection->input->start = connection->input->end = 0;
        size_t before = connection->input->end;
        if (read_input(connection) == READ_END)
            return STEP_GONE;
        total += connection->input->end - before;
    }
}

/* Waits for more of a body: at most `timeout` since the last byte. */
static enum step wait_for_body(struct connection *connection, uint64_t timeout)
{
    deadline_in(connection, connection->watch.readable ? 0 : timeout);
    connection->yielded = connection->watch.readable;
    return STEP_WAIT;
}

/* The upstream has got what came of the body; more is read when there is room for it. */
static enum step stream_body(struct connection *connection, int status)
{
    struct request *request = connection->request;
    const struct body *body = request->body;

    if (status != 0) {
        exchange_drop(request);
        connection->state = CONNECTION_SEND;
        request->keep_alive = false;
        request_conclude(request, status);
        return STEP_GONE;
    }
    int outcome = exchange_upload(request);
    if (outcome != AGAIN) {
        request_conclude(request, outcome);
        return STEP_GONE;
    }
    if (body->whole) {
        no_deadline(connection);
        connection->state = CONNECTION_WAIT;
        return STEP_ON;
    }
    if (!body_is_full(body))
        return wait_for_body(connection, settings_of(connection)->client_body_timeout);
    no_deadline(connection);
    return STEP_WAIT;
}

/* BODY: a handler waits for the body. */
static enum step step_body(struct connection *connection)
{
    struct request *request = connection->request;
    int status = 0;

    if (connection->output != NULL) { /* 100 Continue goes out before its body is awaited */
        connection->state = CONNECTION_SEND;
        connection->resume_state = CONNECTION_BODY;
        connection->answered = false;
        return STEP_ON;
    }
    enum step step = read_body(connection, &status);
    if (step == STEP_GONE)
        return client_gone(connection);
    if (request->body->streamed)
        return stream_body(connection, status);
    if (step == STEP_WAIT)
        return wait_for_body(connection, settings_of(connection)->client_body_timeout);
    no_deadline(connection);
    connection->state = CONNECTION_SEND;
    request_body_ready(request, status);
    return after_request(connection);
}

/* DISCARD: the answer is out; what the client still sends of a body that nobody
 * wanted is read off, so that the connection can be kept. */
static enum step step_discard(struct connection *connection)
{
    struct request *request = connection->request;
    struct body *body = request->body;
    int status = 0;

    if (body == NULL || body->whole || !request->keep_alive)
        return end_request(connection);
    body_drop(body);
    if (connection->linger_until == 0)
        connection->linger_until =
            connection->worker->clock.now + settings_of(connection)->lingering_time;
    enum step step = read_body(connection, &status);
    if (step == STEP_GONE)
        return close_now(connection);
    if (status != 0)
        request->keep_alive = false;
    if (step == STEP_ON) {
        connection->linger_until = 0;
        no_deadline(connection);
        return end_request(connection);
    }
    if (connection->output != NULL) { /* the client may wait for the answer before it sends on */
        connection->state = CONNECTION_SEND;
        return STEP_ON;
    }
    if (connection->worker->clock.now >= connection->linger_until)
        request->keep_alive = false;
    return wait_for_body(connection, settings_of(connection)->lingering_timeout);
}

/* TUNNEL: once the head has left, bytes go both ways. */
static enum step step_tunnel(struct connection *connection)
{
    if (connection->output != NULL) {
        enum output_result result = output_flush(connection);
        if (result == OUTPUT_BLOCKED)
            return STEP_WAIT;
        if (result != OUTPUT_SENT)
            return close_now(connection);
    }
    return tunnel_run(connection->request) ? STEP_WAIT : close_now(connection);
}

/* WAIT: a handler is busy; answers of requests before this one still leave. */
static enum step step_wait(struct connection *connection)
{
    if (connection->request->delayed && client_has_left(connection))
        return abandon(connection);
    if (connection->output != NULL && connection->watch.writable &&
        output_flush(connection) == OUTPUT_FAILED)
        return close_now(connection);
    return client_has_left(connection) ? abandon(connection) : STEP_WAIT;
}

/* --- the machine --- */

void connection_drive(struct connection *connection)
{
    static enum step (*const steps[])(struct connection *) = {
        [CONNECTION_IDLE] = step_head,     [CONNECTION_HEAD] = step_head,
        [CONNECTION_BODY] = step_body,     [CONNECTION_WAIT] = step_wait,
        [CONNECTION_SEND] = step_send,     [CONNECTION_DISCARD] = step_discard,
        [CONNECTION_LINGER] = step_linger, [CONNECTION_TUNNEL] = step_tunnel,
        [CONNECTION_PROXY] = step_proxy,
    };
    enum step step;

    do
        step = steps[connection->state](connection);
    while (step == STEP_ON);
}

void connection_resume(struct connection *connection)
{
    if (after_request(connection) == STEP_ON)
        connection_drive(connection);
}

static void connection_ready(struct watch *watch)
{
    connection_drive((struct connection *)watch);
}

/* The deadline of the present state has passed, or its turn has come again. */
static void connection_timeout(struct timer *timer)
{
    struct connection *connection =
        (struct connection *)((char *)timer - offsetof(struct connection, timer));

    if (connection->yielded) {
        connection->yielded = false;
        connection_drive(connection);
        return;
    }
    if (connection->request != NULL && !connection->answered) {
        request_log(connection->request, LOG_LEVEL_INFO, ETIMEDOUT, "client timed out");
        connection->request->response.status = 408;
    }
    if (connection->state == CONNECTION_IDLE || connection->state == CONNECTION_LINGER)
        connection_close(connection);
    else
        close_timed_out(connection);
}

/* --- a connection's beginning --- */

/* Has the loop watch a connection that did not end with its first request. False: it is
 * closed. */
static bool watch_connection(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (loop_add(worker->loop, &connection->watch, WATCH_USED) == 0) {
        connection->watched = true;
        return true;
    }
    log_write(worker->log, LOG_LEVEL_ALERT, errno, connection->number,
              "a connection cannot be watched");
    connection_close(connection);
    return false;
}

/* A request has often arrived by the time its connection is accepted: it is answered at
 * once, and the loop never hears of a connection that ends with it. */
bool connection_start(struct acceptor *acceptor, int fd, const struct ip_address *peer)
{
    struct worker *worker = acceptor->worker;
    struct connection *connection = connection_alloc(worker);

    if (connection == NULL) {
        close(fd);
        return false;
    }
    const struct server *server = http_default_server(acceptor->listener->servers);
    *connection = (struct connection){
        .watch = { .fd = fd, .on_ready = connection_ready, .readable = true, .writable = true },
        .timer = { .fire = connection_timeout },
        .worker = worker,
        .acceptor = acceptor,
        .settings = server->settings[MODULE_CLIENT],
        .number = ++worker->connection_number,
        .started = worker->clock.now,
        .state = acceptor->listener->options.proxy_protocol ? CONNECTION_PROXY : CONNECTION_IDLE,
        .peer = *peer,
    };
    worker->connection_count++;
    if (connection->state == CONNECTION_PROXY) {
        idle_enter(connection);
        deadline_in(connection, connection->settings->client_header_timeout);
    }
    connection_drive(connection);
    return connection->watch.fd != fd || watch_connection(connection);
}

void connections_close(struct worker *worker)
{
    struct connection_block *block = worker->connection_blocks;

    while (block != NULL) {
        struct connection_block *next = block->next;
        for (size_t i = 0; i < BLOCK_CONNECTIONS; i++)
            if (block->connections[i].watch.fd >= 0)
                connection_close(&block->connections[i]);
        block = next;
    }
}

void connection_pool_free(struct worker *worker)
{
    while (worker->connection_blocks != NULL) {
        struct connection_block *next = worker->connection_blocks->next;
        free(worker->connection_blocks);
        worker->connection_blocks = next;
    }
    worker->free_connections = NULL;
}

void connections_leave(struct worker *worker, uint64_t grace)
{
    for (struct connection *connection = worker->oldest_idle; connection != NULL;
         connection = connection->newer)
        if (connection->timer.due > worker->clock.now + grace)
            deadline_in(connection, grace);
}

bool connection_local_address(const struct connection *connection, struct address *address)
{
    socklen_t len = sizeof address->name;

    memset(address, 0, sizeof *address);
    if (getsockname(connection->watch.fd, &address->name.any, &len) < 0)
        return false;
    address->len = len;
    return true;
}
