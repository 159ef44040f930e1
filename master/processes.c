#include "master/processes.h"

#include "master/sandbox.h"
#include "master/spawn.h"
#include "master/upgrade.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

/* Milliseconds. */
enum {
    SOON = 1000,             /* a worker that dies younger than this died at once */
    BACK_OFF = 100,          /* until the next one after the first such death; doubled each time */
    BACK_OFF_MAX = 10000,    /* at most */
    START_LONG = 3000,       /* a start that takes longer is a stall */
    START_LOOK_EVERY = 10,   /* for the first heartbeat, while one is started */
    START_LOOK_LONG = 10000, /* then it is not worth that hurry */
    STALLED_LOOK_EVERY = 50, /* whether it ticks again */
};

/* Milliseconds until the next worker of a slot starts. One that could not even start may
 * well not be able to tomorrow; one that has served is worth another try soon. */
static uint64_t back_off(unsigned failures, bool served)
{
    if (failures == 0)
        return 0;
    if (served)
        return BACK_OFF;
    uint64_t delay = failures < 8 ? (uint64_t)BACK_OFF << (failures - 1) : BACK_OFF_MAX;
    return delay < BACK_OFF_MAX ? delay : BACK_OFF_MAX;
}

/* `served`: the one that has ended did accept connections. */
static void wait_before_next(struct master *master, struct worker_process *process, bool served,
                             uint64_t now)
{
    process->due = now + back_off(process->failures, served);
    if (process->failures > 0)
        log_write(master->log, LOG_LEVEL_WARN, 0, 0,
                  "a worker process ended at once, %u times in a row: the next one starts in "
                  "%llu ms",
                  process->failures, (unsigned long long)(process->due - now));
}

bool processes_start(struct master *master, struct generation *generation, uint64_t now)
{
    bool started = true;

    for (unsigned slot = 0; slot < generation->workers; slot++)
        started = spawn_worker(master, generation, slot, now) && started;
    return started;
}

void processes_start_due(struct master *master, uint64_t now)
{
    struct generation *generation = master->current;

    for (unsigned slot = 0; slot < generation->workers && !generation->leaving; slot++) {
        struct worker_process *process = &generation->processes[slot];
        if (process->pid != 0)
            continue;
        if (now >= process->due && !spawn_worker(master, generation, slot, now)) {
            process->failures++;
            wait_before_next(master, process, false, now);
        }
        if (process->pid == 0)
            master_wake_at(master, process->due);
    }
}

/* nginx's words for an end. */
static void log_end(const struct log *log, pid_t pid, bool own, int status)
{
    /* The first process of a container inherits the orphans of all others. */
    const char *name = own ? "worker process" : "unknown process";

    if (WIFSIGNALED(status))
        log_write(log, own ? LOG_LEVEL_ALERT : LOG_LEVEL_NOTICE, 0, 0,
                  "%s %ld exited on signal %d%s", name, (long)pid, WTERMSIG(status),
                  WCOREDUMP(status) ? " (core dumped)" : "");
    else
        log_write(log, LOG_LEVEL_NOTICE, 0, 0, "%s %ld exited with code %d", name, (long)pid,
                  WEXITSTATUS(status));
}

/* A worker that the sandbox has ended says which call it has made. */
static void log_refusal(const struct master *master, const struct generation *owner,
                        const struct worker_process *process)
{
    struct worker_slot *shared = &owner->shared[process - owner->processes];
    int call = atomic_exchange_explicit(&shared->refused_call, 0, memory_order_acquire) - 1;
    const char *name = call >= 0 ? sandbox_call_name(call) : NULL;

    if (call >= 0)
        log_write(master->log, LOG_LEVEL_ALERT, 0, 0,
                  "sandbox: worker process %ld made the system call %d (%s)", (long)process->pid,
                  call, name != NULL ? name : "unknown");
}

