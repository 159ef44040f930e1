/* The answer's body: from the upstream to whoever sends it on, or into the spool. */
#include "worker/cache/use.h"
#include "worker/context.h"
#include "worker/http/spans.h"
#include "worker/net/connection.h"
#include "worker/upstream/exchange_steps.h"
#include "worker/upstream/spool.h"
#include "worker/upstream/store.h"

#include <errno.h>
#include <sys/socket.h>

enum {
    AHEAD_TURN = 1024 * 1024, /* bytes read ahead before others get their turn */
    RECEIVE_LEAST = 4096,     /* room for which a recv behind other bytes is worth its price */
};

/* All of it was read: the connection may be used again. */
static void end_body(struct exchange *x)
{
    x->body_ended = true;
    store_finish(x);
    exchange_pass_trailers(x);
    if (x->state != EXCHANGE_BODY) /* with the head: the caller goes on */
        return;
    exchange_release(x, x->reusable, false);
    x->state = EXCHANGE_ENDED;
    if (x->cache != NULL)
        cache_finish(x);
}

static void break_body(struct exchange *x)
{
    x->broken = true;
    store_drop(x);
    exchange_release(x, false, true);
}

/* Where there are records, they have a part in saying whether that was all: a connection that
 * is to be kept is read until they end. */
static enum answer_body_result end_of_records(const struct exchange *x,
                                              enum answer_body_result result)
{
    if (!x->unwrapped_all)
        return result == ANSWER_BODY_END && x->keep_connection ? ANSWER_BODY_MORE : result;
    if (result != ANSWER_BODY_MORE)
        return result;
    return answer_body_may_end(&x->body) ? ANSWER_BODY_END : ANSWER_BODY_BAD;
}

/* Takes *len bytes, which were unwrapped, out of the body's framing, in place. False: it is
 * broken. */
static bool take_piece(struct exchange *x, char *data, size_t *len)
{
    enum answer_body_result result = answer_body_read(&x->body, data, len);

    if (x->protocol->unwrap != NULL)
        result = end_of_records(x, result);
    x->attempt->body += *len;
    if (x->store != NULL && *len > 0)
        store_write(x, data, *len);
    if (x->cache != NULL && *len > 0)
        cache_write(x, slice_make(data, *len));
    switch (result) {
    case ANSWER_BODY_MORE:
        return true;
    case ANSWER_BODY_EXTRA:
        if (!x->to_head || x->head.kind == ANSWER_HTTP) /* programs often do not look for HEAD */
            exchange_log(x, LOG_LEVEL_WARN, 0, "upstream sent more data than its header announced");
        x->reusable = false;
        end_body(x);
        return true;
    case ANSWER_BODY_END:
        end_body(x);
        return true;
    case ANSWER_BODY_BAD:
        break;
    }
    exchange_log(x, LOG_LEVEL_ERROR, 0,
                 x->framing == ANSWER_CHUNKED ? "upstream sent invalid chunked response"
                                              : "upstream sent less data than announced");
    return false;
}

/* The same for bytes as they were received. */
static bool take_received(struct exchange *x, char *data, size_t *len)
{
    if (x->protocol->unwrap != NULL)
        switch (x->protocol->unwrap(x, data, len)) {
        case ANSWER_BODY_BAD:
            return false;
        case ANSWER_BODY_END:
        case ANSWER_BODY_EXTRA:
            x->unwrapped_all = true;
            break;
        case ANSWER_BODY_MORE:
            if (*len == 0) /* nothing but parts of records */
                return true;
            break;
        }
    return take_piece(x, data, len);
}

bool exchange_begin_body(struct exchange *x)
{
    struct buffer *input = x->input;
    size_t len = input->end - input->start;
    uint64_t length;

    x->framing = answer_framing(&x->head, x->to_head, &length);
    if (x->framing == ANSWER_BROKEN)
        return false;
    bool keeps = x->head.kind == ANSWER_HTTP ? answer_keeps_alive(&x->head) : x->keep_connection;
    x->reusable = x->state == EXCHANGE_HEAD && keeps;
    bool more = answer_body_init(&x->body, &x->request->arena, x->framing, length);
    bool whole = x->protocol->unwrap == NULL || x->unwrapped_all || !x->keep_connection;
    if (!more && len == 0 && whole) {
        end_body(x);
        return true;
    }
    if ((len > 0 || x->unwrapped_all) && !take_piece(x, input->data + input->start, &len))
        return false;
    x->pending = slice_make(input->data + input->start, len);
    return true;
}

