#include "master/reload.h"

#include "master/drain.h"
#include "master/pidfile.h"
#include "master/processes.h"
#include "master/reload_report.h"
#include "master/steer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    ACCEPT_WITHIN = 10000,  /* ms that new workers may take to their first turn */
    RELIEVED_WITHIN = 5000, /* ms that old ones may take to the end of accepting */
    RELIEVED_LOOK_EVERY = 5,
};

static bool pid_path_changes(const struct master *master)
{
    return strcmp(master->current->settings->pid, master->reload.next->settings->pid) != 0;
}

static bool control_path_changes(const struct master *master)
{
    const char *now = master->current->settings->control;
    const char *next = master->reload.next->settings->control;

    return now == NULL || next == NULL ? now != next : strcmp(now, next) != 0;
}

/* Undoes what has been done for the new configuration. Its workers finish what they may
 * have accepted by now. */
static void give_up(struct master *master)
{
    struct generation *next = master->reload.next;
    bool forked = master->reload.forked;

    master->reload.next = NULL;
    listeners_abandon(&master->listeners);
    control_socket_close(&master->reload.control);
    if (!forked) {
        generation_free(next, master->current);
        return;
    }
    processes_signal(master, next, SIGQUIT);
    next->leaving = true;
    next->older = master->current->older;
    master->current->older = next;
}

static void fail(struct master *master, const char *why)
{
    log_write(master->log, LOG_LEVEL_ERROR, 0, 0,
              "the configuration is not reloaded: %s; the old one stays in force", why);
    give_up(master);
    reload_report_end(master, false, NULL);
}

/* The same; this directive (NULL: none) asks for what failed. */
static void fail_for(struct master *master, const char *directive, const char *why)
{
    if (directive != NULL)
        generation_blame(master->reload.next, directive, master->log);
    fail(master, why);
}

/* It is done. */
static void succeed(struct master *master)
{
    const struct generation *current = master->current;
    char line[80];

    master->reload.in_force = false;
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "reconfigured: %u worker processes",
              current->workers);
    snprintf(line, sizeof line, "reloaded: generation %u, %u workers", current->number,
             current->workers);
    reload_report_end(master, true, line);
}

void reload_abandon(struct master *master)
{
    if (master->reload.next != NULL)
        fail(master, "the server is leaving");
    if (master->reload.in_force)
        succeed(master);
    if (!master->reload.again)
        return;
    master->reload.again = false;
    master->reload.ticket++;
    reload_report_end(master, false, "muxd: [error] the server is leaving");
}

void reload_begin(struct master *master, uint64_t now)
{
    if (master->reload.next != NULL || master->reload.in_force) {
        master->reload.again = true;
        return;
    }
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "reconfiguring");
    master->reload = (struct reload){
        .ticket = master->reload.ticket + 1,
        .due = now,
        .control = control_socket_none,
    };
    reload_report_begin(master);
    struct generation *next =
        generation_load(master->launch, master->current->number + 1, master->log);
    if (next == NULL) {
        log_write(master->log, LOG_LEVEL_ERROR, 0, 0,
                  "the configuration is not reloaded: the old one stays in force");
        reload_report_end(master, false, NULL);
        return;
    }
    master->reload.next = next;
    if (!generation_open_files(next, master->current, master->log))
        fail(master, "a log file cannot be opened");
    else if (!generation_open_zones(next, master->current, master->log))
        fail(master, "a shared memory zone cannot be had");
    else if (!generation_prepare_workers(next, master->log))
        fail(master, "memory is out");
    else if (pid_path_changes(master) && !pidfile_check(master->log, next->settings->pid))
        fail_for(master, "pid", "the pid file cannot be written");
    else if (control_path_changes(master) &&
             !control_open(next->settings, master->log, &master->reload.control))
        fail_for(master, "control_socket", "the control socket cannot be opened");
}

void reload_command(struct master *master, struct control_client *client, struct slice arguments,
                    uint64_t now)
{
    (void)arguments;
    if (master->phase != MASTER_SERVING) {
        control_err(client, "muxd: [error] the server is leaving");
        control_end(client, false);
        return;
    }
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "reload asked for, reconfiguring");
    /* The next one: that begins now, or after the one under way. */
    control_wait(client, CONTROL_RELOAD, master->reload.ticket + 1);
    reload_begin(master, now);
}

