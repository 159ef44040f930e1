#include "worker/net/accept.h"

#include "worker/context.h"
#include "worker/net/connection.h"
#include "worker/net/turn.h"
#include "worker/status/board.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPT_BATCH = 32,  /* connections taken before the first of them is served */
    ACCEPT_RETRY = 500, /* ms until a failed accept is tried again */
    IDLE_CLOSED = 32,   /* idle connections closed at a time to make room, at most: */
    IDLE_SHARE = 8,     /* this part of all of them, and one at least */
    WARN_EVERY = 60000, /* ms between two warnings that accepting is paused */
};

/* Accepting is paused for lack of something: said once, and once a minute while
 * it goes on. */
static void pause_accepting(struct worker *worker, enum log_level level, int error)
{
    worker->full = true;
    if (worker->full_warned != 0 && worker->clock.now - worker->full_warned < WARN_EVERY)
        return;
    worker->full_warned = worker->clock.now;
    log_write(worker->log, level, error, 0,
              "%u connections are open, as many as this worker can have: accepting is paused",
              worker->connection_count);
}

static void peer_compact(struct ip_address *peer, const union socket_name *name)
{
    *peer = (struct ip_address){ .family = (uint8_t)name->any.sa_family };
    if (name->any.sa_family == AF_INET) {
        peer->port = ntohs(name->in.sin_port);
        memcpy(peer->ip, &name->in.sin_addr, 4);
    } else if (name->any.sa_family == AF_INET6) {
        peer->port = ntohs(name->in6.sin6_port);
        memcpy(peer->ip, &name->in6.sin6_addr, 16);
    } else {
        peer->family = AF_UNIX;
    }
}

/* Closes the oldest idle connections; false when there was none. */
static bool close_idle(struct worker *worker)
{
    uint32_t count = worker->waiting_count / IDLE_SHARE;

    if (count > IDLE_CLOSED)
        count = IDLE_CLOSED;
    return connection_close_idle(worker, count > 0 ? count : 1) > 0;
}

/* Whether a connection waits; only one that does is worth making room for. Where that cannot be
 * found out, one may: nothing would tell of it again. */
static bool is_waited_for(struct acceptor *acceptor)
{
    struct pollfd waiting = { .fd = acceptor->watch.fd, .events = POLLIN };

    if (poll(&waiting, 1, 0) != 0)
        return true;
    acceptor->watch.readable = false;
    return false;
}

/* The worker is full: idle connections make room, the oldest first; when there is
 * none, accepting waits for a connection to close, or to have been silent for long
 * enough to be idle. */
static bool make_room(struct acceptor *acceptor)
{
    struct worker *worker = acceptor->worker;

    if (worker->connection_count < worker->connection_limit)
        return true;
    if (!is_waited_for(acceptor))
        return false;
    if (close_idle(worker))
        return true;
    pause_accepting(worker, LOG_LEVEL_WARN, 0);
    if (worker->oldest_idle != NULL)
        timer_arm(&worker->timers, &acceptor->retry, worker->clock.now + CONNECTION_FRESH);
    return false;
}

/* Accept failed for lack of something: tries again later. */
static void accept_failed(struct acceptor *acceptor, int error)
{
    struct worker *worker = acceptor->worker;

    if (error == EMFILE || error == ENFILE) {
        if (!is_waited_for(acceptor)) /* accept(2) fails so even with an empty queue */
            return;
        if (close_idle(worker)) {
            timer_arm(&worker->timers, &acceptor->retry, worker->clock.now);
            return;
        }
        pause_accepting(worker, LOG_LEVEL_CRIT, error);
    } else {
        log_write(worker->log, LOG_LEVEL_ALERT, error, 0, "accept4() failed");
    }
    timer_arm(&worker->timers, &acceptor->retry, worker->clock.now + ACCEPT_RETRY);
}

/* Connections that were accepted and not served yet. The later their first bytes are looked
 * for, the likelier these are there. */