/* --- receiving --- */

/* The upstream has closed, or failed with `error`. */
static void ended(struct exchange *x, ssize_t got, int error)
{
    bool says_all = answer_body_may_end(&x->body) && x->protocol->unwrap == NULL;

    if (got == 0 && (says_all || answer_body_is_whole(&x->body))) {
        x->reusable = false;
        end_body(x);
        return;
    }
    if (got == 0)
        exchange_log(x, LOG_LEVEL_ERROR, 0, "upstream prematurely closed connection");
    else
        exchange_log(x, LOG_LEVEL_ERROR, error, "recv() failed");
    break_body(x);
}

/* How much may be read now by limit_rate; 0: the timer is set for when there is more. */
static size_t allowed(struct exchange *x, size_t len)
{
    uint64_t taken = x->request->worker->clock.now - x->attempt->began;

    if (x->limit_rate == 0)
        return len;
    uint64_t most = x->limit_rate * (taken / 1000 + 1);
    if (most > x->attempt->received)
        return most - x->attempt->received < len ? (size_t)(most - x->attempt->received) : len;
    x->paused = true;
    exchange_wait(x, (x->attempt->received - most) * 1000 / x->limit_rate + 1);
    return 0;
}

/* One recv of the body into `room`, out of its framing; 0: nothing more for now, or ever. */
static size_t receive(struct exchange *x, char *room, size_t len)
{
    while (x->connection != NULL && x->connection->watch.readable && (len = allowed(x, len)) > 0) {
        struct upstream_connection *connection = x->connection;
        ssize_t got = recv(connection->watch.fd, room, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN) {
            connection->watch.readable = false;
            return 0;
        }
        if (got <= 0) {
            ended(x, got, errno);
            return 0;
        }
        if ((size_t)got < len && !connection->watch.hangup)
            connection->watch.readable = false;
        x->attempt->received += (uint64_t)got;
        size_t made = (size_t)got;
        if (!take_received(x, room, &made)) {
            break_body(x);
            return 0;
        }
        if (made > 0)
            return made;
    }
    return 0;
}

void exchange_wait_for_body(struct exchange *x)
{
    if (x->connection != NULL && !x->paused)
        exchange_wait(x, x->settings->read_timeout);
}

/* --- towards the client --- */

static size_t take_pending(struct exchange *x, char *room, size_t len)
{
    struct slice piece = slice_first(x->pending, len);

    if (piece.len > 0)
        memcpy(room, piece.at, piece.len);
    x->pending = slice_from(x->pending, piece.len);
    return piece.len;
}

bool exchange_is_drained(const struct exchange *x)
{
    return x->pending.len == 0 && (x->cache == NULL || cache_behind(x) == 0) &&
           spool_is_empty(x->spool);
}

/* What was read ahead: the file that is kept, then the spool. False: it cannot be read. */
static bool take_ahead(struct exchange *x, char *room, size_t len, size_t *made)
{
    size_t got = 0;

    *made = 0;
    if (x->cache != NULL && !cache_read_behind(x, room, len, made))
        return false;
    if (*made < len && !spool_is_empty(x->spool) && (x->cache == NULL || cache_behind(x) == 0) &&
        !spool_read(x->spool, room + *made, len - *made, &got))
        return false;
    *made += got;
    return true;
}

enum stream_result exchange_read_body(struct exchange *x, char *room, size_t len, size_t *made)
{
    *made = take_pending(x, room, len);
    if (*made < len && x->pending.len == 0 && !exchange_is_drained(x)) {
        size_t got;
        if (!take_ahead(x, room + *made, len - *made, &got)) {
            request_log(x->request, LOG_LEVEL_CRIT, errno, "a temporary file cannot be read");
            return STREAM_FAILED;
        }
        *made += got;
    }
    bool worth_it = *made == 0 || len - *made >= RECEIVE_LEAST;
    if (worth_it && exchange_is_drained(x))
        *made += receive(x, room + *made, len - *made);
    bool waits = *made == 0 && !x->broken && !(x->body_ended && exchange_is_drained(x));
    request_spend(x->request, waits ? SPAN_UPSTREAM_BODY : SPAN_SEND);
    if (x->body_ended && exchange_is_drained(x))
        return STREAM_END;
    if (*made > 0)
        return STREAM_SOME;
    if (x->broken)
        return STREAM_FAILED;
    exchange_wait_for_body(x);
    return STREAM_WAIT;
}

