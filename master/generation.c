#include "master/generation.h"

#include "worker/folders.h"
#include "worker/lint/lint.h"
#include "worker/logs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static enum log_level message_level(enum conf_severity severity)
{
    switch (severity) {
    case CONF_WARN:
        return LOG_LEVEL_WARN;
    case CONF_NOTICE:
        return LOG_LEVEL_NOTICE;
    case CONF_EMERG:
        break;
    }
    return LOG_LEVEL_EMERG;
}

/* One message: its first line as the log has lines; the line of the file and the
 * caret below as they are for a person at a terminal, as lines of their own, indented, in
 * a log. */
static void report_one(struct arena *arena, const struct conf_message *message,
                       const struct log *log)
{
    enum log_level level = message_level(message->severity);
    struct slice text = conf_message_text(arena, message);
    /* The log has a place of its own for "[emerg] ". */
    struct slice rest = slice_from(text, (size_t)(slice_find(text, ' ') + 1));

    for (bool first = true; rest.len > 0; first = false) {
        ptrdiff_t end = slice_find(rest, '\n');
        struct slice line = end < 0 ? rest : slice_first(rest, (size_t)end);
        rest = slice_from(rest, end < 0 ? rest.len : (size_t)end + 1);
        if (first || !log->plain)
            log_write(log, level, 0, 0, "%s%.*s", first ? "" : REPORT_INDENT, (int)line.len,
                      line.at);
        else
            fprintf(stderr, "%.*s\n", (int)line.len, line.at);
    }
}

/* What was said about the configuration and not reported yet. */
static void report(struct generation *generation, const struct log *log)
{
    for (; *generation->unreported != NULL;
         generation->unreported = &(*generation->unreported)->next)
        report_one(&generation->arena, *generation->unreported, log);
}

/* The configuration's settings, when it has no errors. */
static bool take_settings(struct generation *generation, const struct log *log)
{
    struct conf *conf = generation->conf;

    if (conf != NULL)
        report(generation, log);
    if (conf == NULL || generation->arena.exhausted) {
        log_write(log, LOG_LEVEL_EMERG, ENOMEM, 0, "the configuration does not fit into memory");
        return false;
    }
    if (conf->messages.errors > 0)
        return false;
    generation->settings = main_settings(conf);
    generation->workers = (unsigned)generation->settings->workers;
    generation->listeners = http_listeners(conf, &generation->listener_count);
    return true;
}

struct generation *generation_load(const struct launch *launch, unsigned number,
                                   const struct log *log)
{
    const struct conf_module *modules[ALL_MODULES];
    struct generation *generation = calloc(1, sizeof *generation);

    if (generation == NULL) {
        log_write(log, LOG_LEVEL_EMERG, errno, 0, "calloc() failed");
        return NULL;
    }
    arena_init(&generation->arena, NULL);
    master_modules(modules);
    generation->number = number;
    struct conf_request request = {
        .path = launch->conf_path,
        .prefix = launch->prefix,
        .global = launch->global,
        .error_log = launch->error_log,
        .testing = launch->testing,
        .modules = modules,
        .module_count = ALL_MODULES,
    };
    generation->conf = conf_load(&generation->arena, &request);
    if (launch->testing && generation->conf != NULL && generation->conf->messages.errors == 0)
        lint_configuration(generation->conf);
    if (generation->conf != NULL)
        generation->unreported = &generation->conf->messages.first;
    if (take_settings(generation, log))
        return generation;
    generation_free(generation, NULL);
    return NULL;
}

/* Who the workers' files are given to; (uid_t)-1: they stay the master's. */
static uid_t files_owner(const struct generation *generation)
{
    const struct worker_user *user = &generation->settings->user;

    return geteuid() == 0 && user->set ? user->uid : (uid_t)-1;
}

bool generation_open_files(struct generation *generation, const struct generation *previous,
                           const struct log *log)
{
    const struct conf *kept = previous != NULL ? previous->conf : NULL;
    bool opened = worker_open_logs(generation->conf, kept) &&
                  worker_make_folders(generation->conf, files_owner(generation));

    report(generation, log);
    return opened;
}

bool generation_open_zones(struct generation *generation, const struct generation *previous,
                           const struct log *log)
{
    bool opened = worker_open_zones(generation->conf, previous != NULL ? previous->conf : NULL);

    report(generation, log);
    return opened;
}

void generation_cannot_listen(struct generation *generation, const struct listener *listener,
                              const struct log *log)
{
    char text[ADDRESS_TEXT_MAX];

    address_text(&listener->options.address, text);
    conf_error(generation->conf, listener->options.at, "cannot listen on %s", text);
    report(generation, log);
}

void generation_blame(struct generation *generation, const char *directive, const struct log *log)
{
    struct position at = conf_place(generation->conf, directive);

    if (at.source == NULL)
        return;
    conf_error(generation->conf, at, "\"%s\" asks for what cannot be had", directive);
    report(generation, log);
}

void generation_reopen_logs(struct generation *generation, const struct log *log)
{
    uid_t owner = files_owner(generation);
    const char *failed;

    worker_reopen_logs(generation->conf);
    if (owner == (uid_t)-1)
        return;
    if (!log_files_chown(&conf_logs(generation->conf)->files, owner, &failed))
        log_write(log, LOG_LEVEL_ALERT, errno, 0, "chown(\"%s\", %u) failed", failed, owner);
}

/* Zeroed memory that the workers will share; NULL, with the reason logged, when there is
 * none. */
static void *map_shared(size_t size, const struct log *log)
{
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared != MAP_FAILED)
        return shared;
    log_write(log, LOG_LEVEL_EMERG, errno, 0, "mmap(MAP_ANON|MAP_SHARED, %zu) failed", size);
    return NULL;
}

bool generation_prepare_workers(struct generation *generation, const struct log *log)
{
    generation->processes = calloc(generation->workers, sizeof *generation->processes);
    if (generation->processes == NULL) {
        log_write(log, LOG_LEVEL_EMERG, errno, 0, "calloc() failed");
        return false;
    }
    generation->shared = map_shared(generation->workers * sizeof *generation->shared, log);
    generation->unattended = map_shared(sizeof *generation->unattended, log);
    generation->reliefs_size = sizeof *generation->reliefs +
                               generation->listener_count * sizeof *generation->reliefs->sockets;
    generation->reliefs = map_shared(generation->reliefs_size, log);
    generation->reports = map_shared(generation->workers * sizeof *generation->reports, log);
    return generation->shared != NULL && generation->unattended != NULL &&
           generation->reliefs != NULL && generation->reports != NULL;
}

void generation_release(struct generation *generation, const struct generation *kept)
{
    if (generation->conf != NULL)
        worker_conf_release(generation->conf, kept != NULL ? kept->conf : NULL);
    arena_free(&generation->arena);
    generation->conf = NULL;
    generation->settings = NULL;
    generation->listeners = NULL;
    generation->listener_count = 0;
}

void generation_free(struct generation *generation, const struct generation *kept)
{
    generation_release(generation, kept);
    if (generation->shared != NULL)
        munmap(generation->shared, generation->workers * sizeof *generation->shared);
    if (generation->unattended != NULL)
        munmap(generation->unattended, sizeof *generation->unattended);
    if (generation->reliefs != NULL)
        munmap(generation->reliefs, generation->reliefs_size);
    if (generation->reports != NULL)
        munmap(generation->reports, generation->workers * sizeof *generation->reports);
    series_release(&generation->series);
    free(generation->processes);
    free(generation);
}

struct log *generation_log(const struct generation *generation)
{
    return worker_main_log(generation->conf);
}
