/* deflate_internal.h: what the parts of the compressor share.
 *
 * deflate.c moves bytes in and out; deflate_match.c turns them into tokens, a literal byte
 * or a repetition each; deflate_block.c writes the tokens of a block. */
#ifndef MUXD_COMMON_DEFLATE_INTERNAL_H
#define MUXD_COMMON_DEFLATE_INTERNAL_H

#include "common/deflate.h"

enum {
    HISTORY = 32 * 1024, /* bytes back that a repetition may lie */
    HISTORY_MASK = HISTORY - 1,
    WINDOW = 2 * HISTORY,
    WINDOW_SLACK = 16, /* words are read whole, up to so far behind the last byte */
    MATCH_MIN = 3,
    MATCH_MAX = 258,
    LOOKAHEAD_MIN = MATCH_MAX + 8, /* bytes to look ahead before a decision, until the end */
    HASH4_BITS = 15,
    HASH3_BITS = 13,
    TOKENS_MAX = 16 * 1024,
    LITERALS = 286, /* literal bytes, the end of the block, lengths */
    BLOCK_END = 256,
    DISTANCES = 30,
    PENDING_MAX = 4096, /* bytes written that no room was given for yet */
};

/* How hard to look. */
struct deflate_effort {
    uint16_t good;  /* after a match of this length a quarter of the chain is enough */
    uint16_t lazy;  /* do not look for a better one after a match of this length; greedy: do
                       not enter the positions inside a longer one */
    uint16_t nice;  /* a match of this length is taken at once */
    uint16_t chain; /* positions looked at */
    bool is_lazy;
};

enum deflate_state {
    DEFLATE_GATHER, /* tokens for the next block */
    DEFLATE_TOKENS, /* writing a block's tokens */
    DEFLATE_STORED, /* writing a block's bytes as they are */
    DEFLATE_LEFT,   /* the last block was written */
};

/* The code of a block, ready to be written. */
struct deflate_code {
    uint16_t words[LITERALS];
    uint8_t bits[LITERALS];
    uint16_t distance_words[DISTANCES];
    uint8_t distance_bits[DISTANCES];
    uint32_t length_words[MATCH_MAX - MATCH_MIN + 1]; /* with the extra bits */
    uint8_t length_bits[MATCH_MAX - MATCH_MIN + 1];
};

struct deflate {
    struct deflate_effort effort;
    enum deflate_state state;
    bool flushed;       /* all that was taken has left, and can be decoded */
    unsigned hash_bits; /* in use, of HASH4_BITS */

    /* The window: positions are indexes of `window`; the first half is given up when the
     * second is full. */
    uint32_t at;         /* the next position to look at */
    uint32_t end;        /* of the bytes in the window */
    int64_t block_start; /* may have left the window */

    /* What the lazy search holds back. */
    bool held;            /* the byte before `at` is not in a token yet */
    unsigned held_length; /* the match that begins there; below MATCH_MIN: none */
    unsigned held_distance;

    /* The block's tokens. */
    uint32_t token_count;
    uint32_t next_token; /* to be written */
    uint32_t stored_at, stored_end;
    bool last_block;

    /* Bits, and bytes, to be written. */
    uint64_t bits;
    unsigned bit_count;
    uint32_t pending_start, pending_end;

    uint32_t literal_counts[LITERALS];
    uint32_t length_counts[MATCH_MAX - MATCH_MIN + 1];
    uint32_t distance_counts[DISTANCES];
    struct deflate_code code;

    uint8_t token_lengths[TOKENS_MAX];    /* length - MATCH_MIN, or the literal */
    uint16_t token_distances[TOKENS_MAX]; /* 0: a literal */
    uint16_t head4[1 << HASH4_BITS];      /* newest position by a hash of 4 bytes; 0: none */
    uint16_t head3[1 << HASH3_BITS];      /* likewise of 3 bytes */
    uint16_t previous[HISTORY];           /* the position before it in the chain of 4 bytes */
    uint8_t pending[PENDING_MAX + 8];
    uint8_t window[WINDOW + WINDOW_SLACK];
};

/* --- deflate_match.c --- */

/* How hard each level looks. */
struct deflate_effort deflate_effort(int level);

/* Makes tokens, until the block is full or too little lies ahead; with `ending` until
 * nothing does. True when the block is full. */
bool deflate_make_tokens(struct deflate *, bool ending);

/* Gives up the first half of the window. */
void deflate_slide(struct deflate *);

/* --- deflate_block.c --- */

/* Begins to write the tokens as a block; the pending bytes must have left. */
void deflate_block_begin(struct deflate *, bool last);

/* Writes on, as far as the pending bytes have room. True when the block is done. */
bool deflate_block_write(struct deflate *);

/* An empty stored block: what is before it ends on a byte (DEFLATE_SYNC). */
void deflate_block_sync(struct deflate *);

/* --- which code a length and a distance belong to (RFC 1951 3.2.5) --- */

/* Position of the highest bit; of 0: undefined. */
static inline unsigned highest_bit(uint32_t number)
{
    return 31 - (unsigned)__builtin_clz(number);
}

static inline unsigned distance_symbol(unsigned distance)
{
    unsigned from = distance - 1;

    if (from < 2)
        return from;
    unsigned high = highest_bit(from);
    return 2 * high + (from >> (high - 1) & 1);
}

static inline unsigned distance_extra_bits(unsigned symbol)
{
    return symbol < 2 ? 0 : symbol / 2 - 1;
}

#endif
