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

/* The next request, its head and, when `body` is not NULL, all up to and with that text.
 * It is taken off; valid until server_stop. */
const char *upstream_request(struct client *, const char *body);

#endif
