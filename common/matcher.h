/* matcher.h: the first of several texts in a text that arrives in pieces.
 *
 * Letters are compared without case (ASCII). The search looks at every n-th byte, n being
 * the length of the shortest text looked for, and goes into detail where that byte could
 * belong to one (Horspool's way, for several texts). It keeps nothing between two calls:
 * what may be the beginning of a match is given again by the caller, with more behind it. */
#ifndef MUXD_COMMON_MATCHER_H
#define MUXD_COMMON_MATCHER_H

#include "common/arena.h"

struct matcher;

/* A matcher for `count` > 0 texts, none of them empty, which are copied. NULL when memory
 * is out. */
struct matcher *matcher_new(struct arena *, const struct slice *texts, size_t count);

/* How many texts it looks for, and the length of number `index`, and of the longest. */
size_t matcher_count(const struct matcher *);
size_t matcher_length(const struct matcher *, size_t index);
size_t matcher_longest(const struct matcher *);

/* Looks for the leftmost of the texts, and of several at one place for the one that was
 * named first; those with done[index] set (done may be NULL) are not looked for. `whole`
 * says that nothing follows `in`.
 *
 * True: number *index stands at in.at + *at. False: there is none before *at, and what is
 * behind it (less than the longest text) is the beginning of one perhaps: to be given again
 * with what follows. *at is in.len when it is not, or when `whole`. */
bool matcher_find(const struct matcher *, struct slice in, bool whole, const bool *done, size_t *at,
                  size_t *index);

#endif
