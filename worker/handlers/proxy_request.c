/* The request as the upstream gets it: written anew from what was understood of the
 * client's, with one framing. */
#include "worker/cache/use.h"
#include "worker/context.h"
#include "worker/handlers/proxy.h"
#include "worker/http/body.h"

/* What is put together, and how long it is. */
struct writing {
    struct slice method, uri, version;
    struct slice length;             /* of the body, in digits; empty: not sent */
    struct slice hop_by_hop;         /* the client's Connection, when it names fields */
    struct slice old_etag, old_date; /* of an answer in the cache that is too old; or empty */
    struct slice *values;            /* of settings->fields */
    size_t len;
};

/* --- the body --- */

static bool choose_body(struct exchange *x, const struct proxy_settings *settings)
{
    const struct body *body = x->request->body;

    if (settings->body.literal.at != NULL)
        return template_eval(x->request, &settings->body, &x->upload.memory);
    exchange_pass_body(x);
    if (x->upload.streamed && body->framing == FRAMING_CHUNKED)
        x->upload.framing = UPLOAD_CHUNKED;
    return true;
}

/* The length is said when there is a body, or the client said that there is none. */
static bool write_length(struct exchange *x, const struct proxy_settings *settings,
                         struct writing *writing)
{
    const struct upload *upload = &x->upload;
    const struct body *body = x->request->body;
    bool own = settings->body.literal.at != NULL;
    uint64_t length = upload->file >= 0 ? upload->file_size : upload->memory.len;

    if (upload->framing == UPLOAD_CHUNKED ||
        (!own && (body == NULL || !settings->exchange.pass_request_body)))
        return true;
    if (upload->streamed)
        length = body->length;
    writing->length = arena_printf(&x->request->arena, "%llu", (unsigned long long)length);
    return writing->length.at != NULL;
}

/* --- which fields --- */

static bool is_connection_option(struct slice list)
{
    return slice_is_nocase(list, "close") || slice_is_nocase(list, "keep-alive");
}

/* The client's field is written otherwise, or is for this server only. */
static bool is_dropped(const struct exchange *x, const struct proxy_settings *settings,
                       const struct writing *writing, const struct field *field)
{
    const struct proxy_field *fields = settings->fields.items;

    if (x->cache != NULL && cache_hides_field(x, field->known))
        return true;
    if (field->known != FIELD_OTHER && (settings->replaced >> field->known & 1) != 0)
        return true;
    if (writing->hop_by_hop.len > 0 && list_has_token(writing->hop_by_hop, field->name))
        return true;
    if (field->known != FIELD_OTHER)
        return false;
    if (slice_is_nocase(field->name, "Proxy-Connection"))
        return true;
    for (size_t i = 0; settings->replaces_other && i < settings->fields.count; i++)
        if (slice_equal_nocase(fields[i].name, field->name))
            return true;
    return false;
}

enum { FRAME_LEN = sizeof ": \r\n" - 1 };

static size_t line_len(struct slice name, struct slice value)
{
    return name.len + value.len + FRAME_LEN;
}

static bool evaluate(struct exchange *x, const struct proxy_settings *settings,
                     struct writing *writing)
{
    const struct proxy_field *fields = settings->fields.items;

    writing->values =
        arena_alloc(&x->request->arena, settings->fields.count * sizeof *writing->values);
    if (writing->values == NULL)
        return false;
    for (size_t i = 0; i < settings->fields.count; i++) {
        if (!template_eval_head(x->request, &fields[i].value, HEAD_TEXT_VALUE, &writing->values[i]))
            return false;
        if (writing->values[i].len > 0)
            writing->len += line_len(fields[i].name, writing->values[i]);
    }
    return true;
}

/* All Connection fields but the usual one. */
static struct slice named_fields(struct request *request)
{
    const struct field *connection = head_known(&request->head, FIELD_CONNECTION);

    if (connection == NULL || ((request->head.repeated >> FIELD_CONNECTION & 1) == 0 &&
                               is_connection_option(connection->value)))
        return SLICE("");
    struct slice all = connection->value;
    for (const struct field *end = request->head.fields + request->head.field_count;
         ++connection < end;)
        if (connection->known == FIELD_CONNECTION)
            all = arena_printf(&request->arena, "%.*s,%.*s", (int)all.len, all.at,
                               (int)connection->value.len, connection->value.at);
    return all;
}

