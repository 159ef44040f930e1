#include "worker/http/request.h"

#include "worker/context.h"
#include "worker/handlers/file_cache.h"
#include "worker/handlers/status.h"
#include "worker/http/access_log.h"
#include "worker/http/body.h"
#include "worker/http/client.h"
#include "worker/http/core.h"
#include "worker/http/log_escape.h"
#include "worker/http/phases.h"
#include "worker/http/slow_log.h"
#include "worker/http/spans.h"
#include "worker/http/subrequest.h"
#include "worker/http/uri.h"
#include "worker/http/variables.h"
#include "worker/net/accept.h"
#include "worker/net/connection.h"
#include "worker/net/output.h"
#include "worker/status/tallies.h"

#include <stdlib.h>

enum { FREE_REQUESTS_MAX = 64 /* kept for the next ones */ };

static struct head_limits head_limits_of(const struct client_settings *client,
                                         const struct http_settings *http)
{
    const struct buffers_value *large = &client->large_client_header_buffers;

    return (struct head_limits){
        .line = large->size,
        .total = large->count * large->size + client->client_header_buffer_size,
        .fields = client->max_headers,
        .allow_underscores = http->underscores_in_headers,
        .keep_unusual = !http->ignore_invalid_headers,
    };
}

struct request *request_take(struct worker *worker)
{
    struct request *request = worker->free_requests;

    if (request != NULL) {
        worker->free_requests = request->next_free;
        worker->free_request_count--;
    } else {
        request = malloc(sizeof *request);
        if (request == NULL)
            return NULL;
    }
    memset(request, 0, offsetof(struct request, response));
    request->worker = worker;
    request->started = request->spans.since = worker->clock.now;
    arena_init(&request->arena, &worker->arena_blocks);
    response_init(&request->response);
    return request;
}

struct request *request_new(struct connection *connection)
{
    struct request *request = request_take(connection->worker);

    if (request == NULL)
        return NULL;
    request->connection = connection;
    request->client = &connection->peer;
    request->pipelined = connection->input != NULL && connection->input->start > 0;
    request->server = http_default_server(connection->acceptor->listener->servers);
    request->settings = request->server->settings;
    head_init(&request->head, &request->arena,
              head_limits_of(request->settings[MODULE_CLIENT], request->settings[MODULE_HTTP]));
    connection->request = request;
    count_add(&connection->worker->lane->requests, 1);
    return request;
}

/* Something to do at the end. */
struct request_end {
    struct request_end *next;
    void (*release)(struct request *, void *);
    void *what;
};

bool request_at_end(struct request *request, void (*release)(struct request *, void *), void *what)
{
    struct request_end *end = arena_alloc(&request->arena, sizeof *end);

    if (end == NULL)
        return false;
    *end = (struct request_end){ request->ends, release, what };
    request->ends = end;
    return true;
}

void request_release(struct request *request)
{
    for (const struct request_end *end = request->ends; end != NULL; end = end->next)
        end->release(request, end->what);
    request->ends = NULL;
    files_release(request);
}

void request_give(struct request *request)
{
    struct worker *worker = request->worker;

    arena_free(&request->arena);
    if (worker->free_request_count >= FREE_REQUESTS_MAX) {
        free(request);
        return;
    }
    request->next_free = worker->free_requests;
    worker->free_requests = request;
    worker->free_request_count++;
}

/* Adds the request to all series that it belongs to. */
static void count_request(const struct request *request, uint64_t took)
{
    const struct status_tallies *tallies = &status_settings(request)->tallies;
    struct series *series = request->worker->lane->series;
    unsigned status = request->response.status;
    uint64_t received = request_length(request), sent = request->bytes_sent;

    series_count(&series[SERIES_ALL], status, received, sent, took);
    if (tallies->server != NULL)
        series_count(&series[tallies->server->series], status, received, sent, took);
    if (tallies->location != NULL)
        series_count(&series[tallies->location->series], status, received, sent, took);
}

