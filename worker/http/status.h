/* status.h: status codes: their lines, and nginx's pages for them. */
#ifndef MUXD_WORKER_HTTP_STATUS_H
#define MUXD_WORKER_HTTP_STATUS_H

#include "common/arena.h"
#include "common/slice.h"

/* What stands behind "HTTP/1.1 ": "200 OK"; of an unknown status just its number ("299 "
 * as nginx sends it), in the arena. nginx's own 494 to 497 are sent as 400. */
struct slice status_line(unsigned status, struct arena *);

/* The built-in HTML page of an error or redirect (300 to 599), nginx's to the byte but for
 * the name of the server, which `server` gives ("muxd/0.1.0" or "muxd"). An empty slice
 * when the status has none. `padding`: MSIE padding (msie_padding). In the arena. */
struct slice status_page(unsigned status, struct slice server, bool padding, struct arena *);

/* An answer of this status has content, and a line that says how much (RFC 9110 6.4.1). */
static inline bool status_has_content(unsigned status)
{
    return status / 100 != 1 && status != 204 && status != 304;
}

#endif
