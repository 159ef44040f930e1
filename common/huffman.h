/* huffman.h: prefix codes from frequencies, as DEFLATE has them (RFC 1951 3.2.2). */
#ifndef MUXD_COMMON_HUFFMAN_H
#define MUXD_COMMON_HUFFMAN_H

#include <stddef.h>
#include <stdint.h>

enum {
    HUFFMAN_SYMBOLS_MAX = 288,
    HUFFMAN_BITS_MAX = 15,
};

/* The number of bits of each symbol's code, at most `most` (2^most >= count): 0 for a
 * symbol that does not occur. The code is complete, so that every decoder takes it: with
 * fewer than two symbols in use, others get a code of one bit too. The frequencies are
 * below 65536 each. */
void huffman_lengths(const uint32_t *frequencies, size_t count, unsigned most, uint8_t *lengths);

/* The canonical code that belongs to the lengths, each word with its first bit lowest:
 * the order in which DEFLATE packs them. */
void huffman_codes(const uint8_t *lengths, size_t count, uint16_t *codes);

#endif