/* The process of this number in a generation; NULL when it is none of its. */
static struct worker_process *process_find(const struct generation *generation, pid_t pid)
{
    for (unsigned slot = 0; slot < generation->workers && generation->processes != NULL; slot++)
        if (generation->processes[slot].pid == pid)
            return &generation->processes[slot];
    return NULL;
}

/* The process of this number in any generation, and whose it is. */
static struct worker_process *find_anywhere(const struct master *master, pid_t pid,
                                            const struct generation **owner)
{
    *owner = master->reload.next;
    struct worker_process *process = *owner != NULL ? process_find(*owner, pid) : NULL;
    if (process != NULL)
        return process;
    for (*owner = master->current; *owner != NULL; *owner = (*owner)->older) {
        process = process_find(*owner, pid);
        if (process != NULL)
            return process;
    }
    return NULL;
}

/* Nobody follows one that was to leave, or whose configuration is not in force. */
static void take_note(struct master *master, const struct generation *owner,
                      struct worker_process *process, uint64_t now)
{
    bool young = now - process->started < SOON && !process->told;
    bool served = process->accepting;

    board_give(master->board, process->lane);
    *process = (struct worker_process){ .failures = young ? process->failures + 1 : 0 };
    if (owner == master->current && !owner->leaving && master->phase == MASTER_SERVING) {
        count_add(&master->board->restarts, 1);
        wait_before_next(master, process, served, now);
    }
}

void processes_reap(struct master *master, uint64_t now)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid <= 0)
            return;
        if (upgrade_reaped(master, pid, now))
            continue;
        const struct generation *owner;
        struct worker_process *process = find_anywhere(master, pid, &owner);
        log_end(master->log, pid, process != NULL, status);
        if (process != NULL)
            log_refusal(master, owner, process);
        if (process != NULL)
            take_note(master, owner, process, now);
    }
}

static void watch_start(struct master *master, struct worker_process *process, uint64_t heartbeat,
                        uint64_t now)
{
    process->accepting = heartbeat != 0;
    if (process->accepting) /* a reload may have waited for it */
        master_wake_at(master, now);
    else if (now - process->started < START_LOOK_LONG)
        master_wake_at(master, now + START_LOOK_EVERY);
}

static void set_stalled(struct master *master, struct worker_process *process, bool stalled)
{
    if (stalled != process->stalled)
        log_write(master->log, LOG_LEVEL_WARN, 0, 0,
                  stalled ? "worker process %ld is stalled: it gets no new connections"
                          : "worker process %ld goes on",
                  (long)process->pid);
    process->stalled = stalled;
}

/* `alive` is when the worker has last shown a sign of life. */
static void watch_stall(struct master *master, struct worker_process *process, uint64_t alive,
                        uint64_t now)
{
    uint64_t limit = master->current->settings->stall_timeout;

    if (limit > 0 && !process->accepting && limit < START_LONG)
        limit = START_LONG;
    set_stalled(master, process, limit > 0 && now >= alive + limit);
    if (process->stalled)
        master_wake_at(master, now + STALLED_LOOK_EVERY);
    else if (limit > 0)
        master_wake_at(master, alive + limit);
}

/* A worker that stays stalled makes way for the next one. */
static void watch_kill(struct master *master, struct worker_process *process, uint64_t alive,
                       uint64_t now)
{
    uint64_t limit = master->current->settings->stall_kill;

    if (limit == 0 || process->killed)
        return;
    if (now < alive + limit) {
        master_wake_at(master, alive + limit);
        return;
    }
    log_write(master->log, LOG_LEVEL_ERROR, 0, 0,
              "worker process %ld has been stalled for %llu ms: killing it", (long)process->pid,
              (unsigned long long)(now - alive));
    if (kill(process->pid, SIGKILL) < 0)
        log_write(master->log, LOG_LEVEL_ALERT, errno, 0, "kill(%ld, %d) failed",
                  (long)process->pid, SIGKILL);
    process->killed = true;
}

