/* body.h: a request's body, sized or chunked, kept or read off.
 *
 * A handler that needs the body asks for it (request_read_body): it is kept in
 * memory up to client_body_buffer_size and in a temporary file beyond. The body
 * of any other request is read off and thrown away. */
#ifndef MUXD_WORKER_HTTP_BODY_H
#define MUXD_WORKER_HTTP_BODY_H

#include "worker/http/chunked.h"
#include "worker/http/request.h"

struct body {
    enum framing framing;
    uint64_t length;   /* FRAMING_LENGTH: promised */
    uint64_t received; /* decoded bytes so far */
    uint64_t sent;     /* the same as the client has sent them, with the sizes of its chunks */
    struct chunked chunked;
    uint64_t drop_until; /* reading it off ends then, monotonic ms; 0: that has not begun */
    bool whole;          /* the last byte was read */
    bool wanted;         /* a handler asked for it: it is kept */
    bool streamed;       /* while it comes: no more of it is read than `memory` has room for */
    int (*ready)(struct request *);
    struct slice memory; /* what is kept in memory: all of it, or what is not yet in the file */
    size_t capacity;
    int file;              /* -1: none */
    const char *file_name; /* NULL unless it keeps a name: client_body_in_file_only */
};

/* Prepares the body of a request whose head says it has one; request->body
 * stays NULL for FRAMING_NONE. 0, or 500. */
int body_init(struct request *, enum framing, uint64_t length);

/* Takes what it can of the bytes in `in` (moving it on): keeps or drops them.
 * 0 to go on, or a status: 400 bad chunk, 413 over client_max_body_size, 500. */
int body_take(struct request *, struct slice *in);

/* The handler wants it: allocates the memory. 0 or 500. */
int body_want(struct request *);

/* Likewise, but piece by piece: body_consume makes room for more. 0 or 500. */
int body_want_stream(struct request *);

/* Drops the first `len` bytes of body->memory, which have been used. */
void body_consume(struct request *, size_t len);

/* Streamed: there is no room for more. */
bool body_is_full(const struct body *);

/* Nobody wants what is still to come. */
void body_drop(struct body *);

/* $request_body: the value when it is all in memory. */
bool body_variable(struct request *, struct slice *value);

/* $request_body_file: the temporary file's name. */
bool body_file_variable(struct request *, struct slice *value);

/* Closes (and removes) the temporary file. */
void body_release(struct request *);

#endif
