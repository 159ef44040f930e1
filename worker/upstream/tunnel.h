/* tunnel.h: a connection that was upgraded (101): bytes go both ways as they come, until
 * either side closes. */
#ifndef MUXD_WORKER_UPSTREAM_TUNNEL_H
#define MUXD_WORKER_UPSTREAM_TUNNEL_H

#include "worker/upstream/exchange.h"

/* The upstream has answered 101: the client is told so, and then the tunnel is open. What
 * a handler returns. */
int tunnel_begin(struct exchange *);

enum tunnel_result {
    TUNNEL_WAITS, /* for either side */
    TUNNEL_MORE,  /* there is more to move, but others first (worker/net/turn.h) */
    TUNNEL_OVER,  /* it has ended, and the connections are to be closed */
};

/* Moves what can be moved. */
enum tunnel_result tunnel_run(struct request *);

#endif
