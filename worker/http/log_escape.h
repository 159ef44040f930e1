/* log_escape.h: bytes of clients made harmless for log lines.
 *
 * Each returns `text` itself when there is nothing to escape, else a copy in the
 * arena; {NULL, 0} when memory is out. */
#ifndef MUXD_WORKER_HTTP_LOG_ESCAPE_H
#define MUXD_WORKER_HTTP_LOG_ESCAPE_H

#include "common/arena.h"
#include "common/slice.h"

/* escape=default: '"', '\', bytes below 32 and from 127 on become \xXX. */
struct slice log_escape_default(struct arena *, struct slice text);

/* escape=json: as the inside of a JSON string (RFC 8259 7); bytes from 128 on stay, as
 * nginx leaves them. */
struct slice log_escape_json(struct arena *, struct slice text);

/* The same as default, for error log lines. */
struct slice log_escape_error(struct arena *, struct slice text);

#endif
