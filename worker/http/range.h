/* range.h: byte ranges of RFC 9110 14, answered as nginx answers them. */
#ifndef MUXD_WORKER_HTTP_RANGE_H
#define MUXD_WORKER_HTTP_RANGE_H

#include "common/arena.h"
#include "common/slice.h"

struct byte_range {
    uint64_t first; /* first byte */
    uint64_t end;   /* one past the last byte */
};

enum range_result {
    RANGE_IGNORE,        /* not a byte range, too many, or more bytes than the whole: answer 200 */
    RANGE_SATISFIABLE,   /* answer 206 with these */
    RANGE_UNSATISFIABLE, /* answer 416 */
    RANGE_NO_MEMORY,
};

/* Parses a Range value for a representation of `size` bytes. *ranges, in the
 * arena, gets *count ranges in the order sent. More than `max` ranges are
 * ignored (max_ranges; UINT_MAX: no limit); so is a set whose sum of bytes passes
 * `size`. A syntax error is RANGE_UNSATISFIABLE, as in nginx. */
enum range_result range_parse(struct arena *, struct slice value, uint64_t size, unsigned max,
                              struct byte_range **ranges, size_t *count);

#endif
