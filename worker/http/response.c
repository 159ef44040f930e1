#include "worker/http/response.h"

#include "common/read_write.h"
#include "common/version.h"
#include "worker/context.h"
#include "worker/handlers/file_cache.h"
#include "worker/handlers/static.h"
#include "worker/http/body.h"
#include "worker/http/client.h"
#include "worker/http/core.h"
#include "worker/http/filters.h"
#include "worker/http/gzip.h"
#include "worker/http/spans.h"
#include "worker/http/status.h"
#include "worker/http/subrequest.h"
#include "worker/net/connection.h"
#include "worker/net/output.h"

#include <netinet/in.h>
#include <stdio.h>

enum {
    BODY_COPY_MAX = 32 * 1024, /* a body up to this size leaves with its head in one send */
    HEAD_FIXED_MAX = 512,      /* bytes of the lines of a head whose length is known beforehand */
};

void response_init(struct response *response)
{
    *response = (struct response){ .last_modified = -1,
                                   .fields = { .item_size = sizeof(struct response_field) } };
}

bool response_add(struct request *request, struct slice name, struct slice value)
{
    struct response_field *field = array_push(&request->response.fields, &request->arena);

    if (field == NULL)
        return false;
    *field = (struct response_field){ .name = name, .value = value };
    return true;
}

struct response_field *response_encoding(struct response *response)
{
    struct response_field *fields = response->fields.items;

    for (size_t i = 0; i < response->fields.count; i++)
        if (!fields[i].hidden && fields[i].value.len > 0 &&
            slice_is_nocase(fields[i].name, "Content-Encoding"))
            return &fields[i];
    return NULL;
}

bool response_will_change(struct request *request)
{
    struct response *response = &request->response;

    response->length_known = false;
    response->ranges = false;
    if (slice_starts(response->etag, SLICE("\"")))
        response->etag = arena_join(&request->arena, SLICE("W/"), response->etag);
    else if (!slice_starts(response->etag, SLICE("W/\"")))
        response->etag = SLICE("");
    return response->etag.at != NULL;
}

static struct segment *segment_add(struct request *request)
{
    struct response *response = &request->response;
    struct segment *segment = &response->first;

    if (response->body != NULL)
        segment = arena_alloc(&request->arena, sizeof *segment);
    if (segment == NULL)
        return NULL;
    *segment = (struct segment){ 0 };
    if (response->body == NULL)
        response->body = segment;
    else
        *response->body_last = segment;
    response->body_last = &segment->next;
    return segment;
}

bool response_memory(struct request *request, struct slice memory)
{
    if (memory.len == 0)
        return true;
    struct segment *segment = segment_add(request);
    if (segment == NULL)
        return false;
    segment->memory = memory;
    return true;
}

bool response_text(struct request *request, struct slice text)
{
    request->response.length = text.len;
    request->response.length_known = true;
    return response_memory(request, text);
}

/* Of a file or a source. */
static bool add_range(struct request *request, struct segment range)
{
    if (range.offset == range.end)
        return true;
    struct segment *segment = segment_add(request);
    if (segment == NULL)
        return false;
    *segment = range;
    return true;
}

bool response_file(struct request *request, struct open_file *file, uint64_t offset, uint64_t end)
{
    return add_range(request, (struct segment){ .file = file, .offset = offset, .end = end });
}

bool response_source(struct request *request, struct body_source *source, uint64_t offset,
                     uint64_t end)
{
    return add_range(request, (struct segment){ .source = source, .offset = offset, .end = end });
}

bool response_part(struct request *request, const struct segment *segment, uint64_t from,
                   uint64_t to)
{
    if (segment_is_memory(segment))
        return response_memory(request, slice_make(segment->memory.at + from, (size_t)(to - from)));
    return add_range(request, (struct segment){ .file = segment->file,
                                                .source = segment->source,
                                                .offset = segment->offset + from,
                                                .end = segment->offset + to });
}

uint64_t segment_length(const struct segment *segment)
{
    return segment_is_memory(segment) ? segment->memory.len : segment->end - segment->offset;
}

