/* capture.h: regexes of locations and server names, and what they leave in the
 * request: $1 to $9, and the variables that named groups define. */
#ifndef MUXD_WORKER_HTTP_CAPTURE_H
#define MUXD_WORKER_HTTP_CAPTURE_H

#include "common/regex.h"
#include "conf/directive.h"

struct request;

/* A compiled pattern; `variables` has the user variable of each group, UINT_MAX
 * for one without a name, or is NULL when no group is named. */
struct capture_regex {
    struct regex *regex;
    unsigned *variables;
};

/* Compiles `pattern` and defines the variables of its named groups. False, with
 * the error reported at `at`, when it is not a regex. */
bool capture_compile(struct conf *, struct conf_scope *, struct position at, struct slice pattern,
                     bool nocase, struct capture_regex *);

enum capture_result { CAPTURE_NO_MATCH, CAPTURE_MATCH, CAPTURE_NO_MEMORY };

/* Searches `text` (which must live as long as the request). On a match the
 * request's captures become those of this regex: none when it has no groups. */
enum capture_result capture_match(struct request *, const struct capture_regex *,
                                  struct slice text);

#endif
