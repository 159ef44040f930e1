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

/* The format of this name; NULL when there is none. */
const struct log_format *log_format_find(const struct http *, struct slice name);

/* log_format name [escape=default|json|none] text ... */
extern const struct value_type as_log_format;

/* The line for a finished request, without its newline, in the request's arena. {NULL, 0}
 * when memory is out. */
struct slice log_format_line(struct request *, const struct log_format *);

#endif
