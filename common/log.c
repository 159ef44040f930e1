#include "common/log.h"

#include "common/syslog.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    REASON_ROOM = 50, /* bytes that a message that is cut off leaves for "(2: No such file ...)" */
};

const struct log log_stderr = { .level = LOG_LEVEL_WARN, .plain = true };

static const char *const level_names[] = {
    [LOG_LEVEL_EMERG] = "emerg", [LOG_LEVEL_ALERT] = "alert", [LOG_LEVEL_CRIT] = "crit",
    [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARN] = "warn",   [LOG_LEVEL_NOTICE] = "notice",
    [LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",
};

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_level_parse(struct slice name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++)
        if (slice_is(name, level_names[i])) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

/* --- sinks --- */

static bool add_sink(struct log *log, struct arena *arena, struct log_sink made)
{
    struct log_sink *sink = arena_alloc(arena, sizeof *sink);
    struct log_sink **end = &log->sinks;

    if (sink == NULL)
        return false;
    if (log->sinks == NULL || made.level > log->level)
        log->level = made.level;
    while (*end != NULL)
        end = &(*end)->next;
    *sink = made;
    *end = sink;
    return true;
}

bool log_add_file(struct log *log, struct arena *arena, struct log_file *file, enum log_level level)
{
    return add_sink(log, arena, (struct log_sink){ .level = level, .file = file });
}

bool log_add_syslog(struct log *log, struct arena *arena, struct syslog *syslog,
                    enum log_level level)
{
    return add_sink(log, arena, (struct log_sink){ .level = level, .syslog = syslog });
}

struct log log_tapped(const struct log *base, struct log_sink *sink, struct log_tap *tap,
                      enum log_level level)
{
    struct log tapped = *base;

    *sink = (struct log_sink){ .next = base->sinks, .level = level, .tap = tap };
    tapped.sinks = sink;
    if (level > tapped.level)
        tapped.level = level;
    return tapped;
}

/* --- lines --- */

/* A line that grows up to `end`; what does not fit is left out. */
struct line {
    size_t len;
    size_t end;     /* at most LOG_LINE_MAX - 1: the newline's place */
    size_t message; /* where it begins, behind the stamp */
    char text[LOG_LINE_MAX];
};

static void put(struct line *line, struct slice text)
{
    size_t room = line->end - line->len;

    if (text.len > room)
        text.len = room;
    if (text.len > 0)
        memcpy(line->text + line->len, text.at, text.len);
    line->len += text.len;
}

__attribute__((format(printf, 2, 3))) static void put_format(struct line *line, const char *format,
                                                             ...)
{
    char text[128];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len > 0)
        put(line, slice_make(text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1));
}

/* Control characters would forge lines and move the cursors of terminals. */
static void put_escaped(struct line *line, struct slice text)
{
    size_t done = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (!slice_is_control(text, i))
            continue;
        put(line, slice_make(text.at + done, i - done));
        if (line->end - line->len < 4)
            return;
        put_format(line, "\\x%02X", (unsigned)(unsigned char)text.at[i]);
        done = i + 1;
    }
    put(line, slice_from(text, done));
}

static void put_message(struct line *line, const char *format, va_list args)
{
    char text[LOG_LINE_MAX];
    int len = vsnprintf(text, sizeof text, format, args);

    if (len > 0)
        put_escaped(line,
                    slice_make(text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1));
}

/* " (2: No such file or directory)", in English: no locale is ever set. A message
 * that leaves no room for it is cut as nginx cuts. */
static void put_reason(struct line *line, int error_number)
{
    if (line->len > line->end - REASON_ROOM) {
        line->len = line->end - REASON_ROOM;
        put(line, SLICE("..."));
    }
    put_format(line, " (%d: %s)", error_number, strerror(error_number));
}

/* "2026/11/24 14:20:33 [error] 123#123: " */
static void put_stamp(struct line *line, enum log_level level)
{
    time_t now = time(NULL);
    struct tm tm = { 0 };

    localtime_r(&now, &tm);
    put_format(line, "%04d/%02d/%02d %02d:%02d:%02d [%s] %ld#%ld: ", tm.tm_year + 1900,
               tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, level_names[level],
               (long)getpid(), (long)gettid());
}

/* --- writing --- */

static struct slice message_of(const struct line *line)
{
    return slice_make(line->text + line->message, line->len - line->message);
}

/* Whether the sink was the terminal's: what it has seen is not said there again. */
static bool write_sink(const struct log_sink *sink, enum log_level level, const struct line *line)
{
    if (sink->tap != NULL) {
        sink->tap->take(sink->tap, level, message_of(line));
        return false;
    }
    if (sink->file == NULL) {
        syslog_send(sink->syslog, (unsigned)level, slice_make(line->text, line->len));
        return false;
    }
    log_file_write(sink->file, line->text, line->len + 1);
    return sink->file->fd == STDERR_FILENO;
}

/* "muxd: [emerg] message" */
static void write_plain(enum log_level level, struct slice message)
{
    struct line line = { .end = LOG_LINE_MAX - 1 };

    put_format(&line, "muxd: [%s] ", level_names[level]);
    put(&line, message);
    line.text[line.len] = '\n';
    struct log_file file = { .fd = STDERR_FILENO, .standard = true };
    log_file_write(&file, line.text, line.len + 1);
}

void log_vwrite(const struct log *log, enum log_level level, int error_number, uint64_t connection,
                const char *format, va_list args)
{
    struct line line;
    bool seen = false;

    if (!log_enabled(log, level))
        return;
    int kept = errno;
    line.len = 0;
    line.end = LOG_LINE_MAX - 1;
    put_stamp(&line, level);
    if (connection != 0)
        put_format(&line, "*%llu ", (unsigned long long)connection);
    line.message = line.len;
    put_message(&line, format, args);
    if (error_number != 0)
        put_reason(&line, error_number);
    line.text[line.len] = '\n';
    for (const struct log_sink *sink = log->sinks; sink != NULL; sink = sink->next)
        if (level <= sink->level)
            seen |= write_sink(sink, level, &line);
    if (log->plain && level <= LOG_LEVEL_WARN && !seen)
        write_plain(level, message_of(&line));
    errno = kept;
}

void log_write(const struct log *log, enum log_level level, int error_number, uint64_t connection,
               const char *format, ...)
{
    va_list args;

    if (!log_enabled(log, level))
        return;
    va_start(args, format);
    log_vwrite(log, level, error_number, connection, format, args);
    va_end(args);
}
