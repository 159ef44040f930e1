/* head_parts.h: the two kinds of lines of a head; head.c puts them together.
 *
 * Each reads one line at the start of `text`, which is cut off at the line's
 * limit, and answers HEAD_MORE when it does not end there; then the line is
 * read again from its start. *used gets the line's bytes, its end included. */
#ifndef MUXD_WORKER_HTTP_HEAD_PARTS_H
#define MUXD_WORKER_HTTP_HEAD_PARTS_H

#include "worker/http/head.h"

/* The request line (RFC 9112 3), which is not empty. */
enum head_result head_read_line(struct head *, struct slice text, size_t *used);

/* A field line (RFC 9112 5); the field is added unless its name is unusual. */
enum head_result head_read_field(struct head *, struct slice text, size_t *used);

/* The known field of this name, or FIELD_OTHER. The name has at least one byte,
 * and only letters, digits and '-' in it. */
enum field_name head_field_name(struct slice name);

#endif
