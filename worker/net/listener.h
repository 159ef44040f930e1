/* listener.h: an address that is listened on, and its sockets.
 *
 * The configuration names the address and its options (listen); the master
 * opens one socket a worker slot and keeps them; each worker accepts on the
 * socket of its own slot. */
#ifndef MUXD_WORKER_NET_LISTENER_H
#define MUXD_WORKER_NET_LISTENER_H

#include "common/sockaddr.h"
#include "conf/directive.h"

/* What `listen` says of the socket itself; the same for all servers of an
 * address. -1: the kernel's default. */
struct listen_options {
    struct address address;
    int backlog; /* default 511, as nginx */
    int rcvbuf;  /* bytes */
    int sndbuf;
    int fastopen;        /* queue length */
    bool deferred;       /* TCP_DEFER_ACCEPT */
    bool reuseport;      /* said so; muxd uses one socket a worker for every TCP address anyway */
    bool ipv6only;       /* default on */
    bool bind;           /* said so: a separate bind() even where a wildcard covers it */
    bool proxy_protocol; /* connections begin with a header that names the client */
    bool tls_terminated; /* and they come from clients that speak TLS */
    bool set;            /* some server gave options: another one that does is a duplicate */
    int so_keepalive;    /* -1: not said, 0 off, 1 on */
    int keepalive_idle, keepalive_interval,
        keepalive_count; /* seconds, seconds, probes; 0: default */
    struct position at;  /* of the first listen of this address, for errors */
};

struct http_address; /* worker/http/core.h: the servers behind an address */

/* One listening address, as master and workers share it over the fork. */
struct listener {
    struct listen_options options;
    const struct http_address *servers; /* of this configuration */
    int *sockets;                       /* by worker slot; unix addresses: one socket for all */
    unsigned socket_count;
    unsigned socket_total; /* with the ones behind them that retire: stand_in.h */
};

enum { LISTENER_SOCKETS_MAX = 1024 }; /* of one address */

/* The socket that worker `slot` accepts on, by its number among the listener's. */
static inline unsigned listener_socket_number(const struct listener *listener, unsigned slot)
{
    return listener->socket_count == 1 ? 0 : slot;
}

/* The same as a descriptor. */
static inline int listener_socket(const struct listener *listener, unsigned slot)
{
    return listener->sockets[listener_socket_number(listener, slot)];
}

/* The addresses a loaded configuration listens on, one each, in the order of
 * the text: *count of them in the configuration's arena, sockets not opened
 * (sockets NULL). NULL with *count 0 when there is no http block. */
struct listener *http_listeners(struct conf *, size_t *count);

#endif
