/* fastcgi_records.h: the records that a FastCGI application sends (FastCGI 1.0, 3.3 and 5).
 *
 * The reader works on pieces of any size and allocates nothing. An application is not
 * trusted: a record of another version, type or request ends the conversation. */
#ifndef MUXD_WORKER_UPSTREAM_FASTCGI_RECORDS_H
#define MUXD_WORKER_UPSTREAM_FASTCGI_RECORDS_H

#include "common/slice.h"

enum fastcgi_type {
    FASTCGI_BEGIN_REQUEST = 1,
    FASTCGI_END_REQUEST = 3,
    FASTCGI_PARAMS = 4,
    FASTCGI_STDIN = 5,
    FASTCGI_STDOUT = 6,
    FASTCGI_STDERR = 7,
};

enum {
    FASTCGI_VERSION = 1,
    FASTCGI_REQUEST_ID = 1, /* one request at a time over a connection */
    FASTCGI_RESPONDER = 1,
    FASTCGI_KEEP_CONN = 1,
    FASTCGI_HEADER = 8,          /* bytes */
    FASTCGI_CONTENT_MAX = 65528, /* that is sent in a record: the most without padding */
};

enum fastcgi_state {
    FASTCGI_IN_HEADER,
    FASTCGI_IN_CONTENT,
    FASTCGI_IN_PADDING,
    FASTCGI_ENDED,
};

struct fastcgi_records {
    enum fastcgi_state state;
    uint8_t header[FASTCGI_HEADER];
    uint8_t header_len;      /* bytes of it so far */
    uint8_t protocol_status; /* of FCGI_END_REQUEST: other than 0: it was refused */
    uint32_t read, left;     /* bytes of the content: taken, and still to come */
    uint32_t padding;        /* bytes still to come */
};

enum fastcgi_result {
    FASTCGI_MORE,    /* `in` is used up */
    FASTCGI_OUT,     /* *piece is the next part of standard output; call again */
    FASTCGI_ERR,     /* *piece is the next part of standard error; call again */
    FASTCGI_ERR_END, /* a record of standard error is over; call again */
    FASTCGI_DONE,    /* the request is over; `in` is what follows */
    FASTCGI_REFUSED, /* likewise, but the application has not taken it on */
    FASTCGI_BAD_VERSION,
    FASTCGI_BAD_TYPE,
    FASTCGI_BAD_REQUEST, /* the record is of a request that nobody made */
    FASTCGI_BAD_END,     /* FCGI_END_REQUEST is too short */
};

/* Starts with the first record of an answer. */
void fastcgi_records_init(struct fastcgi_records *);

/* Reads on at `in`, moving it past what was used. A piece is a part of `in`. */
enum fastcgi_result fastcgi_read(struct fastcgi_records *, struct slice *in, struct slice *piece);

/* Writes the header of a record that is sent, padded to a multiple of 8 bytes; how many bytes
 * of padding follow the content. */
unsigned fastcgi_put_header(char header[static FASTCGI_HEADER], enum fastcgi_type, size_t len);

#endif