void segment_log_short(const struct segment *segment, struct request *request)
{
    request_log(request, LOG_LEVEL_ALERT, 0, "file \"%.*s\" was truncated while being sent",
                (int)segment->file->path.len, segment->file->path.at);
}

static size_t read_source(const struct segment *segment, struct request *request, char *room,
                          size_t len)
{
    struct slice bytes = segment->source->read(segment->source, request, segment->offset);

    bytes = slice_first(bytes, len);
    if (bytes.len > 0)
        memcpy(room, bytes.at, bytes.len);
    return bytes.len;
}

static size_t read_file(const struct segment *segment, struct request *request, char *room,
                        size_t len)
{
    ssize_t got = read_up_to(segment->file->fd, room, len, segment->offset);

    if (got > 0)
        return (size_t)got;
    segment_log_short(segment, request);
    return 0;
}

size_t segment_read(struct segment *segment, struct request *request, char *room, size_t len)
{
    uint64_t left = segment->end - segment->offset;

    if (len > left)
        len = (size_t)left;
    size_t got = segment->source != NULL ? read_source(segment, request, room, len)
                                         : read_file(segment, request, room, len);
    segment->offset += got;
    return got;
}

void response_drop_body(struct request *request)
{
    request->response.body = NULL;
    request->response.stream = NULL;
    request->response.length = 0;
    request->response.length_known = true;
}

/* --- framing --- */

/* A body of unknown length, or with trailers, is chunked for HTTP/1.1; an older client
 * is told an unknown end by the end of the connection. */
static bool choose_chunked(struct request *request)
{
    const struct client_settings *settings = request->settings[MODULE_CLIENT];
    struct response *response = &request->response;

    if (!status_has_content(response->status))
        response->no_body = true;
    if (request->head_only || response->no_body) {
        response->body = NULL;
        response->stream = NULL;
        return false;
    }
    bool may_chunk = request->head.minor > 0 && settings->chunked_transfer_encoding;
    if (may_chunk && response->trailers.at != NULL)
        response->length_known = false;
    if (response->length_known)
        return false;
    if (!may_chunk)
        request->keep_alive = false;
    return may_chunk;
}

/* Puts each piece of the body into a chunk (RFC 9112 7.1). */
static bool frame_chunks(struct request *request)
{
    struct response *response = &request->response;
    const struct segment *next = response->body;

    if (response->stream != NULL) {
        response->chunked = true;
        return true;
    }
    response->body = NULL;
    while (next != NULL) {
        struct segment piece = *next; /* its place is used again */
        struct slice size =
            arena_printf(&request->arena, "%llx\r\n", (unsigned long long)segment_length(&piece));
        if (size.at == NULL || !response_memory(request, size) ||
            !response_part(request, &piece, 0, segment_length(&piece)) ||
            !response_memory(request, SLICE("\r\n")))
            return false;
        next = piece.next;
    }
    return response_memory(request, SLICE("0\r\n")) &&
           response_memory(request, response->trailers) && response_memory(request, SLICE("\r\n"));
}

/* --- the head --- */

/* A cursor over room that was reserved large enough. */
static inline char *put(char *at, struct slice text)
{
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    return at + text.len;
}

static inline char *put_line(char *at, struct slice name, struct slice value)
{
    at = put(at, name);
    at = put(at, SLICE(": "));
    at = put(at, value);
    return put(at, SLICE("\r\n"));
}

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t len = 0;

    do {
        digits[sizeof digits - ++len] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return put(at, slice_make(digits + sizeof digits - len, len));
}

/* The port that the client has reached: behind a proxy that ends TLS it is the proxy's, which
 * may not have said so (0). */
static unsigned reached_port(const struct connection *connection, const struct address *local)
{
    if (!connection_is_tls(connection))
        return address_port(local);
    return connection->proxied != NULL ? connection->proxied->destination.port : 0;
}

/* scheme://host[:port] before a Location that is a path only; *completed says whether it
 * was. False: memory is out, or the local address unknown. */