static void watch_one(struct master *master, struct generation *generation, unsigned slot,
                      uint64_t now)
{
    struct worker_process *process = &generation->processes[slot];
    uint64_t heartbeat =
        atomic_load_explicit(&generation->shared[slot].heartbeat, memory_order_relaxed);

    if (process->pid == 0)
        return;
    if (!process->accepting)
        watch_start(master, process, heartbeat, now);
    process->leaves = process->accepting && heartbeat == 0;
    if (process->leaves) {
        set_stalled(master, process, false);
        return;
    }
    uint64_t alive = heartbeat != 0 ? heartbeat : process->started;
    watch_stall(master, process, alive, now);
    watch_kill(master, process, alive, now);
    if (process->accepting && now - process->started >= SOON)
        process->failures = 0;
}

static void watch_generation(struct master *master, struct generation *generation, uint64_t now)
{
    for (unsigned slot = 0; slot < generation->workers; slot++)
        watch_one(master, generation, slot, now);
}

void processes_watch(struct master *master, uint64_t now)
{
    if (master->reload.next != NULL && master->reload.forked)
        watch_generation(master, master->reload.next, now);
    for (struct generation *any = master->current; any != NULL; any = any->older)
        watch_generation(master, any, now);
}

bool process_in_service(const struct generation *generation, unsigned slot)
{
    const struct worker_process *process = &generation->processes[slot];

    if (generation->leaving || process->told || process->leaves || process->stalled)
        return false;
    /* Else its queue is served in a moment, unless it is one of those that die at once. */
    return process->accepting || process->failures == 0;
}

bool processes_accept(const struct generation *generation)
{
    for (unsigned slot = 0; slot < generation->workers; slot++)
        if (!generation->processes[slot].accepting)
            return false;
    return true;
}

bool processes_relieved(const struct generation *generation)
{
    for (unsigned slot = 0; slot < generation->workers; slot++) {
        const struct worker_process *process = &generation->processes[slot];
        const struct worker_slot *shared = &generation->shared[slot];
        if (process->pid != 0 && !process->stalled &&
            !atomic_load_explicit(&shared->relieved, memory_order_relaxed))
            return false;
    }
    return true;
}

void process_signal(struct master *master, struct generation *generation, unsigned slot,
                    int signal_number)
{
    struct worker_process *process = &generation->processes[slot];

    if (process->pid == 0 || (signal_number == SIGQUIT && process->told))
        return;
    /* One that has died waits to be reaped: there is nothing wrong with that. */
    if (kill(process->pid, signal_number) < 0 && errno != ESRCH)
        log_write(master->log, LOG_LEVEL_ALERT, errno, 0, "kill(%ld, %d) failed",
                  (long)process->pid, signal_number);
    if (signal_number == SIGQUIT || signal_number == SIGTERM)
        process->told = true;
}

void processes_signal(struct master *master, struct generation *generation, int signal_number)
{
    for (unsigned slot = 0; slot < generation->workers && generation->processes != NULL; slot++)
        process_signal(master, generation, slot, signal_number);
}

void processes_signal_all(struct master *master, int signal_number)
{
    if (master->reload.next != NULL)
        processes_signal(master, master->reload.next, signal_number);
    for (struct generation *any = master->current; any != NULL; any = any->older)
        processes_signal(master, any, signal_number);
}

unsigned processes_count(const struct generation *generation)
{
    unsigned count = 0;

    for (unsigned slot = 0; slot < generation->workers && generation->processes != NULL; slot++)
        count += generation->processes[slot].pid != 0;
    return count;
}

unsigned processes_count_all(const struct master *master)
{
    unsigned count = master->reload.next != NULL ? processes_count(master->reload.next) : 0;

    for (const struct generation *any = master->current; any != NULL; any = any->older)
        count += processes_count(any);
    return count;
}
