#include "worker/upstream/exchange.h"

#include "worker/context.h"
#include "worker/http/body.h"
#include "worker/http/error_page.h"
#include "worker/net/connection.h"
#include "worker/net/output.h"
#include "worker/upstream/spool.h"
#include "worker/upstream/tunnel.h"

#include <errno.h>
#include <sys/socket.h>

/* What a step comes to, beside enum outcome and statuses. */
enum { GO_ON = 0 };

enum { INTERIM_MAX = 32 }; /* 1xx answers before the one that counts */

/* --- the end --- */

static void count(_Atomic uint64_t *figure, uint64_t more)
{
    atomic_fetch_add_explicit(figure, more, memory_order_relaxed);
}

/* The attempt's part of the peer's figures. */
static void count_attempt(const struct attempt *attempt, struct peer_state *state)
{
    unsigned class = attempt->status / 100;

    count(&state->sent, attempt->sent);
    count(&state->received, attempt->received);
    if (attempt->header_time != TIME_UNKNOWN)
        count(&state->response_time, (uint64_t)attempt->response_time);
    if (class >= 1 && class <= 5)
        count(&state->responses[class - 1], 1);
}

void exchange_release(struct exchange *x, bool keep, bool failed)
{
    struct attempt *attempt = x->attempt;

    if (attempt != NULL && attempt->response_time == TIME_UNKNOWN)
        attempt->response_time = (int64_t)(x->request->worker->clock.now - attempt->began);
    if (x->connection != NULL && keep)
        upstream_keep(x->connection);
    else
        upstream_close(x->connection);
    x->connection = NULL;
    if (x->peer != NULL) {
        count_attempt(attempt, x->peer->state);
        peer_release(&x->selection, x->peer, failed);
    }
    x->peer = NULL;
}

/* The request ends, whatever has become of the exchange. */
static void end(struct request *request, void *exchange)
{
    struct exchange *x = exchange;
    struct buffer_pool *pool = &request->worker->buffers;

    exchange_release(x, false, false);
    buffer_give(pool, x->input);
    buffer_give(pool, x->upload.pieces);
    spool_free(x->spool);
}

/* --- attempts --- */

static bool note_attempt(struct exchange *x, const struct peer *peer)
{
    struct attempt *attempt = arena_alloc(&x->request->arena, sizeof *attempt);

    if (attempt == NULL)
        return false;
    *attempt = (struct attempt){
        .peer = peer,
        .name = peer != NULL ? peer->name : x->selection.group->name,
        .began = x->request->worker->clock.now,
        .connect_time = TIME_UNKNOWN,
        .header_time = TIME_UNKNOWN,
        .response_time = TIME_UNKNOWN,
    };
    *x->last_attempt = attempt;
    x->last_attempt = &attempt->next;
    x->attempt = attempt;
    return true;
}

void exchange_wait(struct exchange *x, uint64_t milliseconds)
{
    struct worker *worker = x->request->worker;

    timer_arm(&worker->timers, &x->connection->timer, worker->clock.now + milliseconds);
}

static int fail_over(struct exchange *x, enum next_upstream kind);
static void exchange_ready(struct watch *watch);
static void exchange_timeout(struct timer *timer);

/* A connection to the peer, idle or new. */
static int take_connection(struct exchange *x, struct peer *peer, bool fresh)
{
    struct request *request = x->request;

    x->action = "connecting to upstream";
    x->connection = fresh ? NULL : upstream_take_idle(peer);
    if (x->connection == NULL)
        x->connection = upstream_connect(request->worker, peer, &x->connect);
    if (x->connection == NULL) {
        exchange_log(x, LOG_LEVEL_ERROR, errno, "connect() to %.*s failed", (int)peer->name.len,
                     peer->name.at);
        return fail_over(x, NEXT_ERROR);
    }
    x->connection->exchange = x;
    x->connection->watch.on_ready = exchange_ready;
    x->connection->timer.fire = exchange_timeout;
    x->state = EXCHANGE_CONNECT;
    if (x->connection->reused)
        x->attempt->connect_time = 0;
    else if (!x->connection->watch.writable)
        exchange_wait(x, x->settings->connect_timeout);
    return GO_ON;
}

static int begin_attempt(struct exchange *x, bool fresh)
{
    struct peer *peer = selection_next(&x->selection);

    if (!note_attempt(x, peer))
        return 500;
    x->peer = peer;
    if (peer == NULL) {
        x->action = "connecting to upstream";
        x->attempt->status = 502;
        x->attempt->response_time = 0;
        exchange_log(x, LOG_LEVEL_ERROR, 0, "no live upstreams");
        return 502;
    }
    x->tries_left -= x->tries_left > 0;
    upload_rewind(&x->upload);
    if (x->input != NULL)
        x->input->start = x->input->end = 0;
    answer_head_init(&x->head, &x->request->arena, x->head.kind);
    return take_connection(x, peer, fresh);
}

