#include "common/murmur.h"

static uint32_t byte(struct slice text, size_t at)
{
    return (unsigned char)text.at[at];
}

uint32_t murmur_hash2(struct slice text)
{
    static const uint32_t factor = 0x5bd1e995;
    uint32_t hash = (uint32_t)text.len;

    for (; text.len >= 4; text = slice_from(text, 4)) {
        uint32_t word =
            byte(text, 0) | byte(text, 1) << 8 | byte(text, 2) << 16 | byte(text, 3) << 24;
        word *= factor;
        word ^= word >> 24;
        hash = hash * factor ^ word * factor;
    }
    for (size_t i = text.len; i > 0; i--)
        hash ^= byte(text, i - 1) << 8 * (i - 1);
    if (text.len > 0)
        hash *= factor;
    hash = (hash ^ hash >> 13) * factor;
    return hash ^ hash >> 15;
}
