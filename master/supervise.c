#include "master/supervise.h"

#include "common/clock.h"
#include "master/drain.h"
#include "master/processes.h"
#include "master/reload.h"
#include "master/stand_ins.h"
#include "master/status.h"
#include "master/steer.h"
#include "master/upgrade.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

/* Milliseconds. */
enum {
    LOOK_EVERY = 1000, /* for heartbeats that have stopped, and queues that are full */
    KILL_AFTER = 1000, /* TERM */
};

/* What the master does at a signal, and what the log says of it, as nginx words
 * it. */
struct response {
    const char *announcement;
    void (*act)(struct master *, uint64_t now);
};

static void act_reap(struct master *master, uint64_t now)
{
    processes_reap(master, now);
}

static void act_stop(struct master *master, uint64_t now)
{
    if (master->phase == MASTER_STOPPING)
        return;
    master->phase = MASTER_STOPPING;
    master->kill_at = now + KILL_AFTER;
    notify_stopping(&master->notify);
    reload_abandon(master);
    processes_signal_all(master, SIGTERM);
}

static void act_quit(struct master *master, uint64_t now)
{
    if (master->phase != MASTER_SERVING)
        return;
    master->phase = MASTER_QUITTING;
    notify_stopping(&master->notify);
    reload_abandon(master);
    drain_all(master, now);
}

/* Health checks fail from now on, and after a while, when nobody sends more, it is as at
 * QUIT. Who says it twice means it. */
static void act_term(struct master *master, uint64_t now)
{
    const struct main_settings *settings = master->current->settings;

    if (!settings->drain_on_term || master->phase != MASTER_SERVING || master->quit_at != 0) {
        act_stop(master, now);
        return;
    }
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0,
              "draining: connections are accepted for %llu ms more, and health checks fail",
              (unsigned long long)settings->drain_delay);
    atomic_store_explicit(&master->board->draining, true, memory_order_relaxed);
    master->quit_at = now + settings->drain_delay;
}

/* The time that drain_on_term gives to clients is over. */
static void quit_when_due(struct master *master, uint64_t now)
{
    if (master->quit_at == 0 || master->phase != MASTER_SERVING)
        return;
    if (now >= master->quit_at)
        act_quit(master, now);
    else
        master_wake_at(master, master->quit_at);
}

static void act_reload(struct master *master, uint64_t now)
{
    if (master->phase != MASTER_SERVING)
        return;
    if (master->upgrade.successor != 0)
        upgrade_reclaim(master);
    else
        reload_begin(master, now);
}

static void act_reopen(struct master *master, uint64_t now)
{
    (void)now;
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "reopening logs");
    if (master->reload.next != NULL)
        generation_reopen_logs(master->reload.next, master->log);
    for (struct generation *any = master->current; any != NULL; any = any->older)
        if (any->conf != NULL)
            generation_reopen_logs(any, master->log);
    master_redirect_stderr(master);
    processes_signal_all(master, SIGUSR1);
}

/* Without a terminal only: there WINCH means that its window has another size. */
static void act_retire(struct master *master, uint64_t now)
{
    (void)now;
    if (!master->daemon || master->phase != MASTER_SERVING)
        return;
    processes_signal(master, master->current, SIGQUIT);
    master->current->leaving = true;
}

static void act_upgrade(struct master *master, uint64_t now)
{
    const char *why = upgrade_begin(master, false, now);

    if (why != NULL)
        log_write(master->log, LOG_LEVEL_ERROR, 0, 0, "the binary is not changed: %s", why);
}

static const struct response responses[] = {
    [ACTION_NONE] = { "", NULL },
    [ACTION_REAP] = { "", act_reap },
    [ACTION_STOP] = { ", exiting", act_stop },
    [ACTION_TERM] = { ", exiting", act_term },
    [ACTION_QUIT] = { ", shutting down", act_quit },
    [ACTION_RELOAD] = { ", reconfiguring", act_reload },
    [ACTION_REOPEN] = { ", reopening logs", act_reopen },
    [ACTION_RETIRE] = { ", stop accepting connections", act_retire },
    [ACTION_UPGRADE] = { ", changing binary", act_upgrade },
};

static void log_signal(const struct master *master, const struct signal_received *received)
{
    bool ignored = received->action == ACTION_RETIRE && !master->daemon;
    const char *announcement = ignored ? "" : responses[received->action].announcement;

    if (received->sender > 0)
        log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "signal %d (%s) received from %ld%s",
                  received->number, received->name, (long)received->sender, announcement);
    else
        log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "signal %d (%s) received%s",
                  received->number, received->name, announcement);
}

static void take_signals(struct master *master, uint64_t now)
{
    struct signal_received received;

    while (signals_next(&master->signals, &received)) {
        log_signal(master, &received);
        if (responses[received.action].act != NULL)
            responses[received.action].act(master, now);
    }
}

/* Who did not leave at TERM does so now. */
static void kill_the_rest(struct master *master, uint64_t now)
{
    if (now >= master->kill_at) {
        processes_signal_all(master, SIGKILL);
        master->kill_at = now + KILL_AFTER;
    }
    master_wake_at(master, master->kill_at);
}

/* The service manager hears when the first workers accept, and that the master lives. */
static void announce(struct master *master, uint64_t now)
{
    const struct generation *current = master->current;

    if (!master->announced && processes_accept(current)) {
        master->announced = true;
        notify_ready(&master->notify, current->number, current->workers);
        steer_connections(master);
        upgrade_ready(master);
    }
    master_wake_at(master, notify_advance(&master->notify, now));
}

static void look_at_queues(struct master *master, uint64_t now)
{
    if (now >= master->look_at) {
        overflow_look(&master->listeners, master->log, now);
        master->look_at = now + LOOK_EVERY;
    }
    master_wake_at(master, master->look_at);
}

static void advance(struct master *master, uint64_t now)
{
    master->wake = now + LOOK_EVERY;
    quit_when_due(master, now);
    upgrade_advance(master, now);
    reload_advance(master, now);
    processes_watch(master, now);
    if (master->phase == MASTER_SERVING)
        processes_start_due(master, now);
    else if (master->phase == MASTER_STOPPING)
        kill_the_rest(master, now);
    drain_advance(master, now);
    control_advance(master, now);
    announce(master, now);
    steer_connections(master);
    stand_ins_update(master);
    status_update(master);
    look_at_queues(master, now);
}

/* Sleeps until there is a signal, a client of the control socket has something to say, or
 * something is due; then does what they want. */
static void wait_and_act(struct master *master)
{
    struct pollfd polls[1 + CONTROL_POLLS] = { { .fd = master->signals.fd, .events = POLLIN } };
    uint64_t now = clock_monotonic();
    uint64_t left = master->wake > now ? master->wake - now : 0;

    control_watch(&master->control, polls + 1);
    int ready = poll(polls, 1 + CONTROL_POLLS, left < INT_MAX ? (int)left : INT_MAX);
    if (ready < 0 && errno != EINTR)
        log_write(master->log, LOG_LEVEL_ALERT, errno, 0, "poll() failed");
    now = clock_monotonic();
    take_signals(master, now);
    if (ready > 0)
        control_serve(master, polls + 1, now);
}

static bool finished(const struct master *master)
{
    if (master->phase == MASTER_SERVING || processes_count_all(master) > 0)
        return false;
    return master->phase == MASTER_STOPPING || !master->drain.active;
}

void supervise(struct master *master)
{
    uint64_t now = clock_monotonic();

    steer_connections(master);
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "start worker processes");
    for (advance(master, now); !finished(master); advance(master, now)) {
        wait_and_act(master);
        now = clock_monotonic();
    }
}