/* The status that a failure is answered with. */
static int status_of(enum next_upstream kind)
{
    switch (kind) {
    case NEXT_TIMEOUT:
    case NEXT_HTTP_504:
        return 504;
    case NEXT_HTTP_500:
        return 500;
    case NEXT_HTTP_503:
        return 503;
    case NEXT_HTTP_403:
        return 403;
    case NEXT_HTTP_404:
        return 404;
    case NEXT_HTTP_429:
        return 429;
    default:
        return 502;
    }
}

/* Doing it twice may not be the same as once (RFC 9110 9.2.2; nginx's list). */
static bool is_idempotent(const struct request *request)
{
    return request->method != METHOD_POST && request->method != METHOD_LOCK &&
           request->method != METHOD_PATCH;
}

/* Another peer may be asked after a failure of this kind. */
static bool may_try_next(const struct exchange *x, enum next_upstream kind)
{
    const struct exchange_settings *settings = x->settings;
    uint32_t needed = kind;

    if (x->attempt->sent > 0 && !is_idempotent(x->request))
        needed |= NEXT_NON_IDEMPOTENT;
    if (x->tries_left == 0 || (settings->next_upstream & needed) != needed)
        return false;
    if (x->upload.streamed && x->upload.begun)
        return false;
    return settings->next_timeout == 0 ||
           x->request->worker->clock.now - x->began < settings->next_timeout;
}

/* 403 and 404 are answers, too: their peer is well. */
static bool is_peer_fault(enum next_upstream kind)
{
    return kind != NEXT_HTTP_403 && kind != NEXT_HTTP_404;
}

/* The attempt has failed: the next one, or what is answered. */
static int fail_over(struct exchange *x, enum next_upstream kind)
{
    bool stale = kind == NEXT_ERROR && x->connection != NULL && x->connection->reused &&
                 x->attempt->received == 0;
    struct peer *peer = x->peer;

    if (x->attempt->status == 0)
        x->attempt->status = (unsigned)status_of(kind);
    exchange_release(x, false, is_peer_fault(kind) && !stale);
    if (stale) { /* an idle connection that the server has closed meanwhile: its right */
        x->tries_left++;
        selection_forget(&x->selection, peer);
    }
    return may_try_next(x, kind) ? begin_attempt(x, stale) : status_of(kind);
}

/* --- connecting and sending --- */

