/* stream.h: a body that is made while it is sent.
 *
 * A stream is pulled: whoever sends asks for the next bytes when there is room for
 * them, and a filter asks its source in turn. So nothing runs ahead of the client,
 * and each stage holds no more than a buffer of its own. A stream's struct begins
 * with a struct stream and lives in the request's arena. */
#ifndef MUXD_WORKER_HTTP_STREAM_H
#define MUXD_WORKER_HTTP_STREAM_H

#include <stddef.h>

struct request;

enum stream_result {
    STREAM_SOME,   /* *made bytes; there may be more. Maybe none yet: where a range begins later, or
                      the connection's turn has ended (worker/net/turn.h) */
    STREAM_END,    /* *made bytes, maybe none, were the last */
    STREAM_WAIT,   /* nothing yet: stream_resume will be called */
    STREAM_FAILED, /* the body cannot be completed: the connection must be cut */
};

/* What became of bytes that went past. */
enum stream_moved {
    STREAM_MOVED,      /* *moved bytes, at least one */
    STREAM_MOVE_FULL,  /* the client takes no more: watch.writable is false */
    STREAM_MOVE_WAIT,  /* nothing yet: stream_resume will be called */
    STREAM_MOVE_LOST,  /* the client is gone */
    STREAM_MOVE_UNFIT, /* what comes next has to be read */
};

struct stream {
    /* Writes at most `len` (> 0) bytes of the body to `room`. */
    enum stream_result (*read)(struct stream *, struct request *, char *room, size_t len,
                               size_t *made);

    /* Sends some of the body straight to the client, to whom nothing else is to be sent. NULL
     * where somebody has to look at all of it. */
    enum stream_moved (*move)(struct stream *, struct request *, size_t *moved);
};

/* What the response has as its body so far, memory and files, as a stream: for
 * stream_of_response. The response is left without segments. NULL when memory is out. */
struct stream *stream_of_segments(struct request *);

/* The response's body, whatever it is so far, as a stream: the source of a filter. */
struct stream *stream_of_response(struct request *);

/* A stream that said STREAM_WAIT can go on: the connection sends on. It, and the request,
 * may be gone after. */
void stream_resume(struct request *);

#endif