void request_finish(struct request *request)
{
    uint64_t took = request->worker->clock.now - request->started;

    if (request->response.status != 0 || request->head_bytes_sent > 0)
        access_log_write(request);
    count_request(request, took);
    if (slow_log_wants(request, took))
        slow_log_write(request, took);
    if (request->subrequests != NULL)
        subrequests_drop(request);
    if (request->head.method > METHOD_HEAD) /* it may have changed files */
        worker_heard(request->worker);
    request_release(request);
    body_release(request);
    buffer_give(&request->worker->buffers, request->head_buffer);
    request->connection->request = NULL;
    request_give(request);
}

/* The status that a head which head_read refused is answered with; 494 is
 * nginx's own for "Request Header Or Cookie Too Large", sent as 400. */
static int refusal(struct request *request, enum head_result result)
{
    static const struct {
        enum head_result result;
        int status;
        const char *message;
    } refusals[] = {
        { HEAD_BAD_LINE, 400, "client sent invalid request" },
        { HEAD_BAD_FIELD, 400, "client sent invalid header line" },
        { HEAD_BAD_VERSION, 505, "client sent invalid version" },
        { HEAD_LINE_TOO_LONG, 414, "client sent too long URI" },
        { HEAD_FIELD_TOO_LONG, 494, "client sent too long header line" },
        { HEAD_TOO_LARGE, 494, "client sent too large request" },
        { HEAD_TOO_MANY, 494, "client sent too many header lines" },
        { HEAD_NO_MEMORY, 500, "no memory for a request" },
    };

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].result == result) {
            request_log(request, LOG_LEVEL_INFO, 0, "%s", refusals[i].message);
            return refusals[i].status;
        }
    return 400;
}

/* Logs why and returns 400. */
static int bad_request(struct request *request, const char *why)
{
    request_log(request, LOG_LEVEL_INFO, 0, "client sent %s", why);
    return 400;
}

/* Fields that can stand once, as nginx has it: of two, nobody knows which one counts. */
static bool has_twice(const struct head *head)
{
    const uint32_t once = 1U << FIELD_AUTHORIZATION | 1U << FIELD_EXPECT | 1U << FIELD_IF_MATCH |
                          1U << FIELD_IF_NONE_MATCH | 1U << FIELD_IF_MODIFIED_SINCE |
                          1U << FIELD_IF_UNMODIFIED_SINCE | 1U << FIELD_IF_RANGE;

    return (head->repeated & once) != 0;
}

/* The virtual server, by the absolute form's authority or by Host (RFC 9112 3.2). */
static int choose_server(struct request *request)
{
    const struct head *head = &request->head;
    const struct field *host = head_known(head, FIELD_HOST);
    const struct http_address *address = request->connection->acceptor->listener->servers;
    struct slice authority = head->host;

    if (host == NULL && (head->major > 1 || head->minor > 0))
        return bad_request(request, "HTTP/1.1 request without \"Host\" header");
    if (head->host_count > 1)
        return bad_request(request, "duplicate host header");
    if (has_twice(head))
        return bad_request(request, "duplicate header line");
    if (host != NULL && !host_validate_known(&request->worker->known_host, &request->arena,
                                             host->value, &request->host))
        return bad_request(request, "invalid host header");
    if (authority.len > 0 && !host_validate(&request->arena, authority, &request->host))
        return bad_request(request, "invalid host in request line");
    if (http_single_server(address))
        return 0;
    request->server = http_find_server(address, request, request->host);
    request->settings = request->server->settings;
    return 0;
}

static int frame_body(struct request *request)
{
    uint64_t length = 0;

    if (!head_has_any(&request->head, FIELDS_FRAMING))
        return 0;
    enum framing framing = head_framing(&request->head, &length);
    if (framing == FRAMING_BAD)
        return bad_request(request, "invalid \"Content-Length\" or \"Transfer-Encoding\" header");
    if (framing == FRAMING_UNKNOWN) {
        request_log(request, LOG_LEVEL_INFO, 0, "client sent unknown \"Transfer-Encoding\"");
        return 501;
    }
    return body_init(request, framing, length);
}

/* The path is decoded once, here; nothing later sees the raw one but the log: a request
 * whose path was refused has no URI, also where a named location is its error page. */
