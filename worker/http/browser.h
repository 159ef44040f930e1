/* browser.h: browsers that get something wrong, by the names they give themselves. */
#ifndef MUXD_WORKER_HTTP_BROWSER_H
#define MUXD_WORKER_HTTP_BROWSER_H

#include "common/slice.h"

/* Internet Explorer 4 to 6, but not Windows XP SP2's, nor an Opera that pretends. */
bool browser_is_msie6(struct slice user_agent);

#endif
