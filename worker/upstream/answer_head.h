/* answer_head.h: the head of an upstream's answer, from bytes to slices (RFC 9112, RFC 3875).
 *
 * The reader works on the caller's buffer, which must not move, and allocates only its
 * list of fields. It resumes: after ANSWER_MORE call it again with the same bytes and more
 * behind them. An upstream is not trusted: what could be framed in two ways is refused. */
#ifndef MUXD_WORKER_UPSTREAM_ANSWER_HEAD_H
#define MUXD_WORKER_UPSTREAM_ANSWER_HEAD_H

#include "common/arena.h"
#include "common/slice.h"

enum answer_result {
    ANSWER_MORE,      /* incomplete: read more */
    ANSWER_DONE,      /* the empty line was read */
    ANSWER_BAD_LINE,  /* no status line of HTTP/1.x */
    ANSWER_BAD_FIELD, /* malformed field line: bare CR, NUL, obs-fold, space before the colon ... */
    ANSWER_TOO_MANY,  /* more than ANSWER_FIELDS_MAX fields */
    ANSWER_NO_MEMORY,
};

enum {
    ANSWER_FIELDS_MAX = 1000,
    ANSWER_STATUS_OK = 200, /* of a CGI answer that says nothing else */
    ANSWER_STATUS_FOUND = 302,
};

/* Fields that the server itself looks at. */
enum answer_field_name {
    ANSWER_OTHER,
    ANSWER_ACCEPT_RANGES,
    ANSWER_CACHE_CONTROL,
    ANSWER_CONNECTION,
    ANSWER_CONTENT_DISPOSITION,
    ANSWER_CONTENT_ENCODING,
    ANSWER_CONTENT_LENGTH,
    ANSWER_CONTENT_RANGE,
    ANSWER_CONTENT_TYPE,
    ANSWER_DATE,
    ANSWER_ETAG,
    ANSWER_EXPIRES,
    ANSWER_KEEP_ALIVE,
    ANSWER_LAST_MODIFIED,
    ANSWER_LINK,
    ANSWER_LOCATION,
    ANSWER_PROXY_CONNECTION,
    ANSWER_REFRESH,
    ANSWER_SERVER,
    ANSWER_SET_COOKIE,
    ANSWER_STATUS,
    ANSWER_TRAILER,
    ANSWER_TRANSFER_ENCODING,
    ANSWER_UPGRADE,
    ANSWER_VARY,
    ANSWER_WWW_AUTHENTICATE,
    ANSWER_X_ACCEL_BUFFERING,
    ANSWER_X_ACCEL_CHARSET,
    ANSWER_X_ACCEL_EXPIRES,
    ANSWER_X_ACCEL_LIMIT_RATE,
    ANSWER_X_ACCEL_REDIRECT,
    ANSWER_X_PAD,
    ANSWER_FIELD_NAMES,
};

struct answer_field {
    struct slice name;  /* as sent */
    struct slice value; /* without surrounding white space; may be empty */
    enum answer_field_name known;
};

enum answer_kind {
    ANSWER_HTTP, /* begins with a status line */
    ANSWER_CGI,  /* may begin with one; else a Status field says what it is (RFC 3875 6) */
};

struct answer_head {
    unsigned status;
    struct slice status_text;           /* "404 Not Found": of the line or the Status field */
    uint8_t minor;                      /* of HTTP/1.x; 0 for CGI */
    struct array fields;                /* of struct answer_field */
    uint16_t known[ANSWER_FIELD_NAMES]; /* 1 + index of the first field of the name; 0: absent */
    uint64_t repeated;                  /* bit 1 << name: more than one field has the name */
    size_t size;                        /* bytes of the head, once ANSWER_DONE */

    /* how far it is */
    struct arena *arena;
    enum answer_kind kind;
    size_t parsed; /* bytes of whole lines that were read */
    bool in_fields;
};

/* Starts a new head, whose list of fields will live in the arena. */
void answer_head_init(struct answer_head *, struct arena *, enum answer_kind);

/* Reads on in `bytes`, which begin with the head's first byte. */
enum answer_result answer_head_read(struct answer_head *, struct slice bytes);

/* The known field of this name, or ANSWER_OTHER. */
enum answer_field_name answer_field_name(struct slice name);

/* First field of a known name, or NULL. */
const struct answer_field *answer_known(const struct answer_head *, enum answer_field_name);

/* How the body is framed (RFC 9112 6.3). */
enum answer_framing {
    ANSWER_EMPTY,   /* to HEAD, 1xx, 204, 304: no body, whatever the fields say */
    ANSWER_LENGTH,  /* *length bytes */
    ANSWER_CHUNKED, /* the chunked coding */
    ANSWER_CLOSED,  /* it ends with the connection */
    ANSWER_BROKEN,  /* 502: length and coding, two lengths, a bad number, an unknown coding */
};

/* Sets *length to what Content-Length promises, UINT64_MAX when there is none. */
enum answer_framing answer_framing(const struct answer_head *, bool to_head, uint64_t *length);

/* The connection may be used again after this answer: HTTP/1.1 without "close". */
bool answer_keeps_alive(const struct answer_head *);

#endif
