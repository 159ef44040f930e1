#include "worker/event/timer.h"

#include "tests/unit/unit.h"

enum { COUNT = 500 };

/* A timer that notes when it fired. */
struct note {
    struct timer timer;
    unsigned fired;
};

static void note_fire(struct timer *timer)
{
    struct note *note = (struct note *)timer;

    ck_assert(!timer_armed(timer));
    note->fired++;
}

static struct note note_new(void)
{
    return (struct note){ .timer = { .fire = note_fire } };
}

START_TEST(none_is_armed)
{
    struct timers timers;

    timers_init(&timers, 1000);
    ck_assert(timers_next(&timers) == UINT64_MAX);
    timers_run(&timers, 5000);
    ck_assert(timers_next(&timers) == UINT64_MAX);
}
END_TEST

START_TEST(fires_once_when_due)
{
    struct timers timers;
    struct note note = note_new();

    timers_init(&timers, 1000);
    timer_arm(&timers, &note.timer, 1500);
    ck_assert(timer_armed(&note.timer));
    ck_assert_uint_le(timers_next(&timers), 1500);
    timers_run(&timers, 1499);
    ck_assert_uint_eq(note.fired, 0);
    timers_run(&timers, 1500);
    ck_assert_uint_eq(note.fired, 1);
    ck_assert(timers_next(&timers) == UINT64_MAX);
    timers_run(&timers, 100000);
    ck_assert_uint_eq(note.fired, 1);
}
END_TEST

START_TEST(the_past_fires_in_the_next_run)
{
    struct timers timers;
    struct note past = note_new(), now = note_new();

    timers_init(&timers, 1000);
    timer_arm(&timers, &past.timer, 1);
    timer_arm(&timers, &now.timer, 1000);
    ck_assert_uint_le(timers_next(&timers), 1000);
    timers_run(&timers, 1000);
    ck_assert_uint_eq(past.fired, 1);
    ck_assert_uint_eq(now.fired, 1);
}
END_TEST

START_TEST(disarmed_never_fires)
{
    struct timers timers;
    struct note note = note_new();

    timers_init(&timers, 0);
    timer_disarm(&timers, &note.timer);
    timer_arm(&timers, &note.timer, 10);
    timer_disarm(&timers, &note.timer);
    timer_disarm(&timers, &note.timer);
    ck_assert(!timer_armed(&note.timer));
    ck_assert(timers_next(&timers) == UINT64_MAX);
    timers_run(&timers, 1000);
    ck_assert_uint_eq(note.fired, 0);
}
END_TEST

START_TEST(deadlines_move)
{
    struct timers timers;
    struct note later = note_new(), earlier = note_new();

    timers_init(&timers, 0);
    timer_arm(&timers, &later.timer, 10);
    timer_arm(&timers, &later.timer, 5000);
    timer_arm(&timers, &earlier.timer, 5000);
    timer_arm(&timers, &earlier.timer, 10);
    timers_run(&timers, 4999);
    ck_assert_uint_eq(later.fired, 0);
    ck_assert_uint_eq(earlier.fired, 1);
    timers_run(&timers, 5000);
    ck_assert_uint_eq(later.fired, 1);
    ck_assert_uint_eq(earlier.fired, 1);
}
END_TEST

START_TEST(a_clock_that_goes_back_is_ignored)
{
    struct timers timers;
    struct note note = note_new();

    timers_init(&timers, 1000);
    timer_arm(&timers, &note.timer, 1010);
    timers_run(&timers, 10);
    ck_assert_uint_eq(note.fired, 0);
    timers_run(&timers, 1010);
    ck_assert_uint_eq(note.fired, 1);
}
END_TEST

START_TEST(a_deadline_without_end)
{
    struct timers timers;
    struct note note = note_new();

    timers_init(&timers, 123456);
    timer_arm(&timers, &note.timer, UINT64_MAX);
    for (uint64_t now = 123456; now < UINT64_C(1) << 41; now = now * 2) {
        timers_run(&timers, now);
        ck_assert(timers_next(&timers) > now);
    }
    ck_assert_uint_eq(note.fired, 0);
    timer_disarm(&timers, &note.timer);
    ck_assert(timers_next(&timers) == UINT64_MAX);
}
END_TEST

