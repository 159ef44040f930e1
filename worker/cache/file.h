/* file.h: what a file of a cache looks like: a head of our own, the key, the upstream's head as
 * it came, and the body without its framing, in blocks (body.h).
 *
 * Numbers are little-endian. The first CACHE_RECORD bytes say how long the answer is good
 * and are all that a revalidation changes; they and the rest of the head have a checksum
 * each, and so has each block of the body. A file is never trusted: what is cut short, torn,
 * damaged or written by somebody else is as if it were not there. */
#ifndef MUXD_WORKER_CACHE_FILE_H
#define MUXD_WORKER_CACHE_FILE_H

#include "common/slice.h"

#include <stdint.h>
#include <sys/stat.h>

enum {
    CACHE_DIGEST = 16, /* bytes of a key's digest, which names the file */
    CACHE_RECORD = 48, /* bytes */
    CACHE_FIXED = 96,  /* bytes of the head that have their place; its texts follow */
    CACHE_KEY_MAX = 64 * 1024,
    CACHE_VARY_MAX = 128, /* nginx's: an answer with a longer Vary is not stored */
    CACHE_HEAD_MAX = 1024 * 1024,
};

/* How long an answer is good; wall-clock seconds. */
struct cache_record {
    int64_t date;            /* when it was fetched, or last found to be good */
    int64_t valid_until;     /* the last second in which it is fresh */
    uint32_t stale_updating; /* seconds behind that in which it may be used while another one is
                                fetched (RFC 5861 3) */
    uint32_t stale_error;    /* and when none can be had (RFC 5861 4) */
    struct timespec stamp;   /* time of modification that the file has been given: another one
                                means that somebody has written to it */
};

struct cache_entry {
    struct cache_record record;
    uint64_t body_size;
    uint64_t seed;                       /* of the checksums of the body's blocks */
    unsigned char variant[CACHE_DIGEST]; /* of the request's fields that Vary names */
    struct slice key;
    struct slice vary; /* the answer's Vary; empty: none that counts */
    struct slice head; /* the upstream's, the empty line included */
};

/* Bytes of all that is written before the body: it begins there. */
size_t cache_file_head_len(const struct cache_entry *);

/* Bytes of the whole file. */
uint64_t cache_file_size(const struct cache_entry *);

/* Writes all that stands before the body: cache_file_head_len bytes. */
void cache_file_write(const struct cache_entry *, char *out);

/* Writes the first bytes of the file anew. */
void cache_file_write_record(const struct cache_record *, char out[static CACHE_RECORD]);

enum cache_file_result {
    CACHE_FILE_OK,
    CACHE_FILE_MORE, /* *needed bytes are, at most CACHE_FIXED when it is not known yet */
    CACHE_FILE_BAD,
};

/* Reads the beginning of a file: at least CACHE_FIXED bytes, or all of the file. The entry's
 * texts are parts of `bytes`. */
enum cache_file_result cache_file_read(struct slice bytes, struct cache_entry *, size_t *needed);

/* When the file was written, in wall-clock nanoseconds. */
int64_t cache_file_written(const struct cache_entry *);

/* The file is as long as its entry says and nobody has written to it since. */
bool cache_file_is_untouched(const struct cache_entry *, uint64_t size, struct timespec modified);

#endif
