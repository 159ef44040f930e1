#include "worker/status/board.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { LANES_LEAST = 16 };

struct board *board_open(void)
{
    for (unsigned lanes = LANES_MAX;; lanes /= 2) {
        size_t size = sizeof(struct board) + lanes * sizeof(struct lane);
        struct board *board = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (board != MAP_FAILED) {
            board->size = size;
            board->lanes = lanes;
            board->series = SERIES_ALL + 1;
            board->master = getpid();
            board->started = (uint64_t)time(NULL);
            return board;
        }
        if (lanes <= LANES_LEAST)
            return NULL;
    }
}

void board_close(struct board *board)
{
    if (board != NULL)
        munmap(board, board->size);
}

static unsigned lanes_used(const struct board *board)
{
    return atomic_load_explicit(&board->used, memory_order_acquire);
}

struct lane *board_take(struct board *board)
{
    unsigned used = lanes_used(board);
    unsigned place = 0;

    while (place < used && board->lane[place].owner.state != WORKER_NONE)
        place++;
    if (place == board->lanes)
        return NULL;
    struct lane *lane = &board->lane[place];
    struct lane_owner *owner = &lane->owner;
    count_set(&owner->accepted_before, count_read(&lane->accepted));
    count_set(&owner->requests_before, count_read(&lane->requests));
    count_set(&owner->busy_before, count_read(&lane->busy));
    count_set(&owner->started, (uint64_t)time(NULL));
    count_set(&lane->longest, 0);
    owner->pid = 0;
    owner->tenancy++;
    owner->in_service = 0;
    owner->state = WORKER_STARTING;
    if (place == used)
        atomic_store_explicit(&board->used, used + 1, memory_order_release);
    return lane;
}

void board_give(struct board *board, struct lane *lane)
{
    if (lane == NULL)
        return;
    count_set(&lane->active, 0);
    count_set(&lane->reading, 0);
    count_set(&lane->waiting, 0);
    count_set(&lane->tunnels, 0);
    for (unsigned i = 0; i < board->series; i++) {
        count_set(&lane->series[i].active, 0);
        count_set(&lane->series[i].down, 0);
    }
    lane->owner.in_service = 0;
    lane->owner.state = WORKER_NONE;
}

bool board_tenant_lives(const struct board *board, unsigned lane, uint32_t tenancy)
{
    const struct lane_owner *owner = &board->lane[lane].owner;

    return owner->tenancy == tenancy && owner->state != WORKER_NONE;
}

void board_begin(struct board *board, unsigned series)
{
    if (series >= board->series) {
        board->series = series + 1;
        return;
    }
    for (unsigned i = 0; i < lanes_used(board); i++)
        memset(&board->lane[i].series[series], 0, sizeof(struct series));
}

/* --- reading --- */

static void add_counts(uint64_t *sum, const _Atomic uint64_t *counts, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        sum[i] += count_read(&counts[i]);
}

void board_sum(const struct board *board, unsigned series, struct series_sum *sum)
{
    *sum = (struct series_sum){ 0 };
    for (unsigned i = 0; i < lanes_used(board); i++) {
        const struct series *one = &board->lane[i].series[series];
        add_counts(sum->requests, one->requests, STATUS_CLASSES);
        add_counts(sum->times, one->times, HISTOGRAM_BUCKETS);
        sum->received += count_read(&one->received);
        sum->sent += count_read(&one->sent);
        sum->milliseconds += count_read(&one->milliseconds);
        sum->failures += count_read(&one->failures);
        sum->active += count_read(&one->active);
        sum->down += count_read(&one->down);
    }
    for (unsigned i = 0; i < STATUS_CLASSES; i++)
        sum->total += sum->requests[i];
}

void board_connections(const struct board *board, struct connection_sum *sum)
{
    *sum = (struct connection_sum){ 0 };
    for (unsigned i = 0; i < lanes_used(board); i++) {
        const struct lane *lane = &board->lane[i];
        uint64_t active = count_read(&lane->active), reading = count_read(&lane->reading);
        uint64_t waiting = count_read(&lane->waiting);
        sum->accepted += count_read(&lane->accepted);
        sum->handled += count_read(&lane->handled);
        sum->requests += count_read(&lane->requests);
        sum->upgraded += count_read(&lane->upgraded);
        sum->tunnels += count_read(&lane->tunnels);
        sum->active += active;
        sum->reading += reading;
        sum->waiting += waiting;
        /* Read while they are written, the three may not fit together for a moment. */
        sum->writing += active > reading + waiting ? active - reading - waiting : 0;
    }
}

void board_lag(const struct board *board, uint64_t counts[HISTOGRAM_BUCKETS])
{
    memset(counts, 0, HISTOGRAM_BUCKETS * sizeof *counts);
    for (unsigned i = 0; i < lanes_used(board); i++)
        add_counts(counts, board->lane[i].lag, HISTOGRAM_BUCKETS);
}