/* ---- what a timer does to others ---- */

static struct timers shared;
static struct note victims[3];
static struct note again;

static void disarm_victims(struct timer *timer)
{
    note_fire(timer);
    for (int i = 0; i < 3; i++)
        timer_disarm(&shared, &victims[i].timer);
}

static void fire_victim(struct timer *timer)
{
    note_fire(timer);
    for (int i = 0; i < 3; i++)
        if (&victims[i].timer != timer)
            timer_disarm(&shared, &victims[i].timer);
}

START_TEST(of_those_due_together_one_may_disarm_the_rest)
{
    timers_init(&shared, 0);
    for (int i = 0; i < 3; i++) {
        victims[i] = note_new();
        victims[i].timer.fire = fire_victim;
        timer_arm(&shared, &victims[i].timer, 7);
    }
    timers_run(&shared, 7);
    ck_assert_uint_eq(victims[0].fired + victims[1].fired + victims[2].fired, 1);
    ck_assert(timers_next(&shared) == UINT64_MAX);
}
END_TEST

START_TEST(a_timer_may_disarm_what_is_armed_elsewhere)
{
    struct note killer = note_new();

    killer.timer.fire = disarm_victims;
    timers_init(&shared, 0);
    for (int i = 0; i < 3; i++) {
        victims[i] = note_new();
        timer_arm(&shared, &victims[i].timer, 100U << i * 8);
    }
    timer_arm(&shared, &killer.timer, 50);
    timers_run(&shared, 1 << 30);
    /* All were due by then: who came first is not promised, but nobody twice. */
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_le(victims[i].fired, 1);
        ck_assert(!timer_armed(&victims[i].timer));
    }
    ck_assert_uint_eq(killer.fired, 1);
}
END_TEST

static void postpone_victims(struct timer *timer)
{
    note_fire(timer);
    for (int i = 0; i < 3; i++)
        timer_arm(&shared, &victims[i].timer, 1000);
}

START_TEST(a_timer_may_postpone_what_is_due_with_it)
{
    struct note killer = note_new();
    unsigned before = 0, after = 0;

    killer.timer.fire = postpone_victims;
    timers_init(&shared, 0);
    for (int i = 0; i < 3; i++) {
        victims[i] = note_new();
        timer_arm(&shared, &victims[i].timer, 7);
    }
    timer_arm(&shared, &killer.timer, 7);
    timers_run(&shared, 7);
    for (int i = 0; i < 3; i++)
        before += victims[i].fired;
    timers_run(&shared, 999);
    timers_run(&shared, 1000);
    for (int i = 0; i < 3; i++)
        after += victims[i].fired;
    /* Whoever came first: each was armed anew, and fired once more. */
    ck_assert_uint_eq(after - before, 3);
}
END_TEST

static void arm_again(struct timer *timer)
{
    note_fire(timer);
    timer_arm(&shared, timer, 0);
}

START_TEST(armed_anew_for_now_waits_for_the_next_run)
{
    again = note_new();
    again.timer.fire = arm_again;
    timers_init(&shared, 10);
    timer_arm(&shared, &again.timer, 20);
    timers_run(&shared, 20);
    ck_assert_uint_eq(again.fired, 1);
    ck_assert_uint_le(timers_next(&shared), 20);
    timers_run(&shared, 20);
    ck_assert_uint_eq(again.fired, 2);
    timers_run(&shared, 50);
    ck_assert_uint_eq(again.fired, 3);
}
END_TEST

/* ---- against a plain list ---- */

static uint64_t random_state;

static uint64_t next_random(uint64_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 20) % below;
}

static uint64_t random_delay(void)
{
    return next_random(UINT64_C(1) << next_random(36));
}

