#include "worker/cache/keeper_internal.h"

#include "common/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    LOOK_EVERY = 1000,   /* ms between two looks at what is to be done */
    PATIENCE = 60000,    /* ms without a sign of life after which another one takes over */
    SWEEP_EVERY = 60000, /* ms between two looks for files that were left behind */
};

/* --- waiting --- */

static bool stops(struct cache_keeper *keeper)
{
    return atomic_load(&keeper->stops);
}

/* False: the keeper is to end. The monotonic clock is waited by: one that is set does no harm. */
static bool pause_for(struct cache_keeper *keeper, uint64_t milliseconds)
{
    struct pollfd woken = { .fd = keeper->woken, .events = POLLIN };
    uint64_t now = clock_monotonic(), until = now + milliseconds;

    for (; !stops(keeper) && now < until; now = clock_monotonic())
        poll(&woken, 1, (int)(until - now));
    return !stops(keeper);
}

/* --- whose cache it is --- */

static bool try_to_keep(struct cache_keeper *keeper, const struct cache *cache, pid_t *other)
{
    struct cache_table *table = zone_lock(cache->zone, keeper->log);

    *other = 0;
    if (table == NULL)
        return false;
    bool kept = cache_table_keep(table, getpid(), clock_monotonic(), PATIENCE, other);
    zone_unlock(cache->zone);
    return kept;
}

static void drop(struct cache_keeper *keeper, const struct cache *cache, pid_t process)
{
    struct cache_table *table = zone_lock(cache->zone, keeper->log);

    if (table == NULL)
        return;
    cache_table_drop_keeper(table, process);
    zone_unlock(cache->zone);
}

/* The cache is this keeper's; one whose process has ended makes way at once. */
static bool keeps(struct cache_keeper *keeper, const struct cache *cache)
{
    pid_t other;

    if (try_to_keep(keeper, cache, &other))
        return true;
    if (other == 0 || kill(other, 0) == 0 || errno != ESRCH)
        return false;
    drop(keeper, cache, other);
    return try_to_keep(keeper, cache, &other);
}

/* --- parts of work --- */

struct cache_turn cache_turn_begin(struct cache_keeper *keeper, const struct cache *cache,
                                   const struct cache_pace *pace)
{
    return (struct cache_turn){
        .keeper = keeper, .cache = cache, .pace = pace, .began = clock_monotonic()
    };
}

bool cache_turn_next(struct cache_turn *turn)
{
    uint64_t now = clock_monotonic();

    if (++turn->files < turn->pace->files && now - turn->began < turn->pace->threshold)
        return !stops(turn->keeper);
    if (!pause_for(turn->keeper, turn->pace->sleep))
        return false;
    turn->files = 0;
    turn->began = clock_monotonic();
    return keeps(turn->keeper, turn->cache);
}

/* --- the work --- */

static void tend(struct cache_keeper *keeper, const struct cache *cache, bool sweeps)
{
    if (!keeps(keeper, cache))
        return;
    if (sweeps)
        cache_sweep(keeper, cache);
    cache_load(keeper, cache);
    cache_trim(keeper, cache);
    cache_purge_files(keeper, cache);
}

static void *run(void *context)
{
    struct cache_keeper *keeper = context;
    const struct cache *cache;
    uint64_t swept = 0;

    do {
        uint64_t now = clock_monotonic();
        bool sweeps = swept == 0 || now - swept >= SWEEP_EVERY;
        if (sweeps)
            swept = now;
        for (cache = cache_next(conf_zones_first(keeper->conf)); cache != NULL && !stops(keeper);
             cache = cache_next(cache->zone->next))
            tend(keeper, cache, sweeps);
    } while (pause_for(keeper, LOOK_EVERY));
    for (cache = cache_next(conf_zones_first(keeper->conf)); cache != NULL;
         cache = cache_next(cache->zone->next))
        drop(keeper, cache, getpid());
    return NULL;
}

/* --- the thread --- */

/* The worker takes its signals by a descriptor: none may reach the thread. */
static int start_thread(struct cache_keeper *keeper)
{
    sigset_t all, before;

    sigfillset(&all);
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error != 0)
        return error;
    error = pthread_create(&keeper->thread, NULL, run, keeper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int cache_keeper_start(const struct conf *conf, const struct log *log, struct cache_keeper **keeper)
{
    *keeper = NULL;
    if (cache_next(conf_zones_first(conf)) == NULL)
        return 0;
    struct cache_keeper *own = calloc(1, sizeof *own);
    if (own == NULL)
        return ENOMEM;
    own->conf = conf;
    own->log = log;
    own->woken = eventfd(0, EFD_CLOEXEC);
    int error = own->woken < 0 ? errno : start_thread(own);
    if (error == 0) {
        *keeper = own;
        return 0;
    }
    if (own->woken >= 0)
        close(own->woken);
    free(own);
    return error;
}

void cache_keeper_stop(struct cache_keeper *keeper)
{
    if (keeper == NULL)
        return;
    atomic_store(&keeper->stops, true);
    eventfd_write(keeper->woken, 1); /* cannot fail: it is the first one */
    pthread_join(keeper->thread, NULL);
    close(keeper->woken);
    free(keeper);
}
