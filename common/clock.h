/* clock.h: the time, read once a turn of the loop.
 *
 * Monotonic milliseconds drive deadlines; wall time is for people. Texts of the
 * wall time are made at most once a second, when they are asked for. A wall
 * clock that jumps does no harm. */
#ifndef MUXD_COMMON_CLOCK_H
#define MUXD_COMMON_CLOCK_H

#include "common/slice.h"

#include <time.h>

enum { CLOCK_TEXT_MAX = 40 };

struct clock_text {
    time_t second; /* that the text is of */
    size_t len;    /* 0: not made yet */
    char text[CLOCK_TEXT_MAX];
};

struct clock {
    uint64_t now;          /* monotonic milliseconds */
    uint64_t nanoseconds;  /* the same, finer */
    time_t wall;           /* seconds since 1970 */
    unsigned milliseconds; /* of the wall time, 0 to 999 */
    uint64_t compared;     /* when the wall clock was last read, monotonic nanoseconds */
    uint64_t ahead;        /* of the monotonic clock it was then, nanoseconds */
    struct clock_text http_date, log_time, local_time, iso8601;
};

/* Reads the monotonic clock, and from time to time the wall clock, which goes on with it in
 * between: one that is set is noticed within a hundredth of a second. Zero-initialise before
 * the first time. */
void clock_update(struct clock *);

/* "Tue, 24 Nov 2026 14:20:33 GMT" */
struct slice clock_http_date(struct clock *);
/* "2026/11/24 14:20:33", local time: the error log's. */
struct slice clock_log_time(struct clock *);
/* "24/Nov/2026:14:20:33 +0000": $time_local. */
struct slice clock_local_time(struct clock *);
/* "2026-11-24T14:20:33+00:00": $time_iso8601. */
struct slice clock_iso8601(struct clock *);

/* Monotonic milliseconds, read now; and nanoseconds. */
uint64_t clock_monotonic(void);
uint64_t clock_nanoseconds(void);

#endif