/* The timer is as the model has it: armed for expected[i], or not: UINT64_MAX. A
 * check of libcheck's that passes costs a system call: these are too many. */
static void check_timer(struct note *note, uint64_t *expected, uint64_t now)
{
    bool due = *expected <= now;

    if (note->fired != due)
        ck_abort_msg("fired %u times", note->fired);
    note->fired = 0;
    if (due)
        *expected = UINT64_MAX;
    if (timer_armed(&note->timer) != (*expected != UINT64_MAX))
        ck_abort_msg("armed, or not, unlike the model");
}

static void check_run(struct timers *timers, struct note *notes, uint64_t *expected, uint64_t now)
{
    timers_run(timers, now);
    for (int i = 0; i < COUNT; i++)
        check_timer(&notes[i], &expected[i], now);
}

static void check_next(const struct timers *timers, const uint64_t *expected)
{
    uint64_t earliest = UINT64_MAX;

    for (int i = 0; i < COUNT; i++)
        if (expected[i] < earliest)
            earliest = expected[i];
    ck_assert(timers_next(timers) <= earliest);
    ck_assert((timers_next(timers) == UINT64_MAX) == (earliest == UINT64_MAX));
}

START_TEST(agrees_with_a_plain_list)
{
    static struct note notes[COUNT];
    static uint64_t expected[COUNT];
    struct timers timers;

    random_state = (uint64_t)_i + 1;
    uint64_t now = next_random(UINT64_C(1) << 40);
    timers_init(&timers, now);
    for (int i = 0; i < COUNT; i++) {
        notes[i] = note_new();
        expected[i] = UINT64_MAX;
    }
    for (int turn = 0; turn < 2000; turn++) {
        for (uint64_t changes = next_random(8); changes > 0; changes--) {
            uint64_t i = next_random(COUNT);
            if (next_random(4) == 0) {
                timer_disarm(&timers, &notes[i].timer);
                expected[i] = UINT64_MAX;
            } else {
                expected[i] = now + random_delay();
                timer_arm(&timers, &notes[i].timer, expected[i]);
            }
        }
        check_next(&timers, expected);
        uint64_t next = timers_next(&timers);
        now = next_random(3) == 0 && next != UINT64_MAX ? next : now + random_delay() / 16;
        check_run(&timers, notes, expected, now);
    }
}
END_TEST

/* Going from one timers_next to the next, each fires at its very millisecond. */
START_TEST(nothing_fires_late)
{
    static struct note notes[COUNT];
    uint64_t now = 77;
    struct timers timers;

    random_state = 9;
    timers_init(&timers, now);
    for (int i = 0; i < COUNT; i++) {
        notes[i] = note_new();
        timer_arm(&timers, &notes[i].timer, now + random_delay());
    }
    while (timers_next(&timers) != UINT64_MAX) {
        ck_assert(timers_next(&timers) >= now);
        now = timers_next(&timers);
        timers_run(&timers, now);
        for (int i = 0; i < COUNT; i++) {
            if (notes[i].fired > 1 || (notes[i].fired == 1 && notes[i].timer.due != now))
                ck_abort_msg("fired %u times, late", notes[i].fired);
            notes[i].fired = 0;
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        none_is_armed,
        fires_once_when_due,
        the_past_fires_in_the_next_run,
        disarmed_never_fires,
        deadlines_move,
        a_clock_that_goes_back_is_ignored,
        a_deadline_without_end,
        of_those_due_together_one_may_disarm_the_rest,
        a_timer_may_disarm_what_is_armed_elsewhere,
        a_timer_may_postpone_what_is_due_with_it,
        armed_anew_for_now_waits_for_the_next_run,
        nothing_fires_late,
    };
    Suite *suite = suite_create("timer");
    TCase *all = tcase_create("all");

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(all, tests[i]);
    tcase_add_loop_test(all, agrees_with_a_plain_list, 0, 10);
    tcase_set_timeout(all, 60);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
