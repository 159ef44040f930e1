/* response.h: an answer, from a small struct to bytes on the connection.
 *
 * A handler fills in status, headers and a body source and returns DONE; the
 * answer then passes a fixed list of steps: conditional, range, added headers
 * (filters.h), framing, head rendering. The body source is memory, a file
 * range, a stream, or none. */
#ifndef MUXD_WORKER_HTTP_RESPONSE_H
#define MUXD_WORKER_HTTP_RESPONSE_H

#include "common/arena.h"
#include "common/slice.h"

#include <time.h>

struct request;
struct stream;
struct open_file; /* worker/handlers/file_cache.h */

struct response_field {
    struct slice name;
    struct slice value;
    bool hidden; /* removed again by a later step */
};

/* A body that is looked at before it is sent: somebody else's files. */
struct body_source {
    /* Bytes of the body from `at` on, at least one, that are good until the next call of any
     * source. Empty: they cannot be had, which was logged; the connection must be cut. */
    struct slice (*read)(struct body_source *, struct request *, uint64_t at);
};

/* A piece of the body in the order it is sent. */
struct segment {
    struct segment *next;
    struct slice memory; /* when there is neither file nor source; lives as long as the request */
    struct open_file *file;
    struct body_source *source;
    uint64_t offset, end; /* of the file, or of the source's body */
};

static inline bool segment_is_memory(const struct segment *segment)
{
    return segment->file == NULL && segment->source == NULL;
}

struct response {
    unsigned status;               /* 0: not set yet */
    struct slice content_type;     /* empty: no Content-Type */
    struct slice location;         /* for redirects, as it will be sent, unless it starts with '/':
                                      then absolute_redirect completes it; at NULL: none */
    struct slice content_range;    /* of a 206 or 416; empty: none */
    struct slice status_text;      /* "404 Gone Fishing" in place of the usual one; empty: none */
    struct slice server, date;     /* an upstream's, in place of our own; empty: none */
    struct slice override_charset; /* an upstream's X-Accel-Charset; empty: none */
    struct slice etag;             /* with its quotes; empty: none */
    time_t last_modified;          /* -1: none */
    struct slice last_modified_text; /* the same as an HTTP date; empty: not sent */
    bool last_modified_passed;       /* it is an upstream's: it stands where that had it */
    uint64_t length;                 /* of the body, when length_known */
    bool length_known;               /* else chunked (1.1) or until close (1.0) */
    bool unconditional;              /* conditions were somebody else's to look at */
    bool ranges;                     /* Accept-Ranges: bytes; Range is honoured */
    bool no_body;                    /* HEAD, 204, 304: the head only */
    struct array fields;             /* of struct response_field, item_size set: added headers */
    struct slice trailers;           /* lines behind a chunked body; at NULL: none wanted */
    struct segment *body, **body_last;
    struct stream *stream; /* stream.h: the body, made while it is sent, instead of segments */
    bool chunked;          /* the stream's pieces are framed as chunks */
    struct segment first;  /* the body's first segment: most have no other */
};

/* Clears to "nothing yet". */
void response_init(struct response *);

/* The field with the answer's Content-Encoding, unless that is empty; NULL: it has none. */
struct response_field *response_encoding(struct response *);

/* Its bytes will be others than those that length and ETag were made of: the length is no
 * longer known, there are no ranges, and the ETag is a weak one (RFC 9110 8.8.1). False:
 * memory is out. */
bool response_will_change(struct request *);

/* Adds a header line at the end. False when memory is out. */
bool response_add(struct request *, struct slice name, struct slice value);

/* The body is this text (which must live as long as the request); length known. */
bool response_text(struct request *, struct slice text);

/* Adds a range of an open file to the body (adds to length when known). The
 * response holds a reference and releases it when the request ends. */
bool response_file(struct request *, struct open_file *, uint64_t offset, uint64_t end);

/* Likewise of a source, which lives as long as the request. */
bool response_source(struct request *, struct body_source *, uint64_t offset, uint64_t end);

/* Adds a part of a piece of the body, in bytes from its beginning. */
bool response_part(struct request *, const struct segment *, uint64_t from, uint64_t to);

/* Adds memory to the body without changing `length` (multipart boundaries). */
bool response_memory(struct request *, struct slice memory);

/* Bytes of a segment that are still to be sent. */
uint64_t segment_length(const struct segment *);

/* Reads the next of them, of a file or a source, into `room`, and passes them: at most `len`. How
 * many; 0: there are none although there should be, which was logged. */
size_t segment_read(struct segment *, struct request *, char *room, size_t len);

/* Content-Length is promised: of a file that has become shorter the log is told, and the
 * connection must be cut. */
void segment_log_short(const struct segment *, struct request *);

/* Drops the body segments (a 304, an error page instead). */
void response_drop_body(struct request *);

/* Runs the steps and renders the answer into the connection's output; called by
 * the phases once a function has returned DONE. Returns DONE, or a status when
 * the client's conditions or ranges have turned the answer into an error (412,
 * 416): that status's error page is the answer then. */
int response_send(struct request *);

#endif
