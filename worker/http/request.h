/* request.h: one request, from its head to its line in the access log.
 *
 * The connection reads a head and starts the request; the phases (nginx's
 * names and order) choose who answers: each phase is a list of functions that
 * return enum outcome or a status. A request lives in its arena; all of it is
 * gone when the answer has left and is logged. */
#ifndef MUXD_WORKER_HTTP_REQUEST_H
#define MUXD_WORKER_HTTP_REQUEST_H

#include "common/arena.h"
#include "common/regex.h"
#include "worker/http/head.h"
#include "worker/http/response.h"
#include "worker/modules.h"

struct connection; /* worker/net/connection.h */
struct worker;     /* worker/context.h */
struct server;     /* worker/http/core.h */
struct location;
struct body; /* worker/http/body.h */

/* What a phase function answers; any value above 0 is a status (404: the error
 * page of 404 is the answer). */
enum outcome {
    DECLINED = -1, /* not mine: the next function */
    DONE = -2,     /* request->response is the answer: send it */
    AGAIN = -3,    /* waiting: request_resume will be called */
    RESTART = -4,  /* an internal redirect was made: begin again */
    CLOSE = -5,    /* 444: close without an answer */
};

enum phase {
    PHASE_POST_READ,
    PHASE_SERVER_REWRITE,
    PHASE_FIND_CONFIG,
    PHASE_REWRITE,
    PHASE_PREACCESS,
    PHASE_ACCESS,
    PHASE_PRECONTENT,
    PHASE_CONTENT,
    PHASES,
};

enum {
    REQUEST_REDIRECTS_MAX = 10, /* internal redirects, as nginx: then 500 */
    REQUEST_CAPTURES_MAX = 10,  /* $0 (unused) to $9 */
};

struct request {
    struct worker *worker;
    struct connection *connection;
    struct arena arena;
    uint64_t started; /* monotonic ms when its first byte was there */
    void **settings;  /* of the location, else the server: settings[MODULE_X] */
    const struct server *server;
    const struct location *location; /* NULL before find-config */

    struct slice uri;  /* normalised; what internal redirects change */
    struct slice args; /* query string, without '?' */
    struct slice host; /* $host's source: validated, lower case, without port; may be empty */
    bool has_args;     /* a '?' was there */
    bool internal;     /* reached by an internal redirect */
    bool keep_alive;
    bool head_only;             /* method HEAD */
    bool refused;               /* answered before it was routed: bad request */
    uint8_t redirects;          /* internal redirects so far */
    uint8_t phase, phase_index; /* where a resumed request goes on */
    bool error_page_done; /* an error_page has been taken: none again but with recursive_error_pages
                           */
    unsigned error_status; /* the status that error_page was taken for; kept unless =code */
    bool error_status_set;
    struct slice lingering; /* unused */

    struct slice *captures;    /* of the last regex that matched: REQUEST_CAPTURES_MAX, or NULL */
    struct slice *user_values; /* named captures, set: by index; NULL until one is set */
    bool *user_set;

    struct body *body; /* NULL when the request has none */
    struct response response;
    uint64_t bytes_sent; /* head and body handed to the kernel */
    uint64_t head_bytes_sent;
    struct head head; /* last: its inline fields are large */
};

/* A module's settings in force for the request. */
static inline const void *request_settings(const struct request *request, enum module_id id)
{
    return request->settings[id];
}

/* Goes to another URI inside the server: uri and args are replaced, the phases
 * begin again at server-rewrite. Returns RESTART, or 500 when there have been
 * too many. Slices must live in the request's arena or the configuration. */
int request_internal_redirect(struct request *, struct slice uri, struct slice args);

/* Likewise to a named location ("@name"); the URI stays. 500 when it is unknown. */
int request_named_location(struct request *, struct slice name);

/* Goes on where AGAIN was returned. */
void request_resume(struct request *);

/* Asks for the body: calls `ready` when all of it has arrived (now, if it has) with
 * 0, or a status (413, 400, 408). For handlers that need it; the body of any
 * other request is discarded. Returns AGAIN, or what `ready` returned. */
int request_read_body(struct request *, int (*ready)(struct request *, int status));

/* Logs to the error log in force, with nginx's tail: client, server, request,
 * host, referrer. */
void request_log(struct request *, int level, int error_number, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Sets a user variable (named capture, set) by its index. */
bool request_set_variable(struct request *, unsigned index, struct slice value);

#endif
