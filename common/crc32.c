#include "common/crc32.h"

#include "common/crc32_table.h"

#include <endian.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

static uint32_t load32(const uint8_t *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof word);
    return le32toh(word);
}

/* A byte's remainder depends on how many bytes follow it: of four, each has a table. */
static uint32_t add_four(uint32_t crc, const uint8_t *at)
{
    crc ^= load32(at);
    return crc32_table[3][crc & 0xff] ^ crc32_table[2][crc >> 8 & 0xff] ^
           crc32_table[1][crc >> 16 & 0xff] ^ crc32_table[0][crc >> 24];
}

uint32_t crc32_add_by_table(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *at = data;

    crc = ~crc;
    for (; len >= 4; len -= 4, at += 4)
        crc = add_four(crc, at);
    for (; len > 0; len--, at++)
        crc = crc >> 8 ^ crc32_table[0][(crc ^ *at) & 0xff];
    return ~crc;
}

#ifdef __x86_64__

/* V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction",
 * Intel 2009: what has gone by is kept as 128 bits that leave the same remainder, and moved on
 * by multiplying its halves by powers of x modulo the polynomial. */
enum { FOLDED = 64 }; /* bytes at a time */

#define WITH_FOLDING __attribute__((target("pclmul,sse4.1")))

/* Asking takes a microsecond or two in a virtual machine: it is done once. (What the compiler
 * has for it asks for everything, at each start.) */
static bool has_folding(void)
{
    static atomic_uint known; /* ECX of leaf 1; 0: not asked yet */
    unsigned features = atomic_load_explicit(&known, memory_order_relaxed), ignored;

    if (features == 0) {
        if (__get_cpuid(1, &ignored, &ignored, &features, &ignored) == 0)
            return false;
        atomic_store_explicit(&known, features, memory_order_relaxed);
    }
    return (features & bit_PCLMUL) != 0 && (features & bit_SSE4_1) != 0;
}

WITH_FOLDING static inline __m128i load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Moves a remainder on by as many bits as the powers are for, onto what stands there. */
WITH_FOLDING static inline __m128i fold(__m128i remainder, __m128i powers, __m128i there)
{
    __m128i low = _mm_clmulepi64_si128(remainder, powers, 0x00);
    __m128i high = _mm_clmulepi64_si128(remainder, powers, 0x11);

    return _mm_xor_si128(_mm_xor_si128(low, high), there);
}

/* Of 128 bits, those that are left when the polynomial is taken out (Barrett). */
WITH_FOLDING static inline uint32_t reduce(__m128i remainder, __m128i powers)
{
    const __m128i word = _mm_setr_epi32(-1, 0, -1, 0);
    const __m128i last = _mm_set_epi64x(0, 0x0163cd6124);
    const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);

    __m128i folded = _mm_clmulepi64_si128(remainder, powers, 0x10);
    remainder = _mm_xor_si128(_mm_srli_si128(remainder, 8), folded);
    folded = _mm_srli_si128(remainder, 4);
    remainder = _mm_clmulepi64_si128(_mm_and_si128(remainder, word), last, 0x00);
    remainder = _mm_xor_si128(remainder, folded);
    __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(remainder, word), barrett, 0x10);
    quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, word), barrett, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(remainder, quotient), 1);
}

/* `len` is a multiple of FOLDED; `crc` as it is within the tables' way, and so what is returned. */
WITH_FOLDING static uint32_t add_by_folding(uint32_t crc, const uint8_t *at, size_t len)
{
    const __m128i by_512 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
    const __m128i by_128 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
    __m128i a = _mm_xor_si128(load(at), _mm_cvtsi32_si128((int)crc));
    __m128i b = load(at + 16), c = load(at + 32), d = load(at + 48);

    for (len -= FOLDED, at += FOLDED; len > 0; len -= FOLDED, at += FOLDED) {
        a = fold(a, by_512, load(at));
        b = fold(b, by_512, load(at + 16));
        c = fold(c, by_512, load(at + 32));
        d = fold(d, by_512, load(at + 48));
    }
    b = fold(a, by_128, b);
    c = fold(b, by_128, c);
    return reduce(fold(c, by_128, d), by_128);
}

uint32_t crc32_add(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *at = data;
    size_t folded = len - len % FOLDED;

    if (folded == 0 || !has_folding())
        return crc32_add_by_table(crc, data, len);
    crc = ~add_by_folding(~crc, at, folded);
    return crc32_add_by_table(crc, at + folded, len - folded);
}

#else

uint32_t crc32_add(uint32_t crc, const void *data, size_t len)
{
    return crc32_add_by_table(crc, data, len);
}

#endif
