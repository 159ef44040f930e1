#include "common/crc32.h"

#include "common/crc32_table.h"

#include <endian.h>
#include <string.h>

static uint32_t load32(const uint8_t *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof word);
    return le32toh(word);
}

/* A byte's remainder depends on how many bytes follow it: of eight, each has a table. */
static uint32_t add_eight(uint32_t crc, const uint8_t *at)
{
    uint32_t low = crc ^ load32(at), high = load32(at + 4);

    return crc32_table[7][low & 0xff] ^ crc32_table[6][low >> 8 & 0xff] ^
           crc32_table[5][low >> 16 & 0xff] ^ crc32_table[4][low >> 24] ^
           crc32_table[3][high & 0xff] ^ crc32_table[2][high >> 8 & 0xff] ^
           crc32_table[1][high >> 16 & 0xff] ^ crc32_table[0][high >> 24];
}

uint32_t crc32_add(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *at = data;

    crc = ~crc;
    for (; len >= 8; len -= 8, at += 8)
        crc = add_eight(crc, at);
    for (; len > 0; len--, at++)
        crc = crc >> 8 ^ crc32_table[0][(crc ^ *at) & 0xff];
    return ~crc;
}
