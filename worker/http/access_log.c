#include "worker/http/access_log.h"

#include "conf/values.h"
#include "worker/http/core.h"
#include "worker/http/log_file_cache.h"
#include "worker/http/log_format.h"
#include "worker/http/log_target.h"
#include "worker/logs.h"

/* --- access_log --- */

static void no_memory(struct conf *conf, struct position at)
{
    conf_error(conf, at, "no memory for this log");
}

static void invalid(struct conf *conf, const struct word *word, const char *what,
                    struct slice value)
{
    conf_error(conf, word->at, "invalid %s \"%.*s\"", what, (int)value.len, value.at);
}

static struct access_log *access_log_new(struct conf *conf, struct access_logs *logs)
{
    struct access_log *log = arena_zalloc(conf->arena, sizeof *log);

    if (log == NULL)
        return NULL;
    *logs->last = log;
    logs->last = &log->next;
    return log;
}

static struct access_logs *access_logs_new(struct conf *conf)
{
    struct access_logs *logs = arena_zalloc(conf->arena, sizeof *logs);

    if (logs != NULL)
        logs->last = &logs->first;
    return logs;
}

/* The log's first word: syslog, a path with variables, or a file. */
static bool read_place(struct conf *conf, struct conf_scope *scope, const struct word *word,
                       struct access_log *log)
{
    if (slice_starts(word->text, SLICE("syslog:"))) {
        log->syslog = conf_log_syslog(conf, word);
        return log->syslog != NULL;
    }
    const char *path = conf_absolute(conf, conf->prefix, word->text);
    if (path == NULL) {
        no_memory(conf, word->at);
        return false;
    }
    if (slice_find(word->text, '$') >= 0)
        return template_compile(conf, scope, word->at, slice_of(path), &log->path);
    log->target = conf_log_target(conf, path, word->at);
    if (log->target == NULL)
        no_memory(conf, word->at);
    return log->target != NULL;
}

static bool read_format(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        struct access_log *log)
{
    struct slice name = node->count > 2 ? node->words[2].text : SLICE("combined");

    log->format = log_format_find(http_of(scope), name);
    if (log->format == NULL)
        conf_error(conf, node->words[2].at, "unknown log format \"%.*s\"", (int)name.len, name.at);
    return log->format != NULL;
}

struct buffering {
    uint64_t size, flush;
};

/* One of buffer=, flush=, gzip, if=. */
static bool read_option(struct conf *conf, struct conf_scope *scope, const struct word *word,
                        struct access_log *log, struct buffering *buffering)
{
    struct slice value;

    if (value_option(word->text, "buffer", &value)) {
        if (value_parse_size(value, &buffering->size) && buffering->size > 0)
            return true;
        invalid(conf, word, "buffer size", value);
    } else if (value_option(word->text, "flush", &value)) {
        if (value_parse_time(value, &buffering->flush) && buffering->flush > 0)
            return true;
        invalid(conf, word, "flush time", value);
    } else if (slice_is(word->text, "gzip") || value_option(word->text, "gzip", &value)) {
        conf_error(conf, word->at, "muxd was built without zlib support");
    } else if (value_option(word->text, "if", &value)) {
        log->conditional = true;
        return template_compile(conf, scope, word->at, value, &log->condition);
    } else {
        invalid(conf, word, "parameter", word->text);
    }
    return false;
}

/* A file has one buffer, whichever logs write to it. */
static void set_buffering(struct conf *conf, const struct word *place, const struct access_log *log,
                          const struct buffering *buffering)
{
    struct log_target *target = log->target;
    struct slice name = place->text;

    if (buffering->size == 0) {
        if (buffering->flush > 0)
            conf_error(conf, place->at, "no buffer is defined for access_log \"%.*s\"",
                       (int)name.len, name.at);
        return;
    }
    if (log->syslog != NULL) {
        conf_error(conf, place->at, "logs to syslog cannot be buffered");
    } else if (target == NULL) {
        conf_error(conf, place->at, "buffered logs cannot have variables in name");
    } else if (target->buffer_size > 0 &&
               (target->buffer_size != buffering->size || target->flush != buffering->flush)) {
        conf_error(conf, place->at,
                   "access_log \"%.*s\" already defined with conflicting parameters", (int)name.len,
                   name.at);
    } else {
        target->buffer_size = buffering->size;
        target->flush = buffering->flush;
    }
}

static void set_access_log(struct conf *conf, struct conf_scope *scope,
                           const struct conf_node *node, const struct directive *directive,
                           void *value)
{
    struct access_logs **logs = value;
    const struct word *words = node->words;
    struct buffering buffering = { 0 };

    (void)directive;
    if (*logs == NULL && (*logs = access_logs_new(conf)) == NULL) {
        no_memory(conf, words[1].at);
        return;
    }
    if (slice_is(words[1].text, "off")) {
        (*logs)->off = true;
        if (node->count > 2)
            invalid(conf, &words[2], "parameter", words[2].text);
        return;
    }
    struct access_log *log = access_log_new(conf, *logs);
    if (log == NULL) {
        no_memory(conf, words[1].at);
        return;
    }
    if (!read_place(conf, scope, &words[1], log) || !read_format(conf, scope, node, log))
        return;
    for (size_t i = 3; i < node->count; i++)
        if (!read_option(conf, scope, &words[i], log, &buffering))
            return;
    set_buffering(conf, &words[1], log, &buffering);
}

