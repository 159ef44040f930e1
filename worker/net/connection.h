/* connection.h: a client's connection, for its whole life.
 *
 * It reads heads, starts requests, sends what they answer, and closes. An idle
 * kept-alive connection is this struct and nothing else: buffers and the
 * request are taken when bytes arrive and given back when the answer has left. */
#ifndef MUXD_WORKER_NET_CONNECTION_H
#define MUXD_WORKER_NET_CONNECTION_H

#include "common/ip_address.h"
#include "common/sockaddr.h"
#include "worker/event/loop.h"
#include "worker/event/timer.h"
#include "worker/net/buffers.h"

struct request;
struct worker;
struct acceptor;
struct client_settings; /* worker/http/client.h */

/* What a proxy has said of the client whose connection it passes on (proxy_protocol.h). */
struct proxied {
    struct ip_address source, destination; /* family 0: not said */
    struct slice tlvs;
    bool tls; /* the client speaks TLS to the proxy */
};

enum connection_state {
    CONNECTION_IDLE,    /* kept alive (or fresh), waiting for the first byte of a head */
    CONNECTION_HEAD,    /* part of a head was read */
    CONNECTION_BODY,    /* a handler waits for the body, or it is being discarded */
    CONNECTION_WAIT,    /* a handler returned AGAIN */
    CONNECTION_TUNNEL,  /* upgraded: bytes go to an upstream and back */
    CONNECTION_SEND,    /* output is waiting for the socket */
    CONNECTION_DISCARD, /* answered; the rest of the request's body is read off */
    CONNECTION_LINGER,  /* reading off what the client still sends, before close */
    CONNECTION_PROXY,   /* the header of the PROXY protocol is awaited, and was not all read */
};

/* Among thousands of connections each one's memory is cold when its turn comes: it is three
 * of the processor's cache lines, which begin where one does. */
struct connection {
    struct watch watch;
    struct timer timer; /* the deadline of the present state */
    struct worker *worker;

    struct request *request;                /* NULL when idle */
    struct buffer *input;                   /* NULL when idle */
    struct buffer *output, *output_last;    /* rendered bytes on their way out; NULL when none */
    const struct client_settings *settings; /* in force between requests */
    uint32_t output_size;                   /* bytes in the output */
    uint32_t requests;                      /* $connection_requests */
    uint32_t work;                          /* since its turn came: turn.h */
    uint8_t state;                          /* enum connection_state */
    uint8_t resume_state;                   /* after SEND, when it is not the answer: enum state */
    bool keep_alive : 1;                    /* after the present answer */
    bool answered : 1;       /* the present request's answer is wholly in the output */
    bool nodelay : 1;        /* TCP_NODELAY is set */
    bool lingering : 1;      /* the client may still be sending */
    bool yielded : 1;        /* the timer means "go on", not "too late" */
    bool bounded : 1;        /* what the kernel takes of its output is limited */
    bool put_off : 1;        /* its turn comes later: turn.h */
    bool timed_out : 1;      /* too late: it is closed when its turn comes */
    bool idle : 1;           /* in the list of idle ones */
    bool received : 1;       /* it was read in this turn of the loop, and is to be driven on */
    bool in_burst : 1;       /* its answer leaves with others' at the end of the turn */
    bool watched : 1;        /* by the loop: not before its first bytes were looked for */
    bool tls_terminated : 1; /* listen: all who connect there have ended TLS for a client */
    union {
        uint64_t started;      /* monotonic ms of accept */
        uint64_t linger_until; /* LINGER: reading off a client's bytes ends here, ms */
    };

    const struct acceptor *acceptor;
    struct connection *older, *newer; /* idle ones by age, or those that are put off */
    uint64_t number;                  /* $connection */
    struct proxied *proxied;          /* NULL: no PROXY protocol */
    struct ip_address peer;           /* who has connected */
};

enum { CACHE_LINE = 64, CONNECTION_LINES = 3 };

/* A connection of a socket that was accepted on `acceptor` (non-blocking; owned
 * from here on). NULL when memory is out: the socket is closed. */
struct connection *connection_open(struct acceptor *, int fd, const struct ip_address *peer);

/* Starts to serve it. False when it could not be: it is closed. */
bool connection_start(struct connection *);

/* Goes on with what the connection's state asks for: called by the loop, and by
 * the request when a handler is done waiting. The connection may be gone after. */
void connection_drive(struct connection *);

/* Answers what was read of connections in this turn of the loop. */
void connections_answer(struct worker *);

/* The same after an event, with its whole share of this turn (turn.h). */
void connection_wake(struct connection *);

/* Sends what connections have put off to the end of this turn of the loop. */
void connections_send(struct worker *);

/* A handler that had returned AGAIN has answered (request_resume): goes on. */
void connection_resume(struct connection *);

/* Closes at once; the request, if any, is logged with what was sent. */
void connection_close(struct connection *);

/* A connection that has made no request is left its first milliseconds to make one,
 * however crowded the worker is. */
enum { CONNECTION_FRESH = 500 };

/* Closes the `count` oldest connections that wait for a request, to make room; not those
 * younger than CONNECTION_FRESH. How many were closed. */
size_t connection_close_idle(struct worker *, size_t count);

/* The worker leaves: connections that wait for a request are closed when none
 * comes within worker->leaving_grace milliseconds, also those that begin to wait later, because
 * their last answer said that they could; those that bring one are answered. */
void connections_leave(struct worker *);

/* Closes every connection at once. */
void connections_close(struct worker *);

/* Frees the memory of all connections, which are closed, when the worker ends. */
void connection_pool_free(struct worker *);

/* The client speaks TLS to a proxy that has said so, or of which `listen` says so. */
static inline bool connection_is_tls(const struct connection *connection)
{
    return connection->tls_terminated || (connection->proxied != NULL && connection->proxied->tls);
}

/* The local address the client reached (getsockname(2)). False on failure. */
bool connection_local_address(const struct connection *, struct address *);

#endif
