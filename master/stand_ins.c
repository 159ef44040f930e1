#include "master/stand_ins.h"

#include "master/drain.h"
#include "master/processes.h"

_Static_assert((int)LISTENER_SOCKETS_MAX == (int)STEERING_SOCKETS_MAX,
               "both count the sockets of an address");

/* Nobody reads the queues of the slot, and that lasts. */
static bool is_abandoned(const struct master *master, const struct generation *generation,
                         unsigned slot)
{
    const struct worker_process *process = &generation->processes[slot];
    bool replaced = generation == master->current && master->phase == MASTER_SERVING;

    if (process->pid == 0 && !replaced)
        return true;
    return !process_in_service(generation, slot);
}

/* The sockets of the configuration in force. Those that retire behind them are
 * drained by the older workers; who are there may be fewer than are needed. */
static void find_current(const struct master *master, struct steering *found)
{
    const struct generation *current = master->current;

    for (unsigned slot = 0; slot < current->workers && !current->leaving; slot++)
        if (!current->processes[slot].told && is_abandoned(master, current, slot))
            steering_add(found, slot);
    /* The other master's workers read the rest; but nobody knows for how long. */
    bool shared = master->upgrade.predecessor != 0;
    if ((!master->drain.active && !shared) || master->phase != MASTER_SERVING)
        return;
    for (unsigned socket = current->workers; socket < STEERING_SOCKETS_MAX; socket++)
        steering_add(found, socket);
}

/* Of the sockets of a configuration that is not in force, the ones that it has to drain. */
static void find_older(const struct master *master, const struct generation *older,
                       struct steering *found)
{
    for (unsigned slot = 0; slot < older->workers && !older->leaving; slot++)
        if (drain_needs(master, older, slot) && is_abandoned(master, older, slot))
            steering_add(found, slot);
}

/* True when it is a change. */
static bool publish(struct unattended *unattended, const struct steering *found)
{
    bool changed = false;

    for (size_t i = 0; i < sizeof found->bits / sizeof *found->bits; i++) {
        if (atomic_load_explicit(&unattended->bits[i], memory_order_relaxed) == found->bits[i])
            continue;
        atomic_store_explicit(&unattended->bits[i], found->bits[i], memory_order_release);
        changed = true;
    }
    return changed;
}

void stand_ins_update(struct master *master)
{
    for (struct generation *any = master->current; any != NULL; any = any->older) {
        struct steering found = { 0 };
        if (any == master->current)
            find_current(master, &found);
        else
            find_older(master, any, &found);
        if (publish(any->unattended, &found))
            processes_signal(master, any, STAND_IN_SIGNAL);
    }
}
