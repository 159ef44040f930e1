/* store.h: answers that are kept as files, for the static handler to find them (proxy_store).
 *
 * The body is written to a temporary file, which takes its name when all of it is there:
 * nobody sees half of one. */
#ifndef MUXD_WORKER_UPSTREAM_STORE_H
#define MUXD_WORKER_UPSTREAM_STORE_H

#include "worker/upstream/exchange.h"

struct store;

/* Begins a file for the answer whose head was read, when proxy_store says so; else, or when
 * that fails (which is logged), the exchange has none. False: memory is out. */
bool store_begin(struct exchange *);

/* More of the body. A file that cannot be written is given up. */
void store_write(struct exchange *, const char *data, size_t len);

/* All of the body is there: the file takes its name. */
void store_finish(struct exchange *);

/* Gives it up, if it has not taken its name. */
void store_drop(struct exchange *);

#endif
