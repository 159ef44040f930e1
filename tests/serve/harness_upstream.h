/* harness_upstream.h: a server behind the server, played by the test itself.
 *
 * It answers when and how the test says, so that it may stall, cut and lie. */
#ifndef MUXD_TESTS_SERVE_HARNESS_UPSTREAM_H
#define MUXD_TESTS_SERVE_HARNESS_UPSTREAM_H

#include "tests/serve/harness.h"

/* Listens on @portN@ of the server (2: @port2@); the socket is closed by server_stop. */
int upstream_listen(struct server *, unsigned n);

/* The next connection that the server makes; a client of which we are the other end. */
struct client *upstream_accept(struct server *, int listening);

/* A server with the test on both sides of it: a client, and what is asked for it at @port2@. */
struct passing {
    struct server *server;
    int listening;
    struct client *client, *up;
};

/* Starts the server as server_start, and makes the first request. */
struct passing passing_start(const char *http, const char *request);

/* Another client sends this, and the server makes a connection for it. */
void passing_next(struct passing *, const char *request);

/* The next request, its head and, when `body` is not NULL, all up to and with that text.
 * It is taken off; valid until server_stop. */
const char *upstream_request(struct client *, const char *body);

/* A server that answers by itself, in a process of its own: each request with 200 and the
 * text, and closes. On @portN@ of the address ("127.0.0.2"). */
struct upstream_player;
struct upstream_player *upstream_play(struct server *, const char *address, unsigned n,
                                      const char *text);

/* Stops it: nobody listens there any more. server_stop does it, too. */
void upstream_leave(struct upstream_player *);

#endif
