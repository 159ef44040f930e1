#include "common/md5.h"

enum { ROUNDS = 4, STEPS = 16 /* of a round */ };

/* The integer parts of 2^32 * |sin(i)|, i from 1 on (RFC 1321 3.4). */
static const uint32_t sines[ROUNDS][STEPS] = {
    { 0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613,
      0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193,
      0xa679438e, 0x49b40821 },
    { 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681,
      0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
      0x676f02d9, 0x8d2a4c8a },
    { 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60,
      0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5,
      0x1fa27cf8, 0xc4ac5665 },
    { 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d,
      0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235,
      0x2ad7d2bb, 0xeb86d391 },
};

static const uint8_t shifts[ROUNDS][4] = {
    { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 }
};

/* Which word of the block a step takes: first + step * stride, of 16. */
static const struct {
    uint8_t first, stride;
} order[ROUNDS] = { { 0, 1 }, { 1, 5 }, { 5, 3 }, { 0, 7 } };

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round) {
    case 0:
        return (b & c) | (~b & d);
    case 1:
        return (b & d) | (c & ~d);
    case 2:
        return b ^ c ^ d;
    default:
        return c ^ (b | ~d);
    }
}

static uint32_t little_endian(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void take_block(uint32_t *state, const unsigned char block[DIGEST_BLOCK])
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];

    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned step = 0; step < STEPS; step++) {
            unsigned word = (order[round].first + step * order[round].stride) % STEPS;
            uint32_t sum =
                a + mix(round, b, c, d) + little_endian(block + word * 4) + sines[round][step];
            a = d;
            d = c;
            c = b;
            b += rotate(sum, shifts[round][step % 4]);
        }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void md5_init(struct md5 *md5)
{
    *md5 = (struct md5){ .state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };
}

void md5_add(struct md5 *md5, struct slice bytes)
{
    digest_blocks_add(&md5->blocks, bytes, take_block, md5->state);
}

void md5_end(struct md5 *md5, unsigned char digest[MD5_SIZE])
{
    digest_blocks_end(&md5->blocks, DIGEST_LITTLE_ENDIAN, take_block, md5->state);
    for (unsigned i = 0; i < MD5_SIZE; i++)
        digest[i] = (unsigned char)(md5->state[i / 4] >> 8 * (i % 4) & 0xff);
}
