/* mime_types.h: a list of MIME types that answers are looked up in: gzip_types and its
 * kin. */
#ifndef MUXD_WORKER_HTTP_MIME_TYPES_H
#define MUXD_WORKER_HTTP_MIME_TYPES_H

#include "conf/directive.h"
#include "worker/http/name_map.h"

struct mime_types {
    struct name_map names; /* in lower case */
    bool any;              /* "*" is one of them */
};

/* `mime-type ...`: text/html, which nginx always has in the list, and those named;
 * zeroed, the list has text/html alone. */
extern const struct value_type as_mime_types; /* struct mime_types */

/* Whether a Content-Type, with or without parameters, is of the list; an empty one is only
 * when any is. */
bool mime_types_match(const struct mime_types *, struct slice content_type);

#endif
