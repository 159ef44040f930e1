#include "worker/http/slow_log.h"

#include "common/text.h"
#include "conf/values.h"
#include "worker/http/core.h"
#include "worker/http/log_escape.h"
#include "worker/http/log_target.h"
#include "worker/http/spans.h"
#include "worker/http/variables.h"
#include "worker/logs.h"
#include "worker/net/connection.h"

/* --- the line --- */

static void add_seconds(struct text *text, const char *name, uint64_t milliseconds)
{
    text_format(text, " %s=%llu.%03u", name, (unsigned long long)(milliseconds / 1000),
                (unsigned)(milliseconds % 1000));
}

/* `name="value"`, with what could forge a line escaped; nothing when it is empty. */
static void add_quoted(struct text *text, const char *name, struct slice value)
{
    if (value.len == 0)
        return;
    text_format(text, " %s=\"", name);
    text_add(text, log_escape_error(text->arena, value));
    text_add(text, SLICE("\""));
}

static void add_spans(struct text *text, const struct request_spans *spans)
{
    static const struct {
        enum span span;
        const char *name;
    } shown[] = {
        { SPAN_READ_HEADER, "read_header" },
        { SPAN_READ_BODY, "read_body" },
        { SPAN_UPSTREAM_CONNECT, "upstream_connect" },
        { SPAN_UPSTREAM_HEADER, "upstream_header" },
        { SPAN_UPSTREAM_BODY, "upstream_body" },
        { SPAN_SEND, "send" },
        { SPAN_HANDLE, "other" },
    };

    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        add_seconds(text, shown[i].name, spans->spent[shown[i].span]);
}

static struct slice line_of(struct request *request, uint64_t milliseconds)
{
    const struct field *host = head_known(&request->head, FIELD_HOST);
    struct text text = { .arena = &request->arena };
    struct slice value;

    text_add(&text, clock_iso8601(&request->worker->clock));
    add_seconds(&text, "total", milliseconds);
    add_spans(&text, &request->spans);
    text_format(&text, " status=%u sent=%llu", request->response.status,
                (unsigned long long)request->bytes_sent);
    if (variable_get(request, SLICE("remote_addr"), &value))
        add_quoted(&text, "client", value);
    add_quoted(&text, "server", request->server->name);
    add_quoted(&text, "request", request->head.line);
    add_quoted(&text, "host", host == NULL ? SLICE("") : host->value);
    if (variable_get(request, SLICE("upstream_addr"), &value))
        add_quoted(&text, "upstream", value);
    text_add(&text, SLICE("\n"));
    return text_end(&text);
}

void slow_log_write(struct request *request, uint64_t milliseconds)
{
    const struct slow_log_settings *settings = request->settings[MODULE_SLOW_LOG];

    request_spend(request, SPAN_HANDLE);
    struct slice line = line_of(request, milliseconds);
    if (line.at != NULL)
        log_target_put(settings->log.target, line);
}

/* --- the table --- */

static void set_slow_log(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                         const struct directive *directive, void *value)
{
    struct slow_log *log = value;
    const struct word *time = &node->words[1];

    (void)scope, (void)directive;
    *log = (struct slow_log){ 0 };
    if (node->count == 2) {
        if (!slice_is(time->text, "off"))
            conf_error(conf, time->at, "\"slow_request_log\" needs a time and a file, or \"off\"");
        return;
    }
    if (!value_parse_time(time->text, &log->limit)) {
        conf_error(conf, time->at, "\"slow_request_log\" directive invalid value");
        return;
    }
    const struct word *file = &node->words[2];
    const char *path = conf_absolute(conf, conf->prefix, file->text);
    log->target = path == NULL ? NULL : conf_log_target(conf, path, file->at);
    if (log->target == NULL)
        conf_error(conf, file->at, "no memory for this log");
}

static const struct value_type as_slow_log = { "time file | off", sizeof(struct slow_log),
                                               set_slow_log };

static const struct directive slow_log_directives[] = {
    { "slow_request_log",
      IN_HTTP_ALL,
      { 1, 2, 0 },
      &as_slow_log,
      offsetof(struct slow_log_settings, log),
      NULL,
      "write requests that take this time or longer to a file, with where the time went" },
    { 0 },
};

const struct conf_module slow_log_module = {
    .name = "slow_log",
    .id = MODULE_SLOW_LOG,
    .size = sizeof(struct slow_log_settings),
    .directives = slow_log_directives,
};
