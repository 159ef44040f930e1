/* Attempts: which peer is asked, by which connection, and what follows when that fails. */
#include "worker/cache/use.h"
#include "worker/context.h"
#include "worker/http/spans.h"
#include "worker/upstream/exchange_steps.h"

#include <errno.h>
#include <sys/socket.h>

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

/* What is nobody's fault here is an error; the rest somebody has to look after. */
static int connect_level(int error)
{
    switch (error) {
    case EAGAIN: /* the queue of a unix socket is full */
    case ECONNREFUSED:
    case ECONNRESET:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
        return LOG_LEVEL_ERROR;
    default:
        return LOG_LEVEL_CRIT;
    }
}

/* A connection to the peer, idle or new. */
static int take_connection(struct exchange *x, struct peer *peer, bool fresh)
{
    struct request *request = x->request;

    x->action = "connecting to upstream";
    x->connection = fresh ? NULL : upstream_take_idle(peer);
    if (x->connection == NULL)
        x->connection = upstream_connect(request->worker, peer, &x->connect);
    if (x->connection == NULL) {
        exchange_log(x, connect_level(errno), errno, "connect() to %.*s failed",
                     (int)peer->name.len, peer->name.at);
        return exchange_fail_over(x, NEXT_ERROR);
    }
    x->connection->exchange = x;
    x->connection->watch.on_ready = exchange_ready;
    x->connection->timer.fire = exchange_timeout;
    x->state = EXCHANGE_CONNECT;
    request_spend(request, SPAN_UPSTREAM_CONNECT);
    if (x->connection->reused)
        x->attempt->connect_time = 0;
    else if (!x->connection->watch.writable)
        exchange_wait(x, x->settings->connect_timeout);
    return GO_ON;
}

static const char *why_none(enum queue_result waits)
{
    switch (waits) {
    case QUEUE_FULL:
        return "upstream queue is full";
    case QUEUE_TIMED_OUT:
        return "upstream queue timed out";
    default:
        return "no live upstreams";
    }
}

int exchange_attempt(struct exchange *x, bool fresh)
{
    struct peer *peer = selection_next(&x->selection);
    enum queue_result waits = peer == NULL ? selection_wait(&x->selection) : QUEUE_NONE;

    if (waits == QUEUE_WAITS) {
        request_spend(x->request, SPAN_UPSTREAM_CONNECT);
        return AGAIN;
    }
    if (!note_attempt(x, peer)) {
        if (peer != NULL)
            peer_release(&x->selection, peer, false);
        return 500;
    }
    x->peer = peer;
    if (peer == NULL) {
        x->action = "connecting to upstream";
        x->attempt->status = 502;
        x->attempt->response_time = 0;
        exchange_log(x, LOG_LEVEL_ERROR, 0, "%s", why_none(waits));
        return cache_take_failure(x, NEXT_ERROR, 502);
    }
    x->tries_left -= x->tries_left > 0;
    upload_rewind(&x->upload);
    if (x->input != NULL)
        x->input->start = x->input->end = 0;
    answer_head_init(&x->head, &x->request->arena, x->head.kind);
    x->unwrapped_all = false;
    if (x->protocol->begin != NULL && !x->protocol->begin(x))
        return 500;
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
bool exchange_may_try_next(const struct exchange *x, enum next_upstream kind)
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
int exchange_fail_over(struct exchange *x, enum next_upstream kind)
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
    return exchange_may_try_next(x, kind) ? exchange_attempt(x, stale)
                                          : cache_take_failure(x, kind, status_of(kind));
}
