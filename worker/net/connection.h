/* connection.h: a client's connection, for its whole life.
 *
 * It reads heads, starts requests, sends what they answer, and closes. An idle
 * kept-alive connection is this struct and nothing else: buffers and the
 * request are taken when bytes arrive and given back when the answer has left. */
#ifndef MUXD_WORKER_NET_CONNECTION_H
#define MUXD_WORKER_NET_CONNECTION_H

#include "common/slice.h"
#include "common/sockaddr.h"
#include "worker/event/loop.h"
#include "worker/event/timer.h"
#include "worker/net/buffers.h"

struct request;
struct worker;
struct acceptor;
struct http_address;

enum connection_state {
    CONNECTION_IDLE,   /* kept alive (or fresh), waiting for the first byte of a head */
    CONNECTION_HEAD,   /* part of a head was read */
    CONNECTION_BODY,   /* a handler waits for the body, or it is being discarded */
    CONNECTION_WAIT,   /* a handler returned AGAIN */
    CONNECTION_SEND,   /* output is waiting for the socket */
    CONNECTION_LINGER, /* reading off what the client still sends, before close */
};

struct connection {
    struct watch watch;
    struct timer timer; /* the deadline of the present state */
    struct worker *worker;
    const struct acceptor *acceptor;
    struct request *request; /* NULL when idle */
    struct buffer *input;    /* NULL when idle */
    struct buffer *output;   /* rendered bytes on their way out, in order; NULL when none */
    struct connection *older, *newer; /* idle ones by age */
    uint64_t number;                  /* $connection */
    uint32_t requests;                /* $connection_requests */
    uint8_t state;                    /* enum connection_state */
    bool keep_alive;                  /* after the present answer */
    bool corked;                      /* TCP_CORK or MSG_MORE is in force */
    bool nodelay;                     /* TCP_NODELAY is set */
    bool broken;                      /* a write failed: drop the rest, close */
    uint64_t started;                 /* monotonic ms of accept */
    struct compact_peer {             /* the client's address, kept small */
        uint8_t family;               /* AF_INET, AF_INET6, AF_UNIX */
        uint16_t port;                /* host order */
        uint8_t ip[16];
    } peer;
};

/* The client's address as $remote_addr has it ("unix:" for unix sockets): at
 * most 45 bytes written to `text`. Its length. */
size_t connection_peer_text(const struct connection *, char *text);

/* The local address the client reached (getsockname(2)). False on failure. */
bool connection_local_address(const struct connection *, struct address *);

/* The connection's request has its answer rendered or queued and wants it sent. */
void connection_answered(struct connection *);

#endif
