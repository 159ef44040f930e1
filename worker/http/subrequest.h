/* subrequest.h: a request that is made on behalf of another one, inside the server.
 *
 * A subrequest runs the phases for a URI of its parent's server, from server-rewrite on
 * and past the access phase, as nginx's do. It has no head of its own: it sees the
 * parent's fields, and the user variables of both are the same. Its answer is not sent
 * but left in its response, for the one who made it: status and headers, and the body as
 * a stream when that is wanted. It may wait, as any request; it lives until the client's
 * request ends, and is dropped with it. */
#ifndef MUXD_WORKER_HTTP_SUBREQUEST_H
#define MUXD_WORKER_HTTP_SUBREQUEST_H

#include "worker/http/request.h"
#include "worker/http/stream.h"

enum {
    SUBREQUEST_DEPTH_MAX = 50, /* subrequests of subrequests, as nginx: then no more are made */
    SUBREQUESTS_MAX = 10000,   /* of one client's request: likewise */
};

/* What is asked for. */
struct subrequest_wish {
    struct slice uri;   /* normalised; lives as long as the client's request, as does args */
    struct slice args;  /* without '?' */
    enum method method; /* METHOD_UNKNOWN: GET */
    bool send_body;     /* the parent's request body goes along, when all of it was read */
    bool want_body;     /* the answer's body is read by subrequest_read; else it is dropped */
    bool background;    /* the client's request does not end before it is done */
    bool clone;         /* it goes on where its parent is: in the content phase of its location */
    /* Called when the subrequest is done, but not when it is so at once, as subrequest_start
     * returns. The subrequest, and the client's request, may be gone after what it does. */
    void (*done)(struct request *subrequest);
};

/* A request as a subrequest. */
struct subrequest {
    struct request *parent;
    struct request *next; /* the next of the client's request, newest first */
    void (*done)(struct request *subrequest);
    unsigned depth; /* 1: the parent is the client's request */
    bool want_body;
    bool background;
    bool clone;
    bool answered; /* request->response is the answer */
    bool ended;
};

/* Makes one and runs its phases until it is done or waits: subrequest_is_done says which.
 * NULL: there are too many (which is logged), or memory is out. */
struct request *subrequest_start(struct request *parent, const struct subrequest_wish *);

/* It is answered, or will never be: its `silent` is set then (444 and its kin). */
bool subrequest_is_done(const struct request *subrequest);

/* Reads on in the body of one that is done, as stream_read of stream.h. */
enum stream_result subrequest_read(struct request *subrequest, char *room, size_t len,
                                   size_t *made);

/* Nobody will look at its answer any more: logs it with log_subrequest, and releases what
 * its handlers hold. Its memory stays, for values that were taken from it. */
void subrequest_end(struct request *subrequest);

/* The client's request that a request belongs to: itself when it is no subrequest. */
struct request *request_main(struct request *);

/* The client's request has to wait for its subrequests in the background. */
bool subrequests_running(const struct request *);

/* --- what request.c and response.c call --- */

/* response_send for a subrequest: its answer stays here. */
int subrequest_answer(struct request *subrequest);

/* Acts on one outcome as request_resume or request_conclude, for a subrequest. */
void subrequest_resume(struct request *subrequest);
void subrequest_conclude(struct request *subrequest, int outcome);

/* Drops all of a client's request, whatever they wait for. */
void subrequests_drop(struct request *);

#endif
