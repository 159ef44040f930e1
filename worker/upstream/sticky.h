/* sticky.h: sticky cookie: a client's requests go to the server that its first one went to.
 *
 * A cookie says which that is: by the server's `route`, or by a digest of the group's name
 * and the address, so that all workers and all configurations understand it. A server that
 * cannot be asked loses the client to another one, which sets its own cookie. */
#ifndef MUXD_WORKER_UPSTREAM_STICKY_H
#define MUXD_WORKER_UPSTREAM_STICKY_H

#include "worker/upstream/selection.h"

struct sticky {
    struct slice name;       /* of the cookie */
    struct slice variable;   /* "cookie_" and the name */
    uint64_t max_age;        /* seconds; 0: for the browser's session */
    struct slice attributes; /* "; Path=/; HttpOnly" */
};

/* sticky cookie name [...]; in an upstream. */
extern const struct value_type as_sticky;

/* The value of the cookie that leads to the peer, in `text`. */
enum { STICKY_ID_MAX = 32 };
struct slice sticky_id(const struct peer *, char text[STICKY_ID_MAX]);

/* The peer that the request's cookie names, when it may be asked; NULL: another one has to be
 * picked. */
struct peer *sticky_pick(const struct selection *);

/* Puts the cookie into the response unless the client has it. False: memory is out. */
bool sticky_respond(const struct selection *, const struct peer *);

#endif
