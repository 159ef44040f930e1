/* checks.h: the checks of lint.c's table, and what they share. Nothing outside of this folder
 * includes it. */
#ifndef MUXD_WORKER_LINT_CHECKS_H
#define MUXD_WORKER_LINT_CHECKS_H

#include "worker/http/core.h"

/* Looks at one block, of a context that the table gives the check. */
typedef void lint_check(struct conf *, const struct conf_scope *);

/* locations.c: which location a request is for. */
lint_check lint_regex_ends;       /* `location ~ \.php`: also /x.php.jpg */
lint_check lint_shadowed;         /* a regex takes what a prefix seems to have */
lint_check lint_repeated_regexes; /* the second is never reached */
lint_check lint_early_return;     /* a server that returns before it looks for a location */

/* folders.c: where files are looked for. */
lint_check lint_alias;          /* a slash on one side only */
lint_check lint_scattered_root; /* `root` in `location /`, and missing elsewhere */
lint_check lint_writable_root;  /* a root that anybody may write to */

/* answers.c: what is answered. */
lint_check lint_hidden_lists; /* add_header and its kin, which take inherited ones away */
lint_check lint_if;           /* settings in an `if`, which replaces its location */
lint_check lint_redirects;    /* $uri in a redirect: decoded, it may hold a CRLF */

/* --- what they share: lint.c --- */

/* Adds a warning; the hint, shown at the caret, is what to write instead. */
void lint_warn(struct conf *, struct position, struct slice hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The next directive of this name in a list of siblings, `node` included; NULL: none. */
const struct conf_node *lint_next(const struct conf_node *, const char *name);

/* The first one in the block itself; NULL: it has none. */
const struct conf_node *lint_find(const struct conf_scope *, const char *name);

/* The last word of a block's head: a location's name. */
const struct word *lint_name(const struct conf_scope *);

/* The location whose block it is. */
static inline const struct location *lint_location(const struct conf_scope *scope)
{
    return scope->owner;
}

#endif
