/* body.h: an answer's body as it stands in a file of a cache: blocks of CACHE_BLOCK bytes, the
 * last one shorter, each with a checksum behind it.
 *
 * What is read is looked at each time, whatever the file's times say: a disk changes bytes
 * without touching them. The bytes that were looked at are a copy in the worker's own memory,
 * and that copy is what clients are sent. So nothing that becomes of the file, or of the page
 * cache, between the look and the client can reach it; sendfile(2) would leave the pages of the
 * file in the socket's queue, where others who write to the file still change them. */
#ifndef MUXD_WORKER_CACHE_BODY_H
#define MUXD_WORKER_CACHE_BODY_H

#include "common/slice.h"

#include <stdint.h>

enum {
    CACHE_BLOCK = 64 * 1024, /* bytes of the body */
    CACHE_SUM = 4,           /* bytes of its checksum */
};

/* A body in an open file, whole or while it is written. */
struct cache_body {
    int fd;
    uint64_t from; /* where it begins in the file */
    uint64_t seed; /* the file's own: a block of another file, or of another place, which a disk
                      may bring up, has another checksum */
    uint64_t size; /* bytes of it, so far */
    bool open;     /* it is being written: the last block has no checksum yet ... */
    uint32_t sum;  /* ... but this one, so far */
};

/* The block that a worker has read last, with room for it. */
struct cache_block {
    const struct cache_body *body; /* NULL: none */
    uint64_t start;                /* of it, in the body */
    size_t len;
    char bytes[CACHE_BLOCK + CACHE_SUM];
};

/* Bytes that a body of this size takes in its file. */
uint64_t cache_body_space(uint64_t size);

/* Adds to an open body. False with errno: the body is as it was before. */
bool cache_body_add(struct cache_body *, struct slice bytes);

/* All of an open body was added. False with errno. */
bool cache_body_end(struct cache_body *);

/* The bytes of the body from `at` (less than its size) to the end of their block, as they were
 * written; they are good until the next call with this room. Empty: the file has been damaged
 * there, or cannot be read. */
struct slice cache_body_read(const struct cache_body *, uint64_t at, struct cache_block *room);

/* The room forgets what it has of this body. */
void cache_block_forget(struct cache_block *room, const struct cache_body *);

/* A whole body in memory, its checksum behind it, is as it was written; one of several blocks is
 * not. */
bool cache_body_is_sound(const struct cache_body *, const char *bytes);

#endif
