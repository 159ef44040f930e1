/* response.h: an answer, from a small struct to bytes on the connection.
 *
 * A handler fills in status, headers and a body source and returns DONE; the
 * answer then passes a fixed list of steps: error page text, conditional,
 * range, added headers, head rendering, chunked framing. The body source is
 * memory, a file range, or none. */
#ifndef MUXD_WORKER_HTTP_RESPONSE_H
#define MUXD_WORKER_HTTP_RESPONSE_H

#include "common/arena.h"
#include "common/slice.h"

#include <time.h>

struct request;
struct open_file; /* worker/handlers/file_cache.h */

struct response_field {
    struct slice name;
    struct slice value;
    bool hidden; /* removed again by a later step */
};

/* A piece of the body in the order it is sent. */
struct segment {
    struct segment *next;
    struct slice memory; /* when file is NULL; lives as long as the request */
    struct open_file *file;
    uint64_t offset, end; /* of the file */
};

struct response {
    unsigned status;           /* 0: not set yet */
    struct slice content_type; /* empty: no Content-Type */
    struct slice location;     /* for redirects, as it will be sent, unless it starts with '/':
                                  then absolute_redirect completes it */
    struct slice etag;         /* with its quotes; empty: none */
    time_t last_modified;      /* -1: none */
    struct slice last_modified_text; /* the same as an HTTP date; empty: not sent */
    uint64_t length;                 /* of the body, when length_known */
    bool length_known;               /* else chunked (1.1) or until close (1.0) */
    bool ranges;                     /* Accept-Ranges: bytes; Range is honoured */
    bool conditional;    /* If-* conditions are evaluated against etag and last_modified */
    bool no_body;        /* HEAD, 204, 304: the head only */
    bool final_status;   /* error_page has been through: never again */
    bool head_sent;      /* the head is rendered into the output */
    struct array fields; /* of struct response_field, item_size set: added headers */
    struct segment *body, **body_last;
};

/* Clears to "nothing yet". */
void response_init(struct response *);

/* Adds a header line at the end. False when memory is out. */
bool response_add(struct request *, struct slice name, struct slice value);

/* The body is this text (which must live as long as the request); length known. */
bool response_text(struct request *, struct slice text);

/* Adds a range of an open file to the body (adds to length when known). The
 * response holds a reference and releases it when the request ends. */
bool response_file(struct request *, struct open_file *, uint64_t offset, uint64_t end);

/* Adds memory to the body without changing `length` (multipart boundaries). */
bool response_memory(struct request *, struct slice memory);

/* Drops the body segments (a 304, an error page instead). */
void response_drop_body(struct request *);

/* Runs the steps and renders the answer into the connection's output; called by
 * the request once a handler has returned DONE. */
void response_send(struct request *);

#endif
