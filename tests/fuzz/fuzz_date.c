/* Any bytes as an HTTP date: what is taken is a date, and is the same when it is written and
 * read again. */
#include "common/date.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = { (const char *)data, size };
    char again[HTTP_DATE_LEN];
    time_t when = date_parse(text);

    if (when == -1)
        return 0;
    expect(when >= 0, "a date is not before 1970");
    date_format(again, when);
    expect(date_parse(slice_make(again, HTTP_DATE_LEN)) == when,
           "a date that is written is the same");
    return 0;
}
