/* turn.h: how much is done in one turn of the loop, so that nobody waits long for others.
 *
 * Work is counted in bytes of a file that is sent; other work as the bytes that take about as
 * long. A connection that has had its share, or finds that a turn has been long enough, is put
 * off: it goes to the end of a queue, from which connections go on when what has become ready in
 * the meantime was served. So a small request waits for about TURN_WORK, however many want large
 * files, pipeline requests or are to be closed, and the few that are alone do much at once. */
#ifndef MUXD_WORKER_NET_TURN_H
#define MUXD_WORKER_NET_TURN_H

#include "worker/context.h"
#include "worker/net/connection.h"

enum {
    SHARE_LEAST = 128 * 1024,     /* of one connection, however many there are */
    SHARE_MOST = 2 * 1024 * 1024, /* and of one that is alone */
    TURN_WORK = 4 * SHARE_LEAST,  /* of all that are ready, before the rest is put off; and then of
                                     all that were put off */
    REQUEST_WORK = 4 * 1024,      /* a request that needs nothing but memory */
    ACCEPT_WORK = 16 * 1024,      /* a new connection */
    CLOSE_WORK = 16 * 1024,       /* one that has been too slow is closed */
    UNREAD_WORK = SHARE_LEAST,    /* the same, with an answer that the kernel holds for it */
    DEFLATE_WORK = 32,            /* for each byte of a body that is compressed */
};

/* What a connection may do before it is put off: the more are busy, the less. */
uint32_t turn_share(const struct worker *);

/* The connection has done so much. */
static inline void turn_count(struct connection *connection, uint32_t work)
{
    connection->work += work;
    connection->worker->work += work;
}

/* It has had its share: others first. */
static inline bool turn_is_over(const struct connection *connection)
{
    return __builtin_expect(connection->work >= SHARE_LEAST, 0) &&
           connection->work >= turn_share(connection->worker);
}

/* How many bytes of a file it may send at a time; 0: others first. What has begun may be
 * whole: a turn may pass TURN_WORK by a share. */
uint64_t turn_bytes(const struct connection *);

/* Puts it off, without a deadline meanwhile: connection_drive does nothing until its turn
 * comes. */
void connection_put_off(struct connection *);

/* It is closed: takes it out of the queue, if it is there. */
void connection_put_off_leave(struct connection *);

/* Those that were put off go on, one after the other, up to `last`, which was the last of them
 * when the turn began, and as far as TURN_WORK allows. */
void connections_go_on(struct worker *, const struct connection *last);

#endif
