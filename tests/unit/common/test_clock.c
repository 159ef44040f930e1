#include "common/clock.h"

#include "tests/unit/unit.h"

/* A clock that stands at this wall time. */
static struct clock clock_at(time_t wall)
{
    return (struct clock){ .wall = wall };
}

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

START_TEST(update_reads_both_clocks)
{
    struct clock clock = { 0 };
    uint64_t before = clock_monotonic();
    time_t wall_before = time(NULL);

    clock_update(&clock);
    ck_assert_uint_ge(clock.now, before);
    ck_assert_uint_le(clock.now, clock_monotonic());
    /* time(2) reads a coarser clock, which may be behind the fine one. */
    ck_assert_int_ge(clock.wall, wall_before);
    ck_assert_int_le(clock.wall, time(NULL) + 1);
    ck_assert_uint_lt(clock.milliseconds, 1000);
}
END_TEST

/* Between two looks at the wall clock it goes on with the monotonic one. */
START_TEST(wall_time_follows_the_wall_clock)
{
    struct clock clock = { 0 };
    struct timespec before, after;

    for (unsigned i = 0; i < 1000; i++) {
        clock_gettime(CLOCK_REALTIME, &before);
        clock_update(&clock);
        clock_gettime(CLOCK_REALTIME, &after);
        long long wall = (long long)clock.wall * 1000 + clock.milliseconds;
        ck_assert_int_ge(wall, before.tv_sec * 1000LL + before.tv_nsec / 1000000 - 1);
        ck_assert_int_le(wall, after.tv_sec * 1000LL + after.tv_nsec / 1000000 + 1);
    }
    clock.ahead = 0; /* the wall clock was set, and the change is due to be seen */
    clock.compared = 1;
    clock_update(&clock);
    ck_assert_int_ge(clock.wall, before.tv_sec);
}
END_TEST

START_TEST(http_date_is_utc)
{
    struct clock clock = clock_at(784111777);

    set_zone("XYZ-5:30");
    ck_assert(slice_is(clock_http_date(&clock), "Sun, 06 Nov 1994 08:49:37 GMT"));
}
END_TEST

START_TEST(local_texts_follow_the_zone)
{
    static const struct {
        const char *zone, *log_time, *local_time, *iso8601;
    } rows[] = {
        { "UTC0", "2026/11/24 14:20:33", "24/Nov/2026:14:20:33 +0000",
          "2026-11-24T14:20:33+00:00" },
        { "XYZ-5:30", "2026/11/24 19:50:33", "24/Nov/2026:19:50:33 +0530",
          "2026-11-24T19:50:33+05:30" },
        { "XYZ3:30", "2026/11/24 10:50:33", "24/Nov/2026:10:50:33 -0330",
          "2026-11-24T10:50:33-03:30" },
        { "XYZ-14", "2026/11/25 04:20:33", "25/Nov/2026:04:20:33 +1400",
          "2026-11-25T04:20:33+14:00" },
        { "XYZ0:30", "2026/11/24 13:50:33", "24/Nov/2026:13:50:33 -0030",
          "2026-11-24T13:50:33-00:30" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct clock clock = clock_at(1795530033);
        set_zone(rows[i].zone);
        ck_assert(slice_is(clock_log_time(&clock), rows[i].log_time));
        ck_assert(slice_is(clock_local_time(&clock), rows[i].local_time));
        ck_assert(slice_is(clock_iso8601(&clock), rows[i].iso8601));
    }
}
END_TEST

/* Made once a second: what was written over the text is still there within it. */
START_TEST(texts_are_made_once_a_second)
{
    struct clock clock = clock_at(784111777);
    struct slice (*const texts[])(struct clock *) = { clock_http_date, clock_log_time,
                                                      clock_local_time, clock_iso8601 };
    struct clock_text *const kept[] = { &clock.http_date, &clock.log_time, &clock.local_time,
                                        &clock.iso8601 };

    set_zone("UTC0");
    for (int i = 0; i < 4; i++) {
        clock.wall = 784111777;
        texts[i](&clock);
        kept[i]->text[0] = '!';
        ck_assert_int_eq(*texts[i](&clock).at, '!');
        clock.wall--; /* the wall clock was set back */
        ck_assert_int_ne(*texts[i](&clock).at, '!');
    }
    clock.wall = 784111778;
    ck_assert(slice_is(clock_http_date(&clock), "Sun, 06 Nov 1994 08:49:38 GMT"));
    ck_assert(slice_is(clock_iso8601(&clock), "1994-11-06T08:49:38+00:00"));
}
END_TEST

START_TEST(strange_wall_times_do_no_harm)
{
    static const time_t times[] = { 0,         -1,       -62167219200, 253402300799, 253402300800,
                                    INT64_MAX, INT64_MIN };

    set_zone("XYZ-23:59:59");
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct clock clock = clock_at(times[i]);
        ck_assert_uint_eq(clock_http_date(&clock).len, 29);
        ck_assert_uint_le(clock_log_time(&clock).len, CLOCK_TEXT_MAX);
        ck_assert_uint_le(clock_local_time(&clock).len, CLOCK_TEXT_MAX);
        ck_assert_uint_lt(clock_iso8601(&clock).len, CLOCK_TEXT_MAX);
        ck_assert_uint_gt(clock_iso8601(&clock).len, 0);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        update_reads_both_clocks,
        wall_time_follows_the_wall_clock,
        http_date_is_utc,
        local_texts_follow_the_zone,
        texts_are_made_once_a_second,
        strange_wall_times_do_no_harm,
        NULL,
    };

    return unit_main(unit_suite("clock", tests));
}
