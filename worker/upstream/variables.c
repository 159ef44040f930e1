/* $upstream_*: the attempts that were made for a request; $proxy_*: what proxy_pass named. */
#include "worker/http/variables.h"
#include "common/ip_address.h"
#include "worker/handlers/proxy.h"
#include "worker/http/variable_text.h"
#include "worker/net/connection.h"

/* --- one value for each attempt --- */

enum { VALUE_MAX = 160 };

/* Writes the attempt's value at `text`, which has room for VALUE_MAX; its length. */
typedef size_t put_value(const struct attempt *, char *text);

static size_t put_name(const struct attempt *attempt, char *text)
{
    size_t len = attempt->name.len < VALUE_MAX ? attempt->name.len : VALUE_MAX;

    memcpy(text, attempt->name.at, len);
    return len;
}

static size_t put_dash(char *text)
{
    *text = '-';
    return 1;
}

static size_t put_status(const struct attempt *attempt, char *text)
{
    return attempt->status == 0 ? put_dash(text) : number_put(text, attempt->status, 3);
}

static size_t put_time(int64_t time, char *text)
{
    if (time == TIME_UNKNOWN)
        return put_dash(text);
    size_t len = number_put(text, (uint64_t)time / 1000, 1);
    text[len++] = '.';
    return len + number_put(text + len, (uint64_t)time % 1000, 3);
}

static size_t put_connect_time(const struct attempt *attempt, char *text)
{
    return put_time(attempt->connect_time, text);
}

static size_t put_header_time(const struct attempt *attempt, char *text)
{
    return put_time(attempt->header_time, text);
}

static size_t put_response_time(const struct attempt *attempt, char *text)
{
    return put_time(attempt->response_time, text);
}

static size_t put_response_length(const struct attempt *attempt, char *text)
{
    return number_put(text, attempt->body, 1);
}

static size_t put_sent(const struct attempt *attempt, char *text)
{
    return number_put(text, attempt->sent, 1);
}

static size_t put_received(const struct attempt *attempt, char *text)
{
    return number_put(text, attempt->received, 1);
}

static bool add(struct request *request, struct slice *list, struct slice separator,
                struct slice value)
{
    struct slice before = list->len == 0 ? *list : arena_join(&request->arena, *list, separator);

    *list = arena_join(&request->arena, before, value);
    return list->at != NULL;
}

/* "a, b": attempts of one exchange; " : " between those of several. */
static bool list_attempts(struct request *request, const struct exchange *x, put_value *put,
                          struct slice *list)
{
    struct slice separator = SLICE(" : ");

    if (x->previous != NULL && !list_attempts(request, x->previous, put, list))
        return false;
    for (const struct attempt *attempt = x->attempts; attempt != NULL; attempt = attempt->next) {
        char text[VALUE_MAX];
        if (!add(request, list, separator, slice_make(text, put(attempt, text))))
            return false;
        separator = SLICE(", ");
    }
    return true;
}

static bool attempts_value(struct request *request, put_value *put, struct slice *value)
{
    *value = SLICE("");
    return request->exchange != NULL && list_attempts(request, request->exchange, put, value) &&
           value->len > 0;
}

static bool upstream_addr(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return attempts_value(request, put_name, value);
}

static bool upstream_status(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return attempts_value(request, put_status, value);
}

static bool connect_time(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return attempts_value(request, put_connect_time, value);
}

static bool header_time(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return attempts_value(request, put_header_time, value);
}

static bool response_time(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return attempts_value(request, put_response_time, value);
}

static bool response_length(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return attempts_value(request, put_response_length, value);
}

static bool bytes_sent(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return attempts_value(request, put_sent, value);
}

static bool bytes_received(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return attempts_value(request, put_received, value);
}

/* --- fields of the answer --- */

static bool http_any(struct request *request, struct slice argument, struct slice *value)
{
    const struct exchange *x = request->exchange;
    const struct answer_field *fields = x == NULL ? NULL : x->head.fields.items;

    for (size_t i = 0; x != NULL && i < x->head.fields.count; i++)
        if (is_header_variable(fields[i].name, argument)) {
            *value = fields[i].value;
            return true;
        }
    return false;
}

/* The value of the first cookie of this name that the upstream sets. */
static bool cookie_any(struct request *request, struct slice argument, struct slice *value)
{
    const struct exchange *x = request->exchange;
    const struct answer_field *fields = x == NULL ? NULL : x->head.fields.items;

    for (size_t i = 0; x != NULL && i < x->head.fields.count; i++) {
        struct slice text = fields[i].value;
        ptrdiff_t sign = slice_find(text, '='), end = slice_find(text, ';');
        if (fields[i].known != ANSWER_SET_COOKIE || sign < 0 || (end >= 0 && end < sign) ||
            !slice_equal_nocase(slice_first(text, (size_t)sign), argument))
            continue;
        text = slice_from(end < 0 ? text : slice_first(text, (size_t)end), (size_t)sign + 1);
        *value = text;
        return true;
    }
    return false;
}

/* "Name: value" lines behind a chunked body. */
static bool trailer_any(struct request *request, struct slice argument, struct slice *value)
{
    struct slice rest = request->exchange == NULL ? SLICE("") : request->exchange->body.trailers;
    ptrdiff_t end;

    while ((end = slice_find(rest, '\n')) >= 0) {
        struct slice line = slice_first(rest, (size_t)end);
        ptrdiff_t colon = slice_find(line, ':');
        rest = slice_from(rest, (size_t)end + 1);
        if (colon < 0 || !is_header_variable(slice_first(line, (size_t)colon), argument))
            continue;
        if (slice_ends(line, SLICE("\r")))
            line.len--;
        *value = slice_trim(slice_from(line, (size_t)colon + 1));
        return true;
    }
    return false;
}

/* --- $proxy_* --- */

static const struct proxy_url *url_of(const struct request *request)
{
    const struct proxy_context *context = proxy_context(request->exchange);

    return context == NULL ? NULL : context->url;
}

static bool proxy_host(struct request *request, struct slice argument, struct slice *value)
{
    const struct proxy_url *url = url_of(request);

    (void)argument;
    if (url != NULL)
        *value = url->host;
    return url != NULL;
}

static bool proxy_port(struct request *request, struct slice argument, struct slice *value)
{
    const struct proxy_url *url = url_of(request);

    (void)argument;
    if (url != NULL)
        *value = url->port;
    return url != NULL;
}

/* What the client sent, and the client itself behind it. */
static bool add_forwarded_for(struct request *request, struct slice argument, struct slice *value)
{
    char text[IP_TEXT_MAX];
    struct slice client = slice_make(text, ip_text(request->client, text)), before;

    (void)argument;
    if (!variable_get(request, SLICE("http_x_forwarded_for"), &before))
        return value_copy(request, client, value);
    *value = arena_printf(&request->arena, "%.*s, %.*s", (int)before.len, before.at,
                          (int)client.len, client.at);
    return value->at != NULL;
}

const struct variable upstream_variables[] = {
    { "proxy_add_x_forwarded_for", add_forwarded_for },
    { "proxy_host", proxy_host },
    { "proxy_port", proxy_port },
    { "upstream_addr", upstream_addr },
    { "upstream_bytes_received", bytes_received },
    { "upstream_bytes_sent", bytes_sent },
    { "upstream_connect_time", connect_time },
    { "upstream_cookie_", cookie_any },
    { "upstream_header_time", header_time },
    { "upstream_http_", http_any },
    { "upstream_response_length", response_length },
    { "upstream_response_time", response_time },
    { "upstream_status", upstream_status },
    { "upstream_trailer_", trailer_any },
    { NULL, NULL },
};