static bool complete_location(struct request *request, bool *completed)
{
    const struct http_settings *settings = http_settings(request);
    struct slice *location = &request->response.location;
    struct address local;
    char text[ADDRESS_TEXT_MAX];
    struct slice host = request->host;

    bool tls = connection_is_tls(request->connection);
    *completed = false;
    if (location->len == 0 || location->at[0] != '/' || !settings->absolute_redirect)
        return true;
    *completed = true;
    if (!connection_local_address(request->connection, &local))
        return false;
    if (settings->server_name_in_redirect)
        host = request->server->name;
    else if (host.len == 0)
        host = slice_make(text, address_host_text(&local, text));
    unsigned port = reached_port(request->connection, &local);
    const char *scheme = tls ? "https" : "http";
    if (!settings->port_in_redirect || port == (tls ? 443 : 80) || port == 0)
        *location = arena_printf(&request->arena, "%s://%.*s%.*s", scheme, (int)host.len, host.at,
                                 (int)location->len, location->at);
    else
        *location = arena_printf(&request->arena, "%s://%.*s:%u%.*s", scheme, (int)host.len,
                                 host.at, port, (int)location->len, location->at);
    return location->at != NULL;
}

/* A Location that was completed stands before Connection, one as it came behind it, and
 * those that are not of a representation have no Last-Modified: nginx's order. */
static char *put_content_lines(char *at, const struct response *response, bool completed,
                               bool chunked)
{
    unsigned status = response->status;

    if (response->content_type.len > 0 && status != 204)
        at = put_line(at, SLICE("Content-Type"), response->content_type);
    if (response->length_known && status != 204 && status / 100 != 1) {
        at = put(at, SLICE("Content-Length: "));
        at = put_number(at, response->length);
        at = put(at, SLICE("\r\n"));
    }
    bool dated = response->last_modified_text.len > 0 && !response->last_modified_passed;
    if (dated && (status == 200 || status == 206 || status == 304))
        at = put_line(at, SLICE("Last-Modified"), response->last_modified_text);
    if (completed)
        at = put_line(at, SLICE("Location"), response->location);
    if (chunked)
        at = put(at, SLICE("Transfer-Encoding: chunked\r\n"));
    return at;
}

static char *put_connection_lines(char *at, const struct request *request)
{
    const struct client_settings *settings = request->settings[MODULE_CLIENT];

    if (request->response.status == 101)
        return put(at, SLICE("Connection: upgrade\r\n"));
    if (!request->keep_alive)
        return put(at, SLICE("Connection: close\r\n"));
    at = put(at, SLICE("Connection: keep-alive\r\n"));
    if (settings->keepalive_timeout.header > 0) {
        at = put(at, SLICE("Keep-Alive: timeout="));
        at = put_number(at, settings->keepalive_timeout.header);
        at = put(at, SLICE("\r\n"));
    }
    return at;
}

static char *put_vary(char *at, const struct request *request)
{
    return request->vary_told || (request->vary_encoding && gzip_settings(request)->vary)
               ? put(at, SLICE("Vary: Accept-Encoding\r\n"))
               : at;
}

static char *put_fields(char *at, const struct response *response, bool completed)
{
    const struct response_field *fields = response->fields.items;

    if (response->location.at != NULL && !completed)
        at = put_line(at, SLICE("Location"), response->location);
    if (response->last_modified_passed && response->last_modified_text.len > 0)
        at = put_line(at, SLICE("Last-Modified"), response->last_modified_text);
    if (response->etag.len > 0)
        at = put_line(at, SLICE("ETag"), response->etag);
    for (size_t i = 0; i < response->fields.count; i++)
        if (!fields[i].hidden)
            at = put_line(at, fields[i].name, fields[i].value);
    if (response->ranges && response->status == 200)
        at = put(at, SLICE("Accept-Ranges: bytes\r\n"));
    if (response->content_range.len > 0 && (response->status == 206 || response->status == 416))
        at = put_line(at, SLICE("Content-Range"), response->content_range);
    return put(at, SLICE("\r\n"));
}

static size_t head_bound(const struct response *response, struct slice status)
{
    const struct response_field *fields = response->fields.items;
    size_t bound = HEAD_FIXED_MAX + sizeof MUXD_NAME + status.len + response->content_type.len +
                   response->last_modified_text.len + response->server.len + response->date.len +
                   response->location.len + response->etag.len + response->content_range.len;

    for (size_t i = 0; i < response->fields.count; i++)
        bound += fields[i].name.len + fields[i].value.len + sizeof ": \r\n";
    return bound;
}

