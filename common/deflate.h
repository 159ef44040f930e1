/* deflate.h: a compressor that is fed and emptied piece by piece (RFC 1951).
 *
 * It looks for repetitions in the last 32 KiB by chains of positions that begin with the
 * same bytes; levels 1 to 3 take the first good one (greedy), 4 to 9 look at the next
 * position too (lazy). Each block gets the cheapest of the three forms: stored, the fixed
 * code, a code of its own. What a compressor needs is one piece of memory, whatever
 * goes through it. */
#ifndef MUXD_COMMON_DEFLATE_H
#define MUXD_COMMON_DEFLATE_H

#include "common/slice.h"

enum {
    DEFLATE_LEVEL_MIN = 1, /* fastest */
    DEFLATE_LEVEL_MAX = 9, /* smallest */
};

enum deflate_flush {
    DEFLATE_MORE,   /* more input will come */
    DEFLATE_SYNC,   /* likewise, but all that is there can be decoded by the receiver now */
    DEFLATE_FINISH, /* this input is the last */
};

enum deflate_result {
    DEFLATE_NEEDS_INPUT, /* all input was taken (and, with DEFLATE_SYNC, has left) */
    DEFLATE_NEEDS_ROOM,  /* the room is full: call again, with the same flush */
    DEFLATE_ENDED,       /* DEFLATE_FINISH: the last byte was written */
};

struct deflate;

/* How many bytes a compressor takes (270 KiB); aligned as by malloc. */
size_t deflate_size(void);

/* Makes memory of that size, whatever is in it, a compressor. `input` is how many bytes are
 * expected, SIZE_MAX when that is not known: a little is prepared for faster. */
void deflate_init(struct deflate *, int level, size_t input);

/* Takes bytes off `input` and writes at most `len` to `room`; *made says how many. */
enum deflate_result deflate_run(struct deflate *, struct slice *input, enum deflate_flush,
                                char *room, size_t len, size_t *made);

#endif
