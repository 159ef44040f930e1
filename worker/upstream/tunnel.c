#include "worker/upstream/tunnel.h"

#include "worker/context.h"
#include "worker/net/connection.h"
#include "worker/net/turn.h"
#include "worker/status/board.h"
#include "worker/upstream/exchange_steps.h"

#include <errno.h>
#include <sys/socket.h>

enum { COPIES = 2 }; /* of what is moved: into the buffer, and out of it */

/* One direction. */
struct way {
    struct watch *from, *to;
    struct buffer *buffer;
    uint64_t moved; /* bytes sent on */
    bool ended;     /* nothing more will come */
    bool lost;      /* nothing more can be sent */
};

struct tunnel {
    struct way up, down; /* to the upstream, to the client */
};

/* What has come of the way before it was one. */
static bool keep_rest(struct way *way, struct buffer *rest)
{
    size_t len = rest == NULL ? 0 : rest->end - rest->start;

    if (len > way->buffer->size)
        return false;
    if (len > 0)
        memcpy(way->buffer->data, rest->data + rest->start, len);
    way->buffer->end = len;
    if (rest != NULL)
        rest->start = rest->end;
    return true;
}

static void end(struct request *request, void *what)
{
    struct tunnel *tunnel = what;

    if (request->tunnel == tunnel)
        count_add(&request->worker->lane->tunnels, UINT64_MAX); /* one less */
    buffer_give(&request->worker->buffers, tunnel->up.buffer);
    buffer_give(&request->worker->buffers, tunnel->down.buffer);
}

static struct tunnel *tunnel_new(struct exchange *x)
{
    struct request *request = x->request;
    struct tunnel *tunnel = arena_zalloc(&request->arena, sizeof *tunnel);

    if (tunnel == NULL || !request_at_end(request, end, tunnel))
        return NULL;
    tunnel->up.buffer = buffer_take(&request->worker->buffers);
    tunnel->down.buffer = buffer_take(&request->worker->buffers);
    if (tunnel->up.buffer == NULL || tunnel->down.buffer == NULL)
        return NULL;
    tunnel->up.from = tunnel->down.to = &request->connection->watch;
    tunnel->up.to = tunnel->down.from = &x->connection->watch;
    return keep_rest(&tunnel->up, request->connection->input) && keep_rest(&tunnel->down, x->input)
               ? tunnel
               : NULL;
}

int tunnel_begin(struct exchange *x)
{
    struct request *request = x->request;
    int outcome = exchange_respond(x);

    if (outcome != 0)
        return outcome;
    request->tunnel = tunnel_new(x);
    if (request->tunnel == NULL)
        return 500;
    count_add(&request->worker->lane->upgraded, 1);
    count_add(&request->worker->lane->tunnels, 1);
    x->state = EXCHANGE_TUNNEL;
    x->action = "proxying upgraded connection";
    request->keep_alive = false;
    return DONE;
}

/* Sends on what is in the buffer. True when that was all. */
static bool drain(struct way *way)
{
    struct buffer *buffer = way->buffer;

    while (buffer->start < buffer->end && way->to->writable) {
        ssize_t sent = send(way->to->fd, buffer->data + buffer->start, buffer->end - buffer->start,
                            MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            way->to->writable = false;
            way->lost = errno != EAGAIN;
            return false;
        }
        buffer->start += (size_t)sent;
        way->moved += (uint64_t)sent;
    }
    return buffer->start == buffer->end;
}

/* How many bytes came. */
static size_t fill(struct way *way)
{
    struct buffer *buffer = way->buffer;
    ssize_t got;

    do
        got = recv(way->from->fd, buffer->data, buffer->size, 0);
    while (got < 0 && errno == EINTR);
    buffer->start = 0;
    buffer->end = got > 0 ? (size_t)got : 0;
    if (got < 0 && errno == EAGAIN)
        way->from->readable = false;
    else if (got <= 0)
        way->ended = true;
    return buffer->end;
}

/* True when there would be more to move, but for the others' turn. */
static bool move(struct way *way, struct connection *connection)
{
    while (drain(way) && way->from->readable && !way->ended) {
        if (turn_bytes(connection) == 0)
            return true;
        turn_count(connection, (uint32_t)(COPIES * fill(way)));
    }
    return false;
}

static bool is_over(const struct way *way)
{
    return way->lost || (way->ended && way->buffer->start == way->buffer->end);
}

enum tunnel_result tunnel_run(struct request *request)
{
    struct tunnel *tunnel = request->tunnel;
    struct exchange *x = request->exchange;
    uint64_t up = tunnel->up.moved, down = tunnel->down.moved;
    bool more_up = move(&tunnel->up, request->connection);
    bool more_down = move(&tunnel->down, request->connection);

    x->attempt->sent += tunnel->up.moved - up;
    x->attempt->received += tunnel->down.moved - down;
    x->attempt->body += tunnel->down.moved - down;
    request->bytes_sent += tunnel->down.moved - down;
    if (is_over(&tunnel->up) || is_over(&tunnel->down))
        return TUNNEL_OVER;
    exchange_wait(x, x->settings->read_timeout);
    return more_up || more_down ? TUNNEL_MORE : TUNNEL_WAITS;
}
