/* context.h: the one per-process context of a worker.
 *
 * Everything a worker keeps between requests hangs here: its loop, clock,
 * timers, free lists and the configuration it serves. */
#ifndef MUXD_WORKER_CONTEXT_H
#define MUXD_WORKER_CONTEXT_H

#include "common/arena.h"
#include "common/clock.h"
#include "common/regex.h"
#include "worker/event/loop.h"
#include "worker/event/timer.h"
#include "worker/http/uri.h"
#include "worker/net/buffers.h"
#include "worker/worker.h"

struct connection;
struct connection_block; /* worker/net/connection_pool.c */
struct cache_block;      /* worker/cache/body.h */
struct cache_keeper;     /* worker/cache/keeper.h */
struct crypt_library;    /* common/crypt_library.h */
struct request;
struct file_cache;          /* worker/handlers/file_cache.h */
struct acceptor;            /* worker/net/accept.h */
struct stand_in;            /* worker/net/stand_in.h */
struct upstream_connection; /* worker/upstream/connection.h */
struct resolver;            /* worker/net/resolver.h */

enum { BATCH_MAX = 32 }; /* connections that are read, or sent to, in one go */

struct worker {
    const struct worker_setup *setup;
    struct conf *conf;
    uint32_t pid;
    struct log *log;
    struct clock clock;
    struct loop *loop;
    struct timers timers;
    struct block_cache arena_blocks; /* for requests' arenas */
    struct buffer_pool buffers;      /* input and output buffers of connections */
    struct buffer_pool gzip_writers; /* memory to compress an answer: worker/http/gzip_filter.c */
    struct buffer_pool gzip_readers; /* and to decompress one: gunzip.c */
    struct regex_scratch regex;
    struct known_host known_host;
    struct file_cache *files;
    struct cache_keeper *keeper; /* NULL: there are no caches */
    struct crypt_library *crypt; /* loaded at the start or when auth_basic needs it; NULL */
    struct acceptor *acceptors;  /* its own: one a listener */
    struct acceptor *accepting;  /* all that accept, linked by `next` */
    struct stand_in *stand_ins;  /* those on other workers' sockets */
    struct connection_block *connection_blocks;
    struct connection *free_connections; /* linked by `older` */
    struct connection *oldest_idle, *newest_idle;
    struct connection *received[BATCH_MAX]; /* read, to be answered; NULL where one has closed */
    unsigned received_count;
    struct connection *burst[BATCH_MAX]; /* to be sent to; likewise */
    unsigned burst_count;
    struct connection *first_put_off, *last_put_off; /* worker/net/turn.h */
    uint64_t work;                                   /* in this part of a turn, likewise */
    bool sending;                                    /* the burst is being sent: nothing joins it */
    struct upstream_connection *upstreams;           /* all, linked by `next` */
    struct resolver *resolvers;                      /* in use, linked by `next` */
    uint32_t connection_count;                       /* open */
    uint32_t waiting_count;                          /* of them: for a request's first byte */
    uint32_t reading_count;                          /* of them: for the rest of a head */
    struct lane *lane;             /* counters that others see: worker/status/board.h */
    struct lane *own_lane;         /* the same when nobody else sees them; else NULL */
    uint8_t prompt;                /* how many new connections bring a request at once, of 256 */
    uint8_t unread;                /* of them were not looked at in a row, since few do */
    bool full;                     /* accepting is paused */
    uint64_t full_warned;          /* monotonic ms of the last warning about it */
    uint32_t connection_limit;     /* accept pauses at this many */
    struct request *free_requests; /* linked by `next_free` */
    size_t free_request_count;
    uint64_t heard;                  /* worker_heard: how often */
    struct cache_block *cache_block; /* of a cache's file, read last; NULL: none ever was */
    uint64_t cache_files;            /* ever written to caches: names of temporary files */
    uint64_t connection_number;      /* of the last connection, for the logs (*N, $connection) */
    struct timer shutdown_timer;
    uint64_t leaving_grace; /* ms that a connection may wait for a request when it leaves */
    bool leaving;           /* graceful: no accept, no keep-alive */
    bool stop;              /* at once */
};

/* Something was heard from outside, or done there: a file that was looked at before may have been
 * changed by who then spoke. */
static inline void worker_heard(struct worker *worker)
{
    worker->heard++;
}

/* Puts the worker's connections, as they are now, where others see them; done at the end of
 * each turn of the loop. */
void worker_show(const struct worker *);

#endif
