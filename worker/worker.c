#include "worker/worker.h"

#include "common/crypt_library.h"
#include "common/title.h"
#include "worker/cache/keeper.h"
#include "worker/context.h"
#include "worker/events.h"
#include "worker/handlers/file_cache.h"
#include "worker/http/access_log.h"
#include "worker/http/filters.h"
#include "worker/http/request.h"
#include "worker/net/accept.h"
#include "worker/net/connection.h"
#include "worker/net/resolver.h"
#include "worker/net/stand_in.h"
#include "worker/net/turn.h"
#include "worker/status/board.h"
#include "worker/upstream/connection.h"
#include "worker/upstream/group.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    WORKER_CANNOT_START = 2,
    BUFFER_SIZE = 16 * 1024,
    BUFFERS_KEPT = 64,
    GZIP_MEMORY_KEPT = 8, /* writers, 285 KiB each, and readers, 90 KiB */
    ARENA_BLOCKS_KEPT = 128,
    SPARE_MOST = 64,       /* descriptors for files, logs and the loop, beside connections: */
    SPARE_SHARE = 64,      /* this part of all, but no more than SPARE_MOST */
    FILES_KEPT = 1024,     /* open files and folders known */
    FILE_MEMORY = 8 << 20, /* bytes of small files kept in memory */
    LEAVING_GRACE = 500,   /* ms an idle connection may still bring a request when leaving */
    SIGNAL_TRIES = 16,     /* failures to read a signal */
};

/* What signals do; read in the loop, so that no handler runs at a bad moment. */
struct signal_watch {
    struct watch watch;
    struct worker *worker;
};

static void leave(struct worker *worker)
{
    if (worker->leaving)
        return;
    log_write(worker->log, LOG_LEVEL_NOTICE, 0, 0, "gracefully shutting down");
    title_set("worker process is shutting down");
    worker->leaving = true;
    worker->leaving_grace = LEAVING_GRACE; /* also of those that are accepted now */
    cache_keeper_stop(worker->keeper);     /* those of the next configuration take over */
    worker->keeper = NULL;
    stand_in_stop(worker);
    acceptors_stop(worker);
    atomic_store_explicit(&worker->setup->shared->relieved, true, memory_order_relaxed);
    connections_leave(worker);
    if (worker->setup->shutdown_timeout > 0)
        timer_arm(&worker->timers, &worker->shutdown_timer,
                  worker->clock.now + worker->setup->shutdown_timeout);
}

static void shutdown_timeout(struct timer *timer)
{
    struct worker *worker =
        (struct worker *)((char *)timer - offsetof(struct worker, shutdown_timer));

    log_write(worker->log, LOG_LEVEL_NOTICE, 0, 0,
              "worker_shutdown_timeout: closing %u connections", worker->connection_count);
    worker->stop = true;
}

static void take_signal(struct worker *worker, int number)
{
    switch (number) {
    case SIGTERM:
    case SIGINT:
        worker->stop = true;
        break;
    case SIGQUIT:
    case SIGWINCH:
        leave(worker);
        break;
    case SIGUSR1:
        worker_reopen_logs(worker->conf);
        log_write(worker->log, LOG_LEVEL_NOTICE, 0, 0, "reopening logs");
        break;
    case SIGHUP:
        if (worker->setup->single)
            leave(worker);
        break;
    case STAND_IN_SIGNAL:
        relief_update(worker);
        stand_in_update(worker);
        break;
    default:
        break;
    }
}

/* Nothing would tell again of a signal that could not be read: a worker that misses QUIT stays. */
static void signal_ready(struct watch *watch)
{
    struct signal_watch *signals = (struct signal_watch *)watch;
    struct signalfd_siginfo info;

    for (unsigned tries = 0; tries < SIGNAL_TRIES;) {
        ssize_t got = read(watch->fd, &info, sizeof info);
        if (got == (ssize_t)sizeof info)
            take_signal(signals->worker, (int)info.ssi_signo);
        else if (got < 0 && errno == EAGAIN)
            break;
        else if (got >= 0 || errno != EINTR)
            tries++;
    }
    watch->readable = false;
}

