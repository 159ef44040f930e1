/* request.h: one request, from its head to its line in the access log.
 *
 * The connection reads a head and starts the request; the phases (nginx's
 * names and order) choose who answers: each phase is a list of functions that
 * return enum outcome or a status. A request lives in its arena; all of it is
 * gone when the answer has left and is logged. */
#ifndef MUXD_WORKER_HTTP_REQUEST_H
#define MUXD_WORKER_HTTP_REQUEST_H

#include "common/arena.h"
#include "common/ip_address.h"
#include "common/regex.h"
#include "worker/http/head.h"
#include "worker/http/limit_rate.h"
#include "worker/http/response.h"
#include "worker/modules.h"

struct connection; /* worker/net/connection.h */
struct worker;     /* worker/context.h */
struct server;     /* worker/http/core.h */
struct location;
struct body; /* worker/http/body.h */
struct gzip_stream;
struct exchange; /* worker/upstream/exchange.h */
struct tunnel;
struct host_lookup;
struct subrequest; /* worker/http/subrequest.h */

/* What a phase function answers; any value above 0 is a status (404: the error
 * page of 404 is the answer). */
enum outcome {
    DECLINED = -1, /* not mine: the next function */
    DONE = -2,     /* request->response is the answer: send it */
    AGAIN = -3,    /* waiting: request_resume will be called */
    RESTART = -4,  /* an internal redirect was made: begin again */
    CLOSE = -5,    /* 444: close without an answer */
    ALLOWED = -6,  /* access phase: the client may be let in */
};

enum phase {
    PHASE_POST_READ,
    PHASE_SERVER_REWRITE,
    PHASE_FIND_CONFIG,
    PHASE_REWRITE,
    PHASE_PREACCESS,
    PHASE_ACCESS,
    PHASE_POST_ACCESS,
    PHASE_PRECONTENT,
    PHASE_CONTENT,
    PHASES,
};

enum {
    REQUEST_REDIRECTS_MAX = 10, /* internal redirects, as nginx: then 500 */
    REQUEST_CAPTURES_MAX = 10,  /* $0 (unused) to $9 */
};

/* What a request's time goes to: spans.h. */
enum span {
    SPAN_READ_HEADER,      /* from its first byte until its head is whole */
    SPAN_HANDLE,           /* what is none of the others */
    SPAN_READ_BODY,        /* a handler waits for the body */
    SPAN_UPSTREAM_CONNECT, /* to a server behind this one; waiting for its name, or for room */
    SPAN_UPSTREAM_HEADER,  /* it was asked; until the head of its answer is whole */
    SPAN_UPSTREAM_BODY,    /* until there is more of its answer's body */
    SPAN_SEND,             /* the client is sent its answer */
    SPANS,
};

struct request_spans {
    uint64_t since;        /* monotonic ms: the present one began */
    uint32_t spent[SPANS]; /* ms, the present one's left out */
    uint8_t now;           /* enum span */
};

struct request {
    struct worker *worker;
    struct connection *connection;
    struct arena arena;
    uint64_t started;                /* monotonic ms when its first byte was there */
    const struct ip_address *client; /* the connection's peer, unless realip.c knows better */
    void **settings;                 /* of the location, else the server: settings[MODULE_X] */
    const struct server *server;
    const struct location *location; /* NULL before find-config */

    struct slice uri;  /* normalised; what internal redirects change */
    struct slice args; /* query string, without '?' */
    struct slice host; /* $host's source: validated, lower case, without port; may be empty */
    bool has_args;     /* a '?' was there */
    bool internal;     /* reached by an internal redirect */
    bool uri_replaced; /* the URI is no longer what the client's line says */
    bool keep_alive;
    bool head_only;       /* method HEAD, or changed to it */
    bool error_page_done; /* an error_page was taken: none again but with recursive_error_pages */
    bool expect_done;     /* 100 Continue was sent, or must not be */
    bool vary_encoding;   /* the answer depends on Accept-Encoding: gzip_vary may tell it */
    bool vary_told;       /* and is told in any case: precompressed */
    bool silent;          /* 444: close without an answer */
    bool pipelined;       /* its first bytes came before the answer to the one before it left */
    bool displaced;       /* `rewrite ... break`: the URI may not be the location's any more */
    bool delayed;         /* by request_delay: if the client leaves, so does the request */
    bool below_alias;     /* try_files: the URI is to be looked up below a regex location's alias */
    bool let_in;          /* satisfy: nobody else is asked about the client */
    bool access_delayed;  /* auth_delay is over, or under way */
    uint16_t access_status; /* satisfy: 401 or 403 unless somebody lets the client in; 0 */
    enum method method;     /* head.method; error_page turns it into GET */
    uint8_t limit_req;      /* what limit_req has done: enum limit_req_status; 0: nothing */
    uint8_t limit_conn;     /* likewise: enum limit_conn_status */
    uint8_t redirects;      /* internal redirects so far */
    uint8_t variable_depth; /* variables being computed now, each for the one before */
    uint8_t step;           /* where a resumed request goes on in the phases */
    unsigned error_status;  /* the status that error_page was taken for; 0: none */

