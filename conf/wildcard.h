/* wildcard.h: the files that a pattern of an `include` names, as glob(3) finds them in the "C"
 * locale: any run of bytes, one byte, or one of a set or of a class ([a-z], [!0-9],
 * [[:alpha:]]); a backslash takes the meaning off the byte behind it. A dot at the beginning
 * of a name is matched by a dot only. (The libc's own comes with the letters of all scripts.) */
#ifndef MUXD_CONF_WILDCARD_H
#define MUXD_CONF_WILDCARD_H

#include "common/arena.h"

/* The pattern matches the whole name, which has no '/'. */
bool wildcard_matches(struct slice pattern, struct slice name);

enum wildcard_result {
    WILDCARD_OK,
    WILDCARD_NO_MEMORY,
    WILDCARD_FAILED, /* a folder could not be read: errno says why */
};

/* Appends to `paths`, of const char *, what the pattern matches and is there, sorted by byte.
 * Folders that are not there, or that may not be read, have nothing that matches. */
enum wildcard_result wildcard_expand(struct arena *, const char *pattern, struct array *paths);

#endif
