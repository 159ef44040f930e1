/* The middle of a large body on its way to the client: by splice(2) through a pipe, from socket
 * to socket, without being copied here and back.
 *
 * Only what nobody here looks at goes that way: a body whose length was said, in no records,
 * that is neither stored nor cached nor limited. Its beginning, which came with the head, and
 * its end are read, so that everything that can happen there happens in one place. */
#include "worker/cache/use.h"
#include "worker/context.h"
#include "worker/http/spans.h"
#include "worker/net/connection.h"
#include "worker/upstream/exchange_steps.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    PASS_LEAST = 256 * 1024, /* bytes of a body still to come that are worth a pipe */
    PASS_END = 32 * 1024,    /* of its end, which are read */
    PASS_PIECE = 128 * 1024, /* moved at a time, if the pipe has room for it */
};

struct passage {
    int from, to; /* the pipe's ends; -1: there is none, and will be none */
    size_t held;  /* bytes in it */
};

size_t exchange_in_passage(const struct exchange *x)
{
    return x->passage == NULL ? 0 : x->passage->held;
}

void exchange_close_passage(struct exchange *x)
{
    if (x->passage == NULL || x->passage->from < 0)
        return;
    close(x->passage->from);
    close(x->passage->to);
    x->passage->from = x->passage->to = -1;
    x->passage->held = 0;
}

/* A body for which there is no pipe is read: nobody misses it. */
static bool has_passage(struct exchange *x)
{
    int ends[2];

    if (x->passage != NULL)
        return x->passage->from >= 0;
    x->passage = arena_alloc(&x->request->arena, sizeof *x->passage);
    if (x->passage == NULL)
        return false;
    *x->passage = (struct passage){ -1, -1, 0 };
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
        return false;
    x->passage->from = ends[0];
    x->passage->to = ends[1];
    return true;
}

/* How much may go past; 0: what comes next has to be read. */
static size_t passable(const struct exchange *x)
{
    uint64_t least = x->passage == NULL ? PASS_LEAST : PASS_END;

    if (x->connection == NULL || x->framing != ANSWER_LENGTH || x->protocol->unwrap != NULL ||
        x->store != NULL || x->cache != NULL || x->limit_rate > 0 || x->body.left <= least ||
        !exchange_is_drained(x))
        return 0;
    uint64_t most = x->body.left - PASS_END;
    return most < PASS_PIECE ? (size_t)most : PASS_PIECE;
}

/* From the upstream into the pipe. The end of a connection is left to whoever reads. */
static enum stream_moved take_in(struct exchange *x)
{
    struct upstream_connection *connection = x->connection;
    size_t most = passable(x);
    ssize_t got;

    if (most == 0 || !has_passage(x))
        return STREAM_MOVE_UNFIT;
    if (connection->watch.readable) {
        do
            got = splice(connection->watch.fd, NULL, x->passage->to, NULL, most,
                         SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        while (got < 0 && errno == EINTR);
        if (got > 0) {
            x->passage->held = (size_t)got;
            x->body.left -= (uint64_t)got;
            x->attempt->received += (uint64_t)got;
            x->attempt->body += (uint64_t)got;
            return STREAM_MOVED;
        }
        if (got == 0 || errno != EAGAIN)
            return STREAM_MOVE_UNFIT;
        connection->watch.readable = false;
    }
    request_spend(x->request, SPAN_UPSTREAM_BODY);
    exchange_wait_for_body(x);
    return STREAM_MOVE_WAIT;
}

/* From the pipe to the client. */
static enum stream_moved let_out(struct exchange *x, size_t *moved)
{
    struct watch *client = &x->request->connection->watch;
    ssize_t sent;

    if (!client->writable)
        return STREAM_MOVE_FULL;
    do
        sent = splice(x->passage->from, NULL, client->fd, NULL, x->passage->held,
                      SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EAGAIN) {
        client->writable = false;
        return STREAM_MOVE_FULL;
    }
    if (sent <= 0)
        return STREAM_MOVE_LOST;
    x->passage->held -= (size_t)sent;
    *moved = (size_t)sent;
    return STREAM_MOVED;
}

enum stream_moved exchange_move(struct exchange *x, size_t *moved)
{
    if (exchange_in_passage(x) == 0) {
        enum stream_moved result = take_in(x);
        if (result != STREAM_MOVED)
            return result;
        request_spend(x->request, SPAN_SEND);
    }
    return let_out(x, moved);
}