struct fresh {
    struct connection *connections[ACCEPT_BATCH];
    unsigned count;
};

static void start_fresh(struct worker *worker, struct fresh *fresh)
{
    for (unsigned i = 0; i < fresh->count; i++)
        if (connection_start(fresh->connections[i]))
            count_add(&worker->lane->handled, 1);
    fresh->count = 0;
}

static void add_fresh(struct acceptor *acceptor, int fd, const union socket_name *name,
                      struct fresh *fresh)
{
    struct ip_address peer;

    peer_compact(&peer, name);
    count_add(&acceptor->worker->lane->accepted, 1);
    acceptor->worker->work += ACCEPT_WORK;
    struct connection *connection = connection_open(acceptor->own, fd, &peer);
    if (connection != NULL)
        fresh->connections[fresh->count++] = connection;
    if (fresh->count == ACCEPT_BATCH)
        start_fresh(acceptor->worker, fresh);
}

/* Takes one connection. False when there is no more to take now. */
static bool accept_one(struct acceptor *acceptor, struct fresh *fresh)
{
    union socket_name name = { .any.sa_family = AF_UNIX };
    socklen_t len = sizeof name;

    int fd = accept4(acceptor->watch.fd, &name.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        add_fresh(acceptor, fd, &name, fresh);
        return true;
    }
    switch (errno) {
    case EAGAIN:
    case EINVAL: /* the master has ended listening, and tells so in a moment */
        acceptor->watch.readable = false;
        return false;
    case EINTR:
    case ECONNABORTED: /* the client has gone already (accept(2) lists the others) */
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return true;
    default:
        accept_failed(acceptor, errno);
        return false;
    }
}

/* Nothing else has happened in this turn: mostly one connection has woken the worker, and to
 * look for a second one would be in vain. The loop tells of it, if there is one. */
static bool is_alone(const struct worker *worker)
{
    return worker->work == 0;
}

static void accept_turn(struct acceptor *acceptor, struct fresh *fresh)
{
    struct worker *worker = acceptor->worker;
    bool one = is_alone(worker);

    for (int taken = 0; acceptor->watch.readable && !worker->leaving; taken++) {
        if (!make_room(acceptor))
            return;
        if (taken > 0 && worker->work >= TURN_WORK) {
            timer_arm(&worker->timers, &acceptor->retry, worker->clock.now);
            return;
        }
        if (!accept_one(acceptor, fresh))
            return;
        if (one)
            acceptor->watch.readable = false;
    }
}

/* One socket for all workers. */
static bool is_shared(const struct acceptor *acceptor)
{
    return acceptor->listener->socket_count == 1;
}

static bool acceptor_watch(struct acceptor *acceptor)
{
    unsigned flags = WATCH_LISTENER | (is_shared(acceptor) ? WATCH_SHARED : 0);

    acceptor->watched = loop_add(acceptor->worker->loop, &acceptor->watch, flags) == 0;
    return acceptor->watched;
}

static void acceptor_unwatch(struct acceptor *acceptor)
{
    if (acceptor->watched)
        loop_remove(acceptor->worker->loop, &acceptor->watch);
    acceptor->watched = false;
}

/* The loop would tell of what waits and is not taken again and again. */
static void acceptor_drive(struct acceptor *acceptor)
{
    struct fresh fresh;

    fresh.count = 0;
    accept_turn(acceptor, &fresh);
    if (acceptor->watch.readable)
        acceptor_unwatch(acceptor);
    start_fresh(acceptor->worker, &fresh);
}

static void acceptor_ready(struct watch *watch)
{
    struct acceptor *acceptor = (struct acceptor *)watch;

    if (!timer_armed(&acceptor->retry))
        acceptor_drive(acceptor);
}

