#include "master/reload_report.h"

#include <stdio.h>

enum { TOLD_MAX = LOG_LINE_MAX + 32 };

static void tell(struct master *master, struct slice level, struct slice message)
{
    char line[TOLD_MAX];

    /* Lines of a file go with the message above. */
    if (slice_starts(message, SLICE(REPORT_INDENT)))
        snprintf(line, sizeof line, "%.*s", (int)message.len, message.at);
    else
        snprintf(line, sizeof line, "muxd: %.*s%.*s", (int)level.len, level.at, (int)message.len,
                 message.at);
    control_tell(&master->control, CONTROL_RELOAD, master->reload.ticket, line);
}

static void take(struct log_tap *tap, enum log_level level, struct slice message)
{
    struct master *master = (struct master *)((char *)tap - offsetof(struct master, reload.tap));
    char name[16];
    int len = snprintf(name, sizeof name, "[%s] ", log_level_name(level));

    tell(master, slice_make(name, (size_t)len), message);
}

void reload_report_begin(struct master *master)
{
    struct reload *reload = &master->reload;

    reload->tap.take = take;
    reload->log = log_tapped(master->log, &reload->sink, &reload->tap, LOG_LEVEL_WARN);
    master->log = &reload->log;
    notify_reloading(&master->notify);
}

const char *reload_report_workers(struct master *master, const struct generation *generation)
{
    for (unsigned slot = 0; slot < generation->workers; slot++) {
        struct slice text = start_report_text(&generation->reports[slot]);
        if (text.len == 0)
            continue;
        tell(master, SLICE(""), text);
        return generation->reports[slot].directive;
    }
    return NULL;
}

void reload_report_end(struct master *master, bool success, const char *line)
{
    const struct generation *current = master->current;

    master->log = generation_log(current);
    if (success)
        notify_ready(&master->notify, current->number, current->workers);
    else
        notify_failed(&master->notify, current->number);
    control_conclude(&master->control, CONTROL_RELOAD, master->reload.ticket, success, line);
}
