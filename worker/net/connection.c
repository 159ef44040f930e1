#include "worker/http/body.h"
#include "worker/http/core.h"
#include "worker/http/subrequest.h"
#include "worker/net/accept.h"
#include "worker/net/connection_steps.h"
#include "worker/net/output.h"
#include "worker/net/turn.h"
#include "worker/upstream/exchange.h"
#include "worker/upstream/tunnel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- reading a head --- */

static enum step become_idle(struct connection *connection)
{
    const struct client_settings *settings = connection_settings(connection);

    buffer_give(&connection->worker->buffers, connection->input);
    connection->input = NULL;
    if (connection->idle) /* woken for nothing: the deadline stays */
        return STEP_WAIT;
    connection->state = CONNECTION_IDLE;
    connection_idle_enter(connection);
    uint64_t timeout = connection->requests > 0 ? settings->keepalive_timeout.timeout
                                                : settings->client_header_timeout;
    bool leaving = connection->worker->leaving && timeout > connection->worker->leaving_grace;
    connection_deadline(connection, leaving ? connection->worker->leaving_grace : timeout);
    return STEP_WAIT;
}

static enum step wait_for_head(struct connection *connection)
{
    const struct client_settings *settings = connection_settings(connection);
    struct buffer *input = connection->input;

    if (input == NULL || input->start == input->end)
        return become_idle(connection);
    if (connection->state != CONNECTION_HEAD) {
        connection->state = CONNECTION_HEAD;
        connection->worker->reading_count++;
        connection_deadline(connection, settings->client_header_timeout);
    }
    /* A slow client must not hold a whole buffer for a few bytes. */
    size_t len = input->end - input->start;
    size_t small = settings->client_header_buffer_size;
    if (input->size == connection->worker->buffers.size && len < small && small < input->size / 2 &&
        !connection_move_input(connection, small))
        return connection_close_now(connection);
    return STEP_WAIT;
}

/* --- requests --- */

