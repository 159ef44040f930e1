/* use_internal.h: a use of a cache, as the sources of use.h see it. Nobody else includes it. */
#ifndef MUXD_WORKER_CACHE_USE_INTERNAL_H
#define MUXD_WORKER_CACHE_USE_INTERNAL_H

#include "worker/cache/body.h"
#include "worker/cache/cache.h"
#include "worker/cache/freshness.h"
#include "worker/cache/table.h"
#include "worker/cache/use.h"
#include "worker/event/timer.h"
#include "worker/upstream/exchange.h"

struct open_file;

enum cache_writing {
    CACHE_NOT_WRITING,
    CACHE_WRITING,
    CACHE_WRITTEN,
};

struct cache_use {
    struct exchange *exchange;
    const struct cache *cache;
    struct slice key;
    int (*ask)(struct request *);
    enum cache_status status;
    bool storable;                      /* as far as is known yet */
    bool purges;                        /* it removes what is kept */
    unsigned char main[CACHE_DIGEST];   /* of the key */
    unsigned char digest[CACHE_DIGEST]; /* of the entry: the same, or that of a variant */
    uint64_t claim;                     /* on its update; 0: none */
    struct timer timer;                 /* waiting for somebody else's update */
    uint64_t wait_since;                /* monotonic ms; 0: has not waited */

    /* what was found */
    struct open_file *file; /* NULL: nothing that is good */
    struct buffer *bytes;   /* its beginning, unless the file is in memory */
    struct cache_entry entry;
    struct cache_body found;
    struct body_source source; /* of the answer's body */
    struct answer_head old;    /* of an entry that is too old */
    bool answers;              /* it is what the client gets */

    /* what is written */
    enum cache_writing writing;
    struct cache_entry fresh;
    struct cache_body stored; /* fd -1: none */
    char *temp_path;
    uint64_t behind; /* the last bytes of it, which the client has to get from the file */
    struct buffer *scratch;
};

/* --- lookup.c --- */

enum cache_found {
    CACHE_FRESH,
    CACHE_OLD,
    CACHE_NONE,   /* it may be fetched and stored */
    CACHE_RARE,   /* it is not asked for often enough to be stored, or there is no room */
    CACHE_FAILED, /* the status that is known is answered */
};

/* Looks the entry up: notes the use; opens and judges the file. */
enum cache_found cache_look_up(struct cache_use *, struct cache_known *);

/* The digest of what a request's fields say that `vary` names. */
void cache_variant(const struct cache_use *, struct slice vary,
                   unsigned char digest[static CACHE_DIGEST]);

/* The table, locked; NULL, and not locked: it does not fit the zone. */
struct cache_table *cache_lock(const struct cache_use *);
void cache_unlock(const struct cache_use *);

/* Claims the update of the entry, unless somebody alive has claimed it, `younger_than` as of
 * cache_table_claim. */
bool cache_claim(struct cache_use *, uint64_t younger_than);

/* Gives the claim back, if there is one. */
void cache_release(struct cache_use *);

/* There is no file of use->digest, or none that is good. */
void cache_note_gone(const struct cache_use *);

/* Removes the file of an entry that has made room. */
void cache_remove_evicted(const struct cache *, const struct cache_evicted *, const struct log *);

/* --- open.c --- */

/* Opens the file of use->digest; use->file is NULL when there is none that is good. */
void cache_open_entry(struct cache_use *);

/* The block is good with which the answer begins, if it has a body. */
bool cache_begins_well(struct cache_use *);

/* What was found is damaged: it is logged, and removed. */
void cache_discard(struct cache_use *);

/* Bytes of a body from `at` on, as of cache_body_read. */
struct slice cache_read_block(struct worker *, const struct cache_body *, uint64_t at);

/* --- answer.c --- */

/* Answers with what was found. */
int cache_answer(struct cache_use *, enum cache_status);

/* --- purge.c --- */

/* Removes what is kept under the key; the answer's outcome. */
int cache_purge(struct cache_use *);

/* --- store.c --- */

/* Begins to write the answer whose head the exchange has. */
void cache_store(struct cache_use *, const struct freshness *);

/* The entry that was found is good until then. */
void cache_renew(struct cache_use *, const struct freshness *);

/* Closes and removes what is not finished. */
void cache_drop_file(struct cache_use *);

#endif
