/* table.h: what all workers know of a cache's entries: a table in its shared memory zone.
 *
 * An entry is known by the digest of its key. Whoever holds the zone's lock calls these;
 * nobody keeps a pointer to an entry when the lock is gone, and nothing here makes a system
 * call. An update is claimed before it is made, so that only one is under way; a claim is
 * worth nothing once its process has ended. */
#ifndef MUXD_WORKER_CACHE_TABLE_H
#define MUXD_WORKER_CACHE_TABLE_H

#include "common/shared_memory.h"
#include "worker/cache/file.h"

#include <sys/types.h>

struct cache_table;

/* $upstream_cache_status: what became of a request. */
enum cache_status {
    CACHE_MISS,
    CACHE_BYPASS,
    CACHE_EXPIRED,
    CACHE_STALE,
    CACHE_UPDATING,
    CACHE_REVALIDATED,
    CACHE_HIT,
    CACHE_STATUSES,
};

/* "HIT" */
const char *cache_status_name(enum cache_status);

/* An empty table in the memory, cold: there may be files that it does not know. NULL when
 * there is no room. */
struct cache_table *cache_table_new(struct shared_memory *);

/* What was known of an entry. */
struct cache_known {
    uint32_t uses;       /* this one included */
    bool exists;         /* there is a file */
    uint16_t error;      /* status that is answered in its place, until error_until; 0: none */
    int64_t error_until; /* wall-clock seconds */
    uint64_t size;       /* bytes of the file */
    uint64_t claim;      /* of the update under way; 0: none */
    pid_t claimed_by;
    uint64_t claimed_at; /* monotonic ms */
};

/* An entry that has made room, whose file is to be removed. */
struct cache_evicted {
    bool exists; /* there is one */
    unsigned char digest[CACHE_DIGEST];
};

/* Takes note of a use; the entry is the youngest. `now`: monotonic ms. When memory is out, the
 * oldest entry makes room. False: there is no room all the same. */
bool cache_table_use(struct cache_table *, const unsigned char digest[static CACHE_DIGEST],
                     uint64_t now, struct cache_known *, struct cache_evicted *);

/* Claims the update of an entry, unless it is claimed since `younger_than` (monotonic ms; 0: since
 * ever). The claim, or 0. */
uint64_t cache_table_claim(struct cache_table *, const unsigned char digest[static CACHE_DIGEST],
                           pid_t process, uint64_t now, uint64_t younger_than);

/* Gives a claim back; one that is no longer the entry's is nothing. */
void cache_table_release(struct cache_table *, const unsigned char digest[static CACHE_DIGEST],
                         uint64_t claim);

/* What is known of an entry, without a use of it. False: it is not in the table. */
bool cache_table_look(const struct cache_table *, const unsigned char digest[static CACHE_DIGEST],
                      struct cache_known *);

/* There is a file of so many bytes now. When the entry has been evicted meanwhile it is added
 * again, as used once; false: there is no room, and the file will not be known. */
bool cache_table_stored(struct cache_table *, const unsigned char digest[static CACHE_DIGEST],
                        uint64_t size, uint64_t now);

/* A file that was found on the disk; a known entry is not changed. False: there is no room. */
bool cache_table_found(struct cache_table *, const unsigned char digest[static CACHE_DIGEST],
                       uint64_t size, uint64_t now);

/* There is no file, or none that is good. */
void cache_table_gone(struct cache_table *, const unsigned char digest[static CACHE_DIGEST]);

/* A status is answered in place of a file, until then (wall-clock seconds). */
void cache_table_failed(struct cache_table *, const unsigned char digest[static CACHE_DIGEST],
                        unsigned status, int64_t until);

/* Takes the oldest entry out when it was not used since `used_before` (monotonic ms; UINT64_MAX: in
 * any case). False: there is none. */
bool cache_table_evict(struct cache_table *, uint64_t used_before, struct cache_evicted *);

/* --- purges --- */

enum { CACHE_PURGES_MAX = 256 };

/* What was written up to `when` (wall-clock nanoseconds) under the key, or, `prefix`, under a key
 * that begins so, is as if it were not there, until cache_table_end_purges. `now`: monotonic
 * ms. False: there is no room, or there are too many. */
bool cache_table_purge(struct cache_table *, struct slice key, bool prefix, int64_t when,
                       uint64_t now);

/* How many there are; and whether they are about an entry that was written at this time. */
unsigned cache_table_purges(const struct cache_table *);
bool cache_table_is_purged(const struct cache_table *, struct slice key, int64_t written);

/* Forgets those that were made before (monotonic ms): nothing is left that they are about. */
void cache_table_end_purges(struct cache_table *, uint64_t before);

/* --- upkeep --- */

/* A request has ended so. */
void cache_table_count(struct cache_table *, enum cache_status);

struct cache_figures {
    uint64_t size;                     /* bytes of all files */
    uint64_t entries;                  /* with and without a file */
    uint64_t requests[CACHE_STATUSES]; /* that have ended */
};
struct cache_figures cache_table_figures(const struct cache_table *);

/* There may be files that the table does not know: it is new, and nobody has looked yet. */
bool cache_table_is_cold(const struct cache_table *);
void cache_table_is_loaded(struct cache_table *);

/* The table's upkeep is the process's until others find that it has ended or has said nothing
 * for `patience` ms. False: it is another one's, *keeper. */
bool cache_table_keep(struct cache_table *, pid_t process, uint64_t now, uint64_t patience,
                      pid_t *keeper);

/* The keeper has ended: anybody may be the next. */
void cache_table_drop_keeper(struct cache_table *, pid_t keeper);

#endif
