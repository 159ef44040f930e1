/* hearing_log.h: a log that remembers what it was told, for tests of what is logged. */
#ifndef MUXD_TESTS_UNIT_HEARING_LOG_H
#define MUXD_TESTS_UNIT_HEARING_LOG_H

#include "common/log.h"

#include <string.h>

struct hearing_log {
    struct log_tap tap;
    struct log_sink sink;
    struct log log; /* to be given away */
    unsigned lines; /* so far */
    char last[LOG_LINE_MAX];
};

static inline void hearing_log_take(struct log_tap *tap, enum log_level level, struct slice message)
{
    struct hearing_log *hearing = (struct hearing_log *)tap;

    (void)level;
    hearing->lines++;
    size_t len = message.len < sizeof hearing->last ? message.len : sizeof hearing->last - 1;
    memcpy(hearing->last, message.at, len);
    hearing->last[len] = '\0';
}

/* In place: it must not move. */
static inline void hearing_log_init(struct hearing_log *hearing)
{
    static const struct log nowhere = { .level = LOG_LEVEL_EMERG };

    *hearing = (struct hearing_log){ .tap.take = hearing_log_take };
    hearing->log = log_tapped(&nowhere, &hearing->sink, &hearing->tap, LOG_LEVEL_DEBUG);
}

#endif
