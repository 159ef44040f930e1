#include "worker/upstream/exchange.h"

#include "worker/cache/use.h"
#include "worker/context.h"
#include "worker/net/connection.h"
#include "worker/net/output.h"
#include "worker/status/tallies.h"
#include "worker/upstream/exchange_steps.h"
#include "worker/upstream/spool.h"
#include "worker/upstream/store.h"

#include <errno.h>

/* --- the end --- */

/* The attempt's part of its server's figures. */
static void count_attempt(const struct exchange *x)
{
    const struct attempt *attempt = x->attempt;
    struct series *series = peer_series(x->peer, x->request->worker);

    if (series != NULL)
        series_count(series, attempt->header_time != TIME_UNKNOWN ? attempt->status : 0,
                     attempt->sent, attempt->received, (uint64_t)attempt->response_time);
}

void exchange_release(struct exchange *x, bool keep, bool failed)
{
    struct attempt *attempt = x->attempt;

    if (attempt != NULL && attempt->response_time == TIME_UNKNOWN)
        attempt->response_time = (int64_t)(x->request->worker->clock.now - attempt->began);
    if (x->cache != NULL && !x->body_ended)
        cache_give_up(x);
    if (x->connection != NULL && keep)
        upstream_keep(x->connection);
    else
        upstream_close(x->connection);
    x->connection = NULL;
    if (x->peer != NULL) {
        count_attempt(x);
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
    selection_end(&x->selection);
    buffer_give(pool, x->input);
    buffer_give(pool, x->upload.pieces);
    spool_free(x->spool);
    exchange_close_passage(x);
    store_drop(x);
}

/* --- the machine --- */

void exchange_wait(struct exchange *x, uint64_t milliseconds)
{
    struct worker *worker = x->request->worker;

    timer_arm(&worker->timers, &x->connection->timer, worker->clock.now + milliseconds);
}

static int step_nothing(struct exchange *x)
{
    (void)x;
    return AGAIN;
}

static int run(struct exchange *x)
{
    static int (*const steps[])(struct exchange *) = {
        [EXCHANGE_CONNECT] = exchange_step_connect, [EXCHANGE_SEND] = exchange_step_send,
        [EXCHANGE_HEAD] = exchange_step_head,       [EXCHANGE_BODY] = step_nothing,
        [EXCHANGE_TUNNEL] = step_nothing,           [EXCHANGE_ENDED] = step_nothing,
    };
    int outcome;

    do
        outcome = steps[x->state](x);
    while (outcome == GO_ON);
    return outcome;
}

void exchange_resume(struct exchange *x, int outcome)
{
    struct connection *client = x->request->connection;

    if (outcome == GO_ON)
        outcome = run(x);
    if (outcome != AGAIN)
        request_conclude(x->request, outcome);
    else if (client->output != NULL || (x->upload.streamed && client->state == CONNECTION_BODY))
        connection_drive(client);
}

/* There is no more to be kept: whoever waits for that goes on. */
static void kept(struct exchange *x)
{
    if (x->request->subrequest != NULL)
        exchange_resume(x, DONE);
    else
        connection_drive(x->request->connection);
}

/* The client takes what comes, or it is read ahead for it. */
static void body_ready(struct exchange *x)
{
    const struct connection *client = x->request->connection;

    if (x->detached && !exchange_keep_on(x))
        kept(x);
    if (x->detached)
        return;
    bool stands = client->output != NULL || exchange_in_passage(x) > 0;
    if (stands && !client->watch.writable)
        exchange_read_ahead(x->request);
    else
        stream_resume(x->request);
}

void exchange_ready(struct watch *watch)
{
    struct exchange *x = ((struct upstream_connection *)watch)->exchange;

    if (x->state == EXCHANGE_BODY)
        body_ready(x);
    else if (x->state == EXCHANGE_TUNNEL)
        connection_wake(x->request->connection);
    else
        exchange_resume(x, GO_ON);
}

void exchange_timeout(struct timer *timer)
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
        if (x->detached)
            kept(x);
        else
            stream_resume(x->request);
        break;
    case EXCHANGE_TUNNEL:
        connection_close(x->request->connection);
        break;
    default:
        exchange_resume(x, exchange_fail_over(x, NEXT_TIMEOUT));
    }
}

