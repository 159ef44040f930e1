/* What the client is sent: the status, counts of bytes, and $sent_http_*, which
 * knows the lines that rendering makes itself too. */
#include "worker/http/client.h"
#include "worker/http/status.h"
#include "worker/http/variable_text.h"
#include "worker/http/variables.h"
#include "worker/net/connection.h"

/* nginx's own codes stand for 400 and are logged so. */
static bool status(struct request *request, struct slice argument, struct slice *value)
{
    unsigned code = request->error_status != 0 ? request->error_status : request->response.status;
    char text[NUMBER_TEXT_MAX];

    (void)argument;
    if (code >= 494 && code <= 497)
        code = 400;
    return value_copy(request, slice_make(text, number_put(text, code, 3)), value);
}

static bool bytes_sent(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return value_number(request, request->bytes_sent, value);
}

static bool body_bytes_sent(struct request *request, struct slice argument, struct slice *value)
{
    uint64_t all = request->bytes_sent, head = request->head_bytes_sent;

    (void)argument;
    return value_number(request, all > head ? all - head : 0, value);
}

/* "OK" when all of the answer has been handed on. */
static bool request_completion(struct request *request, struct slice argument, struct slice *value)
{
    bool complete = request->connection->answered && request->response.body == NULL &&
                    request->head_bytes_sent > 0;

    (void)argument;
    *value = complete ? SLICE("OK") : SLICE("");
    return true;
}

/* --- $sent_http_* --- */

static bool text_if_any(struct slice text, struct slice *value)
{
    *value = text;
    return text.len > 0;
}

static bool sent_content_type(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return request->response.status != 204 && text_if_any(request->response.content_type, value);
}

static bool sent_content_length(struct request *request, struct slice argument, struct slice *value)
{
    const struct response *response = &request->response;

    (void)argument;
    return status_has_content(response->status) && response->length_known &&
           value_number(request, response->length, value);
}

static bool sent_content_range(struct request *request, struct slice argument, struct slice *value)
{
    unsigned code = request->response.status;

    (void)argument;
    return (code == 206 || code == 416) && text_if_any(request->response.content_range, value);
}

static bool sent_last_modified(struct request *request, struct slice argument, struct slice *value)
{
    unsigned code = request->response.status;

    (void)argument;
    return (code == 200 || code == 206 || code == 304) &&
           text_if_any(request->response.last_modified_text, value);
}

static bool sent_location(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    *value = request->response.location;
    return value->at != NULL;
}

static bool sent_connection(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    *value = request->keep_alive ? SLICE("keep-alive") : SLICE("close");
    if (request->response.status == 101)
        *value = SLICE("upgrade");
    return true;
}

static bool sent_keep_alive(struct request *request, struct slice argument, struct slice *value)
{
    static const struct slice name = { "timeout=", 8 };
    const struct client_settings *settings = request->settings[MODULE_CLIENT];
    char text[8 + NUMBER_TEXT_MAX];

    (void)argument;
    if (!request->keep_alive || settings->keepalive_timeout.header == 0)
        return false;
    memcpy(text, name.at, name.len);
    size_t len = name.len + number_put(text + name.len, settings->keepalive_timeout.header, 1);
    return value_copy(request, slice_make(text, len), value);
}

static bool sent_transfer_encoding(struct request *request, struct slice argument,
                                   struct slice *value)
{
    const struct client_settings *settings = request->settings[MODULE_CLIENT];
    const struct response *response = &request->response;

    (void)argument;
    if (request->head_bytes_sent == 0 || response->length_known || response->no_body ||
        request->head_only || request->head.minor == 0 || !settings->chunked_transfer_encoding)
        return false;
    *value = SLICE("chunked");
    return true;
}

/* The field that has the variable's name, from number *from on; NULL when there is none. */
static const struct response_field *next_field(const struct response *response,
                                               struct slice variable, size_t *from)
{
    const struct response_field *fields = response->fields.items;

    for (size_t i = *from; i < response->fields.count; i++)
        if (!fields[i].hidden && is_header_variable(fields[i].name, variable)) {
            *from = i + 1;
            return &fields[i];
        }
    return NULL;
}

static bool sent_any(struct request *request, struct slice argument, struct slice *value)
{
    size_t from = 0;
    const struct response_field *field = next_field(&request->response, argument, &from);

    if (field == NULL)
        return false;
    *value = field->value;
    return true;
}

/* Every field of the name, separated by ", ". */
static bool sent_joined(struct request *request, struct slice name, struct slice *value)
{
    const struct response_field *field;
    size_t from = 0;
    bool found = false;

    while ((field = next_field(&request->response, name, &from)) != NULL) {
        if (found) {
            struct slice before = arena_join(&request->arena, *value, SLICE(", "));
            *value = arena_join(&request->arena, before, field->value);
        } else {
            *value = field->value;
        }
        found = true;
    }
    return found;
}

static bool sent_cache_control(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return sent_joined(request, SLICE("cache_control"), value);
}

static bool sent_link(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return sent_joined(request, SLICE("link"), value);
}

static bool sent_etag(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return text_if_any(request->response.etag, value) || sent_any(request, SLICE("etag"), value);
}

static bool sent_accept_ranges(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    if (!request->response.ranges || request->response.status != 200)
        return sent_any(request, SLICE("accept_ranges"), value);
    *value = SLICE("bytes");
    return true;
}

/* Trailers are rendered lines: "Name: value" and CRLF. */
static bool sent_trailer(struct request *request, struct slice argument, struct slice *value)
{
    struct slice rest = request->response.trailers;
    ptrdiff_t colon, end;

    while ((colon = slice_find(rest, ':')) >= 0 && (end = slice_find(rest, '\r')) > colon) {
        struct slice line = slice_first(rest, (size_t)end);
        *value = slice_from(line, (size_t)colon + strlen(": "));
        if (is_header_variable(slice_first(line, (size_t)colon), argument))
            return true;
        rest = slice_from(rest, (size_t)end + strlen("\r\n"));
    }
    return false;
}

const struct variable response_variables[] = {
    { "body_bytes_sent", body_bytes_sent },
    { "bytes_sent", bytes_sent },
    { "request_completion", request_completion },
    { "sent_http_", sent_any },
    { "sent_http_accept_ranges", sent_accept_ranges },
    { "sent_http_cache_control", sent_cache_control },
    { "sent_http_connection", sent_connection },
    { "sent_http_content_length", sent_content_length },
    { "sent_http_content_range", sent_content_range },
    { "sent_http_content_type", sent_content_type },
    { "sent_http_etag", sent_etag },
    { "sent_http_keep_alive", sent_keep_alive },
    { "sent_http_last_modified", sent_last_modified },
    { "sent_http_link", sent_link },
    { "sent_http_location", sent_location },
    { "sent_http_transfer_encoding", sent_transfer_encoding },
    { "sent_trailer_", sent_trailer },
    { "status", status },
    { NULL, NULL },
};
