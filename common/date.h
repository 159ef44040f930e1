/* date.h: HTTP dates (RFC 9110 5.6.7), without locale or time zone files. */
#ifndef MUXD_COMMON_DATE_H
#define MUXD_COMMON_DATE_H

#include "common/slice.h"

#include <time.h>

enum { HTTP_DATE_LEN = 29 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* "Jan", by struct tm's tm_mon: in English, as no locale is ever set. */
extern const char date_month_names[12][4];

/* Writes HTTP_DATE_LEN bytes, no NUL. Any time_t; years past 9999 are clamped. */
void date_format(char *out, time_t when);

/* Parses IMF-fixdate, RFC 850 and asctime forms; -1 when it is none of them or
 * not a date (31 Feb). Dates before 1970 are -1 too. */
time_t date_parse(struct slice text);

#endif
