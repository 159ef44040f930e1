/* charset_map.h: text of one charset as text of another: both of one byte a character, or one
 * of them UTF-8.
 *
 * A character that the other charset does not have becomes "?", or, coming from UTF-8, which knows
 * them all, a reference for HTML: "&#8364;". Bytes below 0x80 stay what they are. */
#ifndef MUXD_COMMON_CHARSET_MAP_H
#define MUXD_COMMON_CHARSET_MAP_H

#include "common/arena.h"

struct charset_map {
    struct slice from, to;    /* names */
    bool utf8;                /* `to` is UTF-8 */
    uint16_t characters[256]; /* what the bytes of `from` are in `to`, as numbers; 0: nothing */
    uint8_t *bytes[256];      /* of a character's high byte: what its low bytes are in `from`; NULL
                                 or 0: nothing */
};

/* A map of two charsets that knows ASCII only; NULL when memory is out. */
struct charset_map *charset_map_new(struct arena *, struct slice from, struct slice to);

/* A byte of `from` is this character of `to`. False: memory is out. */
bool charset_map_add(struct charset_map *, struct arena *, uint8_t byte, uint16_t character);

/* The only character of a text in UTF-8; -1 when it is none, or beyond 0xffff. */
int charset_character(struct slice utf8);

/* A text on its way. Initialise with { .map = ..., .backwards = ... }. */
struct charset_recoder {
    const struct charset_map *map;
    bool backwards; /* from `to` to `from` */
    char held[4];   /* of UTF-8: the beginning of a character */
    uint8_t held_len;
    char made[12]; /* what there was no room for */
    uint8_t made_len, made_at;
};

/* Recodes what it can of `in`, moving it on, into `room` bytes at `out`: until one of them is used
 * up. How many bytes were made. */
size_t charset_recode(struct charset_recoder *, struct slice *in, char *out, size_t room);

/* The text has ended: what is left of a character is a "?". True while there is more to be had
 * from charset_recode, with an empty `in`. */
bool charset_recode_end(struct charset_recoder *);

#endif