static int step_connect(struct exchange *x)
{
    struct upstream_connection *connection = x->connection;
    int error = 0;
    socklen_t len = sizeof error;

    if (!connection->watch.writable)
        return AGAIN;
    if (!connection->reused) {
        if (getsockopt(connection->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
            error = errno;
        if (error != 0) {
            exchange_log(x, LOG_LEVEL_ERROR, error, "connect() failed");
            return fail_over(x, NEXT_ERROR);
        }
        x->attempt->connect_time = (int64_t)(x->request->worker->clock.now - x->attempt->began);
    }
    x->state = EXCHANGE_SEND;
    x->action = "sending request to upstream";
    return GO_ON;
}

static int receive_head(struct exchange *x);

/* The upstream takes nothing more for now, or nothing at all; it may have answered already. */
static int send_waits(struct exchange *x, enum upload_result result)
{
    int error = errno;

    if (x->connection->watch.readable) {
        int outcome = receive_head(x);
        if (outcome != AGAIN)
            return outcome;
    }
    if (result == UPLOAD_FAILED) {
        exchange_log(x, LOG_LEVEL_ERROR, error, "send() failed");
        return fail_over(x, NEXT_ERROR);
    }
    if (result == UPLOAD_BLOCKED)
        exchange_wait(x, x->settings->send_timeout);
    else /* the client has a deadline of its own */
        timer_disarm(&x->request->worker->timers, &x->connection->timer);
    return AGAIN;
}

static int step_send(struct exchange *x)
{
    enum upload_result result = upload_send(x);

    if (result == UPLOAD_NO_MEMORY)
        return 500;
    if (result != UPLOAD_DONE)
        return send_waits(x, result);
    x->state = EXCHANGE_HEAD;
    x->action = "reading response header from upstream";
    exchange_wait(x, x->settings->read_timeout);
    return GO_ON;
}

/* --- the answer's head --- */

static int refuse_head(struct exchange *x, const char *why)
{
    exchange_log(x, LOG_LEVEL_ERROR, 0, "upstream sent %s", why);
    return fail_over(x, NEXT_INVALID_HEADER);
}

/* A status that is a failure where the configuration says so. */
static enum next_upstream failure_of(unsigned status)
{
    switch (status) {
    case 500:
        return NEXT_HTTP_500;
    case 502:
        return NEXT_HTTP_502;
    case 503:
        return NEXT_HTTP_503;
    case 504:
        return NEXT_HTTP_504;
    case 403:
        return NEXT_HTTP_403;
    case 404:
        return NEXT_HTTP_404;
    case 429:
        return NEXT_HTTP_429;
    default:
        return 0;
    }
}

/* The page of error_page is shown instead; a 401 keeps the field that says how to log in. */
static int intercept(struct exchange *x)
{
    const struct answer_field *challenge = answer_known(&x->head, ANSWER_WWW_AUTHENTICATE);
    unsigned status = x->head.status;

    exchange_release(x, false, false);
    if (status == 401 && challenge != NULL &&
        !response_add(x->request, challenge->name, challenge->value))
        return 500;
    return (int)status;
}

/* The body of which all came with the head needs no stream. */
static int answer(struct exchange *x)
{
    struct response *response = &x->request->response;

    if (!exchange_begin_body(x))
        return refuse_head(x, "a body with invalid framing");
    int outcome = exchange_respond(x);
    if (outcome != 0) {
        exchange_release(x, false, false);
        return outcome;
    }
    x->state = EXCHANGE_BODY;
    x->action = "reading upstream";
    if (!x->body_ended) {
        response->stream = &x->stream;
        return DONE;
    }
    exchange_release(x, x->reusable, false);
    x->state = EXCHANGE_ENDED;
    return response_memory(x->request, x->pending) ? DONE : 500;
}

static int take_head(struct exchange *x)
{
    unsigned status = x->head.status;
    enum next_upstream failure = failure_of(status);

    x->attempt->status = status;
    x->attempt->header_time = (int64_t)(x->request->worker->clock.now - x->attempt->began);
    if (status == 101)
        return x->wants_upgrade ? tunnel_begin(x) : refuse_head(x, "a 101 that nobody asked for");
    if (failure != 0 && may_try_next(x, failure))
        return fail_over(x, failure);
    if (x->settings->intercept_errors && status >= 300 && error_page_is_set(x->request, status))
        return intercept(x);
    return answer(x);
}

/* 100 and its kind say nothing that this client has asked for. */
static int pass_interim(struct exchange *x)
{
    if (++x->interim > INTERIM_MAX)
        return refuse_head(x, "too many interim responses");
    answer_head_init(&x->head, &x->request->arena, x->head.kind);
    return GO_ON;
}

/* Reads the head in what has come. AGAIN: it is not whole. */
static int read_head(struct exchange *x)
{
    const struct buffer *input = x->input;

    for (;;) {
        size_t start = input->start;
        enum answer_result result = x->protocol->read_head(x);
        switch (result) {
        case ANSWER_MORE:
            if (input->end - start >= x->settings->buffer_size)
                return refuse_head(x, "too big header");
            return AGAIN;
        case ANSWER_NO_MEMORY:
            return 500;
        case ANSWER_BAD_LINE:
            return refuse_head(x, "no valid HTTP/1.x header");
        case ANSWER_BAD_FIELD:
            return refuse_head(x, "invalid header");
        case ANSWER_TOO_MANY:
            return refuse_head(x, "too many header lines");
        case ANSWER_DONE:
            break;
        }
        if (input->start - start > x->settings->buffer_size)
            return refuse_head(x, "too big header");
        if (x->head.status >= 200 || x->head.status == 101)
            return take_head(x);
        int outcome = pass_interim(x);
        if (outcome != GO_ON)
            return outcome;
    }
}

/* Room for a head as large as it may be; the usual buffer takes a small body too. */
static bool take_input(struct exchange *x)
{
    struct buffer_pool *pool = &x->request->worker->buffers;
    size_t least = x->settings->buffer_size;

    if (x->input == NULL)
        x->input = least > pool->size ? buffer_take_sized(pool, least) : buffer_take(pool);
    return x->input != NULL;
}

/* Interim answers were read off: their room is used again. */
static void compact_input(struct exchange *x)
{
    struct buffer *input = x->input;

    if (input->start == 0 || input->end < input->size || x->head.parsed > 0)
        return;
    memmove(input->data, input->data + input->start, input->end - input->start);
    input->end -= input->start;
    input->start = 0;
}

static int receive_head(struct exchange *x)
{
    struct upstream_connection *connection = x->connection;

    if (!take_input(x))
        return 500;
    while (connection->watch.readable) {
        struct buffer *input = x->input;
        compact_input(x);
        size_t room = input->size - input->end;
        if (room == 0)
            return refuse_head(x, "too big header");
        ssize_t got = recv(connection->watch.fd, input->data + input->end, room, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN) {
            connection->watch.readable = false;
            break;
        }
        if (got <= 0) {
            exchange_log(x, LOG_LEVEL_ERROR, got < 0 ? errno : 0,
                         got < 0 ? "recv() failed" : "upstream prematurely closed connection");
            return fail_over(x, NEXT_ERROR);
        }
        if ((size_t)got < room && !connection->watch.hangup)
            connection->watch.readable = false;
        input->end += (size_t)got;
        x->attempt->received += (uint64_t)got;
        int outcome = read_head(x);
        if (outcome != AGAIN)
            return outcome;
    }
    return AGAIN;
}

static int step_head(struct exchange *x)
{
    int outcome = receive_head(x);

    if (outcome == AGAIN)
        exchange_wait(x, x->settings->read_timeout);
    return outcome;
}

/* --- the machine --- */

static int step_nothing(struct exchange *x)
{
    (void)x;
    return AGAIN;
}

static int run(struct exchange *x)
{
    static int (*const steps[])(struct exchange *) = {
        [EXCHANGE_CONNECT] = step_connect, [EXCHANGE_SEND] = step_send,
        [EXCHANGE_HEAD] = step_head,       [EXCHANGE_BODY] = step_nothing,
        [EXCHANGE_TUNNEL] = step_nothing,  [EXCHANGE_ENDED] = step_nothing,
    };
    int outcome;

    do
        outcome = steps[x->state](x);
    while (outcome == GO_ON);
    return outcome;
}

/* An outcome reached outside of the phases. The request may be gone after. */
static void resume(struct exchange *x, int outcome)
{
    struct connection *client = x->request->connection;

    if (outcome == GO_ON)
        outcome = run(x);
    if (outcome != AGAIN)
        request_conclude(x->request, outcome);
    else if (x->upload.streamed && client->state == CONNECTION_BODY)
        connection_drive(client);
}

/* The client takes what comes, or it is read ahead for it. */
static void body_ready(struct exchange *x)
{
    const struct connection *client = x->request->connection;

    if (client->output != NULL && !client->watch.writable)
        exchange_read_ahead(x->request);
    else
        stream_resume(x->request);
}

static void exchange_ready(struct watch *watch)
{
    struct exchange *x = ((struct upstream_connection *)watch)->exchange;

    if (x->state == EXCHANGE_BODY)
        body_ready(x);
    else if (x->state == EXCHANGE_TUNNEL)
        connection_drive(x->request->connection);
    else
        resume(x, GO_ON);
}

static void exchange_timeout(struct timer *timer)
{
    struct upstream_connection *connection =
        (struct upstream_connection *)((char *)timer - offsetof(struct upstream_connection, timer));
    struct exchange *x = connection->exchange;

    if (x->paused) {
        x->paused = false;
        exchange_ready(&connection->watch);
        return;
    }
    exchange_log(x, LOG_LEVEL_ERROR, ETIMEDOUT, "upstream timed out");
    switch (x->state) {
    case EXCHANGE_BODY:
        x->broken = true;
        exchange_release(x, false, true);
        stream_resume(x->request);
        break;
    case EXCHANGE_TUNNEL:
        connection_close(x->request->connection);
        break;
    default:
        resume(x, fail_over(x, NEXT_TIMEOUT));
    }
}

/* --- the beginning --- */

static enum stream_result read_stream(struct stream *stream, struct request *request, char *room,
                                      size_t len, size_t *made)
{
    (void)request;
    return exchange_read_body((struct exchange *)stream, room, len, made);
}

struct exchange *exchange_new(struct request *request, const struct exchange_settings *settings,
                              const struct upstream_protocol *protocol,
                              struct upstream_group *group)
{
    struct exchange *x = arena_zalloc(&request->arena, sizeof *x);

    if (x == NULL || !selection_begin(&x->selection, request, group) ||
        !request_at_end(request, end, x))
        return NULL;
    x->stream.read = read_stream;
    x->request = request;
    x->settings = settings;
    x->protocol = protocol;
    x->previous = request->exchange;
    x->last_attempt = &x->attempts;
    x->buffering = settings->buffering;
    x->limit_rate = settings->limit_rate;
    x->began = request->worker->clock.now;
    x->tries_left = group->count;
    if (settings->next_tries > 0 && settings->next_tries < x->tries_left)
        x->tries_left = settings->next_tries;
    x->connect.keepalive = settings->socket_keepalive;
    x->upload.file = -1;
    request->exchange = x;
    return x;
}

int exchange_start(struct exchange *x)
{
    int outcome = begin_attempt(x, false);

    return outcome == GO_ON ? run(x) : outcome;
}

void exchange_drop(struct request *request)
{
    exchange_release(request->exchange, false, false);
    request->exchange->state = EXCHANGE_ENDED;
}

int exchange_upload(struct request *request)
{
    struct exchange *x = request->exchange;

    return x->state == EXCHANGE_SEND ? run(x) : AGAIN;
}
