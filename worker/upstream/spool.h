/* spool.h: bytes on their way from a fast upstream to a slow client: first in, first out.
 *
 * They are kept in buffers of the worker's pool up to a limit, and behind them in a
 * temporary file up to another; then the spool is full. The file has no name and is gone
 * with its descriptor. */
#ifndef MUXD_WORKER_UPSTREAM_SPOOL_H
#define MUXD_WORKER_UPSTREAM_SPOOL_H

#include "common/arena.h"
#include "worker/net/buffers.h"

struct spool;

/* An empty spool in the arena; `memory` and `file` are limits in bytes, `folder` that of the
 * file. NULL: memory is out. */
struct spool *spool_new(struct arena *, struct buffer_pool *, uint64_t memory, const char *folder,
                        uint64_t file);

/* Room for *len bytes at its end; spool_commit says how many there are. NULL: it is full, or
 * memory is out. */
char *spool_reserve(struct spool *, size_t *len);

/* False with errno: the temporary file cannot be made or written; nothing was added. */
bool spool_commit(struct spool *, size_t len);

/* Takes up to `len` bytes off its beginning: *got of them. False with errno: the file cannot
 * be read. */
bool spool_read(struct spool *, char *room, size_t len, size_t *got);

/* Nothing is in it; true of NULL. */
bool spool_is_empty(const struct spool *);

/* A temporary file was made. */
bool spool_has_file(const struct spool *);

/* Gives back its buffers and closes the file. NULL is ignored. */
void spool_free(struct spool *);

#endif
