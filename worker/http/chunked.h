/* chunked.h: the chunked transfer coding of RFC 9112 7.1, decoded as a stream. */
#ifndef MUXD_WORKER_HTTP_CHUNKED_H
#define MUXD_WORKER_HTTP_CHUNKED_H

#include "common/slice.h"

enum chunked_state {
    CHUNKED_SIZE,
    CHUNKED_SIZE_SPACE, /* white space behind a size: an extension must follow */
    CHUNKED_EXTENSION,
    CHUNKED_SIZE_LF,
    CHUNKED_DATA,
    CHUNKED_DATA_CR,
    CHUNKED_DATA_LF,
    CHUNKED_TRAILER, /* at the start of a line */
    CHUNKED_TRAILER_NAME,
    CHUNKED_TRAILER_VALUE,
    CHUNKED_TRAILER_LF,
    CHUNKED_END_LF,
    CHUNKED_DONE,
};

enum { CHUNKED_OVERHEAD_MAX = 16384 }; /* bytes of one extension or of all trailers */

struct chunked {
    enum chunked_state state;
    uint64_t left;     /* bytes of the current chunk still to come */
    uint32_t digits;   /* of the size being read */
    uint32_t overhead; /* bytes of extension or trailers so far, bounded */
};

enum chunked_result {
    CHUNKED_MORE,  /* `in` is used up */
    CHUNKED_PIECE, /* *data is the next piece of the body, a part of `in`; call again */
    CHUNKED_LAST,  /* the last chunk's size line was read: what follows are trailers; call again */
    CHUNKED_END,   /* the last chunk and the trailers were read; `in` is what follows */
    CHUNKED_BAD,   /* 400: bad size, overflow, missing CRLF, endless extension or trailers */
};

/* Starts a new body. */
void chunked_init(struct chunked *);

/* Reads on at `in`, moving it past what was used. Trailer fields are checked
 * for syntax and dropped. A line must end in CRLF: a lone LF or CR is bad. */
enum chunked_result chunked_read(struct chunked *, struct slice *in, struct slice *data);

#endif
