/* timer.h: deadlines of one worker, in milliseconds of the monotonic clock.
 *
 * A timer is embedded in what it watches; arming allocates nothing. Arming,
 * moving and disarming are O(1): a hierarchical wheel. A deadline that is
 * moved later without being disarmed is noticed when the old one falls due. */
#ifndef MUXD_WORKER_EVENT_TIMER_H
#define MUXD_WORKER_EVENT_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIMER_LEVELS = 7, TIMER_SLOT_BITS = 6, TIMER_SLOTS = 1 << TIMER_SLOT_BITS };

struct timer {
    struct timer *next, **link; /* in its slot's list; link is NULL when not armed */
    uint64_t due;
    void (*fire)(struct timer *);
};

struct timers {
    uint64_t now;                    /* the turn that timers_run has reached */
    uint64_t occupied[TIMER_LEVELS]; /* bit set: the slot's list is not empty */
    struct timer *slots[TIMER_LEVELS][TIMER_SLOTS];
};

/* Starts with no timer armed. */
void timers_init(struct timers *, uint64_t now);

/* Arms (or moves) the timer to fire at `due`; a due time in the past fires in
 * the next timers_run. timer->fire must be set; zero-initialise the rest. */
void timer_arm(struct timers *, struct timer *, uint64_t due);

/* Disarms; nothing when it is not armed. */
void timer_disarm(struct timers *, struct timer *);

/* The timer is armed. */
static inline bool timer_armed(const struct timer *timer)
{
    return timer->link != NULL;
}

/* The time by which timers_run must be called again: never later than the
 * earliest deadline, maybe earlier. UINT64_MAX when no timer is armed. */
uint64_t timers_next(const struct timers *);

/* Fires, disarmed, each timer that is due by `now`, in no promised order within
 * a millisecond. A timer may arm or disarm any timer, itself included; one
 * armed for `now` or earlier while this runs fires in the next run. A clock
 * that went backwards is ignored. */
void timers_run(struct timers *, uint64_t now);

#endif
