#include "common/date.h"

#include "tests/unit/unit.h"

#include <stdio.h>

static const time_t YEAR_0 = -62167219200, YEAR_9999 = 253402300799;

/* Numbers that are the same in every run. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 16;
}

static time_t random_time(uint64_t *state, time_t from, time_t to)
{
    return from + (time_t)(next_random(state) % (uint64_t)(to - from + 1));
}

/* The three forms as the C library makes them; the locale is "C". */
static void write_form(char *text, size_t size, const char *format, time_t when)
{
    struct tm tm;

    gmtime_r(&when, &tm);
    ck_assert_uint_gt(strftime(text, size, format, &tm), 0);
}

START_TEST(format_agrees_with_the_library)
{
    uint64_t state = 1;

    for (int i = 0; i < 20000; i++) {
        time_t when = random_time(&state, -30610224000 /* year 1000 */, YEAR_9999);
        char expected[64], text[HTTP_DATE_LEN];
        write_form(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", when);
        date_format(text, when);
        ck_assert_int_eq(memcmp(text, expected, HTTP_DATE_LEN), 0);
    }
}
END_TEST

START_TEST(format_clamps)
{
    static const struct {
        time_t when;
        const char *text;
    } rows[] = {
        { 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
        { -1, "Wed, 31 Dec 1969 23:59:59 GMT" },
        { 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
        { YEAR_0, "Sat, 01 Jan 0000 00:00:00 GMT" },
        { YEAR_0 - 1, "Sat, 01 Jan 0000 00:00:00 GMT" },
        { INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT" },
        { YEAR_9999, "Fri, 31 Dec 9999 23:59:59 GMT" },
        { YEAR_9999 + 1, "Fri, 31 Dec 9999 23:59:59 GMT" },
        { INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[HTTP_DATE_LEN];
        date_format(text, rows[i].when);
        ck_assert(slice_is(slice_make(text, sizeof text), rows[i].text));
    }
}
END_TEST

START_TEST(parse_takes_what_format_writes)
{
    uint64_t state = 2;

    for (int i = 0; i < 20000; i++) {
        time_t when = random_time(&state, 0, YEAR_9999);
        char text[HTTP_DATE_LEN];
        date_format(text, when);
        ck_assert_int_eq(date_parse(slice_make(text, sizeof text)), when);
    }
}
END_TEST

START_TEST(asctime_form)
{
    uint64_t state = 3;

    for (int i = 0; i < 10000; i++) {
        time_t when = random_time(&state, 0, YEAR_9999);
        char text[64];
        write_form(text, sizeof text, "%a %b %e %H:%M:%S %Y", when);
        ck_assert_int_eq(date_parse(slice_of(text)), when);
    }
}
END_TEST

/* Two digits of a year are within 50 years of now (RFC 9110 5.6.7). */
START_TEST(rfc850_form)
{
    time_t now = time(NULL), year = 31556952;
    uint64_t state = 4;

    for (int i = 0; i < 10000; i++) {
        time_t when = random_time(&state, now - 49 * year, now + 49 * year);
        char text[64];
        write_form(text, sizeof text, "%A, %d-%b-%y %H:%M:%S GMT", when);
        ck_assert_int_eq(date_parse(slice_of(text)), when < 0 ? -1 : when);
    }
}
END_TEST

START_TEST(rfc850_dates_far_ahead_are_past)
{
    time_t now = time(NULL), year = 31556952;
    char text[64];
    struct tm tm;

    write_form(text, sizeof text, "%A, %d-%b-%y %H:%M:%S GMT", now + 51 * year);
    time_t when = date_parse(slice_of(text));
    ck_assert_int_lt(when, now);
    if (when < 0) /* before 1970: no date of ours */
        return;
    gmtime_r(&when, &tm);
    char two[8];
    snprintf(two, sizeof two, "-%02d ", tm.tm_year % 100);
    ck_assert_ptr_nonnull(strstr(text, two));
}
END_TEST

START_TEST(the_forms_of_the_rfc)
{
    static const char *const forms[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        ck_assert_int_eq(date_parse(slice_of(forms[i])), 784111777);
}
END_TEST

START_TEST(leap_seconds_end_days)
{
    ck_assert_int_eq(date_parse(SLICE("Sat, 31 Dec 2016 23:59:60 GMT")), 1483228800);
    ck_assert_int_eq(date_parse(SLICE("Sat, 31 Dec 2016 22:59:60 GMT")), -1);
    ck_assert_int_eq(date_parse(SLICE("Sat, 31 Dec 2016 23:59:61 GMT")), -1);
}
END_TEST

START_TEST(what_is_no_date_is_refused)
{
    static const char *const texts[] = {
        "",
        "0",
        "Sun",
        "Sun, ",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GM",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun,06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 2000 08:49:37 GMT",
        "Sun, 30 Feb 2000 08:49:37 GMT",
        "Sun, 29 Feb 2001 08:49:37 GMT",
        "Sun, 29 Feb 2100 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:-7 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Nov   6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(date_parse(slice_of(texts[i])) == -1, "\"%s\"", texts[i]);
}
END_TEST

START_TEST(leap_days_of_the_calendar)
{
    for (int year = 1970; year <= 9999; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        char text[64];
        snprintf(text, sizeof text, "Sun, 29 Feb %04d 00:00:00 GMT", year);
        ck_assert_int_eq(date_parse(slice_of(text)) != -1, leap);
    }
}
END_TEST

/* Every byte of a date replaced by every other: a date or -1, never more. */
START_TEST(changed_bytes)
{
    static const char *const forms[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
                                         "Sunday, 06-Nov-94 08:49:37 GMT",
                                         "Sun Nov  6 08:49:37 1994" };

    for (size_t form = 0; form < 3; form++)
        for (size_t at = 0; at < strlen(forms[form]); at++)
            for (int c = 0; c < 256; c++) {
                char text[40];
                size_t len = strlen(forms[form]);
                memcpy(text, forms[form], len);
                text[at] = (char)c;
                time_t when = date_parse(slice_make(text, len));
                ck_assert(when >= -1 && when <= YEAR_9999);
                ck_assert(date_parse(slice_make(forms[form], at)) == -1);
            }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        format_agrees_with_the_library,
        format_clamps,
        parse_takes_what_format_writes,
        asctime_form,
        rfc850_form,
        rfc850_dates_far_ahead_are_past,
        the_forms_of_the_rfc,
        leap_seconds_end_days,
        what_is_no_date_is_refused,
        leap_days_of_the_calendar,
        changed_bytes,
        NULL,
    };

    return unit_main(unit_suite("date", tests));
}
