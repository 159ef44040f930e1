#include "worker/error_log.h"

#include "common/version.h"
#include "worker/context.h"
#include "worker/http/request.h"
#include "worker/logs.h"

static struct error_log *error_log_new(struct conf *conf)
{
    struct conf_logs *logs = conf_logs(conf);
    struct error_log *log = arena_zalloc(conf->arena, sizeof *log);

    if (logs == NULL || log == NULL)
        return NULL;
    log->last = &log->first;
    log->next = logs->error_logs;
    logs->error_logs = log;
    return log;
}

static struct error_log_place *place_new(struct conf *conf, struct error_log *log,
                                         enum log_level level, struct position at)
{
    struct error_log_place *place = arena_zalloc(conf->arena, sizeof *place);

    if (place == NULL)
        return NULL;
    place->level = level;
    place->at = at;
    *log->last = place;
    log->last = &place->next;
    return place;
}

struct error_log *error_log_default(struct conf *conf)
{
    const char *path = conf->error_log != NULL ? conf->error_log : MUXD_ERROR_LOG_PATH;
    struct error_log *log = error_log_new(conf);
    struct error_log_place *place =
        log == NULL ? NULL : place_new(conf, log, LOG_LEVEL_ERROR, (struct position){ 0 });

    if (place == NULL)
        return NULL;
    place->optional = strcmp(path, MUXD_ERROR_LOG_PATH) == 0;
    place->path =
        strcmp(path, "stderr") == 0 ? "stderr" : conf_absolute(conf, conf->prefix, slice_of(path));
    return place->path == NULL ? NULL : log;
}

/* nginx's levels for parts of itself; muxd's debug lines are one level. */
static bool is_debug_part(struct slice word)
{
    static const char *const parts[] = { "debug_core", "debug_alloc", "debug_mutex", "debug_event",
                                         "debug_http", "debug_mail",  "debug_stream" };

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (slice_is(word, parts[i]))
            return true;
    return false;
}

/* The level behind the place: one, or several parts of debug. */
static bool read_level(struct conf *conf, const struct conf_node *node, enum log_level *level)
{
    bool plain = false, part = false;

    *level = LOG_LEVEL_ERROR;
    for (size_t i = 2; i < node->count; i++) {
        struct slice word = node->words[i].text;
        bool known = log_level_parse(word, level);
        if (known && (plain || part)) {
            conf_error(conf, node->words[i].at, "duplicate log level \"%.*s\"", (int)word.len,
                       word.at);
            return false;
        }
        if (!known && (plain || !is_debug_part(word))) {
            conf_error(conf, node->words[i].at, "invalid log level \"%.*s\"", (int)word.len,
                       word.at);
            return false;
        }
        plain |= known;
        part |= !known;
    }
    if (part)
        *level = LOG_LEVEL_DEBUG;
    return true;
}

static void set_error_log(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                          const struct directive *directive, void *value)
{
    struct error_log **log = value;
    const struct word *word = &node->words[1];
    struct syslog *syslog = NULL;
    const char *path = NULL;
    enum log_level level;

    (void)scope;
    (void)directive;
    if (slice_starts(word->text, SLICE("memory:"))) {
        conf_error(conf, word->at, "muxd was built without debug support: no \"memory:\" logs");
        return;
    }
    if (slice_starts(word->text, SLICE("syslog:"))) {
        if ((syslog = conf_log_syslog(conf, word)) == NULL)
            return;
    } else if (slice_is(word->text, "stderr")) {
        path = "stderr";
    } else if ((path = conf_absolute(conf, conf->prefix, word->text)) == NULL) {
        goto no_memory;
    }
    if (!read_level(conf, node, &level))
        return;
    if (*log == NULL && (*log = error_log_new(conf)) == NULL)
        goto no_memory;
    struct error_log_place *place = place_new(conf, *log, level, word->at);
    if (place == NULL)
        goto no_memory;
    place->path = path;
    place->syslog = syslog;
    return;

no_memory:
    conf_error(conf, word->at, "no memory for this log");
}

static const struct value_type as_error_log = { "file | stderr | syslog:... [level]",
                                                sizeof(struct error_log *), set_error_log };

static const struct directive error_log_directives[] = {
    { "error_log", IN_MAIN | IN_HTTP_ALL, ARGS_REPEATED(1, 255), &as_error_log,
      offsetof(struct error_log_settings, log), NULL,
      "where errors of this level and worse are written" },
    { 0 },
};

const struct conf_module error_log_module = {
    .name = "errlog",
    .id = MODULE_ERROR_LOG,
    .size = sizeof(struct error_log_settings),
    .directives = error_log_directives,
};

struct log *request_error_log(const struct request *request)
{
    const struct error_log_settings *settings = request->settings[MODULE_ERROR_LOG];

    return settings->log != NULL ? &settings->log->log : request->worker->log;
}
