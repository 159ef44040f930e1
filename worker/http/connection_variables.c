/* The client, its connection, and the address that it reached. */
#include "worker/context.h"
#include "worker/http/variable_text.h"
#include "worker/http/variables.h"
#include "worker/net/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

static bool no_value(struct request *request, struct slice argument, struct slice *value)
{
    (void)request;
    (void)argument;
    (void)value;
    return false;
}

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

/* Unix sockets have no port: the value is empty. */
static bool port_value(struct request *request, unsigned port, struct slice *value)
{
    *value = SLICE("");
    return port == 0 || value_number(request, port, value);
}

static bool remote_port(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return port_value(request, request->connection->peer.port, value);
}

static bool connection_number(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return value_number(request, request->connection->number, value);
}

/* A request is counted when its head is whole; one that never was counts too. */
static bool connection_requests(struct request *request, struct slice argument, struct slice *value)
{
    const struct connection *connection = request->connection;
    bool arriving = connection->state == CONNECTION_IDLE || connection->state == CONNECTION_HEAD;

    (void)argument;
    return value_number(request, connection->requests + (arriving ? 1 : 0), value);
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

    (void)argument;
    return connection_local_address(request->connection, &address) &&
           port_value(request, address_port(&address), value);
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

static bool connection_time(struct request *request, struct slice argument, struct slice *value)
{
    uint64_t age = request->worker->clock.now - request->connection->started;

    (void)argument;
    return value_seconds(request, age / 1000, (unsigned)(age % 1000), value);
}

const struct variable connection_variables[] = {
    { "binary_remote_addr", binary_remote_addr },
    { "connection", connection_number },
    { "connection_requests", connection_requests },
    { "connection_time", connection_time },
    { "pipe", pipelined },
    { "proxy_protocol_addr", no_value },
    { "proxy_protocol_port", no_value },
    { "proxy_protocol_server_addr", no_value },
    { "proxy_protocol_server_port", no_value },
    { "remote_addr", remote_addr },
    { "remote_port", remote_port },
    { "server_addr", server_addr },
    { "server_port", server_port },
    { "tcpinfo_rcv_space", tcp_rcv_space },
    { "tcpinfo_rtt", tcp_rtt },
    { "tcpinfo_rttvar", tcp_rttvar },
    { "tcpinfo_snd_cwnd", tcp_snd_cwnd },
    { NULL, NULL },
};