/* --- open_log_file_cache --- */

static bool read_cache_option(struct slice word, struct log_file_cache *cache)
{
    struct slice value;

    if (value_option(word, "max", &value))
        return slice_to_number(value, UINT32_MAX, &cache->max);
    if (value_option(word, "inactive", &value))
        return value_parse_time(value, &cache->inactive);
    if (value_option(word, "min_uses", &value))
        return slice_to_number(value, UINT32_MAX, &cache->min_uses);
    if (value_option(word, "valid", &value))
        return value_parse_time(value, &cache->valid);
    return false;
}

static void set_cache(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    struct log_file_cache **place = value;
    struct conf_logs *logs = conf_logs(conf);
    struct log_file_cache *cache = arena_zalloc(conf->arena, sizeof *cache);
    bool off = false;

    (void)scope;
    if (logs == NULL || cache == NULL) {
        no_memory(conf, node->words[0].at);
        return;
    }
    *cache = (struct log_file_cache){ .inactive = 10000, .valid = 60000, .min_uses = 1 };
    for (size_t i = 1; i < node->count; i++) {
        struct slice word = node->words[i].text;
        if (slice_is(word, "off")) {
            off = true;
        } else if (!read_cache_option(word, cache)) {
            conf_error(conf, node->words[i].at, "invalid \"%s\" parameter \"%.*s\"",
                       directive->name, (int)word.len, word.at);
            return;
        }
    }
    if (off)
        return;
    if (cache->max == 0) {
        conf_error(conf, node->words[0].at, "\"%s\" must have \"max\" parameter", directive->name);
        return;
    }
    cache->next = logs->caches;
    logs->caches = cache;
    *place = cache;
}

/* --- the table --- */

static const struct value_type as_access_log = {
    "off | path [format [buffer=size] [flush=time] [if=condition]]", sizeof(struct access_logs *),
    set_access_log
};
static const struct value_type as_cache = { "off | max=N [inactive=time] [min_uses=N] [valid=time]",
                                            sizeof(struct log_file_cache *), set_cache };

#define FIELD(name) offsetof(struct access_log_settings, name)

static const struct directive access_log_directives[] = {
    { "access_log", IN_HTTP_ALL | IN_LIMIT_EXCEPT | IN_LOCATION_IF, ARGS_REPEATED(1, 255),
      &as_access_log, FIELD(logs), NULL,
      "where a line for each request is written (logs/access.log when not said)" },
    { "log_format", IN_HTTP, ARGS_REPEATED(2, 255), &as_log_format,
      sizeof(struct access_log_settings), NULL, "what access logs write" },
    { "open_log_file_cache", IN_HTTP_ALL, ARGS_BETWEEN(1, 4), &as_cache, FIELD(cache), NULL,
      "log files with variables in their names that are kept open" },
    { 0 },
};

const struct conf_module access_log_module = {
    .name = "log",
    .id = MODULE_ACCESS_LOG,
    .size = sizeof(struct access_log_settings),
    .directives = access_log_directives,
};

/* --- the default --- */

/* Some server, or block in it, has no access_log of its own or inherited. */
static bool needs_default(const struct conf_scope *scope)
{
    const struct access_log_settings *settings = conf_settings(scope, &access_log_module);

    if ((scope->context & (IN_MAIN | IN_EVENTS | IN_HTTP)) == 0 && settings->logs == NULL)
        return true;
    for (const struct conf_scope *child = scope->children; child != NULL; child = child->next)
        if (needs_default(child))
            return true;
    return false;
}

static const struct conf_scope *find_http(const struct conf *conf)
{
    const struct conf_scope *scope = conf->main->children;

    while (scope != NULL && scope->context != IN_HTTP)
        scope = scope->next;
    return scope;
}

bool access_log_default(struct conf *conf)
{
    const struct conf_scope *scope = find_http(conf);

    if (scope == NULL || !needs_default(scope))
        return true;
    struct access_logs *logs = access_logs_new(conf);
    struct access_log *log = logs == NULL ? NULL : access_log_new(conf, logs);
    const char *path = conf_absolute(conf, conf->prefix, SLICE("logs/access.log"));
    if (log == NULL || path == NULL)
        return false;
    log->format = log_format_find(http_of(scope), SLICE("combined"));
    log->target = conf_log_target(conf, path, (struct position){ 0 });
    conf->logs->default_access = logs;
    return log->target != NULL;
}