static int normalize(struct request *request)
{
    struct head *head = &request->head;
    const struct http_settings *settings = request->settings[MODULE_HTTP];
    struct slice uri;

    if (head->query.len > 0)
        request->args = head->query;
    request->has_args = head->has_query;
    if (!slice_starts(head->path,
                      SLICE("/"))) /* OPTIONS *: nothing here is asked about as a whole */
        return bad_request(request, "invalid request: no path");
    if (!head->complex_path) {
        request->uri = head->path;
        return 0;
    }
    switch (uri_normalize(&request->arena, head->path, settings->merge_slashes, &uri)) {
    case URI_OK:
        request->uri = uri;
        return 0;
    case URI_NO_MEMORY:
        return 500;
    case URI_BAD:
        break;
    }
    return bad_request(request, "invalid request: bad URI");
}

/* From a whole head to a routable request; 0 or the status of a refusal. */
static int prepare(struct request *request)
{
    struct head *head = &request->head;
    int status;

    request->method = head->method;
    /* The path first, by the default server's merge_slashes, as nginx does. */
    if ((status = normalize(request)) != 0 || (status = choose_server(request)) != 0 ||
        (status = frame_body(request)) != 0)
        return status;
    if (head->method == METHOD_TRACE || head->method == METHOD_CONNECT)
        return 405;
    request->keep_alive = head_keep_alive(head);
    return 0;
}

void request_start(struct request *request, enum head_result result)
{
    request_spend(request, SPAN_HANDLE);
    request->head_only = request->head.in_fields && request->head.method == METHOD_HEAD;
    int status = result == HEAD_DONE ? prepare(request) : refusal(request, result);
    if (status == 0) {
        phases_run(request);
        return;
    }
    /* What follows a head that was not understood cannot be understood either. */
    request->keep_alive = false;
    request->expect_done = true;
    phases_answer(request, status);
}

void request_resume(struct request *request)
{
    if (request->subrequest != NULL) {
        subrequest_resume(request);
        return;
    }
    request->connection->state = CONNECTION_SEND;
    phases_run(request);
    connection_resume(request->connection);
}

/* A wait of request_delay; it ends with the request at the latest. */
struct delay {
    struct timer timer;
    struct request *request;
};

static void delay_over(struct timer *timer)
{
    struct request *request = ((struct delay *)timer)->request;

    request->delayed = false;
    request_resume(request);
}

static void delay_end(struct request *request, void *what)
{
    timer_disarm(&request->worker->timers, &((struct delay *)what)->timer);
}

int request_delay(struct request *request, uint64_t milliseconds)
{
    struct delay *delay = arena_zalloc(&request->arena, sizeof *delay);

    if (delay == NULL || !request_at_end(request, delay_end, delay))
        return 500;
    *delay = (struct delay){ .timer = { .fire = delay_over }, .request = request };
    request->delayed = true;
    timer_arm(&request->worker->timers, &delay->timer, request->worker->clock.now + milliseconds);
    return AGAIN;
}

void request_conclude(struct request *request, int outcome)
{
    if (request->subrequest != NULL) {
        subrequest_conclude(request, outcome);
        return;
    }
    request->connection->state = CONNECTION_SEND;
    request->connection->resume_state = CONNECTION_IDLE;
    phases_take(request, outcome);
    connection_resume(request->connection);
}

/* Goes on at the phase with another URI than the location was found for. */
static int leave_location(struct request *request, enum phase phase)
{
    request->below_alias = false;
    request->location = NULL;
    request->settings = request->server->settings;
    request->step = phases_first(phase);
    return RESTART;
}

int request_internal_redirect(struct request *request, struct slice uri, struct slice args)
{
    if (++request->redirects > REQUEST_REDIRECTS_MAX) {
        request_log(
            request, LOG_LEVEL_ERROR, 0,
            "rewrite or internal redirection cycle while internally redirecting to \"%.*s\"",
            (int)uri.len, uri.at);
        return 500;
    }
    request->uri = uri;
    request->args = args;
    request->has_args = args.len > 0;
    request->internal = true;
    request->displaced = false;
    request->uri_replaced = true;
    request->authorization = NULL;
    return leave_location(request, PHASE_SERVER_REWRITE);
}

