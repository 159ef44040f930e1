#include "common/clock.h"

#include "common/date.h"

#include <stdio.h>

/* Nanoseconds. */
enum { MILLISECOND = 1000000, SECOND = 1000000000, COMPARE_EVERY = 10 * MILLISECOND };

uint64_t clock_nanoseconds(void)
{
    struct timespec now;

    /* Cannot fail: the clock exists and the pointer is good. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

uint64_t clock_monotonic(void)
{
    return clock_nanoseconds() / MILLISECOND;
}

/* How far the wall clock is ahead of the monotonic one changes when somebody sets it, and
 * hardly otherwise. */
static void compare_clocks(struct clock *clock)
{
    struct timespec wall;

    clock_gettime(CLOCK_REALTIME, &wall);
    clock->ahead = (uint64_t)wall.tv_sec * SECOND + (uint64_t)wall.tv_nsec - clock->nanoseconds;
    clock->compared = clock->nanoseconds;
}

void clock_update(struct clock *clock)
{
    clock->nanoseconds = clock_nanoseconds();
    clock->now = clock->nanoseconds / MILLISECOND;
    if (clock->compared == 0 || clock->nanoseconds - clock->compared >= COMPARE_EVERY)
        compare_clocks(clock);
    uint64_t wall = clock->nanoseconds + clock->ahead;
    clock->wall = (time_t)(wall / SECOND);
    clock->milliseconds = (unsigned)(wall % SECOND / MILLISECOND);
}

static struct slice made(const struct clock_text *text)
{
    return slice_make(text->text, text->len);
}

/* The text is of this second already; if not, it is claimed for it. */
static bool is_current(struct clock_text *text, time_t second)
{
    if (text->len > 0 && text->second == second)
        return true;
    text->second = second;
    return false;
}

struct slice clock_http_date(struct clock *clock)
{
    struct clock_text *text = &clock->http_date;

    if (!is_current(text, clock->wall)) {
        date_format(text->text, clock->wall);
        text->len = HTTP_DATE_LEN;
    }
    return made(text);
}

/* Local time as the zone of the process has it; UTC's epoch when the year does
 * not fit into a struct tm. */
static struct tm local_time(time_t when)
{
    struct tm tm;
    time_t epoch = 0;

    if (localtime_r(&when, &tm) == NULL)
        gmtime_r(&epoch, &tm);
    return tm;
}

/* What strftime(3) makes of the local time; the program's locale stays "C". */
static struct slice local_text(struct clock_text *text, time_t when, const char *format)
{
    if (!is_current(text, when)) {
        struct tm tm = local_time(when);
        text->len = strftime(text->text, sizeof text->text, format, &tm);
    }
    return made(text);
}

struct slice clock_log_time(struct clock *clock)
{
    return local_text(&clock->log_time, clock->wall, "%Y/%m/%d %H:%M:%S");
}

struct slice clock_local_time(struct clock *clock)
{
    return local_text(&clock->local_time, clock->wall, "%d/%b/%Y:%H:%M:%S %z");
}

struct slice clock_iso8601(struct clock *clock)
{
    struct clock_text *text = &clock->iso8601;

    if (!is_current(text, clock->wall)) {
        struct tm tm = local_time(clock->wall);
        char zone = tm.tm_gmtoff < 0 ? '-' : '+';
        long minutes = (tm.tm_gmtoff < 0 ? -tm.tm_gmtoff : tm.tm_gmtoff) / 60;
        size_t len = strftime(text->text, sizeof text->text, "%Y-%m-%dT%H:%M:%S", &tm);
        int tail = snprintf(text->text + len, sizeof text->text - len, "%c%02ld:%02ld", zone,
                            minutes / 60, minutes % 60);
        text->len = len + (size_t)(tail > 0 ? tail : 0);
    }
    return made(text);
}
