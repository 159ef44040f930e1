#include "common/sha1.h"

enum { STEPS = 80, STEPS_OF_ROUND = 20, WORDS = DIGEST_BLOCK / 4 };

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

/* f and K of RFC 3174 5, added. */
static uint32_t mix(unsigned step, uint32_t b, uint32_t c, uint32_t d)
{
    switch (step / STEPS_OF_ROUND) {
    case 0:
        return ((b & c) | (~b & d)) + 0x5a827999;
    case 1:
        return (b ^ c ^ d) + 0x6ed9eba1;
    case 2:
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    default:
        return (b ^ c ^ d) + 0xca62c1d6;
    }
}

static uint32_t big_endian(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | (uint32_t)at[3];
}

/* The words behind the block's own are made of those before them: 16 at a time are kept. */
static uint32_t next_word(uint32_t words[WORDS], unsigned step)
{
    uint32_t *word = &words[step % WORDS];

    if (step >= WORDS)
        *word = rotate(words[(step + 13) % WORDS] ^ words[(step + 8) % WORDS] ^
                           words[(step + 2) % WORDS] ^ *word,
                       1);
    return *word;
}

static void take_block(uint32_t *state, const unsigned char block[DIGEST_BLOCK])
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], words[WORDS];

    for (unsigned i = 0; i < WORDS; i++)
        words[i] = big_endian(block + i * 4);
    for (unsigned step = 0; step < STEPS; step++) {
        uint32_t sum = rotate(a, 5) + mix(step, b, c, d) + e + next_word(words, step);
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = sum;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void sha1_init(struct sha1 *sha1)
{
    *sha1 = (struct sha1){
        .state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 },
    };
}

void sha1_add(struct sha1 *sha1, struct slice bytes)
{
    digest_blocks_add(&sha1->blocks, bytes, take_block, sha1->state);
}

void sha1_end(struct sha1 *sha1, unsigned char digest[SHA1_SIZE])
{
    digest_blocks_end(&sha1->blocks, DIGEST_BIG_ENDIAN, take_block, sha1->state);
    for (unsigned i = 0; i < SHA1_SIZE; i++)
        digest[i] = (unsigned char)(sha1->state[i / 4] >> (24 - 8 * (i % 4)) & 0xff);
}