static bool watch_signals(struct worker *worker, struct signal_watch *signals)
{
    static const int numbers[] = {
        SIGTERM, SIGINT, SIGQUIT, SIGWINCH, SIGUSR1, SIGHUP, STAND_IN_SIGNAL,
    };
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&set, numbers[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return false;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failed write, as on a full disk */
    *signals = (struct signal_watch){ .watch = { .on_ready = signal_ready }, .worker = worker };
    signals->watch.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return signals->watch.fd >= 0 && loop_add(worker->loop, &signals->watch, WATCH_LISTENER) == 0;
}

/* The listening sockets it has inherited, those of other slots included. */
static uint64_t inherited_sockets(const struct worker_setup *setup)
{
    uint64_t count = 0;

    for (size_t i = 0; i < setup->listener_count; i++)
        count += setup->listeners[i].socket_total;
    return count;
}

/* Connections are bounded by worker_connections, by the loop, and by the
 * descriptors the process may have: some stay free for files and logs. */
static uint32_t connection_limit(const struct worker *worker, const struct events_settings *events)
{
    struct rlimit files = { RLIM_INFINITY, RLIM_INFINITY };
    uint64_t limit = events->worker_connections;
    uint64_t descriptors = (uint64_t)loop_descriptor_limit(worker->loop);

    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur != RLIM_INFINITY && files.rlim_cur < descriptors)
        descriptors = files.rlim_cur;
    uint64_t spare =
        descriptors / SPARE_SHARE < SPARE_MOST ? descriptors / SPARE_SHARE : SPARE_MOST;
    uint64_t used = spare + inherited_sockets(worker->setup);
    uint64_t room = descriptors > used + 1 ? descriptors - used : 1;
    if (limit > room)
        limit = room;
    return limit < 1 ? 1 : limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
}

/* A descriptor past the loop's limit could be accepted but not watched: the
 * kernel is told never to give one, so that such a client waits in the queue. */
static void bound_descriptors(const struct worker *worker)
{
    struct rlimit files;
    rlim_t limit = (rlim_t)loop_descriptor_limit(worker->loop);

    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur <= limit)
        return;
    files.rlim_cur = limit;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        log_write(worker->log, LOG_LEVEL_WARN, errno, 0, "setrlimit(RLIMIT_NOFILE) failed");
}

/* Counts where others see it, or, when there is no room there, for nobody. */
static bool open_lane(struct worker *worker)
{
    worker->lane = worker->setup->lane;
    if (worker->lane != NULL)
        return true;
    worker->lane = worker->own_lane =
        aligned_alloc(_Alignof(struct lane), sizeof *worker->own_lane);
    if (worker->lane == NULL)
        return false;
    memset(worker->lane, 0, sizeof *worker->lane);
    return true;
}

/* The worker cannot start; errno says why. */
static bool cannot_start(const struct worker *worker, const char *what)
{
    int error = errno;

    log_write(worker->log, LOG_LEVEL_EMERG, error, 0, "%s", what);
    errno = error;
    return false;
}

static bool worker_open(struct worker *worker, struct signal_watch *signals)
{
    const struct events_settings *events = events_settings(worker->conf);

    clock_update(&worker->clock);
    timers_init(&worker->timers, worker->clock.now);
    worker->shutdown_timer.fire = shutdown_timeout;
    buffer_pool_init(&worker->buffers, BUFFER_SIZE, BUFFERS_KEPT);
    buffer_pool_init(&worker->gzip_writers, gzip_writer_memory(), GZIP_MEMORY_KEPT);
    buffer_pool_init(&worker->gzip_readers, gzip_reader_memory(), GZIP_MEMORY_KEPT);
    worker->arena_blocks.limit = ARENA_BLOCKS_KEPT;
    worker->loop = loop_open(events->use, UINT_MAX);
    if (worker->loop == NULL)
        return cannot_start(worker, "the event loop cannot be opened");
    bound_descriptors(worker);
    worker->connection_limit = connection_limit(worker, events);
    worker->files = file_cache_open(worker, FILES_KEPT, FILE_MEMORY);
    if (!open_lane(worker) || worker->files == NULL ||
        !regex_scratch_reserve(&worker->regex, worker->conf->regex_memory))
        return cannot_start(worker, "calloc() failed");
    if (!watch_signals(worker, signals))
        return cannot_start(worker, "signalfd() failed");
    if (!access_logs_start(worker) || !acceptors_open(worker))
        return false;
    stand_in_update(worker);
    if (!groups_start(worker))
        return cannot_start(worker, "calloc() failed");
    errno = cache_keeper_start(worker->conf, worker->log, &worker->keeper);
    return errno == 0 || cannot_start(worker, "pthread_create() failed");
}

