/* log.h: the error log, in nginx's lines.
 *
 * A log is a list of sinks (file, stderr, syslog), each with the least
 * important level it takes. Writing never blocks for long and never fails the
 * caller: a line that cannot be written is dropped. */
#ifndef MUXD_COMMON_LOG_H
#define MUXD_COMMON_LOG_H

#include "common/arena.h"
#include "common/log_file.h"
#include "common/slice.h"

#include <stdarg.h>

enum log_level {
    LOG_LEVEL_EMERG,
    LOG_LEVEL_ALERT,
    LOG_LEVEL_CRIT,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

enum { LOG_LINE_MAX = 2048 }; /* bytes of a line, as nginx's; the rest is cut off */

struct syslog; /* common/syslog.h */

/* Somebody in this process who is told each message as it is logged: without time, level
 * and newline. What it logs itself goes to other logs. */
struct log_tap {
    void (*take)(struct log_tap *, enum log_level, struct slice message);
};

struct log_sink {
    struct log_sink *next;
    enum log_level level; /* this and more important ones */
    struct log_file *file;
    struct syslog *syslog; /* when file is NULL */
    struct log_tap *tap;   /* when syslog is NULL too */
};

struct log {
    struct log_sink *sinks;
    enum log_level level; /* the least important one that any sink takes */
    bool plain;           /* until the start has succeeded: the sinks, and "muxd: [emerg] message"
                             on standard error for warnings and worse */
};

/* The log that writes plain lines to standard error: start-up and -t. */
extern const struct log log_stderr;

/* Adds a sink, in the arena; the file's reference is the caller's. False when memory
 * is out. */
bool log_add_file(struct log *, struct arena *, struct log_file *, enum log_level);
bool log_add_syslog(struct log *, struct arena *, struct syslog *, enum log_level);

/* A log that goes where `base` goes and, from this level on, to the tap; `sink` is memory for
 * it, for as long as the log is used. */
struct log log_tapped(const struct log *base, struct log_sink *sink, struct log_tap *,
                      enum log_level);

/* A line of this level would go anywhere. */
static inline bool log_enabled(const struct log *log, enum log_level level)
{
    return level <= log->level;
}

/* Writes one line: `2026/11/24 14:20:33 [error] 123#123: *45 message (2: No such
 * file or directory)`, the connection part when `connection` is not 0, the last
 * part when `error_number` is not 0. Control characters become \xXX. errno is kept. */
void log_write(const struct log *, enum log_level, int error_number, uint64_t connection,
               const char *format, ...) __attribute__((format(printf, 5, 6)));
void log_vwrite(const struct log *, enum log_level, int error_number, uint64_t connection,
                const char *format, va_list);

/* "emerg" ... "debug". */
const char *log_level_name(enum log_level);

/* The level of this name; false when there is none. */
bool log_level_parse(struct slice name, enum log_level *);

#endif
