#include "worker/event/timer.h"

#include <string.h>

/* Level l's slots are 2^(6 l) milliseconds wide: level 0 holds what is due within
 * 64 ms, level 6 what is due within a century. */

enum { FURTHEST_BITS = 40 }; /* no deadline is put further away than this (34 years) */

void timers_init(struct timers *timers, uint64_t now)
{
    memset(timers, 0, sizeof *timers);
    timers->now = now;
}

/* The list that a deadline belongs in, seen from timers->now. The level is that
 * of the highest bit in which the two times differ: all slots of a level that
 * are in use lie ahead of the current one in the same turn of the level. */
static struct timer **slot_of(struct timers *timers, uint64_t due, unsigned *level, unsigned *slot)
{
    uint64_t difference = due ^ timers->now;
    unsigned highest = difference == 0 ? 0 : 63U - (unsigned)__builtin_clzll(difference);

    *level = highest / TIMER_SLOT_BITS;
    *slot = (unsigned)(due >> (*level * TIMER_SLOT_BITS)) & (TIMER_SLOTS - 1);
    return &timers->slots[*level][*slot];
}

static void insert(struct timers *timers, struct timer *timer)
{
    unsigned level, slot;
    uint64_t due = timer->due > timers->now ? timer->due : timers->now;
    if ((due - timers->now) >> FURTHEST_BITS != 0)
        due = timers->now + (UINT64_C(1) << FURTHEST_BITS);
    struct timer **list = slot_of(timers, due, &level, &slot);

    timer->next = *list;
    if (*list != NULL)
        (*list)->link = &timer->next;
    timer->link = list;
    *list = timer;
    timers->occupied[level] |= UINT64_C(1) << slot;
}

void timer_arm(struct timers *timers, struct timer *timer, uint64_t due)
{
    if (timer->link != NULL) {
        if (due >= timer->due) { /* noticed when the old deadline comes */
            timer->due = due;
            return;
        }
        timer_disarm(timers, timer);
    }
    timer->due = due;
    insert(timers, timer);
}

void timer_disarm(struct timers *timers, struct timer *timer)
{
    struct timer **list = timer->link;

    if (list == NULL)
        return;
    *list = timer->next;
    if (timer->next != NULL)
        timer->next->link = list;
    timer->link = NULL;
    timer->next = NULL;
    if (*list != NULL)
        return;
    /* The list may be empty now: its bit is found by its place in the table. */
    struct timer **first = &timers->slots[0][0];
    if (list >= first && list < first + TIMER_LEVELS * TIMER_SLOTS) {
        size_t index = (size_t)(list - first);
        timers->occupied[index / TIMER_SLOTS] &= ~(UINT64_C(1) << index % TIMER_SLOTS);
    }
}

/* When the first slot in use of a level begins. */
static uint64_t level_next(const struct timers *timers, unsigned level)
{
    unsigned shift = level * TIMER_SLOT_BITS;
    uint64_t slot = (uint64_t)__builtin_ctzll(timers->occupied[level]);
    uint64_t turn = timers->now >> shift >> TIMER_SLOT_BITS;

    return ((turn << TIMER_SLOT_BITS) | slot) << shift;
}

uint64_t timers_next(const struct timers *timers)
{
    for (unsigned level = 0; level < TIMER_LEVELS; level++)
        if (timers->occupied[level] != 0)
            return level_next(timers, level);
    return UINT64_MAX;
}

/* Takes the first slot in use; its timers are moved to `expired` or, when they
 * are due later, sorted in again. */
static void empty_slot(struct timers *timers, uint64_t begins, uint64_t now, struct timer **expired)
{
    unsigned level = 0;

    while (timers->occupied[level] == 0)
        level++;
    unsigned slot = (unsigned)__builtin_ctzll(timers->occupied[level]);
    struct timer *timer = timers->slots[level][slot];
    timers->slots[level][slot] = NULL;
    timers->occupied[level] &= ~(UINT64_C(1) << slot);
    if (begins > timers->now)
        timers->now = begins;
    while (timer != NULL) {
        struct timer *next = timer->next;
        if (timer->due > now) {
            insert(timers, timer);
        } else {
            timer->next = *expired;
            if (*expired != NULL)
                (*expired)->link = &timer->next;
            timer->link = expired;
            *expired = timer;
        }
        timer = next;
    }
}

void timers_run(struct timers *timers, uint64_t now)
{
    struct timer *expired = NULL;

    if (now < timers->now)
        return;
    for (uint64_t next; (next = timers_next(timers)) <= now;)
        empty_slot(timers, next, now, &expired);
    timers->now = now;
    /* What fires may disarm or move what is still in the list: it stays linked. */
    while (expired != NULL) {
        struct timer *timer = expired;
        timer_disarm(timers, timer);
        if (timer->due > now)
            insert(timers, timer);
        else
            timer->fire(timer);
    }
}
