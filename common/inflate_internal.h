/* inflate_internal.h: what the parts of the decompressor share.
 *
 * inflate.c reads blocks; inflate_table.c makes the tables that words are looked up in. */
#ifndef MUXD_COMMON_INFLATE_INTERNAL_H
#define MUXD_COMMON_INFLATE_INTERNAL_H

#include "common/inflate.h"

enum {
    INFLATE_BITS_MAX = 15,
    INFLATE_LITERALS = 288,
    INFLATE_DISTANCES = 32,
    INFLATE_CODES = 19,
    /* Bits that are looked up at once; a longer word's rest in a table behind. */
    INFLATE_LITERAL_ROOT = 10,
    INFLATE_DISTANCE_ROOT = 8,
    INFLATE_CODE_ROOT = 7,
    /* Room for the largest tables that a complete code can need: Mark Adler's enough.c for
     * 288 symbols, root 10 and for 32 symbols, root 8. */
    INFLATE_LITERAL_ENTRIES = 1334 + 2,
    INFLATE_DISTANCE_ENTRIES = 402,
};

enum inflate_kind {
    INFLATE_LITERAL,  /* value: the byte, or a code length */
    INFLATE_BASE,     /* value: of a length or distance, to which `extra` bits are added */
    INFLATE_END,      /* of the block */
    INFLATE_SUBTABLE, /* value: its index; extra: how many bits are looked up there */
    INFLATE_INVALID,
};

struct inflate_entry {
    uint8_t bits; /* of the word, or of its first part */
    uint8_t extra : 4;
    uint8_t kind : 4; /* enum inflate_kind */
    uint16_t value;
};

/* The meaning of a symbol in each of the three alphabets; bits is 0. */
typedef struct inflate_entry inflate_meaning(unsigned symbol);
struct inflate_entry inflate_literal(unsigned symbol);
struct inflate_entry inflate_distance(unsigned symbol);
struct inflate_entry inflate_code_length(unsigned symbol);

/* Which codes are taken that are not complete: RFC 1951 3.2.7 has a distance code of a
 * single word of one bit, and of none; compressors write literals alone so too. */
enum inflate_lack {
    INFLATE_COMPLETE, /* none */
    INFLATE_ONE_WORD, /* a single word of one bit */
    INFLATE_NO_WORD,  /* and that of no word */
};

/* Makes the table of the code with these lengths (0: the symbol does not occur); the words
 * that an incomplete code lacks are invalid. False: the code is refused. */
bool inflate_table(struct inflate_entry *table, size_t entries, unsigned root,
                   const uint8_t *lengths, size_t count, inflate_meaning *meaning,
                   enum inflate_lack);

#endif
