/* text.h: text that grows in an arena, for lists and pages whose length is not
 * known beforehand.
 *
 * After a failed allocation nothing more is added, and text_end says so. */
#ifndef MUXD_COMMON_TEXT_H
#define MUXD_COMMON_TEXT_H

#include "common/arena.h"

enum { TEXT_FORMAT_MAX = 160 }; /* bytes that one text_format may add; more is cut off */

/* Initialise with { .arena = ... }. */
struct text {
    struct arena *arena;
    char *at;
    size_t len, capacity;
};

/* Makes room for `len` more bytes, so that they are added without a copy of what is there.
 * False: memory is out. */
bool text_reserve(struct text *, size_t len);

/* Adds bytes as they are. */
void text_add(struct text *, struct slice);

/* Adds `count` spaces. */
void text_add_spaces(struct text *, size_t count);

/* Adds a text by printf(3) format, a short one. */
void text_format(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The whole text, which may grow on after this; {NULL, 0} when memory was out. */
struct slice text_end(const struct text *);

#endif
