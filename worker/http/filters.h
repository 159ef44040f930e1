/* filters.h: the steps an answer passes before its head is rendered, in this order.
 *
 * Each returns false when the answer cannot be made (memory is out). */
#ifndef MUXD_WORKER_HTTP_FILTERS_H
#define MUXD_WORKER_HTTP_FILTERS_H

#include "worker/modules.h"

struct request;

/* RFC 9110 13: If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, in nginx's
 * order and meaning, against response.etag and last_modified: the answer stays, becomes
 * 304, or becomes 412 with its error page's text. Only when response.conditional. */
bool filter_conditional(struct request *);

/* expires and add_header (headers.c). */
bool filter_headers(struct request *);

/* Range and If-Range (RFC 9110 14): 206 with one part or multipart/byteranges, or 416.
 * Only when response.ranges and the status is 200. */
bool filter_range(struct request *);

extern const struct conf_module headers_module; /* add_header, expires */

#endif
