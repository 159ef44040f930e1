/* uri.h: a request's path, decoded and normalised as nginx does it. */
#ifndef MUXD_WORKER_HTTP_URI_H
#define MUXD_WORKER_HTTP_URI_H

#include "common/arena.h"
#include "common/slice.h"

enum uri_result {
    URI_OK,
    URI_BAD,       /* 400: bad %XX, a NUL or %00, or a path above the root */
    URI_NO_MEMORY, /* 500 */
};

/* Decodes %XX, resolves "." and ".." segments and, when `merge_slashes`, turns
 * runs of '/' into one; a '#' ends the path (nginx cuts a fragment off). `path`
 * starts with '/'. The answer is in the arena, or is `path` itself when there
 * was nothing to do. Bytes >= 0x80 stay. */
enum uri_result uri_normalize(struct arena *, struct slice path, bool merge_slashes,
                              struct slice *normalized);

enum uri_escape {
    ESCAPE_URI,       /* what may not stand in a path: as nginx's NGX_ESCAPE_URI */
    ESCAPE_ARGUMENTS, /* as nginx's NGX_ESCAPE_ARGS */
    ESCAPE_COMPONENT, /* as nginx's NGX_ESCAPE_URI_COMPONENT: all but unreserved */
    ESCAPE_HTML,      /* text in HTML: & < > " */
};

/* `text` escaped, in the arena, or `text` itself when there was nothing to
 * escape; {NULL, 0} when memory is out. */
struct slice uri_escape(struct arena *, struct slice text, enum uri_escape);

/* The URL of a redirect with those %XX decoded that need not be, up to a '?'; what is no %XX
 * is dropped: nginx's NGX_UNESCAPE_REDIRECT. In the arena; {NULL, 0} when memory is out. */
struct slice uri_unescape_redirect(struct arena *, struct slice url);

/* Value of query argument `name` (name compared without case, as $arg_NAME is);
 * the raw bytes, not decoded. False when it is absent. */
bool query_argument(struct slice query, struct slice name, struct slice *value);

/* Checks and reduces a Host value as nginx does: lower-cased into the arena
 * when it has capitals, the port and a trailing dot cut off; IPv6 in brackets
 * kept with them. False: 400 (empty, "/", NUL, "..", bad brackets). */
bool host_validate(struct arena *, struct slice host, struct slice *name);

/* The last host that was valid as it is: nearly all who come ask for the same one. */
struct known_host {
    char text[64];
    uint8_t len, name_len;
};

/* The same, by what was found of the last one where this is no other. */
bool host_validate_known(struct known_host *, struct arena *, struct slice host,
                         struct slice *name);

/* Some segment of the path is "..": what stands behind a folder would lead out of it. A
 * normalised path has none; one that variables or rewrite were put into may. */
bool uri_goes_up(struct slice path);

#endif