/* The workers of the new configuration, on sockets that are all open. */
static void start_workers(struct master *master, uint64_t now)
{
    struct reload *reload = &master->reload;

    reload->forked = true;
    reload->due = now + ACCEPT_WITHIN;
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "start worker processes");
    if (!processes_start(master, reload->next, now))
        fail(master, "a worker process cannot be started");
}

static void open_sockets(struct master *master, uint64_t now)
{
    struct reload *reload = &master->reload;
    struct generation *next = reload->next;

    if (now < reload->due) {
        master_wake_at(master, reload->due);
        return;
    }
    reload->attempts++;
    switch (listeners_open(&master->listeners, master->log, &next->arena, next->listeners,
                           next->listener_count, next->workers)) {
    case LISTENING_OK:
        start_workers(master, now);
        break;
    case LISTENING_BUSY:
        if (reload->attempts < LISTEN_ATTEMPTS) {
            log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "try again to bind() after %dms",
                      LISTEN_RETRY);
            reload->due = now + LISTEN_RETRY;
            master_wake_at(master, reload->due);
            break;
        }
        log_write(master->log, LOG_LEVEL_EMERG, 0, 0, "still could not bind()");
        generation_cannot_listen(next, master->listeners.failed, master->log);
        fail(master, "an address is in use");
        break;
    case LISTENING_FAILED:
        generation_cannot_listen(next, master->listeners.failed, master->log);
        fail(master, "a socket cannot be opened");
        break;
    }
}

/* Everything is in hand: new connections go to the new workers, then the old ones are
 * told to finish. */
static void commit(struct master *master, uint64_t now)
{
    struct generation *old = master->current;
    struct generation *next = master->reload.next;
    bool new_pid_path = pid_path_changes(master);

    if (control_path_changes(master)) {
        control_socket_close(&master->control.socket);
        master->control.socket = master->reload.control;
    }
    bool retiring =
        listeners_commit(&master->listeners, master->log, next->listeners, next->listener_count);
    listeners_warn_unused(&master->listeners, generation_log(next));
    next->older = old;
    master->current = next;
    master->reload.next = NULL;
    master->log = generation_log(next);
    steer_connections(master);
    master_redirect_stderr(master);
    if (new_pid_path && pidfile_write(master->log, next->settings->pid, getpid()))
        pidfile_remove(master->log, old->settings->pid);
    drain_older(master, retiring, now);
    master->reload.in_force = true;
    master->reload.due = now + RELIEVED_WITHIN;
}

/* No old worker takes a connection that a new one could. */
static bool all_relieved(const struct master *master)
{
    const struct generation *older = master->current->older;

    while (older != NULL && processes_relieved(older))
        older = older->older;
    return older == NULL;
}

static void wait_for_relief(struct master *master, uint64_t now)
{
    if (all_relieved(master))
        succeed(master);
    else if (now < master->reload.due)
        master_wake_at(master, now + RELIEVED_LOOK_EVERY);
    else {
        log_write(master->log, LOG_LEVEL_WARN, 0, 0,
                  "old worker processes do not say that they accept no more");
        succeed(master);
    }
}

/* Those that hang in their start would not hear that they are to leave. */
static void kill_who_hangs(struct master *master)
{
    struct generation *next = master->reload.next;

    for (unsigned slot = 0; slot < next->workers; slot++)
        if (!next->processes[slot].accepting)
            process_signal(master, next, slot, SIGKILL);
}

/* A worker of the new configuration has ended before it accepted. */
static bool one_has_died(const struct generation *generation)
{
    return processes_count(generation) < generation->workers;
}

void reload_advance(struct master *master, uint64_t now)
{
    struct reload *reload = &master->reload;

    if (reload->next != NULL && !reload->forked)
        open_sockets(master, now);
    if (reload->next != NULL && reload->forked) {
        if (one_has_died(reload->next)) {
            const char *directive = reload_report_workers(master, reload->next);
            fail_for(master, directive, "a new worker process does not start");
        } else if (processes_accept(reload->next)) {
            commit(master, now);
        } else if (now >= reload->due) {
            kill_who_hangs(master);
            fail(master, "the new worker processes do not accept in time");
        }
    }
    if (reload->in_force)
        wait_for_relief(master, now);
    if (reload->next == NULL && !reload->in_force && reload->again) {
        reload->again = false;
        reload_begin(master, now);
        master_wake_at(master, now);
    }
}
