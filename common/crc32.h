/* crc32.h: the checksum of gzip files (RFC 1952 8): with carry-less multiplication where the
 * processor has it, else four bytes at a time out of tables. */
#ifndef MUXD_COMMON_CRC32_H
#define MUXD_COMMON_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The CRC-32 of what `crc` was made of followed by `len` bytes at `data`; it begins
 * with 0. */
uint32_t crc32_add(uint32_t crc, const void *data, size_t len);

/* The same out of the tables: what tests hold the processor's way against. */
uint32_t crc32_add_by_table(uint32_t crc, const void *data, size_t len);

#endif
