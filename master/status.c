#include "master/status.h"

#include "master/control.h"
#include "master/processes.h"
#include "worker/status/view.h"

#include <errno.h>
#include <time.h>

bool status_open(struct master *master)
{
    master->board = board_open();
    if (master->board == NULL)
        log_write(master->log, LOG_LEVEL_EMERG, errno, 0, "no memory for counters");
    return master->board != NULL;
}

struct lane *status_lend(struct master *master, struct generation *generation, unsigned slot)
{
    series_assign(&master->series, master->board, generation->conf, &generation->series,
                  master->log);
    struct lane *lane = board_take(master->board);
    if (lane == NULL) {
        log_write(master->log, LOG_LEVEL_WARN, 0, 0,
                  "%u workers are counting already: the next one's requests are not counted",
                  master->board->lanes);
        return NULL;
    }
    lane->owner.slot = slot;
    lane->owner.generation = generation->number;
    return lane;
}

void status_started(const struct generation *generation, unsigned slot)
{
    const struct worker_process *process = &generation->processes[slot];

    if (process->lane != NULL)
        process->lane->owner.pid = process->pid;
}

static enum worker_state state_of(const struct generation *generation, unsigned slot)
{
    const struct worker_process *process = &generation->processes[slot];
    const struct worker_slot *shared = &generation->shared[slot];

    if (generation->leaving || process->told ||
        atomic_load_explicit(&shared->relieved, memory_order_relaxed))
        return WORKER_LEAVING;
    if (!process->accepting)
        return WORKER_STARTING;
    return process->stalled ? WORKER_STALLED : WORKER_ACCEPTING;
}

static void update(const struct generation *generation, bool in_force)
{
    for (unsigned slot = 0; slot < generation->workers && generation->processes != NULL; slot++) {
        const struct worker_process *process = &generation->processes[slot];
        if (process->pid == 0 || process->lane == NULL)
            continue;
        process->lane->owner.state = state_of(generation, slot);
        process->lane->owner.in_service = in_force && process_in_service(generation, slot);
    }
}

void status_update(const struct master *master)
{
    struct board *board = master->board;
    const struct generation *current = master->current;

    if (board->generation != current->number) {
        if (board->generation != 0)
            count_set(&board->reloaded, (uint64_t)time(NULL));
        board->generation = current->number;
    }
    if (master->reload.next != NULL)
        update(master->reload.next, false);
    for (const struct generation *any = current; any != NULL; any = any->older)
        update(any, any == current);
}

static void print_lines(struct control_client *client, struct slice text)
{
    while (text.len > 0) {
        ptrdiff_t end = slice_find(text, '\n');
        struct slice line = end < 0 ? text : slice_first(text, (size_t)end);
        control_out(client, "%.*s", (int)line.len, line.at);
        text = slice_from(text, line.len + 1);
    }
}

void status_command(struct master *master, struct control_client *client, struct slice arguments,
                    uint64_t now)
{
    const struct generation *current = master->current;
    struct status_view view = {
        .board = master->board,
        .tallies = current->conf->tallies,
        .conf = current->conf,
        .log = master->log,
        .listeners = current->listeners,
        .listener_count = current->listener_count,
        .now = time(NULL),
    };
    struct arena arena;

    (void)arguments, (void)now;
    arena_init(&arena, NULL);
    struct slice text = view_prometheus(&arena, &view);
    if (text.at == NULL)
        control_err(client, "memory is out");
    print_lines(client, text);
    control_end(client, text.at != NULL);
    arena_free(&arena);
}