enum step connection_after_request(struct connection *connection)
{
    if (connection->state == CONNECTION_WAIT || connection->state == CONNECTION_BODY) {
        connection_no_deadline(connection);
        return STEP_ON;
    }
    if (connection->request->tunnel != NULL && connection->answered) {
        connection_no_deadline(connection);
        connection->state = CONNECTION_TUNNEL;
        return STEP_ON;
    }
    if (connection->request->silent) {
        output_flush(connection);
        return connection_close_now(connection);
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

    connection_reading_leave(connection);
    connection->state = CONNECTION_SEND;
    connection->requests++;
    turn_count(connection, REQUEST_WORK);
    connection->lingering = false;
    connection->answered = false;
    if (result == HEAD_DONE)
        connection->input->start += request->head.size;
    request_start(request, result);
    return connection_after_request(connection);
}

/* Among many, a client that does not read must not have the kernel keep megabytes for it, which
 * take long to be put there and to be thrown away: TCP_NOTSENT_LOWAT, tcp(7). */
static void bound_unsent(struct connection *connection)
{
    int most = SHARE_LEAST;

    connection->bounded = true;
    if (connection->peer.family != AF_UNIX)
        setsockopt(connection->watch.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
}

__attribute__((cold)) static enum step wait_for_turn(struct connection *connection)
{
    if (!connection->bounded && connection->work >= SHARE_LEAST &&
        turn_share(connection->worker) == SHARE_LEAST)
        bound_unsent(connection);
    connection_put_off(connection);
    return STEP_WAIT;
}

static bool brings_more(const struct connection *connection)
{
    const struct buffer *input = connection->input;

    return connection->watch.readable || (input != NULL && input->start < input->end);
}

/* It has had its share of this turn: what was answered leaves, what follows waits. */
__attribute__((cold)) static enum step let_others(struct connection *connection)
{
    if (connection->output == NULL)
        return wait_for_turn(connection);
    connection->state = CONNECTION_SEND;
    return STEP_ON;
}

/* IDLE and HEAD: parses what is there; sends what pipelined requests before have
 * been answered; then reads more, or waits. */
static enum step step_head(struct connection *connection)
{
    for (;;) {
        struct buffer *input = connection->input;
        if (turn_is_over(connection) && brings_more(connection))
            return let_others(connection);
        if (input != NULL && input->start < input->end && connection->output_size < OUTPUT_HIGH) {
            if (connection->request == NULL && request_new(connection) == NULL)
                return connection_close_now(connection);
            struct slice bytes = { input->data + input->start, input->end - input->start };
            enum head_result result = head_read(&connection->request->head, bytes);
            if (result != HEAD_MORE)
                return begin_request(connection, result);
        }
        if (connection->output != NULL) {
            connection->state = CONNECTION_SEND;
            return connection_may_wait(connection) ? connection_send_in_burst(connection) : STEP_ON;
        }
        if (!connection->watch.readable)
            return wait_for_head(connection);
        if (!connection_make_room(connection))
            return connection_close_now(connection);
        enum read_result got = connection_read(connection);
        if (got == READ_END)
            return connection_client_gone(connection);
        if (got == READ_SOME)
            connection_idle_leave(connection);
    }
}

/* From the second request on, answers must not wait for the client's ACKs. */
static void set_nodelay(struct connection *connection)
{
    int on = 1;

    connection->nodelay = true;
    if (connection->peer.family != AF_UNIX && connection_settings(connection)->tcp_nodelay)
        setsockopt(connection->watch.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Subrequests in the background keep the request, as does an answer that is fetched on to be
 * kept: what it was answered with leaves meanwhile. Their ends drive the connection on. */
static enum step wait_for_background(struct connection *connection)
{
    if (connection->output != NULL) {
        connection->state = CONNECTION_SEND;
        return STEP_ON;
    }
    connection_no_deadline(connection);
    return STEP_WAIT;
}

enum step connection_end_request(struct connection *connection)
{
    struct request *request = connection->request;

    if (request->subrequests != NULL && subrequests_running(request))
        return wait_for_background(connection);
    if (request->exchange != NULL && exchange_keeps_on(request))
        return wait_for_background(connection);
    connection->keep_alive = request->keep_alive; /* as the client was told */
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

static bool ignores_abort(const struct request *request)
{
    return request->exchange != NULL && exchange_outlives_client(request->exchange);
}

/* proxy_ignore_client_abort, or an answer that is to be kept, of the request, or of a subrequest
 * that is under way. */
static bool abort_is_ignored(const struct request *request)
{
    if (ignores_abort(request))
        return true;
    for (request = request->subrequests; request != NULL; request = request->subrequest->next)
        if (ignores_abort(request) && !subrequest_is_done(request))
            return true;
    return false;
}

/* Nobody is there any more to wait for an answer. Bytes that came are left for later. */
static bool client_has_left(struct connection *connection)
{
    char byte;

    if (!connection->watch.readable || abort_is_ignored(connection->request))
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
    return connection_close_now(connection);
}

/* Others have their turn first; what is limited goes on after a pause, while its upstream is
 * read on. */
static enum step step_pause(struct connection *connection)
{
    struct request *request = connection->request;

    if (request->rate.pause == 0)
        return wait_for_turn(connection);
    connection_deadline(connection, request->rate.pause);
    connection->yielded = true;
    if (client_has_left(connection))
        return connection_close_now(connection);
    if (request->exchange != NULL)
        exchange_read_ahead(request);
    return STEP_WAIT;
}

/* The client takes no more, but what is fetched for it is kept for others. */
static bool keeps_fetching(const struct connection *connection)
{
    return connection->request != NULL && connection->request->exchange != NULL &&
           connection->answered && exchange_keeps_on(connection->request);
}

static enum step lose_client(struct connection *connection)
{
    struct request *request = connection->request;

    output_drop(connection);
    connection_no_deadline(connection);
    request->response.body = NULL;
    request->response.stream = NULL;
    request->keep_alive = false;
    connection->state = CONNECTION_DISCARD;
    return STEP_WAIT;
}

/* SEND: flushes; when all has left, ends the request, goes on, or closes. */
static enum step step_send(struct connection *connection)
{
    switch (output_flush(connection)) {
    case OUTPUT_FAILED:
        return keeps_fetching(connection) ? lose_client(connection)
                                          : connection_close_now(connection);
    case OUTPUT_BLOCKED:
        connection_deadline(connection, connection_settings(connection)->send_timeout);
        if (connection->request != NULL && connection->request->exchange != NULL)
            exchange_read_ahead(connection->request);
        return STEP_WAIT;
    case OUTPUT_WAITS:
        connection_no_deadline(connection);
        return client_has_left(connection) ? connection_close_now(connection) : STEP_WAIT;
    case OUTPUT_YIELD:
        return step_pause(connection);
    case OUTPUT_SENT:
        break;
    }
    if (connection->request != NULL && connection->answered) {
        connection->state = CONNECTION_DISCARD;
        return STEP_ON;
    }
    if (connection->request == NULL && !connection->keep_alive && connection->requests > 0)
        return connection_close_politely(connection);
    if (connection->request != NULL && connection->resume_state != CONNECTION_IDLE) {
        connection_no_deadline(connection);
        connection->state = connection->resume_state;
        connection->resume_state = CONNECTION_IDLE;
        return STEP_ON;
    }
    connection->state = CONNECTION_IDLE;
    return STEP_ON;
}

/* TUNNEL: once the head has left, bytes go both ways. */
static enum step step_tunnel(struct connection *connection)
{
    if (connection->output != NULL) {
        enum output_result result = output_flush(connection);
        if (result == OUTPUT_BLOCKED)
            return STEP_WAIT;
        if (result != OUTPUT_SENT)
            return connection_close_now(connection);
    }
    switch (tunnel_run(connection->request)) {
    case TUNNEL_MORE:
        return wait_for_turn(connection);
    case TUNNEL_OVER:
        return connection_close_now(connection);
    case TUNNEL_WAITS:
        break;
    }
    return STEP_WAIT;
}

/* WAIT: a handler is busy; answers of requests before this one still leave. */
static enum step step_wait(struct connection *connection)
{
    if (connection->request->delayed && client_has_left(connection))
        return abandon(connection);
    if (connection->output != NULL && connection->watch.writable &&
        output_flush(connection) == OUTPUT_FAILED)
        return connection_close_now(connection);
    return client_has_left(connection) ? abandon(connection) : STEP_WAIT;
}

/* --- the machine --- */

void connection_drive(struct connection *connection)
{
    static enum step (*const steps[])(struct connection *) = {
        [CONNECTION_IDLE] = step_head,
        [CONNECTION_HEAD] = step_head,
        [CONNECTION_BODY] = connection_step_body,
        [CONNECTION_WAIT] = step_wait,
        [CONNECTION_SEND] = step_send,
        [CONNECTION_DISCARD] = connection_step_discard,
        [CONNECTION_LINGER] = connection_step_linger,
        [CONNECTION_TUNNEL] = step_tunnel,
        [CONNECTION_PROXY] = connection_step_proxy,
    };
    enum step step;

    if (connection->put_off)
        return;
    do
        step = steps[connection->state](connection);
    while (step == STEP_ON);
}

void connection_resume(struct connection *connection)
{
    if (connection_after_request(connection) == STEP_ON)
        connection_drive(connection);
}

void connection_wake(struct connection *connection)
{
    connection->work = 0;
    if (!connection_read_in_batch(connection))
        connection_drive(connection);
}

static void connection_ready(struct watch *watch)
{
    connection_wake((struct connection *)watch);
}

/* The deadline of the present state has passed. */
static void end_late(struct connection *connection)
{
    turn_count(connection, connection->state == CONNECTION_SEND ? UNREAD_WORK : CLOSE_WORK);
    if (connection->request != NULL && !connection->answered) {
        request_log(connection->request, LOG_LEVEL_INFO, ETIMEDOUT, "client timed out");
        connection->request->response.status = 408;
    }
    if (connection->state == CONNECTION_SEND && keeps_fetching(connection))
        lose_client(connection);
    else if (connection->state == CONNECTION_IDLE || connection->state == CONNECTION_LINGER)
        connection_close(connection);
    else
        connection_close_timed_out(connection);
}

void connection_go_on(struct connection *connection)
{
    if (!connection->timed_out) {
        connection_drive(connection);
        return;
    }
    connection->timed_out = false;
    end_late(connection);
}

/* Many may be late at once: each is ended when its turn comes. */
static void connection_timeout(struct timer *timer)
{
    struct connection *connection =
        (struct connection *)((char *)timer - offsetof(struct connection, timer));

    if (connection->yielded) {
        connection->yielded = false;
        connection_wake(connection);
        return;
    }
    connection->timed_out = true;
    connection_idle_leave(connection);
    connection_put_off(connection);
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

struct connection *connection_open(struct acceptor *acceptor, int fd, const struct ip_address *peer)
{
    struct worker *worker = acceptor->worker;
    struct connection *connection = connection_alloc(worker);

    if (connection == NULL) {
        close(fd);
        return NULL;
    }
    const struct server *server = http_default_server(acceptor->listener->servers);
    *connection = (struct connection){
        .watch = { .fd = fd, .on_ready = connection_ready, .readable = true, .writable = true },
        .timer = { .fire = connection_timeout },
        .worker = worker,
        .acceptor = acceptor,
        .tls_terminated = acceptor->listener->options.tls_terminated,
        .settings = server->settings[MODULE_CLIENT],
        .number = ++worker->connection_number,
        .started = worker->clock.now,
        .state = acceptor->listener->options.proxy_protocol ? CONNECTION_PROXY : CONNECTION_IDLE,
        .peer = *peer,
    };
    worker->connection_count++;
    return connection;
}

enum {
    PROMPT_ENOUGH = 64, /* of 256 connections bring a request at once: it is looked for */
    PROMPT_WEIGHT = 8,  /* of the last connection: one in so many */
    UNREAD_MOST = 15,   /* connections not looked at in a row */
};

/* A worker with little to do is woken before the request is there: mostly, then, a look would
 * be in vain. */
static bool may_be_prompt(struct worker *worker)
{
    if (worker->prompt < PROMPT_ENOUGH && worker->unread < UNREAD_MOST) {
        worker->unread++;
        return false;
    }
    worker->unread = 0;
    return true;
}

static void note_prompt(struct worker *worker, bool was_prompt)
{
    int change = (was_prompt ? UINT8_MAX : 0) - worker->prompt;

    worker->prompt = (uint8_t)(worker->prompt + change / PROMPT_WEIGHT);
}

/* Something came with it: it has been answered, or it waits for more than its first byte. */
static bool has_begun(const struct connection *connection)
{
    return connection->requests > 0 || connection->input != NULL;
}

/* A request has often arrived by the time its connection is accepted: it is answered at
 * once, and the loop never hears of a connection that ends with it. */
bool connection_start(struct connection *connection)
{
    struct worker *worker = connection->worker;
    int fd = connection->watch.fd;
    bool look = may_be_prompt(worker);

    connection->watch.readable = look;
    if (connection->state == CONNECTION_PROXY) {
        connection_idle_enter(connection);
        connection_deadline(connection, connection->settings->client_header_timeout);
    }
    connection_drive(connection);
    bool gone = connection->watch.fd != fd;
    if (look)
        note_prompt(worker, gone || has_begun(connection));
    return gone || watch_connection(connection);
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
