/* murmur.h: MurmurHash2, 32 bits (Austin Appleby, public domain).
 *
 * It must stay as it is: split_clients has chosen clients by it in nginx, and
 * the same ones must be chosen here. */
#ifndef MUXD_COMMON_MURMUR_H
#define MUXD_COMMON_MURMUR_H

#include "common/slice.h"

/* The hash with seed 0, words read as little-endian ones. */
uint32_t murmur_hash2(struct slice);

#endif
