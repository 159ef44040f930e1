/* inflate.h: a decompressor that is fed and emptied piece by piece (RFC 1951).
 *
 * The input is hostile: what no compressor writes is refused, and no more is decoded than
 * its window of 64 KiB holds before somebody takes it, whatever the input promises. */
#ifndef MUXD_COMMON_INFLATE_H
#define MUXD_COMMON_INFLATE_H

#include "common/slice.h"

enum inflate_result {
    INFLATE_NEEDS_INPUT, /* all input was taken, and what it says was written */
    INFLATE_NEEDS_ROOM,  /* the room is full: call again */
    INFLATE_ENDED,       /* the last block was decoded, and all of it written */
    INFLATE_BAD,         /* this is no DEFLATE data */
};

struct inflate;

/* How many bytes a decompressor takes (77 KiB); aligned as by malloc. */
size_t inflate_size(void);

/* Makes memory of that size, whatever is in it, a decompressor. */
void inflate_init(struct inflate *);

/* Takes bytes off `input` and writes at most `len` to `room`; *made says how many. */
enum inflate_result inflate_run(struct inflate *, struct slice *input, char *room, size_t len,
                                size_t *made);

enum { INFLATE_UNREAD_MAX = 8 };

/* After INFLATE_ENDED: bytes that were taken but stand behind the data; how many. They
 * come before what is left of the input. */
size_t inflate_unread(struct inflate *, char bytes[INFLATE_UNREAD_MAX]);

#endif