int request_find_location(struct request *request)
{
    if (++request->redirects > REQUEST_REDIRECTS_MAX) {
        struct slice uri = log_escape_error(&request->arena, request->uri);
        request_log(request, LOG_LEVEL_ERROR, 0,
                    "rewrite or internal redirection cycle while processing \"%.*s\"", (int)uri.len,
                    uri.at);
        return 500;
    }
    return leave_location(request, PHASE_FIND_CONFIG);
}

int request_named_location(struct request *request, struct slice name)
{
    const struct location *location = http_find_named(request->server, name);

    if (++request->redirects > REQUEST_REDIRECTS_MAX) {
        request_log(
            request, LOG_LEVEL_ERROR, 0,
            "rewrite or internal redirection cycle while redirect to named location \"%.*s\"",
            (int)name.len, name.at);
        return 500;
    }
    if (request->uri.len == 0) { /* the request line was not understood */
        request_log(request, LOG_LEVEL_ERROR, 0, "empty URI in redirect to named location \"%.*s\"",
                    (int)name.len, name.at);
        return 500;
    }
    if (location == NULL) {
        request_log(request, LOG_LEVEL_ERROR, 0, "could not find named location \"%.*s\"",
                    (int)name.len, name.at);
        return 500;
    }
    request->internal = true;
    request->authorization = NULL;
    phases_enter_location(request, location);
    request->step = phases_first(PHASE_REWRITE);
    return RESTART;
}

/* "100 Continue" goes out when the client waits for it and has not begun to
 * send the body by itself (RFC 9110 10.1.1). */
bool request_expect(struct request *request)
{
    const struct field *expect = head_known(&request->head, FIELD_EXPECT);

    if (request->expect_done || request->body == NULL || expect == NULL)
        return true;
    request->expect_done = true;
    if (request->head.minor == 0 || !slice_is_nocase(expect->value, "100-continue"))
        return true;
    return output_append(request->connection, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* The bytes of the body that came along with the head. */
static int take_what_came(struct request *request)
{
    struct buffer *input = request->connection->input;
    struct slice in = { input->data + input->start, input->end - input->start };

    if (in.len == 0)
        return 0;
    request->expect_done = true;
    int status = body_take(request, &in);
    input->start = input->end - in.len;
    return status;
}

int request_read_body(struct request *request, int (*ready)(struct request *))
{
    struct body *body = request->body;
    int status;

    if (body == NULL || (body->wanted && body->whole))
        return 0;
    if ((status = body_want(request)) != 0 || (status = take_what_came(request)) != 0)
        return status;
    if (body->whole)
        return 0;
    if (!request_expect(request))
        return 500;
    request_spend(request, SPAN_READ_BODY);
    body->ready = ready;
    request->connection->state = CONNECTION_BODY;
    return AGAIN;
}

int request_stream_body(struct request *request)
{
    int status = body_want_stream(request);

    if (status != 0 || (status = take_what_came(request)) != 0)
        return status;
    if (request->body->whole)
        return 0;
    if (!request_expect(request))
        return 500;
    request->connection->state = CONNECTION_BODY;
    return 0;
}

void request_body_ready(struct request *request, int status)
{
    request_spend(request, SPAN_HANDLE);
    if (status != 0) {
        request->keep_alive = false;
        phases_answer(request, status);
        return;
    }
    phases_take(request, request->body->ready(request));
}

uint64_t request_length(const struct request *request)
{
    const struct head *head = &request->head;

    return (head->size > 0 ? head->size : head->parsed) +
           (request->body == NULL ? 0 : request->body->sent);
}

bool request_need_variables(struct request *request)
{
    unsigned count = variable_count(request);

    if (request->user_values != NULL || count == 0)
        return true;
    struct slice *values = arena_zalloc(&request->arena, count * sizeof *values);
    bool *set = arena_zalloc(&request->arena, count * sizeof *set);
    if (values == NULL || set == NULL)
        return false;
    request->user_values = values;
    request->user_set = set;
    return true;
}

bool request_set_variable(struct request *request, unsigned index, struct slice value)
{
    if (!request_need_variables(request))
        return false;
    request->user_values[index] = value;
    request->user_set[index] = true;
    return true;
}