/* --- writing --- */

static char *put(char *at, struct slice text)
{
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    return at + text.len;
}

static char *put_line(char *at, struct slice name, struct slice value)
{
    at = put(at, name);
    at = put(at, SLICE(": "));
    at = put(at, value);
    return put(at, SLICE("\r\n"));
}

static char *put_fields(char *at, const struct exchange *x, const struct proxy_settings *settings,
                        const struct writing *writing)
{
    const struct proxy_field *fields = settings->fields.items;
    const struct head *head = &x->request->head;

    for (size_t i = 0; i < settings->fields.count; i++)
        if (writing->values[i].len > 0)
            at = put_line(at, fields[i].name, writing->values[i]);
    if (writing->length.len > 0)
        at = put_line(at, SLICE("Content-Length"), writing->length);
    if (x->upload.framing == UPLOAD_CHUNKED)
        at = put(at, SLICE("Transfer-Encoding: chunked\r\n"));
    if (writing->old_etag.len > 0)
        at = put_line(at, SLICE("If-None-Match"), writing->old_etag);
    if (writing->old_date.len > 0)
        at = put_line(at, SLICE("If-Modified-Since"), writing->old_date);
    if (!settings->exchange.pass_request_headers)
        return at;
    for (size_t i = 0; i < head->field_count; i++)
        if (!is_dropped(x, settings, writing, &head->fields[i]))
            at = put_line(at, head->fields[i].name, head->fields[i].value);
    return at;
}

static size_t bound(const struct exchange *x, const struct writing *writing)
{
    const struct head *head = &x->request->head;
    size_t len = writing->len + writing->method.len + writing->uri.len + writing->version.len + 2 +
                 line_len(SLICE("Content-Length"), writing->length) +
                 line_len(SLICE("If-None-Match"), writing->old_etag) +
                 line_len(SLICE("If-Modified-Since"), writing->old_date) +
                 sizeof "Transfer-Encoding: chunked\r\n\r\n\r\n";

    for (size_t i = 0; i < head->field_count; i++)
        len += line_len(head->fields[i].name, head->fields[i].value);
    return len;
}

static bool choose_method(struct exchange *x, const struct proxy_settings *settings,
                          struct writing *writing)
{
    const struct request *request = x->request;

    if (settings->method.literal.at != NULL)
        return template_eval_head(x->request, &settings->method, HEAD_TEXT_TARGET,
                                  &writing->method);
    if (request->method == METHOD_HEAD && x->cache != NULL && cache_converts_head(x)) {
        writing->method = SLICE("GET");
        return true;
    }
    writing->method = request->head.method_text;
    if (request->method != request->head.method)
        writing->method = slice_of(method_name(request->method));
    return true;
}

int proxy_write_request(struct exchange *x, const struct proxy_settings *settings)
{
    struct writing writing = { .uri = x->uri, .hop_by_hop = named_fields(x->request) };

    if (!choose_body(x, settings) || !choose_method(x, settings, &writing) ||
        !write_length(x, settings, &writing) || !evaluate(x, settings, &writing))
        return 500;
    if (x->cache != NULL) {
        writing.old_etag = cache_old_etag(x);
        writing.old_date = cache_old_date(x);
    }
    x->to_head = slice_is_nocase(writing.method, "HEAD");
    writing.version = settings->http_version == 0 ? SLICE(" HTTP/1.0\r\n") : SLICE(" HTTP/1.1\r\n");
    char *head = arena_text(&x->request->arena, bound(x, &writing));
    if (head == NULL)
        return 500;
    char *at = put(head, writing.method);
    at = put(at, SLICE(" "));
    at = put(at, writing.uri);
    at = put(at, writing.version);
    at = put_fields(at, x, settings, &writing);
    at = put(at, SLICE("\r\n"));
    x->upload.head = slice_make(head, (size_t)(at - head));
    return 0;
}
