/* handshakes.h: connections that have begun and are not established yet.
 *
 * The kernel knows them, but shows them in no queue of a listening socket: closing that
 * resets them when the client's last word arrives, a round trip or a lost packet later.
 * sock_diag(7) lists them. */
#ifndef MUXD_MASTER_HANDSHAKES_H
#define MUXD_MASTER_HANDSHAKES_H

#include "common/sockaddr.h"

#include <stdint.h>

enum handshakes {
    HANDSHAKES_NONE,
    HANDSHAKES_WAIT,    /* there are some */
    HANDSHAKES_UNKNOWN, /* the kernel does not say */
};

/* Whether handshakes with the port of this address are under way that may have begun `age` ms
 * ago or earlier. How old they are is told by the retransmissions, roughly: rather too old. */
enum handshakes handshakes_with(const struct address *, uint64_t age);

#endif
