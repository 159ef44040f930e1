/* same_name.h: names of fields against those that are known, eight bytes at a time. */
#ifndef MUXD_WORKER_HTTP_SAME_NAME_H
#define MUXD_WORKER_HTTP_SAME_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes as lower case, for bytes that are usual in a name: setting 0x20
 * leaves digits and '-' alone, and makes nothing else equal to them. */
static inline uint64_t lower_word(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word | UINT64_C(0x2020202020202020);
}

static inline uint32_t lower_half(const char *at)
{
    uint32_t half;

    memcpy(&half, at, sizeof half);
    return half | UINT32_C(0x20202020);
}

/* Same name but for case; `known` is in lower case and as long. The last word
 * overlaps the one before it instead of leaving a rest. */
static inline bool same_name(const char *name, const char *known, size_t len)
{
    if (len >= 8) {
        for (size_t i = 0; i + 8 < len; i += 8)
            if (lower_word(name + i) != lower_word(known + i))
                return false;
        return lower_word(name + len - 8) == lower_word(known + len - 8);
    }
    if (len >= 4)
        return lower_half(name) == lower_half(known) &&
               lower_half(name + len - 4) == lower_half(known + len - 4);
    for (size_t i = 0; i < len; i++)
        if ((name[i] | 0x20) != known[i])
            return false;
    return true;
}

#endif
