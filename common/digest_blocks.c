#include "common/digest_blocks.h"

enum { LENGTH_SIZE = 8, LENGTH_AT = DIGEST_BLOCK - LENGTH_SIZE };

void digest_blocks_add(struct digest_blocks *blocks, struct slice bytes, digest_take_block *take,
                       uint32_t *state)
{
    while (bytes.len > 0) {
        size_t held = blocks->length % DIGEST_BLOCK;
        size_t room = DIGEST_BLOCK - held, taken = room < bytes.len ? room : bytes.len;
        memcpy(blocks->block + held, bytes.at, taken);
        blocks->length += taken;
        bytes = slice_from(bytes, taken);
        if (taken == room)
            take(state, blocks->block);
    }
}

void digest_blocks_end(struct digest_blocks *blocks, enum digest_order order,
                       digest_take_block *take, uint32_t *state)
{
    static const char padding[DIGEST_BLOCK] = { (char)0x80 };
    uint64_t bits = blocks->length * 8;
    size_t held = blocks->length % DIGEST_BLOCK;
    char length[LENGTH_SIZE];

    for (unsigned i = 0; i < LENGTH_SIZE; i++) {
        unsigned byte = order == DIGEST_LITTLE_ENDIAN ? i : LENGTH_SIZE - 1 - i;
        length[i] = (char)(bits >> 8 * byte & 0xff);
    }
    /* At least the bit behind the message; where the length has no room then, one more block. */
    size_t zeros = (held < LENGTH_AT ? LENGTH_AT : LENGTH_AT + DIGEST_BLOCK) - held;
    digest_blocks_add(blocks, slice_make(padding, zeros), take, state);
    digest_blocks_add(blocks, slice_make(length, sizeof length), take, state);
}