static void worker_close(struct worker *worker, struct signal_watch *signals)
{
    stand_in_stop(worker);
    acceptors_close(worker);
    cache_keeper_stop(worker->keeper);
    connections_close(worker);
    upstream_close_all(worker);
    groups_stop(worker);
    resolvers_close(worker);
    access_log_flush(worker);
    if (worker->files != NULL)
        file_cache_close(worker->files);
    if (signals->watch.fd > 0)
        close(signals->watch.fd);
    if (worker->loop != NULL)
        loop_close(worker->loop);
    connection_pool_free(worker);
    buffer_pool_free(&worker->buffers);
    buffer_pool_free(&worker->gzip_writers);
    buffer_pool_free(&worker->gzip_readers);
    free(worker->cache_block);
    block_cache_free(&worker->arena_blocks);
    free(worker->own_lane);
    regex_scratch_free(&worker->regex);
    crypt_library_free(worker->crypt);
    while (worker->free_requests != NULL) {
        struct request *next = worker->free_requests->next_free;
        free(worker->free_requests);
        worker->free_requests = next;
    }
}

void worker_show(const struct worker *worker)
{
    struct lane *lane = worker->lane;

    count_set(&lane->active, worker->connection_count);
    count_set(&lane->reading, worker->reading_count);
    count_set(&lane->waiting, worker->waiting_count);
}

/* Milliseconds to sleep at most: until the next deadline or heartbeat. */
static int sleep_limit(const struct worker *worker)
{
    uint64_t next = timers_next(&worker->timers);
    uint64_t most = worker->setup->heartbeat_every;

    if (next <= worker->clock.now || worker->first_put_off != NULL)
        return 0;
    uint64_t left = next - worker->clock.now;
    return (int)(left < most ? left : most);
}

/* Says to the master that this worker accepts, or, when it leaves, no longer does. */
static void beat(const struct worker *worker)
{
    atomic_store_explicit(&worker->setup->shared->heartbeat,
                          worker->leaving ? 0 : worker->clock.now, memory_order_relaxed);
}

/* The loop has woken up: the one clock reading of this turn. */
static void turn_begins(void *context)
{
    struct worker *worker = context;

    clock_update(&worker->clock);
    worker_heard(worker);
    worker->work = 0;
    beat(worker);
}

/* What became ready since the turn began has waited for no longer than it took. */
static void turn_ends(const struct worker *worker)
{
    struct lane *lane = worker->lane;
    uint64_t took = (clock_nanoseconds() - worker->clock.nanoseconds) / 1000;

    count_add(&lane->turns, 1);
    count_add(&lane->busy, took);
    count_add(&lane->lag[histogram_bucket(took / LAG_UNIT)], 1);
    if (took > count_read(&lane->longest))
        count_set(&lane->longest, took);
    worker_show(worker);
}

bool worker_turn(struct worker *worker)
{
    const struct connection *last = worker->last_put_off;

    if (loop_wait(worker->loop, sleep_limit(worker), turn_begins, worker) < 0) {
        log_write(worker->log, LOG_LEVEL_ALERT, errno, 0, "the event loop failed");
        return false;
    }
    connections_answer(worker);
    connections_send(worker);
    timers_run(&worker->timers, worker->clock.now);
    if (last != NULL)
        connections_go_on(worker, last);
    connections_send(worker);
    turn_ends(worker);
    return true;
}

/* A worker, and what it has for itself. */
struct running {
    struct worker worker;
    struct signal_watch signals;
};

struct worker *worker_start(const struct worker_setup *setup)
{
    struct running *running = calloc(1, sizeof *running);

    if (running == NULL)
        return NULL;
    struct worker *worker = &running->worker;
    worker->setup = setup;
    worker->conf = setup->conf;
    worker->pid = (uint32_t)getpid();
    worker->log = setup->log;
    worker->crypt = setup->crypt;
    if (setup->lane != NULL) /* the master does so too, perhaps after the first request */
        setup->lane->owner.pid = (int32_t)worker->pid;
    if (worker_open(worker, &running->signals)) {
        beat(worker);
        return worker;
    }
    worker_end(worker);
    return NULL;
}

void worker_end(struct worker *worker)
{
    struct running *running = (struct running *)worker;
    int error = errno; /* which may be why it ends */

    worker_close(worker, &running->signals);
    free(running);
    errno = error;
}

int worker_run(const struct worker_setup *setup)
{
    struct worker *worker = worker_start(setup);
    int status = 0;

    if (worker == NULL)
        return WORKER_CANNOT_START;
    while (status == 0 && !worker->stop && !(worker->leaving && worker->connection_count == 0))
        status = worker_turn(worker) ? 0 : 1;
    log_write(worker->log, LOG_LEVEL_NOTICE, 0, 0, "exiting");
    worker_end(worker);
    return status;
}
