#include "common/date.h"

enum {
    DAY_SECONDS = 86400,
    THURSDAY = 4,          /* 1970-01-01 was one */
    WEEKS_BEFORE = 102790, /* before 1970, from some week before year 0 */
};

static const time_t YEAR_0 = -62167219200;     /* 0000-01-01 00:00:00 */
static const time_t YEAR_9999 = 253402300799;  /* 9999-12-31 23:59:59 */
static const time_t HALF_CENTURY = 1577847600; /* 50 mean years, in seconds */

static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char *const long_day_names[7] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                               "Thursday", "Friday", "Saturday" };
const char date_month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

struct date {
    int64_t year;
    unsigned month; /* 1 to 12 */
    unsigned day;   /* 1 to 31 */
    unsigned hour, minute, second;
};

/* Days from 1970-01-01 in the proleptic Gregorian calendar. Years are taken to
 * begin in March, so that the leap day is the last; an era is 400 of them. */
static int64_t days_of(const struct date *date)
{
    int64_t year = date->month <= 2 ? date->year - 1 : date->year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t month = (date->month + 9) % 12;
    int64_t of_year = (153 * month + 2) / 5 + date->day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The reverse of days_of, for days from year 0 on. */
static void set_day(struct date *date, int64_t days)
{
    int64_t since = days + 719468;
    int64_t era = (since >= 0 ? since : since - 146096) / 146097;
    int64_t of_era = since - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;

    date->day = (unsigned)(of_year - (153 * month + 2) / 5 + 1);
    date->month = (unsigned)(month < 10 ? month + 3 : month - 9);
    date->year = year + era * 400 + (date->month <= 2);
}

static char *put_digits(char *at, unsigned count, unsigned value)
{
    for (unsigned i = count; i > 0; i--) {
        at[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

static char *put_text(char *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

void date_format(char *out, time_t when)
{
    struct date date;

    if (when < YEAR_0)
        when = YEAR_0;
    if (when > YEAR_9999)
        when = YEAR_9999;
    int64_t days = when / DAY_SECONDS - (when % DAY_SECONDS < 0);
    unsigned left = (unsigned)(when - days * DAY_SECONDS);
    set_day(&date, days);
    out = put_text(out, day_names[(days + WEEKS_BEFORE * 7 + THURSDAY) % 7], 3);
    out = put_text(out, ", ", 2);
    out = put_digits(out, 2, date.day);
    out = put_text(out, " ", 1);
    out = put_text(out, date_month_names[date.month - 1], 3);
    out = put_text(out, " ", 1);
    out = put_digits(out, 4, (unsigned)date.year);
    out = put_text(out, " ", 1);
    out = put_digits(out, 2, left / 3600);
    out = put_text(out, ":", 1);
    out = put_digits(out, 2, left / 60 % 60);
    out = put_text(out, ":", 1);
    out = put_digits(out, 2, left % 60);
    put_text(out, " GMT", 4);
}

static bool take_text(struct slice *in, struct slice text)
{
    if (!slice_starts(*in, text))
        return false;
    *in = slice_from(*in, text.len);
    return true;
}

static bool take_digits(struct slice *in, size_t count, unsigned *value)
{
    uint64_t number;

    if (in->len < count || !slice_to_number(slice_first(*in, count), 9999, &number))
        return false;
    *in = slice_from(*in, count);
    *value = (unsigned)number;
    return true;
}

static bool take_month(struct slice *in, unsigned *month)
{
    for (unsigned i = 0; i < 12; i++)
        if (take_text(in, slice_of(date_month_names[i]))) {
            *month = i + 1;
            return true;
        }
    return false;
}

/* Whether the name is that of the date's day is not looked at, as nobody does. */
static bool take_day_name(struct slice *in)
{
    for (unsigned i = 0; i < 7; i++)
        if (take_text(in, slice_of(day_names[i])))
            return true;
    return false;
}

static bool take_long_day_name(struct slice *in)
{
    for (unsigned i = 0; i < 7; i++)
        if (take_text(in, slice_of(long_day_names[i])))
            return true;
    return false;
}

static bool take_time(struct slice *in, struct date *date)
{
    return take_digits(in, 2, &date->hour) && take_text(in, SLICE(":")) &&
           take_digits(in, 2, &date->minute) && take_text(in, SLICE(":")) &&
           take_digits(in, 2, &date->second);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool parse_fixdate(struct slice in, struct date *date)
{
    unsigned year;

    if (!take_day_name(&in) || !take_text(&in, SLICE(", ")) || !take_digits(&in, 2, &date->day) ||
        !take_text(&in, SLICE(" ")) || !take_month(&in, &date->month) ||
        !take_text(&in, SLICE(" ")) || !take_digits(&in, 4, &year) || !take_text(&in, SLICE(" ")))
        return false;
    date->year = year;
    return take_time(&in, date) && slice_is(in, " GMT");
}

static time_t seconds_of(const struct date *date)
{
    return days_of(date) * DAY_SECONDS + date->hour * 3600 + date->minute * 60 + date->second;
}

/* A year of two digits that seems more than 50 years ahead is the last past one
 * that ends so (RFC 9110 5.6.7). */
static void choose_century(struct date *date)
{
    struct date today;
    time_t now = time(NULL);

    set_day(&today, now / DAY_SECONDS);
    date->year += today.year / 100 * 100;
    if (seconds_of(date) > now + HALF_CENTURY)
        date->year -= 100;
    else if (date->year + 50 < today.year)
        date->year += 100;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool parse_rfc850(struct slice in, struct date *date)
{
    unsigned year;

    if (!take_long_day_name(&in) || !take_text(&in, SLICE(", ")) ||
        !take_digits(&in, 2, &date->day) || !take_text(&in, SLICE("-")) ||
        !take_month(&in, &date->month) || !take_text(&in, SLICE("-")) ||
        !take_digits(&in, 2, &year) || !take_text(&in, SLICE(" ")) || !take_time(&in, date))
        return false;
    date->year = year;
    choose_century(date);
    return slice_is(in, " GMT");
}

/* "Sun Nov  6 08:49:37 1994" */
static bool parse_asctime(struct slice in, struct date *date)
{
    unsigned year;

    if (!take_day_name(&in) || !take_text(&in, SLICE(" ")) || !take_month(&in, &date->month) ||
        !take_text(&in, SLICE(" ")))
        return false;
    if (!take_digits(&in, take_text(&in, SLICE(" ")) ? 1 : 2, &date->day) ||
        !take_text(&in, SLICE(" ")) || !take_time(&in, date) || !take_text(&in, SLICE(" ")) ||
        !take_digits(&in, 4, &year))
        return false;
    date->year = year;
    return in.len == 0;
}

static unsigned days_in(unsigned month, int64_t year)
{
    static const unsigned char days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

/* A leap second is one, at the end of a day only. */
static bool is_valid(const struct date *date)
{
    bool leap_second = date->hour == 23 && date->minute == 59 && date->second == 60;

    return date->day >= 1 && date->day <= days_in(date->month, date->year) && date->hour < 24 &&
           date->minute < 60 && (date->second < 60 || leap_second);
}

time_t date_parse(struct slice text)
{
    struct date date;

    if (!parse_fixdate(text, &date) && !parse_rfc850(text, &date) && !parse_asctime(text, &date))
        return -1;
    if (!is_valid(&date))
        return -1;
    time_t when = seconds_of(&date);
    return when < 0 ? -1 : when;
}
