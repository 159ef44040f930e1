/* read_write.h: reads and writes at a place of a file that go on until all is done, whatever
 * signals and short counts come between. */
#ifndef MUXD_COMMON_READ_WRITE_H
#define MUXD_COMMON_READ_WRITE_H

#include "common/slice.h"

#include <stdint.h>
#include <sys/types.h>

/* Reads `len` bytes from `offset` on, or as many as there are. How many; -1 with errno. */
ssize_t read_up_to(int fd, void *room, size_t len, uint64_t offset);

/* Reads `len` bytes from `offset` on. False with errno: EIO when the file ends before. */
bool read_exactly(int fd, void *room, size_t len, uint64_t offset);

/* Writes all of the bytes from `offset` on. False with errno; some may be written then. */
bool write_exactly(int fd, struct slice bytes, uint64_t offset);

#endif
