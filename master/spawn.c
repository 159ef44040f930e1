#include "master/spawn.h"

#include "master/child.h"
#include "master/status.h"

#include <errno.h>
#include <unistd.h>

/* In the child: gives back what only the master, or another configuration, needs. */
static void leave_master(struct master *master, const struct generation *own)
{
    struct generation *next = master->reload.next;

    signals_leave(&master->signals);
    control_leave(&master->control);
    notify_leave(&master->notify);
    listeners_leave(&master->listeners, own->listeners, own->listener_count);
    if (next != NULL && next != own)
        generation_release(next, own);
    for (struct generation *other = master->current; other != NULL; other = other->older)
        if (other != own)
            generation_release(other, own);
}

static struct worker_setup setup_of(const struct master *master,
                                    const struct generation *generation, unsigned slot)
{
    return (struct worker_setup){
        .slot = slot,
        .slots = generation->workers,
        .generation = generation->number,
        .conf = generation->conf,
        .log = generation_log(generation),
        .listeners = generation->listeners,
        .listener_count = generation->listener_count,
        .shared = &generation->shared[slot],
        .unattended = generation->unattended,
        .reliefs = generation->reliefs,
        .heartbeat_every = main_heartbeat(generation->settings),
        .board = master->board,
        .lane = generation->processes[slot].lane,
        .shutdown_timeout = generation->settings->shutdown_timeout,
        .signals = signals_worker_mask(&master->signals),
    };
}

bool spawn_worker(struct master *master, struct generation *generation, unsigned slot, uint64_t now)
{
    struct worker_process *process = &generation->processes[slot];
    process->lane = status_lend(master, generation, slot);
    struct worker_setup setup = setup_of(master, generation, slot);
    pid_t parent = getpid();

    generation->shared[slot] = (struct worker_slot){ 0 };
    generation->reports[slot] = (struct start_report){ 0 };
    pid_t pid = fork();
    if (pid < 0) {
        board_give(master->board, process->lane);
        process->lane = NULL;
        log_write(master->log, LOG_LEVEL_ALERT, errno, 0,
                  "fork() failed while spawning \"worker process\"");
        return false;
    }
    if (pid == 0) {
        leave_master(master, generation);
        start_report_from(&generation->reports[slot], setup.log, &generation->arena);
        child_run(generation->settings, &generation->arena, &setup, &generation->reports[slot],
                  parent);
    }
    *process = (struct worker_process){
        .pid = pid, .started = now, .failures = process->failures, .lane = process->lane
    };
    status_started(generation, slot);
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "start worker process %ld", (long)pid);
    return true;
}
