/* output.h: bytes on their way to a client.
 *
 * Rendered heads and small bodies are copied into buffers and leave in one
 * send, whichever request they belong to; a large body follows as segments of
 * memory or of a file (sendfile), which belong to the one request that is
 * being sent. */
#ifndef MUXD_WORKER_NET_OUTPUT_H
#define MUXD_WORKER_NET_OUTPUT_H

#include "worker/net/connection.h"

enum output_result {
    OUTPUT_SENT,    /* everything has left */
    OUTPUT_BLOCKED, /* the socket takes no more: wait until it is writable */
    OUTPUT_YIELD,   /* enough for this turn (sendfile_max_chunk): go on in the next, or, when
                       the request has a limit_rate, after its pause */
    OUTPUT_WAITS,   /* the response's stream has nothing yet: stream_resume will be called */
    OUTPUT_FAILED,  /* the connection is lost, or a file was cut short: close */
};

enum { OUTPUT_HIGH = 64 * 1024 }; /* pipelined answers are flushed at the latest at this size */

/* Room for `len` contiguous bytes at the end of the output; NULL when memory is
 * out. output_commit says how many were used. */
char *output_reserve(struct connection *, size_t len);
void output_commit(struct connection *, size_t len);

/* Copies text to the end of the output. False when memory is out. */
bool output_append(struct connection *, struct slice);

/* Sends what it can: the buffers, then the request's segments, then its stream. */
enum output_result output_flush(struct connection *);

/* Drops what has not left. */
void output_drop(struct connection *);

#endif
