/* EXCHANGE_HEAD: the answer's head is read and judged. */
#include "worker/cache/use.h"
#include "worker/context.h"
#include "worker/http/error_page.h"
#include "worker/http/spans.h"
#include "worker/http/subrequest.h"
#include "worker/upstream/exchange_steps.h"
#include "worker/upstream/store.h"
#include "worker/upstream/tunnel.h"

#include <errno.h>
#include <sys/socket.h>

enum { INTERIM_MAX = 32 }; /* 1xx answers before the one that counts */

static int refuse_head(struct exchange *x, const char *why)
{
    exchange_log(x, LOG_LEVEL_ERROR, 0, "upstream sent %s", why);
    return exchange_fail_over(x, NEXT_INVALID_HEADER);
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

/* What is kept is read ahead of the client, or without one: a subrequest's body that nobody
 * wants is read to its end all the same. */
static void keep(struct exchange *x)
{
    const struct subrequest *subrequest = x->request->subrequest;

    if (!x->buffering)
        cache_give_up(x);
    if (x->body_ended)
        cache_finish(x);
    x->detached = cache_is_writing(x) && subrequest != NULL && !subrequest->want_body;
}

/* The body of which all came with the head needs no stream. */
static int answer(struct exchange *x)
{
    struct response *response = &x->request->response;

    if (!store_begin(x))
        return 500;
    if (!exchange_begin_body(x))
        return refuse_head(x, "a body with invalid framing");
    int outcome = exchange_respond(x);
    if (outcome != 0) {
        store_drop(x);
        exchange_release(x, false, false);
        return outcome;
    }
    x->state = EXCHANGE_BODY;
    x->action = "reading upstream";
    if (x->cache != NULL)
        keep(x);
    if (!x->body_ended) {
        response->stream = &x->stream;
        return x->detached && exchange_keep_on(x) ? AGAIN : DONE;
    }
    exchange_release(x, x->reusable, false);
    x->state = EXCHANGE_ENDED;
    return response_memory(x->request, x->pending) ? DONE : 500;
}

static int take_head(struct exchange *x)
{
    unsigned status = x->head.status;
    enum next_upstream failure = failure_of(status);

    request_spend(x->request, SPAN_HANDLE);
    x->attempt->status = status;
    x->attempt->header_time = (int64_t)(x->request->worker->clock.now - x->attempt->began);
    if (status == 101)
        return x->wants_upgrade ? tunnel_begin(x) : refuse_head(x, "a 101 that nobody asked for");
    if (failure != 0 && exchange_may_try_next(x, failure))
        return exchange_fail_over(x, failure);
    bool intercepted =
        x->settings->intercept_errors && status >= 300 && error_page_is_set(x->request, status);
    int outcome = x->cache != NULL ? cache_take_head(x, failure, intercepted) : 0;
    if (outcome != 0)
        return outcome;
    return intercepted ? intercept(x) : answer(x);
}

/* 103 may be for the client; 100 and its kind say nothing that it has asked for. */
static int pass_interim(struct exchange *x)
{
    if (++x->interim > INTERIM_MAX)
        return refuse_head(x, "too many interim responses");
    if (x->head.status == 103 && x->settings->early_hints.count > 0 && !exchange_pass_hints(x))
        return 500;
    answer_head_init(&x->head, &x->request->arena, x->head.kind);
    return GO_ON;
}

static enum answer_result read_fields(struct exchange *x)
{
    struct buffer *input = x->input;
    struct slice bytes = slice_make(input->data + input->start, input->end - input->start);
    enum answer_result result = answer_head_read(&x->head, bytes);

    if (result == ANSWER_DONE)
        input->start += x->head.size;
    return result;
}

/* Reads the head in what has come. AGAIN: it is not whole. */
static int read_head(struct exchange *x)
{
    const struct buffer *input = x->input;

    for (;;) {
        size_t start = input->start;
        enum answer_result result = read_fields(x);
        switch (result) {
        case ANSWER_MORE:
            if (input->end - start >= x->settings->buffer_size)
                return refuse_head(x, "too big header");
            return x->unwrapped_all ? refuse_head(x, "no whole header") : AGAIN;
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

/* `len` bytes have come behind the input's end. */
static int take_bytes(struct exchange *x, size_t len)
{
    struct buffer *input = x->input;

    if (x->protocol->unwrap != NULL) {
        switch (x->protocol->unwrap(x, input->data + input->end, &len)) {
        case ANSWER_BODY_BAD:
            return exchange_fail_over(x, NEXT_INVALID_HEADER);
        case ANSWER_BODY_END:
        case ANSWER_BODY_EXTRA:
            x->unwrapped_all = true;
            break;
        case ANSWER_BODY_MORE:
            break;
        }
    }
    input->end += len;
    return read_head(x);
}

int exchange_receive_head(struct exchange *x)
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
        worker_heard(x->request->worker);
        if (got < 0 && errno == EAGAIN) {
            connection->watch.readable = false;
            break;
        }
        if (got <= 0) {
            exchange_log(x, LOG_LEVEL_ERROR, got < 0 ? errno : 0,
                         got < 0 ? "recv() failed" : "upstream prematurely closed connection");
            return exchange_fail_over(x, NEXT_ERROR);
        }
        if ((size_t)got < room && !connection->watch.hangup)
            connection->watch.readable = false;
        x->attempt->received += (uint64_t)got;
        int outcome = take_bytes(x, (size_t)got);
        if (outcome != AGAIN)
            return outcome;
    }
    return AGAIN;
}

int exchange_step_head(struct exchange *x)
{
    int outcome = exchange_receive_head(x);

    if (outcome == AGAIN)
        exchange_wait(x, x->settings->read_timeout);
    return outcome;
}
