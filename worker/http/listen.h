/* listen.h: the `listen` directive: addresses, and the servers behind them. */
#ifndef MUXD_WORKER_HTTP_LISTEN_H
#define MUXD_WORKER_HTTP_LISTEN_H

#include "worker/http/core.h"

/* Each `listen` adds the server that the scope belongs to to its addresses. */
extern const struct value_type as_listen;

/* A server without `listen` gets nginx's default: port 80 of every IPv4 address,
 * port 8000 when the process is not root's. Call when its block has been read. */
void listen_close(struct conf *, struct server *);

#endif
