/* head_parts.h: the two kinds of lines of a head; head.c puts them together.
 *
 * Each reads one line at *at, which `end` cuts off at the line's limit, and
 * moves *at behind it; HEAD_MORE when it does not end there, and then the line
 * is to be read again from its start. */
#ifndef MUXD_WORKER_HTTP_HEAD_PARTS_H
#define MUXD_WORKER_HTTP_HEAD_PARTS_H

#include "worker/http/head.h"

/* The request line (RFC 9112 3). */
enum head_result head_read_line(struct head *, const char **at, const char *end);

/* A field line (RFC 9112 5), of at least one byte; the field is added unless its
 * name is unusual. */
enum head_result head_read_field(struct head *, const char **at, const char *end);

#endif
