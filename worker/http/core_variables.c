/* What the request, its connection, its server and the clock are. */
#include "common/version.h"
#include "worker/context.h"
#include "worker/handlers/static.h"
#include "worker/http/body.h"
#include "worker/http/core.h"
#include "worker/http/uri.h"
#include "worker/http/variable_text.h"
#include "worker/http/variables.h"
#include "worker/net/connection.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/random.h>
#include <unistd.h>

static bool text_if_set(struct slice text, struct slice *value)
{
    *value = text;
    return text.at != NULL;
}

static bool no_value(struct request *request, struct slice argument, struct slice *value)
{
    (void)request;
    (void)argument;
    (void)value;
    return false;
}

static bool empty_value(struct request *request, struct slice argument, struct slice *value)
{
    (void)request;
    (void)argument;
    *value = SLICE("");
    return true;
}

/* --- the request line --- */

static bool request_line(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return text_if_set(request->head.line, value);
}

static bool request_method(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return text_if_set(request->head.method_text, value);
}

/* The target as sent; of an absolute form, what follows scheme and host. */
static bool request_uri(struct request *request, struct slice argument, struct slice *value)
{
    const struct head *head = &request->head;
    const char *end = head->target.at + head->target.len;

    (void)argument;
    *value = head->target;
    if (head->scheme.len > 0 && head->path.at >= head->target.at && head->path.at < end)
        *value = slice_make(head->path.at, (size_t)(end - head->path.at));
    else if (head->scheme.len > 0)
        *value = head->path;
    return value->at != NULL;
}

static bool uri(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return text_if_set(request->uri, value);
}

static bool args(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    *value = request->args.len > 0 ? request->args : SLICE("");
    return request->has_args;
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
    if (head->major == 0 || head->line.at == NULL)
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
    (void)request;
    (void)argument;
    *value = SLICE("http");
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

/* --- the client and its connection --- */

/* "127.0.0.1": printf(3) and inet_ntop(3) take longer than the rest of a log line. */
static size_t ipv4_put(char *at, const uint8_t *ip)
{
    size_t len = 0;

    for (unsigned i = 0; i < 4; i++) {
        if (i > 0)
            at[len++] = '.';
        len += number_put(at + len, ip[i], 1);
    }
    return len;
}

static bool remote_addr(struct request *request, struct slice argument, struct slice *value)
{
    const struct connection *connection = request->connection;
    char text[ADDRESS_TEXT_MAX];

    (void)argument;
    size_t len = connection->peer.family == AF_INET ? ipv4_put(text, connection->peer.ip)
                                                    : connection_peer_text(connection, text);
    return value_copy(request, slice_make(text, len), value);
}

static bool binary_remote_addr(struct request *request, struct slice argument, struct slice *value)
{
    const struct compact_peer *peer = &request->connection->peer;

    (void)argument;
    switch (peer->family) {
    case AF_INET:
        *value = slice_make((const char *)peer->ip, 4);
        return true;
    case AF_INET6:
        *value = slice_make((const char *)peer->ip, 16);
        return true;
    default:
        return remote_addr(request, argument, value);
    }
}

static bool remote_port(struct request *request, struct slice argument, struct slice *value)
{
    const struct compact_peer *peer = &request->connection->peer;

    if (peer->port == 0)
        return empty_value(request, argument, value);
    return value_number(request, peer->port, value);
}

static bool connection_number(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return value_number(request, request->connection->number, value);
}

static bool connection_requests(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return value_number(request, request->connection->requests, value);
}

/* '.' or, for a request that came before the answer of another was out, 'p'. */
static bool pipelined(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    *value = request->pipelined ? SLICE("p") : SLICE(".");
    return true;
}

static bool server_addr(struct request *request, struct slice argument, struct slice *value)
{
    struct address address;
    char buffer[ADDRESS_TEXT_MAX];

    (void)argument;
    if (!connection_local_address(request->connection, &address))
        return false;
    struct slice text = slice_make(buffer, address_host_text(&address, buffer));
    if (address.name.any.sa_family == AF_INET6 && text.len > 2 && text.at[0] == '[')
        text = slice_make(text.at + 1, text.len - 2);
    return value_copy(request, text, value);
}

static bool server_port(struct request *request, struct slice argument, struct slice *value)
{
    struct address address;

    if (!connection_local_address(request->connection, &address))
        return false;
    unsigned port = address_port(&address);
    return port == 0 ? empty_value(request, argument, value) : value_number(request, port, value);
}

static bool tcp_number(struct request *request, size_t offset, struct slice *value)
{
    struct tcp_info info = { 0 };
    socklen_t len = sizeof info;
    uint32_t number;

    if (getsockopt(request->connection->watch.fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        return false;
    memcpy(&number, (const char *)&info + offset, sizeof number);
    return value_number(request, number, value);
}

static bool tcp_rtt(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return tcp_number(request, offsetof(struct tcp_info, tcpi_rtt), value);
}

static bool tcp_rttvar(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return tcp_number(request, offsetof(struct tcp_info, tcpi_rttvar), value);
}

static bool tcp_snd_cwnd(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return tcp_number(request, offsetof(struct tcp_info, tcpi_snd_cwnd), value);
}

static bool tcp_rcv_space(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return tcp_number(request, offsetof(struct tcp_info, tcpi_rcv_space), value);
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
    (void)argument;
    return request->uri.len > 0 && request_path(request, request->uri, value);
}

static bool limit_rate(struct request *request, struct slice argument, struct slice *value)
{
    (void)request;
    (void)argument;
    *value = SLICE("0");
    return true;
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

static bool connection_time(struct request *request, struct slice argument, struct slice *value)
{
    uint64_t age = request->worker->clock.now - request->connection->started;

    (void)argument;
    return value_seconds(request, age / 1000, (unsigned)(age % 1000), value);
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
    if (request->id.at == NULL && !make_request_id(request))
        return false;
    *value = request->id;
    return true;
}

const struct variable core_variables[] = {
    { "arg_", arg_any },
    { "args", args },
    { "binary_remote_addr", binary_remote_addr },
    { "connection", connection_number },
    { "connection_requests", connection_requests },
    { "connection_time", connection_time },
    { "document_root", document_root },
    { "document_uri", uri },
    { "host", host },
    { "hostname", host_name },
    { "https", empty_value },
    { "is_args", is_args },
    { "limit_rate", limit_rate },
    { "msec", msec },
    { "nginx_version", version },
    { "pid", process_id },
    { "pipe", pipelined },
    { "proxy_protocol_addr", no_value },
    { "proxy_protocol_port", no_value },
    { "proxy_protocol_server_addr", no_value },
    { "proxy_protocol_server_port", no_value },
    { "query_string", args },
    { "realpath_root", realpath_root },
    { "remote_addr", remote_addr },
    { "remote_port", remote_port },
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
    { "server_addr", server_addr },
    { "server_name", server_name },
    { "server_port", server_port },
    { "server_protocol", server_protocol },
    { "tcpinfo_rcv_space", tcp_rcv_space },
    { "tcpinfo_rtt", tcp_rtt },
    { "tcpinfo_rttvar", tcp_rttvar },
    { "tcpinfo_snd_cwnd", tcp_snd_cwnd },
    { "time_iso8601", time_iso8601 },
    { "time_local", time_local },
    { "uri", uri },
    { NULL, NULL },
};