/* --- the beginning --- */

static enum stream_result read_stream(struct stream *stream, struct request *request, char *room,
                                      size_t len, size_t *made)
{
    (void)request;
    return exchange_read_body((struct exchange *)stream, room, len, made);
}

static enum stream_moved move_stream(struct stream *stream, struct request *request, size_t *moved)
{
    (void)request;
    return exchange_move((struct exchange *)stream, moved);
}

/* Every peer of the group once, if it is not said otherwise. */
static void count_tries(struct exchange *x)
{
    uint64_t most = x->settings->next_tries;

    x->tries_left = x->selection.set->count;
    if (most > 0 && most < x->tries_left)
        x->tries_left = most;
}

/* There may be a peer for it now. */
static void dequeued(struct selection *selection)
{
    struct exchange *x =
        (struct exchange *)((char *)selection - offsetof(struct exchange, selection));

    count_tries(x);
    exchange_resume(x, exchange_attempt(x, false));
}

struct exchange *exchange_new(struct request *request, const struct exchange_settings *settings,
                              const struct upstream_protocol *protocol,
                              struct upstream_group *group)
{
    struct exchange *x = arena_zalloc(&request->arena, sizeof *x);

    if (x == NULL || !request_at_end(request, end, x))
        return NULL;
    selection_begin(&x->selection, request, group);
    x->stream.read = read_stream;
    x->stream.move = move_stream;
    x->request = request;
    x->settings = settings;
    x->protocol = protocol;
    x->previous = request->exchange;
    x->last_attempt = &x->attempts;
    x->buffering = settings->buffering;
    x->limit_rate = settings->limit_rate;
    x->began = request->worker->clock.now;
    x->selection.resume = dequeued;
    count_tries(x);
    x->connect.keepalive = settings->socket_keepalive;
    x->upload.file = -1;
    x->head.kind = protocol->kind;
    request->exchange = x;
    return x;
}

int exchange_take_body(struct request *request, bool streams, int (*begin)(struct request *))
{
    int outcome = streams ? request_stream_body(request) : request_read_body(request, begin);

    if (outcome != 0)
        return outcome;
    outcome = begin(request);
    if (streams && outcome != AGAIN)
        request->connection->state = CONNECTION_SEND;
    return outcome;
}

/* proxy_bind, which may have variables; an empty value binds to nothing. */
static bool choose_source(struct exchange *x)
{
    const struct bind_value *bind = &x->settings->bind;
    struct address *from;
    struct slice text;
    size_t count;

    if (!template_eval(x->request, &bind->address, &text))
        return false;
    if (text.len == 0)
        return true;
    from = arena_alloc(&x->request->arena, ADDRESSES_MAX * sizeof *from);
    if (from == NULL)
        return false;
    if (address_parse_bind(text, from, &count) != ADDRESS_OK) {
        request_log(x->request, LOG_LEVEL_ERROR, 0, "invalid local address \"%.*s\"", (int)text.len,
                    text.at);
        return true;
    }
    x->connect.from = from;
    x->connect.transparent = bind->transparent;
    return true;
}

int exchange_start(struct exchange *x)
{
    if (x->settings->bind.set && !choose_source(x))
        return 500;
    int outcome = exchange_attempt(x, false);

    return outcome == GO_ON ? run(x) : outcome;
}

bool exchange_keeps_on(struct request *request)
{
    struct exchange *x = request->exchange;

    if (x == NULL || x->state != EXCHANGE_BODY || !exchange_is_kept(x))
        return false;
    x->detached = true;
    return exchange_keep_on(x);
}

bool exchange_outlives_client(const struct exchange *x)
{
    return x->settings->ignore_client_abort || x->settings->store.on ||
           (x->connection != NULL && cache_may_store(x));
}

void exchange_drop(struct request *request)
{
    selection_leave_queue(&request->exchange->selection);
    exchange_release(request->exchange, false, false);
    request->exchange->state = EXCHANGE_ENDED;
}

int exchange_upload(struct request *request)
{
    struct exchange *x = request->exchange;

    return x->state == EXCHANGE_SEND ? run(x) : AGAIN;
}
