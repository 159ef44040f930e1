#include "common/clock.h"

#include "common/date.h"

#include <stdarg.h>
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

static void set_text(struct clock_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void set_text(struct clock_text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int len = vsnprintf(text->text, sizeof text->text, format, arguments);
    va_end(arguments);
    text->len = len > 0 && (size_t)len < sizeof text->text ? (size_t)len : 0;
}

/* Hours and minutes east of Greenwich, or west. */
struct zone {
    char sign;
    int hours, minutes;
};

static struct zone zone_of(const struct tm *tm)
{
    int minutes = (int)(tm->tm_gmtoff / 60), distance = minutes < 0 ? -minutes : minutes;

    return (struct zone){ tm->tm_gmtoff < 0 ? '-' : '+', distance / 60, distance % 60 };
}

struct slice clock_log_time(struct clock *clock)
{
    struct clock_text *text = &clock->log_time;

    if (!is_current(text, clock->wall)) {
        struct tm tm = local_time(clock->wall);
        set_text(text, "%04d/%02d/%02d %02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    }
    return made(text);
}

struct slice clock_local_time(struct clock *clock)
{
    struct clock_text *text = &clock->local_time;

    if (!is_current(text, clock->wall)) {
        struct tm tm = local_time(clock->wall);
        struct zone zone = zone_of(&tm);
        set_text(text, "%02d/%s/%04d:%02d:%02d:%02d %c%02d%02d", tm.tm_mday,
                 date_month_names[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 zone.sign, zone.hours, zone.minutes);
    }
    return made(text);
}

struct slice clock_iso8601(struct clock *clock)
{
    struct clock_text *text = &clock->iso8601;

    if (!is_current(text, clock->wall)) {
        struct tm tm = local_time(clock->wall);
        struct zone zone = zone_of(&tm);
        set_text(text, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, zone.sign, zone.hours, zone.minutes);
    }
    return made(text);
}
