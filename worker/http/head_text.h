/* head_text.h: what variables have put together, made fit for a line of a head.
 *
 * A decoded path, an argument or a cookie may hold bytes that end a line or that terminals act
 * upon. Where such a text becomes the value of a field, a Location or an upstream's request
 * line, they become %XX, and the text stays one text. */
#ifndef MUXD_WORKER_HTTP_HEAD_TEXT_H
#define MUXD_WORKER_HTTP_HEAD_TEXT_H

#include "common/arena.h"
#include "common/slice.h"

enum head_text {
    HEAD_TEXT_VALUE,  /* of a field: spaces and tabs are part of it (RFC 9110 5.5) */
    HEAD_TEXT_TARGET, /* of a request line: they would end it */
};

/* Control characters become %XX: C0, DEL, and C1, in UTF-8 too; letters of UTF-8 stay as they
 * are. Copies only when there is something to do. False: memory is out. */
bool head_text_escape(struct arena *, struct slice *, enum head_text);

#endif
