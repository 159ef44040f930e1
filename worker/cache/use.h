/* use.h: one exchange's use of a cache: it is looked up before a peer is chosen, and what the
 * upstream answers is kept while it is passed on.
 *
 * The exchange calls these where its settings name a cache; exchange->cache is NULL when it
 * has none to do with. */
#ifndef MUXD_WORKER_CACHE_USE_H
#define MUXD_WORKER_CACHE_USE_H

#include "worker/http/head.h"
#include "worker/upstream/exchange_settings.h"

struct exchange;
struct request;
struct cache_use;

/* Begins an exchange whose settings name a cache: answers out of it, or has `ask` ask the
 * upstream, perhaps later. What a content handler returns. */
int cache_begin(struct exchange *, int (*ask)(struct request *));

/* --- what goes upstream --- */

/* Conditions and ranges of the client are not the upstream's matter: the whole is to be kept. */
bool cache_hides_field(const struct exchange *, enum field_name);

/* What an answer that is too old is asked about with; empty: it is not. */
struct slice cache_old_etag(const struct exchange *);
struct slice cache_old_date(const struct exchange *);

/* HEAD is asked for as GET. */
bool cache_converts_head(const struct exchange *);

/* --- what comes back --- */

/* The head of an answer was taken, `failure` (enum next_upstream; 0: none) said of it. 0: it is
 * passed on, and kept when it may be; `intercepted`: a page of error_page takes its place, and
 * only the status is kept. Or what the exchange has come to: an answer out of the cache. */
int cache_take_head(struct exchange *, uint32_t failure, bool intercepted);

/* The answer that is awaited, or comes, may be kept. */
bool cache_may_store(const struct exchange *);

/* No answer could be had: what the request comes to; `status`, or an answer out of the
 * cache. */
int cache_take_failure(struct exchange *, uint32_t failure, int status);

/* The response is made of what is kept or will be: the client's conditions and ranges are
 * looked at here. */
bool cache_serves(const struct exchange *);

/* --- the body, while it is kept --- */

bool cache_is_writing(const struct exchange *);

/* The next bytes of the body. A file that cannot be written is given up, and logged. */
void cache_write(struct exchange *, struct slice piece);

/* All of the body was written: the entry takes its place. */
void cache_finish(struct exchange *);

/* The answer is not kept after all. */
void cache_give_up(struct exchange *);

/* `len` bytes were written that the client has not got: it reads them from the file. False: they
 * are not there. */
bool cache_leave_behind(struct exchange *, size_t len);

/* How many bytes the client has to get from the file; reads some of them. False: the file
 * cannot be read. */
uint64_t cache_behind(const struct exchange *);
bool cache_read_behind(struct exchange *, char *room, size_t len, size_t *got);

/* Room for bytes that only the file gets; NULL: memory is out. */
char *cache_scratch(struct exchange *, size_t *len);

#endif
