#include "worker/logs.h"

#include "worker/error_log.h"
#include "worker/http/access_log.h"
#include "worker/http/log_file_cache.h"
#include "worker/http/log_target.h"
#include "worker/worker.h"
#include "worker/zones.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* --- what directives register --- */

struct conf_logs *conf_logs(struct conf *conf)
{
    if (conf->logs == NULL)
        conf->logs = arena_zalloc(conf->arena, sizeof *conf->logs);
    return conf->logs;
}

struct log_target *conf_log_target(struct conf *conf, const char *path, struct position at)
{
    struct conf_logs *logs = conf_logs(conf);

    if (logs == NULL)
        return NULL;
    for (struct log_target *target = logs->targets; target != NULL; target = target->next)
        if (strcmp(target->path, path) == 0)
            return target;
    struct log_target *target = arena_zalloc(conf->arena, sizeof *target);
    if (target == NULL)
        return NULL;
    target->path = path;
    target->at = at;
    target->next = logs->targets;
    logs->targets = target;
    return target;
}

struct syslog *conf_log_syslog(struct conf *conf, const struct word *word)
{
    struct conf_logs *logs = conf_logs(conf);
    struct log_server *server = arena_zalloc(conf->arena, sizeof *server);
    struct slice problem = SLICE("no memory for this log");

    if (logs == NULL || server == NULL)
        goto fail;
    server->syslog = syslog_parse(conf->arena, slice_from(word->text, strlen("syslog:")), &problem);
    if (server->syslog == NULL)
        goto fail;
    server->next = logs->servers;
    logs->servers = server;
    return server->syslog;

fail:
    conf_error(conf, word->at, "%.*s", (int)problem.len, problem.at);
    return NULL;
}

/* --- opening --- */

/* -t: would it open? Nothing may be created, so that of a new file the folder is asked. */
static bool may_open(const char *path)
{
    char folder[PATH_MAX];
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0) {
        close(fd);
        return true;
    }
    if (errno == ENXIO) /* a FIFO that nobody reads yet */
        return true;
    if (errno != ENOENT || strlen(path) >= sizeof folder)
        return false;
    strcpy(folder, path);
    return access(dirname(folder), W_OK | X_OK) == 0;
}

/* NULL with errno set. */
static struct log_file *try_file(struct conf *conf, const char *path)
{
    if (!conf->testing || strcmp(path, "stderr") == 0)
        return log_file_open(&conf->logs->files, path);
    return may_open(path) ? log_file_open(&conf->logs->files, "stderr") : NULL;
}

static struct log_file *open_file(struct conf *conf, const char *path, struct position at)
{
    struct log_file *file = try_file(conf, path);

    if (file == NULL)
        conf_error(conf, at, "open() \"%s\" failed (%d: %s)", path, errno, strerror(errno));
    return file;
}

/* An ordinary user who names no error_log may not be allowed to write the built-in one. */
static struct log_file *open_optional(struct conf *conf, const char *path)
{
    struct log_file *file = try_file(conf, path);

    if (file != NULL)
        return file;
    if (!conf->testing)
        conf_warn(conf, (struct position){ 0 },
                  "open() \"%s\" failed (%d: %s), errors go to standard error", path, errno,
                  strerror(errno));
    return log_file_open(&conf->logs->files, "stderr");
}

static bool open_place(struct conf *conf, struct error_log *log,
                       const struct error_log_place *place)
{
    if (place->path == NULL)
        return log_add_syslog(&log->log, conf->arena, place->syslog, place->level);
    struct log_file *file = place->optional ? open_optional(conf, place->path)
                                            : open_file(conf, place->path, place->at);
    return file != NULL && log_add_file(&log->log, conf->arena, file, place->level);
}

static bool open_error_logs(struct conf *conf)
{
    bool opened = true;

    for (struct error_log *log = conf->logs->error_logs; log != NULL; log = log->next)
        for (struct error_log_place *place = log->first; place != NULL; place = place->next)
            opened &= open_place(conf, log, place);
    return opened;
}

static bool open_targets(struct conf *conf)
{
    bool opened = true;

    for (struct log_target *target = conf->logs->targets; target != NULL; target = target->next) {
        target->file = open_file(conf, target->path, target->at);
        opened &= target->file != NULL;
    }
    return opened;
}

/* A syslog server that is not there yet is no reason not to serve: lines go to
 * it as soon as it is. */
static void open_servers(struct conf *conf)
{
    for (struct log_server *server = conf->logs->servers; server != NULL; server = server->next)
        if (!conf->testing && !syslog_open(server->syslog)) {
            char address[ADDRESS_TEXT_MAX];
            int reason = errno;
            address_text(&server->syslog->server, address);
            conf_warn(conf, (struct position){ 0 }, "syslog server %s cannot be reached (%d: %s)",
                      address, reason, strerror(reason));
        }
}

bool worker_open_logs(struct conf *conf, const struct conf *previous)
{
    struct conf_logs *logs = conf_logs(conf);
    const struct error_log_settings *settings = conf_settings(conf->main, &error_log_module);

    (void)previous;
    if (logs == NULL)
        goto no_memory;
    logs->main = settings->log != NULL ? settings->log : error_log_default(conf);
    if (logs->main == NULL || !access_log_default(conf))
        goto no_memory;
    bool opened = open_error_logs(conf);
    opened &= open_targets(conf);
    open_servers(conf);
    if (conf->arena->exhausted)
        goto no_memory;
    return opened;

no_memory:
    conf_error(conf, (struct position){ 0 }, "no memory for the logs");
    return false;
}

/* --- afterwards --- */

struct log *worker_main_log(struct conf *conf)
{
    return &conf->logs->main->log;
}

void conf_logs_flush(struct conf *conf)
{
    for (struct log_target *target = conf->logs->targets; target != NULL; target = target->next)
        log_target_flush(target);
}

void worker_reopen_logs(struct conf *conf)
{
    const char *failed = NULL;

    conf_logs_flush(conf);
    for (struct log_file_cache *cache = conf->logs->caches; cache != NULL; cache = cache->next)
        log_file_cache_drop(cache);
    if (!log_files_reopen(&conf->logs->files, (uid_t)-1, &failed))
        log_write(worker_main_log(conf), LOG_LEVEL_EMERG, errno, 0, "reopening \"%s\" failed",
                  failed);
}

void worker_conf_release(struct conf *conf, const struct conf *kept)
{
    (void)kept;
    zones_close(conf);
    if (conf->logs == NULL)
        return;
    for (struct error_log *log = conf->logs->error_logs; log != NULL; log = log->next)
        for (struct log_sink *sink = log->log.sinks; sink != NULL; sink = sink->next)
            if (sink->file != NULL)
                log_file_close(&conf->logs->files, sink->file);
    for (struct log_target *target = conf->logs->targets; target != NULL; target = target->next) {
        if (target->file != NULL)
            log_file_close(&conf->logs->files, target->file);
        free(target->buffer);
    }
    for (struct log_server *server = conf->logs->servers; server != NULL; server = server->next)
        syslog_close(server->syslog);
    conf->logs = NULL;
}
