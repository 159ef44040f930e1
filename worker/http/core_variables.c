/* What the request, its server and the clock are. */
#include "common/version.h"
#include "worker/context.h"
#include "worker/handlers/static.h"
#include "worker/http/body.h"
#include "worker/http/core.h"
#include "worker/http/subrequest.h"
#include "worker/http/uri.h"
#include "worker/http/variable_text.h"
#include "worker/http/variables.h"
#include "worker/net/connection.h"

#include <limits.h>
#include <sys/random.h>
#include <unistd.h>

/* --- the request line --- */

/* The line as sent; of one that has not arrived wholly, what there is. */
static bool request_line(struct request *request, struct slice argument, struct slice *value)
{
    const struct buffer *input = request->connection->input;

    (void)argument;
    *value = request->head.line;
    if (value->at != NULL || input == NULL)
        return value->at != NULL;
    *value = slice_make(input->data + input->start, input->end - input->start);
    for (size_t i = 0; i < value->len; i++)
        if (value->at[i] == '\r' || value->at[i] == '\n')
            *value = slice_first(*value, i);
    return true;
}

/* Of a line that was refused, or is not whole, the parts mean nothing. In a subrequest it
 * is the client's method, as in nginx. */
static bool request_method(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    request = request_main(request);
    *value = request->head.method_text;
    /* An error page is asked for with GET; a head that was refused has no request yet. */
    if (request->method != request->head.method && request->method != METHOD_UNKNOWN)
        *value = slice_of(method_name(request->method));
    return request->head.in_fields;
}

/* The target as sent, but for scheme and host of an absolute form. */
static bool request_uri(struct request *request, struct slice argument, struct slice *value)
{
    const struct head *head = &request->head;

    (void)argument;
    *value = head->target;
    if (head->scheme.len > 0 && head->has_query)
        *value = arena_printf(&request->arena, "%.*s?%.*s", (int)head->path.len, head->path.at,
                              (int)head->query.len, head->query.at);
    else if (head->scheme.len > 0)
        *value = head->path;
    return head->in_fields && value->at != NULL;
}

/* A request that was refused for its header has been sent for a path nevertheless. */
static bool uri(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    *value = request->uri;
    if (value->at == NULL && request->head.in_fields)
        *value = request->head.path;
    return value->len > 0;
}

/* A query that was taken away is an empty one; a request that never had one has none. */
static bool args(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    *value = request->args;
    if (request->uri.at == NULL && request->head.query.len > 0)
        *value = request->head.query;
    return value->at != NULL && request->head.in_fields;
}

static bool is_args(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    *value = request->args.len > 0 ? SLICE("?") : SLICE("");
    return true;
}

static bool arg_any(struct request *request, struct slice argument, struct slice *value)
{
    return query_argument(request->args, argument, value);
}

static bool server_protocol(struct request *request, struct slice argument, struct slice *value)
{
    const struct head *head = &request->head;

    (void)argument;
    if (!head->in_fields)
        return false;
    *value = head->minor == 0 ? SLICE("HTTP/1.0") : SLICE("HTTP/1.1");
    /* HTTP/1.2 and the like are logged as sent. */
    ptrdiff_t space = slice_find_last(head->line, ' ');
    if (head->minor > 1 && space >= 0)
        *value = slice_from(head->line, (size_t)space + 1);
    return true;
}

static bool scheme(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    *value = connection_is_tls(request->connection) ? SLICE("https") : SLICE("http");
    return true;
}

static bool https(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    *value = connection_is_tls(request->connection) ? SLICE("on") : SLICE("");
    return true;
}

/* Never: muxd speaks HTTP/1.1, and who ends TLS before it agrees on that. */
static bool http2(struct request *request, struct slice argument, struct slice *value)
{
    (void)request;
    (void)argument;
    *value = SLICE("");
    return true;
}

/* --- the body --- */

static bool request_body(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return body_variable(request, value);
}

static bool request_body_file(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return body_file_variable(request, value);
}

static bool request_bytes(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return value_number(request, request_length(request), value);
}

/* --- the server --- */

static bool host(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    *value = request->host.len > 0 ? request->host : request->server->name;
    return true;
}

