/* log_format.h: log lines with $variables, compiled at load. */
#ifndef MUXD_WORKER_HTTP_LOG_FORMAT_H
#define MUXD_WORKER_HTTP_LOG_FORMAT_H

#include "conf/directive.h"

struct http; /* core.h */
struct request;
struct log_format;

/* Puts the built-in format "combined" into http->formats (struct log_format *). False when
 * memory is out. */
bool log_formats_init(struct arena *, struct http *);

/* The format of this name (any case); NULL when there is none. */
const struct log_format *log_format_find(const struct http *, struct slice name);

/* log_format name [escape=default|json|none] text ... */
extern const struct value_type as_log_format;

/* The line of one finished request: the values are known, the text is not made
 * yet, so that it can be written where it belongs without a copy. */
struct log_line {
    const struct log_format *format;
    struct log_value *values; /* in the request's arena */
    size_t len;               /* bytes of the line, without a newline */
};

/* Gets the values. False when memory is out. */
bool log_line_measure(struct request *, const struct log_format *, struct log_line *);

/* Writes the line, `len` bytes, at `at`. The end. */
char *log_line_put(const struct log_line *, char *at);

#endif
