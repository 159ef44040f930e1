/* log_escape.h: bytes of clients made harmless for log lines. */
#ifndef MUXD_WORKER_HTTP_LOG_ESCAPE_H
#define MUXD_WORKER_HTTP_LOG_ESCAPE_H

#include "common/arena.h"
#include "common/slice.h"

/* escape= of log_format. */
enum log_escape {
    LOG_ESCAPE_DEFAULT, /* '"', '\', bytes below 32 and from 127 on become \xXX */
    LOG_ESCAPE_JSON,    /* as the inside of a JSON string (RFC 8259 7); bytes from 128 on stay, as
                           nginx leaves them */
    LOG_ESCAPE_NONE,
};

/* Bytes that `text` has once it is escaped: text.len exactly when nothing is to escape. */
size_t log_escaped_len(struct slice text, enum log_escape);

/* Writes the escaped text, log_escaped_len bytes, at `at`. The end. */
char *log_escape_put(char *at, struct slice text, enum log_escape);

/* `text` escaped: itself when there is nothing to escape, else a copy in the
 * arena; {NULL, 0} when memory is out. */
struct slice log_escape_text(struct arena *, struct slice text, enum log_escape);

/* The same for error log lines, which are escaped as escape=default does. */
struct slice log_escape_error(struct arena *, struct slice text);

#endif