static bool server_name(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    *value = request->server->name;
    return true;
}

static bool document_root(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return request_document_root(request, value);
}

static bool realpath_root(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return request_realpath_root(request, value);
}

static bool request_filename(struct request *request, struct slice argument, struct slice *value)
{
    struct slice path;

    if (!uri(request, argument, &path))
        path = SLICE("");
    return request_path(request, path, value);
}

static bool limit_rate(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return value_number(request, request->rate.rate, value);
}

static bool host_name(struct request *request, struct slice argument, struct slice *value)
{
    char name[HOST_NAME_MAX + 1];

    (void)argument;
    if (gethostname(name, sizeof name) < 0)
        return false;
    name[sizeof name - 1] = '\0';
    for (char *at = name; *at != '\0'; at++)
        *at = ascii_lower(*at);
    return value_copy(request, slice_of(name), value);
}

static bool process_id(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return value_number(request, (uint64_t)getpid(), value);
}

static bool version(struct request *request, struct slice argument, struct slice *value)
{
    (void)request;
    (void)argument;
    *value = SLICE(MUXD_VERSION);
    return true;
}

/* --- times --- */

static bool request_time(struct request *request, struct slice argument, struct slice *value)
{
    uint64_t taken = request->worker->clock.now - request->started;

    (void)argument;
    return value_seconds(request, taken / 1000, (unsigned)(taken % 1000), value);
}

static bool msec(struct request *request, struct slice argument, struct slice *value)
{
    const struct clock *clock = &request->worker->clock;

    (void)argument;
    return value_seconds(request, (uint64_t)clock->wall, clock->milliseconds, value);
}

/* The clock's text is made anew in the next second: it is copied. */
static bool time_local(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return value_copy(request, clock_local_time(&request->worker->clock), value);
}

static bool time_iso8601(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return value_copy(request, clock_iso8601(&request->worker->clock), value);
}

/* --- $request_id --- */

enum { REQUEST_ID_BYTES = 16 };

static bool make_request_id(struct request *request)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[REQUEST_ID_BYTES];
    char *text = arena_text(&request->arena, sizeof random * 2);

    if (text == NULL || getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++) {
        text[2 * i] = digits[random[i] >> 4];
        text[2 * i + 1] = digits[random[i] & 15];
    }
    request->id = slice_make(text, sizeof random * 2);
    return true;
}

static bool request_id(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    request = request_main(request);
    if (request->id.at == NULL && !make_request_id(request))
        return false;
    *value = request->id;
    return true;
}

/* --- what can be set --- */

static bool set_args(struct request *request, struct slice value)
{
    request->args = value;
    request->has_args = value.len > 0;
    return true;
}

/* One that is no size changes nothing, as in nginx. */
static bool set_limit_rate(struct request *request, struct slice value)
{
    uint64_t rate;

    if (value_parse_size(value, &rate))
        limit_rate_set(request, rate);
    else
        request_log(request, LOG_LEVEL_ERROR, 0, "invalid $limit_rate \"%.*s\"", (int)value.len,
                    value.at);
    return true;
}

const struct settable_variable settable_variables[] = {
    { "args", set_args },
    { "limit_rate", set_limit_rate },
    { NULL, NULL },
};

const struct variable core_variables[] = {
    { "arg_", arg_any },
    { "args", args },
    { "document_root", document_root },
    { "document_uri", uri },
    { "host", host },
    { "hostname", host_name },
    { "http2", http2 },
    { "https", https },
    { "is_args", is_args },
    { "limit_rate", limit_rate },
    { "msec", msec },
    { "nginx_version", version },
    { "pid", process_id },
    { "query_string", args },
    { "realpath_root", realpath_root },
    { "request", request_line },
    { "request_body", request_body },
    { "request_body_file", request_body_file },
    { "request_filename", request_filename },
    { "request_id", request_id },
    { "request_length", request_bytes },
    { "request_method", request_method },
    { "request_time", request_time },
    { "request_uri", request_uri },
    { "scheme", scheme },
    { "server_name", server_name },
    { "server_protocol", server_protocol },
    { "time_iso8601", time_iso8601 },
    { "time_local", time_local },
    { "uri", uri },
    { NULL, NULL },
};