/* --- ahead of the client --- */

static bool make_spool(struct exchange *x)
{
    const struct exchange_settings *settings = x->settings;

    if (x->spool == NULL)
        x->spool = spool_new(&x->request->arena, &x->request->worker->buffers,
                             settings->buffers.count * settings->buffers.size, settings->temp_path,
                             settings->max_temp_file_size);
    return x->spool != NULL;
}

/* The spool could not be written: the answer ends here. */
static void spool_failed(struct exchange *x, int error)
{
    exchange_log(x, LOG_LEVEL_CRIT, error, "a temporary file in \"%s\" cannot be written",
                 x->settings->temp_path);
    break_body(x);
}

/* Reads into the spool; 0: it is full, or nothing has come. */
static size_t fill_spool(struct exchange *x)
{
    size_t room;
    char *place = make_spool(x) ? spool_reserve(x->spool, &room) : NULL;
    size_t got = place == NULL ? 0 : receive(x, place, room);

    if (got > 0 && !spool_commit(x->spool, got)) {
        spool_failed(x, errno);
        return 0;
    }
    return got;
}

/* The file that was to keep these bytes was given up: they are the client's all the same. */
static bool rescue(struct exchange *x, const char *bytes, size_t len)
{
    while (len > 0) {
        size_t room;
        char *place = make_spool(x) ? spool_reserve(x->spool, &room) : NULL;
        if (place == NULL)
            return false;
        if (room > len)
            room = len;
        memcpy(place, bytes, room);
        if (!spool_commit(x->spool, room))
            return false;
        bytes += room;
        len -= room;
    }
    return true;
}

/* Reads into the file that is kept, which takes the spool's place. */
static size_t fill_cache(struct exchange *x)
{
    size_t room;
    char *place = cache_scratch(x, &room);
    size_t got = place == NULL ? 0 : receive(x, place, room);

    if (got > 0 && !x->detached && !cache_leave_behind(x, got) && !rescue(x, place, got)) {
        spool_failed(x, errno);
        return 0;
    }
    return got;
}

/* Reads what is stored on its way, and wanted by nobody else: into the head's room. */
static size_t fill_store(struct exchange *x)
{
    x->pending = SLICE("");
    return receive(x, x->input->data, x->input->size);
}

static size_t fill_some(struct exchange *x)
{
    if (cache_is_writing(x))
        return fill_cache(x);
    return x->detached ? fill_store(x) : fill_spool(x);
}

/* At most a turn's worth; how much it was. */
static size_t fill(struct exchange *x)
{
    size_t turn = 0, got = 1;

    while ((x->buffering || x->detached) && x->connection != NULL &&
           x->connection->watch.readable && turn < AHEAD_TURN && got > 0) {
        got = fill_some(x);
        turn += got;
    }
    return turn;
}

/* Others get their turn, and then this goes on. */
static void yield(struct exchange *x)
{
    x->paused = true;
    exchange_wait(x, 0);
}

bool exchange_is_kept(const struct exchange *x)
{
    return x->store != NULL || cache_is_writing(x);
}

bool exchange_keep_on(struct exchange *x)
{
    size_t turn = fill(x);

    if (x->connection != NULL && !exchange_is_kept(x)) /* the disk is full: nobody wants the rest */
        exchange_release(x, false, false);
    if (x->connection == NULL) {
        x->state = EXCHANGE_ENDED;
        return false;
    }
    if (x->paused)
        return true;
    if (x->connection->watch.readable && turn >= AHEAD_TURN)
        yield(x);
    else
        exchange_wait_for_body(x);
    return true;
}

void exchange_read_ahead(struct request *request)
{
    struct exchange *x = request->exchange;

    if (x == NULL || x->state != EXCHANGE_BODY || x->connection == NULL)
        return;
    bool on_disk = x->spool != NULL && spool_has_file(x->spool);
    size_t turn = fill(x);
    if (!on_disk && x->spool != NULL && spool_has_file(x->spool))
        request_log(request, LOG_LEVEL_WARN, 0,
                    "an upstream response is buffered to a temporary file");
    if (x->connection == NULL || x->paused)
        return;
    if (!x->connection->watch.readable) {
        exchange_wait_for_body(x);
    } else if (turn >= AHEAD_TURN) {
        yield(x);
    } else { /* full: nobody waits for the upstream now */
        timer_disarm(&request->worker->timers, &x->connection->timer);
    }
}
