/* credentials.h: the user and password that a client sent by Basic authentication (RFC 7617). */
#ifndef MUXD_WORKER_HTTP_CREDENTIALS_H
#define MUXD_WORKER_HTTP_CREDENTIALS_H

#include "common/slice.h"

struct request;

struct credentials {
    struct slice user;     /* never empty */
    struct slice password; /* any bytes */
};

/* Those of the request's Authorization, in its arena, whether or not anybody checks them.
 * False: there are none, they cannot be read, or memory is out (request->arena.exhausted). */
bool request_credentials(struct request *, struct credentials *);

#endif
