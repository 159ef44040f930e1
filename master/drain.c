#include "master/drain.h"

#include "master/processes.h"

#include <signal.h>

/* Milliseconds. */
enum {
    SETTLE = 50,
    RELOAD_BLIND = 3000, /* a handshake of which one packet was lost */
    RELOAD_BOUND = 30000,
    QUIT_BLIND = SETTLE, /* somebody waits for the end */
    QUIT_BOUND = 1000,
    LOOK_EVERY = 10,
    LOOK_HANDSHAKES_EVERY = 50,
};

bool drain_needs(const struct master *master, const struct generation *generation, unsigned slot)
{
    if (!master->drain.active)
        return false;
    for (size_t i = 0; i < generation->listener_count; i++)
        if (listeners_retiring(&master->listeners,
                               listener_socket(&generation->listeners[i], slot)))
            return true;
    return false;
}

/* How many of the listener's sockets stay: the first ones. */
static unsigned sockets_kept(const struct master *master, const struct listener *listener)
{
    unsigned kept = 0;

    while (kept < listener->socket_count &&
           !listeners_retiring(&master->listeners, listener->sockets[kept]))
        kept++;
    return kept;
}

/* Those who stay only to empty queues leave all other sockets to who comes after them. */
static void relieve(struct master *master, struct generation *generation)
{
    struct reliefs *reliefs = generation->reliefs;

    if (atomic_load_explicit(&reliefs->begun, memory_order_relaxed))
        return;
    for (size_t i = 0; i < generation->listener_count; i++)
        atomic_store_explicit(&reliefs->sockets[i], sockets_kept(master, &generation->listeners[i]),
                              memory_order_relaxed);
    atomic_store_explicit(&reliefs->begun, true, memory_order_release);
    processes_signal(master, generation, STAND_IN_SIGNAL);
}

/* Tells the workers of a generation to finish, but for those that still have a
 * queue to empty. */
static void tell_generation(struct master *master, struct generation *generation)
{
    bool all = true;

    if (generation->leaving)
        return;
    for (unsigned slot = 0; slot < generation->workers; slot++) {
        if (drain_needs(master, generation, slot))
            all = false;
        else
            process_signal(master, generation, slot, SIGQUIT);
    }
    generation->leaving = all;
    if (!all)
        relieve(master, generation);
}

static void tell_who_leaves(struct master *master)
{
    if (master->phase == MASTER_QUITTING)
        tell_generation(master, master->current);
    for (struct generation *older = master->current->older; older != NULL; older = older->older)
        tell_generation(master, older);
}

static void drain_begin(struct master *master, uint64_t now, uint64_t blind, uint64_t bound)
{
    master->drain = (struct drain){
        .active = true,
        .begun = now,
        .settled = now + SETTLE,
        .blind = now + blind,
        .bound = now + bound,
    };
    tell_who_leaves(master);
}

void drain_older(struct master *master, bool retiring, uint64_t now)
{
    if (retiring) {
        drain_begin(master, now, RELOAD_BLIND, RELOAD_BOUND);
        return;
    }
    master->drain.active = false;
    tell_who_leaves(master);
}

void drain_all(struct master *master, uint64_t now)
{
    listeners_quiesce(&master->listeners, master->log);
    drain_begin(master, now, QUIT_BLIND, QUIT_BOUND);
}

/* Somebody is there who can empty the queues. */
static bool drainers_left(const struct master *master)
{
    return processes_count_all(master) > 0;
}

/* Whether connections that had begun are established by now, or given up; says when to look
 * again if not. */
static bool settled(struct master *master, uint64_t now)
{
    const struct drain *drain = &master->drain;

    if (now < drain->settled) {
        master_wake_at(master, drain->settled);
        return false;
    }
    switch (listeners_handshakes(&master->listeners, now - drain->begun)) {
    case HANDSHAKES_NONE:
        return true;
    case HANDSHAKES_WAIT:
        if (now >= drain->bound)
            return true;
        master_wake_at(master, now + LOOK_HANDSHAKES_EVERY);
        return false;
    case HANDSHAKES_UNKNOWN:
        break;
    }
    if (now >= drain->blind)
        return true;
    master_wake_at(master, drain->blind);
    return false;
}

/* Whether the wait for the queues is over; says when to look again if not. */
static bool drained(struct master *master, uint64_t now)
{
    if (!settled(master, now))
        return false;
    if (listeners_drained(&master->listeners))
        return true;
    if (now < master->drain.bound && drainers_left(master)) {
        master_wake_at(master, now + LOOK_EVERY);
        return false;
    }
    log_write(master->log, LOG_LEVEL_ERROR, 0, 0,
              "connections wait in a socket that is no longer listened on, and nobody accepts "
              "them: they are closed");
    return true;
}

/* Older generations need their configuration until all are told, and the rest until
 * the last has gone. */
static void forget_older(struct master *master)
{
    struct generation **link = &master->current->older;

    while (*link != NULL) {
        struct generation *older = *link;
        if (older->leaving && processes_count(older) == 0) {
            *link = older->older;
            generation_free(older, master->current);
            continue;
        }
        if (older->leaving && older->conf != NULL)
            generation_release(older, master->current);
        link = &older->older;
    }
}

/* The numbers of sockets that are closed now may be given to other files. */
static void forget_retired(struct generation *generation)
{
    for (size_t i = 0; i < generation->listener_count; i++)
        generation->listeners[i].socket_total = generation->listeners[i].socket_count;
}

void drain_advance(struct master *master, uint64_t now)
{
    /* A reload under way has lent out sockets that were to be closed. */
    if (master->drain.active && master->reload.next == NULL && drained(master, now)) {
        master->drain.active = false;
        tell_who_leaves(master);
        listeners_retire(&master->listeners);
        forget_retired(master->current);
    }
    forget_older(master);
}
