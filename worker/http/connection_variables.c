/* The client, its connection, and the address that it reached. */
#include "worker/context.h"
#include "worker/http/variable_text.h"
#include "worker/http/variables.h"
#include "worker/net/connection.h"
#include "worker/net/proxy_protocol.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

static bool address_value(struct request *request, const struct ip_address *address,
                          struct slice *value)
{
    char text[IP_TEXT_MAX];

    return value_copy(request, slice_make(text, ip_text(address, text)), value);
}

static bool remote_addr(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return address_value(request, request->client, value);
}

static bool binary_remote_addr(struct request *request, struct slice argument, struct slice *value)
{
    const struct ip_address *client = request->client;

    (void)argument;
    switch (client->family) {
    case AF_INET:
        *value = slice_make((const char *)client->ip, 4);
        return true;
    case AF_INET6:
        *value = slice_make((const char *)client->ip, 16);
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
    return port_value(request, request->client->port, value);
}

/* Who has connected, whoever realip has found behind it. */
static bool realip_remote_addr(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return address_value(request, &request->connection->peer, value);
}

static bool realip_remote_port(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return port_value(request, request->connection->peer.port, value);
}

/* --- the PROXY protocol --- */

static bool proxied_addr(struct request *request, struct slice argument, struct slice *value)
{
    const struct proxied *proxied = request->connection->proxied;

    (void)argument;
    return proxied != NULL && proxied->source.family != 0 &&
           address_value(request, &proxied->source, value);
}

static bool proxied_port(struct request *request, struct slice argument, struct slice *value)
{
    const struct proxied *proxied = request->connection->proxied;

    (void)argument;
    return proxied != NULL && proxied->source.family != 0 &&
           port_value(request, proxied->source.port, value);
}

static bool proxied_server_addr(struct request *request, struct slice argument, struct slice *value)
{
    const struct proxied *proxied = request->connection->proxied;

    (void)argument;
    return proxied != NULL && proxied->destination.family != 0 &&
           address_value(request, &proxied->destination, value);
}

static bool proxied_server_port(struct request *request, struct slice argument, struct slice *value)
{
    const struct proxied *proxied = request->connection->proxied;

    (void)argument;
    return proxied != NULL && proxied->destination.family != 0 &&
           port_value(request, proxied->destination.port, value);
}

/* The header lives as long as the connection: nothing is copied. */
static bool proxied_tlv(struct request *request, struct slice argument, struct slice *value)
{
    const struct proxied *proxied = request->connection->proxied;
    uint32_t verify;

    if (proxied == NULL)
        return false;
    if (slice_is(argument, "ssl_verify"))
        return proxy_protocol_ssl_verify(proxied->tlvs, &verify) &&
               value_number(request, verify, value);
    return proxy_protocol_tlv(proxied->tlvs, argument, value);
}

/* nginx's names for what the TLVs of the terminator say. */

static bool ssl_protocol(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return proxied_tlv(request, SLICE("ssl_version"), value);
}

static bool ssl_cipher(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return proxied_tlv(request, SLICE("ssl_cipher"), value);
}

static bool ssl_server_name(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return proxied_tlv(request, SLICE("authority"), value);
}

static bool ssl_alpn_protocol(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return proxied_tlv(request, SLICE("alpn"), value);
}

/* --- the connection --- */

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
    { "proxy_protocol_addr", proxied_addr },
    { "proxy_protocol_port", proxied_port },
    { "proxy_protocol_server_addr", proxied_server_addr },
    { "proxy_protocol_server_port", proxied_server_port },
    { "proxy_protocol_tlv_", proxied_tlv },
    { "realip_remote_addr", realip_remote_addr },
    { "realip_remote_port", realip_remote_port },
    { "remote_addr", remote_addr },
    { "remote_port", remote_port },
    { "server_addr", server_addr },
    { "server_port", server_port },
    { "ssl_alpn_protocol", ssl_alpn_protocol },
    { "ssl_cipher", ssl_cipher },
    { "ssl_protocol", ssl_protocol },
    { "ssl_server_name", ssl_server_name },
    { "tcpinfo_rcv_space", tcp_rcv_space },
    { "tcpinfo_rtt", tcp_rtt },
    { "tcpinfo_rttvar", tcp_rttvar },
    { "tcpinfo_snd_cwnd", tcp_snd_cwnd },
    { NULL, NULL },
};