    struct slice id;           /* $request_id; NULL until somebody asks */
    struct slice *captures;    /* of the last regex that matched: REQUEST_CAPTURES_MAX, or NULL */
    struct slice *user_values; /* user variables by index; NULL until one is set */
    bool *user_set;

    struct body *body;               /* NULL when the request has none */
    struct buffer *head_buffer;      /* the head's bytes, when the connection reads on elsewhere */
    struct held_file *held;          /* worker/handlers: files to release at the end */
    struct request_end *ends;        /* request_at_end */
    struct exchange *exchange;       /* with an upstream, the last one; NULL: none */
    struct host_lookup *host_lookup; /* a name that is looked up: worker/upstream/group_request.c */
    struct tunnel *tunnel;           /* the connection is upgraded; NULL: it is not */
    struct gzip_stream *gzip;        /* what compresses the answer; NULL: nothing */
    struct subrequest *subrequest;   /* NULL: it is the client's own request */
    struct request *subrequests;     /* made for the client's request, newest first; NULL: none */
    unsigned subrequest_count;
    struct request *authorization; /* auth_request's subrequest; NULL: it has not asked yet */
    uint64_t bytes_sent;           /* head and body handed on to the kernel (or queued for it) */
    uint64_t head_bytes_sent;
    struct limit_rate rate;
    struct request_spans spans;
    struct request *next_free;
    struct response response;
    struct head head; /* last: its inline fields are large and are not cleared */
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

/* The URI was changed: its location is looked for. RESTART, or 500 when that has been done too
 * often. */
int request_find_location(struct request *);

/* Likewise to a named location ("@name"); the URI stays. 500 when it is unknown. */
int request_named_location(struct request *, struct slice name);

/* Goes on where AGAIN was returned: the function that did so is called again. The request
 * may be gone after. */
void request_resume(struct request *);

/* Goes on as if the function that returned AGAIN had returned `outcome`. The request may be
 * gone after. */
void request_conclude(struct request *, int outcome);

/* Has the request resumed after a while: for a phase function that returns what this does, AGAIN,
 * or 500 when memory is out. */
int request_delay(struct request *, uint64_t milliseconds);

/* Asks for the body: `ready` is called when all of it has arrived. Returns 0 when
 * it is all here already (`ready` is not called), AGAIN when it is awaited, or a status
 * (413, 500). `ready` returns what a phase function returns. The body of a
 * request that nobody asks for is discarded. */
int request_read_body(struct request *, int (*ready)(struct request *));

/* Asks for the body while it comes: as much of it as client_body_buffer_size is kept in
 * memory for body_consume, and exchange_upload is called when there is more. 0, or a status. */
int request_stream_body(struct request *);

/* Sends 100 Continue when the client waits for it; once. False: memory is out. */
bool request_expect(struct request *);

/* Bytes of the request as read so far, head and body: $request_length. */
uint64_t request_length(const struct request *);

/* Has `release` called when the request ends, whatever becomes of it; the last one asked for
 * is called first. False: memory is out. */
bool request_at_end(struct request *, void (*release)(struct request *, void *), void *what);

/* Logs to the error log in force, with nginx's tail: client, server, request,
 * host, referrer. */
void request_log(struct request *, int level, int error_number, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Sets a user variable (named capture, set) by its index. */
bool request_set_variable(struct request *, unsigned index, struct slice value);

/* Makes the room for values of user variables, when there are any and it has none yet.
 * False: memory is out. */
bool request_need_variables(struct request *);

/* --- what the connection calls --- */

/* A request for the connection, its head not read yet; NULL when memory is out. */
struct request *request_new(struct connection *);

/* The head is whole (HEAD_DONE), or refused (any other result): runs the phases.
 * When it returns, the answer is rendered (connection->answered or segments are
 * queued), or the connection's state says what is awaited. */
void request_start(struct request *, enum head_result);

/* The body has arrived or failed (`status` > 0): goes on. */
void request_body_ready(struct request *, int status);

/* Logs the request and frees it. */
void request_finish(struct request *);

/* --- what subrequest.c calls --- */

/* A request with nothing in it but its worker and an empty arena; NULL when memory is out. */
struct request *request_take(struct worker *);

/* Calls what request_at_end was given, and lets the files go that are held. */
void request_release(struct request *);

/* Frees a released request and all of its arena. */
void request_give(struct request *);

#endif
