#include "worker/context.h"
#include "worker/error_log.h"
#include "worker/http/core.h"
#include "worker/http/log_escape.h"
#include "worker/http/request.h"
#include "worker/net/connection.h"
#include "worker/upstream/exchange_log.h"

#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_MAX = 1024 };

/* `, name: "value"` with what could forge a line escaped; nothing when empty. */
static struct slice quoted(struct request *request, const char *name, struct slice value)
{
    if (value.len == 0)
        return SLICE("");
    struct slice safe = log_escape_error(&request->arena, value);
    return arena_printf(&request->arena, ", %s: \"%.*s\"", name, (int)safe.len, safe.at);
}

void request_log(struct request *request, int level, int error_number, const char *format, ...)
{
    struct log *log = request_error_log(request);
    const struct head *head = &request->head;
    const struct field *host = head_known(head, FIELD_HOST);
    const struct field *referer = head_known(head, FIELD_REFERER);
    char message[MESSAGE_MAX], client[IP_TEXT_MAX];
    va_list args;

    if (!log_enabled(log, (enum log_level)level))
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    size_t client_len = ip_text(request->client, client);
    struct slice line = quoted(request, "request", head->line);
    struct slice inner =
        request->subrequest == NULL ? SLICE("") : quoted(request, "subrequest", request->uri);
    struct slice upstream = quoted(request, "upstream", exchange_url(request));
    struct slice host_text = quoted(request, "host", host == NULL ? SLICE("") : host->value);
    struct slice from = quoted(request, "referrer", referer == NULL ? SLICE("") : referer->value);
    /* The errno belongs to the message: nginx writes it before the request's tail. */
    char reason[128] = "";
    if (error_number != 0)
        snprintf(reason, sizeof reason, " (%d: %s)", error_number, strerror(error_number));
    log_write(log, (enum log_level)level, 0, request->connection->number,
              "%s%s, client: %.*s, server: %.*s%.*s%.*s%.*s%.*s%.*s", message, reason,
              (int)client_len, client, (int)request->server->name.len, request->server->name.at,
              (int)line.len, line.at, (int)inner.len, inner.at, (int)upstream.len, upstream.at,
              (int)host_text.len, host_text.at, (int)from.len, from.at);
}