static char *put_server_lines(char *at, const struct request *request)
{
    const struct response *response = &request->response;
    bool brief = http_settings(request)->server_tokens == TOKENS_OFF;

    at = put(at, SLICE("\r\nServer: "));
    if (response->server.len > 0)
        at = put(at, response->server);
    else
        at = put(at, brief ? SLICE("muxd") : SLICE(MUXD_NAME));
    at = put(at, SLICE("\r\nDate: "));
    at =
        put(at, response->date.len > 0 ? response->date : clock_http_date(&request->worker->clock));
    return put(at, SLICE("\r\n"));
}

/* Lines in nginx's order. */
static bool render_head(struct request *request, bool completed, bool chunked)
{
    const struct response *response = &request->response;
    struct connection *connection = request->connection;
    struct slice status = response->status_text.len > 0
                              ? response->status_text
                              : status_line(response->status, &request->arena);
    char *start = output_reserve(connection, head_bound(response, status));

    if (start == NULL || status.at == NULL)
        return false;
    char *at = put(start, SLICE("HTTP/1.1 "));
    at = put(at, status);
    at = put_server_lines(at, request);
    at = put_content_lines(at, response, completed, chunked);
    at = put_connection_lines(at, request);
    at = put_vary(at, request);
    at = put_fields(at, response, completed);
    size_t len = (size_t)(at - start);
    output_commit(connection, len);
    request->head_bytes_sent = len;
    request->bytes_sent += len;
    return true;
}

/* --- the body --- */

static bool copy_read(struct request *request, struct segment *segment)
{
    size_t len = (size_t)segment_length(segment), done = 0;
    char *room = output_reserve(request->connection, len);

    if (room == NULL)
        return false;
    while (done < len) {
        size_t got = segment_read(segment, request, room + done, len - done);
        if (got == 0)
            return false;
        done += got;
    }
    output_commit(request->connection, len);
    return true;
}

/* A small body is copied behind its head, so that both leave in one send and the
 * request is done; of a large one the segments stay. */
static bool copy_small_body(struct request *request)
{
    struct response *response = &request->response;
    uint64_t total = 0;
    uint64_t budget = request->rate.rate == 0 ? UINT64_MAX : limit_rate_budget(request);

    for (struct segment *piece = response->body; piece != NULL; piece = piece->next) {
        total += segment_length(piece);
        if (total > BODY_COPY_MAX || total > budget)
            return true;
    }
    for (struct segment *piece = response->body; piece != NULL; piece = piece->next)
        if (!(segment_is_memory(piece) ? output_append(request->connection, piece->memory)
                                       : copy_read(request, piece)))
            return false;
    request->bytes_sent += total;
    response->body = NULL;
    return true;
}

/* The steps that change no status. */
static bool render(struct request *request)
{
    bool completed;

    if (!complete_location(request, &completed))
        return false;
    bool chunked = choose_chunked(request);
    return (!chunked || frame_chunks(request)) && render_head(request, completed, chunked) &&
           copy_small_body(request);
}

/* Nothing sound can be sent any more: what was rendered for earlier requests still
 * leaves, then the connection closes. */
static void give_up(struct request *request)
{
    request_log(request, LOG_LEVEL_ALERT, 0, "an answer could not be sent");
    response_drop_body(request);
    request->keep_alive = false;
    request->response.status = 500;
}

/* Whoever still sends a body that nobody reads is told to go on, as nginx does,
 * and its bytes are read off behind the answer. */
int response_send(struct request *request)
{
    int status;

    if (request->error_status != 0) {
        request->response.status = request->error_status;
        request->response.status_text = SLICE("");
    }
    if (request->subrequest != NULL)
        return subrequest_answer(request);
    status = filters_run(request);
    if (status == 412 || status == 416)
        return status;
    if (request->body != NULL && !request->body->wanted && !request_expect(request))
        status = 500;
    request_spend(request, SPAN_SEND);
    if (request->worker->leaving) /* since the request began */
        request->keep_alive = false;
    if (status != 0 || !render(request))
        give_up(request);
    request->connection->answered = true;
    return DONE;
}
