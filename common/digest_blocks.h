/* digest_blocks.h: the blocks of 64 bytes that MD5 and SHA-1 take a message in, and the padding
 * that ends the last one (RFC 1321 3.1 and 3.2, RFC 3174 4). */
#ifndef MUXD_COMMON_DIGEST_BLOCKS_H
#define MUXD_COMMON_DIGEST_BLOCKS_H

#include "common/slice.h"

enum { DIGEST_BLOCK = 64 /* bytes */ };

/* Zeros at the start of a message. */
struct digest_blocks {
    uint64_t length; /* of the message, bytes so far */
    unsigned char block[DIGEST_BLOCK];
};

/* Works a whole block into the digest's state. */
typedef void digest_take_block(uint32_t *state, const unsigned char block[DIGEST_BLOCK]);

/* The next bytes of the message. */
void digest_blocks_add(struct digest_blocks *, struct slice, digest_take_block *, uint32_t *state);

/* The end of the message: its length in bits goes last, in this byte order. */
enum digest_order { DIGEST_LITTLE_ENDIAN, DIGEST_BIG_ENDIAN };
void digest_blocks_end(struct digest_blocks *, enum digest_order, digest_take_block *,
                       uint32_t *state);

#endif
