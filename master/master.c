#include "master/master.h"

#include "common/title.h"
#include "common/version.h"
#include "master/activation.h"
#include "master/build_info.h"
#include "master/daemon.h"
#include "master/environment.h"
#include "master/pidfile.h"
#include "master/status.h"
#include "master/supervise.h"
#include "master/upgrade.h"
#include "worker/event/loop.h"
#include "worker/events.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

void master_redirect_stderr(const struct master *master)
{
    for (const struct log_sink *sink = master->log->sinks; sink != NULL; sink = sink->next) {
        if (sink->file == NULL)
            continue;
        if (!sink->file->standard && dup2(sink->file->fd, STDERR_FILENO) < 0)
            log_write(master->log, LOG_LEVEL_ALERT, errno, 0, "dup2(STDERR) failed");
        return;
    }
}

/* Opens the listening sockets; waits a while for an address that is in use: its
 * owner may be about to leave. */
static bool open_sockets(struct master *master)
{
    struct generation *first = master->current;

    for (unsigned attempt = 1;; attempt++) {
        enum listening result =
            listeners_open(&master->listeners, master->log, &first->arena, first->listeners,
                           first->listener_count, first->workers);
        if (result == LISTENING_OK) {
            listeners_commit(&master->listeners, master->log, first->listeners,
                             first->listener_count);
            listeners_warn_unused(&master->listeners, master->log);
            return true;
        }
        if (result == LISTENING_FAILED || attempt == LISTEN_ATTEMPTS) {
            if (result == LISTENING_BUSY)
                log_write(master->log, LOG_LEVEL_EMERG, 0, 0, "still could not bind()");
            generation_cannot_listen(first, master->listeners.failed, master->log);
            return false;
        }
        log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "try again to bind() after %dms",
                  LISTEN_RETRY);
        poll(NULL, 0, LISTEN_RETRY);
    }
}

/* Everything that can fail is tried while there is a terminal to say so. */
static bool prepare(struct master *master)
{
    struct generation *first = generation_load(master->launch, 1, master->log);

    master->current = first;
    if (first == NULL)
        return false;
    if (!first->settings->master_process)
        first->workers = 1;
    upgrade_inherit(master);
    activation_inherit(&master->listeners, master->log);
    return generation_open_files(first, NULL, master->log) &&
           generation_open_zones(first, NULL, master->log) && open_sockets(master) &&
           control_open(first->settings, master->log, &master->control.socket) &&
           generation_prepare_workers(first, master->log) && status_open(master) &&
           pidfile_check(master->log, first->settings->pid);
}

/* Leaves the terminal, and from here on says everything in the error log. */
static bool settle(struct master *master)
{
    const struct main_settings *settings = master->current->settings;
    int ready = -1;

    if (!signals_open(&master->signals)) {
        log_write(master->log, LOG_LEVEL_EMERG, errno, 0, "signalfd() failed");
        return false;
    }
    /* A container ends with its first process. */
    master->daemon = settings->daemon && getpid() != 1;
    bool attached = master->daemon && master->upgrade.predecessor == 0;
    if (attached && !daemon_start(master->log, &ready))
        return false;
    if (!pidfile_write(master->log, settings->pid, getpid()))
        return false;
    notify_open(&master->notify);
    if (attached)
        daemon_ready(ready);
    master->log = generation_log(master->current);
    upgrade_restore_stderr(master);
    master_redirect_stderr(master);
    start_log_close(master->launch->log);
    return true;
}

static void log_start(const struct master *master)
{
    struct rlimit files;
    struct utsname system;
    const char *loop = events_settings(master->current->conf)->use;

    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "using the \"%s\" event method",
              loop != NULL ? loop : loop_names()[0]);
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "%s", MUXD_NAME);
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "built by %s", build_info_compiler());
    if (uname(&system) == 0)
        log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "OS: %s %s", system.sysname, system.release);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "getrlimit(RLIMIT_NOFILE): %llu:%llu",
                  (unsigned long long)files.rlim_cur, (unsigned long long)files.rlim_max);
}

/* master_process off: the first process serves itself. */
static int serve_alone(struct master *master)
{
    struct generation *only = master->current;
    struct worker_setup setup = {
        .slots = 1,
        .generation = only->number,
        .conf = only->conf,
        .log = generation_log(only),
        .listeners = only->listeners,
        .listener_count = only->listener_count,
        .shared = only->shared,
        .heartbeat_every = main_heartbeat(only->settings),
        .board = master->board,
        .lane = status_lend(master, only, 0),
        .shutdown_timeout = only->settings->shutdown_timeout,
        .signals = signals_worker_mask(&master->signals),
        .single = true,
    };

    signals_leave(&master->signals);
    notify_ready(&master->notify, only->number, only->workers);
    notify_leave(&master->notify);
    if (!environment_set(&only->settings->environment, &only->arena)) {
        log_write(master->log, LOG_LEVEL_EMERG, ENOMEM, 0, "the environment cannot be set");
        return EXIT_FAILURE;
    }
    return worker_run(&setup) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int serve(struct master *master, const char *title)
{
    int status = EXIT_SUCCESS;
    bool supervised = master->current->settings->master_process;

    log_start(master);
    if (supervised) {
        title_set(title);
        supervise(master);
    } else {
        status = serve_alone(master);
    }
    pidfile_remove(master->log, upgrade_pid_path(master));
    if (supervised)
        log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "exit");
    return status;
}

static void master_close(struct master *master)
{
    listeners_close(&master->listeners, master->log);
    control_close(&master->control);
    notify_leave(&master->notify);
    signals_leave(&master->signals);
    master->log = &log_stderr;
    while (master->current != NULL) {
        struct generation *older = master->current->older;
        generation_free(master->current, older);
        master->current = older;
    }
    board_close(master->board);
}

int master_run(const struct launch *launch, const char *title)
{
    struct master master = {
        .launch = launch,
        .log = &launch->log->log,
        .signals = { .fd = -1 },
        .notify = { .fd = -1 },
        .upgrade = { .ready = -1, .standard_error = -1, .report = -1 },
    };
    int status = EXIT_FAILURE;

    control_init(&master.control);
    if (prepare(&master) && settle(&master))
        status = serve(&master, title);
    listeners_abandon(&master.listeners);
    master_close(&master);
    return status;
}
