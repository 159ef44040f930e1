/* suggest.h: the known word that was probably meant. */
#ifndef MUXD_CONF_SUGGEST_H
#define MUXD_CONF_SUGGEST_H

#include "common/slice.h"

/* Number of insertions, deletions, substitutions and swaps of neighbours that
 * turn `a` into `b`, ignoring case; `limit` + 1 as soon as it passes `limit`. */
unsigned suggest_distance(struct slice a, struct slice b, unsigned limit);

/* The nearest of `count` words (`words(context, i)`), or an empty slice when
 * none is near enough (a third of the length, at least 1, at most 4). */
struct slice suggest_nearest(struct slice word, size_t count,
                             struct slice (*words)(const void *context, size_t index),
                             const void *context);

#endif
