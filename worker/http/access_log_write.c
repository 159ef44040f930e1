#include "common/syslog.h"
#include "worker/context.h"
#include "worker/handlers/file_cache.h"
#include "worker/handlers/static.h"
#include "worker/http/access_log.h"
#include "worker/http/log_file_cache.h"
#include "worker/http/log_format.h"
#include "worker/http/log_target.h"
#include "worker/logs.h"

#include <errno.h>

enum { LINE_ON_STACK = 2048 };

bool access_logs_start(struct worker *worker)
{
    struct conf_logs *logs = worker->conf->logs;

    for (struct log_target *target = logs->targets; target != NULL; target = target->next)
        if (!log_target_start(target, worker))
            return false;
    return true;
}

void access_log_flush(struct worker *worker)
{
    conf_logs_flush(worker->conf);
}

/* if=: a value that is empty or "0" says no. */
static bool is_wanted(struct request *request, const struct access_log *log)
{
    struct slice value;

    if (!log->conditional)
        return true;
    if (!template_eval(request, &log->condition, &value))
        return false;
    return value.len > 0 && !slice_equal(value, SLICE("0"));
}

/* A line that could not be written is lost; that is said once a second. */
static void complain(struct request *request, struct access_log *log, int reason,
                     const char *format, const char *what, struct slice where)
{
    if (log_may_complain(&log->complained))
        request_log(request, LOG_LEVEL_ALERT, reason, format, what, (int)where.len, where.at);
}

static void write_to_file(struct request *request, struct log_target *target,
                          const struct log_line *line)
{
    size_t len = line->len + 1;
    char *room = log_target_reserve(target, len);
    bool direct = room == NULL;

    if (direct)
        room = arena_text(&request->arena, len);
    if (room == NULL)
        return;
    *log_line_put(line, room) = '\n';
    if (direct)
        log_target_write(target, room, len);
    else
        log_target_commit(target, len);
}

/* The line and its newline, for places that take it at once. */
static struct slice line_text(struct request *request, const struct log_line *line, char *stack)
{
    char *room =
        line->len + 1 <= LINE_ON_STACK ? stack : arena_text(&request->arena, line->len + 1);

    if (room == NULL)
        return (struct slice){ NULL, 0 };
    *log_line_put(line, room) = '\n';
    return slice_make(room, line->len + 1);
}

static void write_to_syslog(struct request *request, struct access_log *log, struct slice line)
{
    struct slice message = slice_first(line, line.len - 1);
    char address[ADDRESS_TEXT_MAX];

    if (syslog_send(log->syslog, log->syslog->severity, message))
        return;
    int reason = errno;
    size_t len = address_text(&log->syslog->server, address);
    complain(request, log, reason, "%s while logging to syslog, server: %.*s", "send() failed",
             slice_make(address, len));
}

/* Without a root there is no such site: clients must not make files by inventing names. */
static bool has_root(struct request *request)
{
    enum file_kind kind;
    struct slice root;

    if (!request_document_root(request, &root))
        return false;
    const char *path = arena_cstr(&request->arena, root);
    if (path == NULL)
        return false;
    int status = file_test(request, slice_make(path, root.len), &kind);
    if (status == 0 && kind != FILE_DIRECTORY)
        status = ENOTDIR;
    if (status != 0)
        request_log(request, LOG_LEVEL_ERROR, status, "testing \"%s\" existence failed", path);
    return status == 0;
}

static void write_to_path(struct request *request, struct access_log *log, struct slice line)
{
    const struct access_log_settings *settings = request->settings[MODULE_ACCESS_LOG];
    struct slice value;
    const char *failed;

    if (!has_root(request) || !template_eval(request, &log->path, &value))
        return;
    const char *path = arena_cstr(&request->arena, value);
    if (path == NULL)
        return;
    int reason = log_file_append(settings->cache, slice_make(path, value.len), line,
                                 request->worker->clock.now, &failed);
    if (reason != 0)
        complain(request, log, reason, "%s() \"%.*s\" failed", failed, value);
}

static void write_line(struct request *request, struct access_log *log)
{
    char stack[LINE_ON_STACK];
    struct log_line line;

    if (!log_line_measure(request, log->format, &line))
        return;
    if (log->target != NULL) {
        write_to_file(request, log->target, &line);
        return;
    }
    struct slice text = line_text(request, &line, stack);
    if (text.at == NULL)
        return;
    if (log->syslog != NULL)
        write_to_syslog(request, log, text);
    else
        write_to_path(request, log, text);
}

void access_log_write(struct request *request)
{
    const struct access_log_settings *settings = request->settings[MODULE_ACCESS_LOG];
    const struct access_logs *logs = settings->logs;

    if (logs == NULL)
        logs = request->worker->conf->logs->default_access;
    if (logs == NULL || logs->off)
        return;
    for (struct access_log *log = logs->first; log != NULL; log = log->next)
        if (is_wanted(request, log))
            write_line(request, log);
}
