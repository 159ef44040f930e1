/* error_page.h: what a client sees instead of an error. */
#ifndef MUXD_WORKER_HTTP_ERROR_PAGE_H
#define MUXD_WORKER_HTTP_ERROR_PAGE_H

#include "worker/modules.h"

struct request;

extern const struct conf_module error_page_module; /* error_page, recursive_error_pages, msie_* */

/* Acts on a status that a phase function has returned, as nginx's special response handler
 * does: an error_page of the location (an internal redirect, a named location, or a
 * redirect of the client), else the built-in page. Returns what a phase function returns:
 * DONE, RESTART, or CLOSE (444). Keep-alive ends for the statuses for which nginx ends it. */
int error_page_apply(struct request *, int status);

/* error_page has a page for the status, and it would be shown. */
bool error_page_is_set(const struct request *, unsigned status);

#endif