static void acceptor_retry(struct timer *timer)
{
    struct acceptor *acceptor =
        (struct acceptor *)((char *)timer - offsetof(struct acceptor, retry));

    if (!acceptor->watched && !acceptor_watch(acceptor)) {
        log_write(acceptor->worker->log, LOG_LEVEL_ALERT, errno, 0,
                  "a listening socket cannot be watched");
        timer_arm(&acceptor->worker->timers, timer, acceptor->worker->clock.now + ACCEPT_RETRY);
        return;
    }
    acceptor->watch.readable = true;
    acceptor_drive(acceptor);
}

static void list_enter(struct acceptor *acceptor)
{
    struct acceptor **first = &acceptor->worker->accepting;

    acceptor->next = *first;
    acceptor->link = first;
    if (*first != NULL)
        (*first)->link = &acceptor->next;
    *first = acceptor;
}

static void list_leave(struct acceptor *acceptor)
{
    *acceptor->link = acceptor->next;
    if (acceptor->next != NULL)
        acceptor->next->link = acceptor->link;
    acceptor->link = NULL;
}

bool acceptor_start(struct acceptor *acceptor, int fd)
{
    acceptor->watch = (struct watch){ .fd = fd, .on_ready = acceptor_ready };
    acceptor->retry.fire = acceptor_retry;
    if (!acceptor_watch(acceptor))
        return false;
    list_enter(acceptor);
    return true;
}

/* Takes what waits, once the socket is no longer watched: of several workers that
 * share it (EPOLLEXCLUSIVE) this may be the only one that was told of it. */
static void acceptor_empty(struct acceptor *acceptor)
{
    struct worker *worker = acceptor->worker;
    struct fresh fresh;

    fresh.count = 0;
    for (int left = acceptor->listener->options.backlog; left > 0; left--)
        if (worker->connection_count >= worker->connection_limit || !accept_one(acceptor, &fresh))
            break;
    start_fresh(worker, &fresh);
}

void acceptor_stop(struct acceptor *acceptor)
{
    list_leave(acceptor);
    acceptor_unwatch(acceptor);
    timer_disarm(&acceptor->worker->timers, &acceptor->retry);
}

void acceptor_leave(struct acceptor *acceptor)
{
    acceptor_stop(acceptor);
    acceptor_empty(acceptor);
    timer_disarm(&acceptor->worker->timers, &acceptor->retry); /* armed where that failed */
}

bool acceptors_open(struct worker *worker)
{
    const struct worker_setup *setup = worker->setup;

    worker->acceptors = calloc(setup->listener_count + 1, sizeof *worker->acceptors);
    if (worker->acceptors == NULL)
        return false;
    for (size_t i = 0; i < setup->listener_count; i++) {
        struct acceptor *acceptor = &worker->acceptors[i];
        *acceptor = (struct acceptor){ .worker = worker,
                                       .listener = &setup->listeners[i],
                                       .own = acceptor };
        if (!acceptor_start(acceptor, listener_socket(acceptor->listener, setup->slot))) {
            log_write(worker->log, LOG_LEVEL_EMERG, errno, 0,
                      "a listening socket cannot be watched");
            return false;
        }
    }
    return true;
}

void acceptors_stop(struct worker *worker)
{
    while (worker->accepting != NULL)
        if (worker->leaving)
            acceptor_leave(worker->accepting);
        else
            acceptor_stop(worker->accepting);
}

void acceptors_resume(struct worker *worker)
{
    if (!worker->full)
        return;
    worker->full = false;
    for (struct acceptor *any = worker->accepting; any != NULL; any = any->next)
        if (any->watch.readable)
            timer_arm(&worker->timers, &any->retry, worker->clock.now);
}

void acceptors_look(struct worker *worker)
{
    for (struct acceptor *any = worker->accepting; any != NULL; any = any->next) {
        if (!is_shared(any))
            continue;
        any->watch.readable = true;
        timer_arm(&worker->timers, &any->retry, worker->clock.now);
    }
}

void acceptors_close(struct worker *worker)
{
    acceptors_stop(worker);
    free(worker->acceptors);
    worker->acceptors = NULL;
}
