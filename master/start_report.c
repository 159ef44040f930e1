#include "master/start_report.h"

#include <stdio.h>
#include <string.h>

struct reporter {
    struct log_tap tap;
    struct log_sink sink;
    struct start_report *report;
};

static void take(struct log_tap *tap, enum log_level level, struct slice message)
{
    struct start_report *report = ((struct reporter *)tap)->report;

    if (report->text[0] == '\0')
        snprintf(report->text, START_REPORT_MAX, "[%s] %.*s", log_level_name(level),
                 (int)message.len, message.at);
}

void start_report_from(struct start_report *report, struct log *log, struct arena *arena)
{
    struct reporter *reporter = arena_zalloc(arena, sizeof *reporter);

    if (reporter == NULL) /* only the log will know */
        return;
    *reporter = (struct reporter){ .tap.take = take, .report = report };
    *log = log_tapped(log, &reporter->sink, &reporter->tap, LOG_LEVEL_ERROR);
}

struct slice start_report_text(const struct start_report *report)
{
    return slice_make(report->text, strnlen(report->text, START_REPORT_MAX));
}
