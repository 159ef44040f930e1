/* exchange.h: one request's conversation with an upstream group, whatever the protocol.
 *
 * A handler makes an exchange, gives it the request's bytes (struct upstream_protocol) and
 * starts it. The exchange chooses a peer, connects or takes an idle connection, sends, and
 * reads the answer's head; on a failure that proxy_next_upstream and its kin name it goes
 * on to another peer. A head that is taken becomes the request's response. A body that came
 * wholly along with it is memory; any other is a stream that reads the upstream when the
 * client takes more, or, with buffering, ahead of it into bounded memory and a temporary
 * file. */
#ifndef MUXD_WORKER_UPSTREAM_EXCHANGE_H
#define MUXD_WORKER_UPSTREAM_EXCHANGE_H

#include "worker/http/request.h"
#include "worker/http/stream.h"
#include "worker/upstream/answer_body.h"
#include "worker/upstream/connection.h"
#include "worker/upstream/exchange_settings.h"
#include "worker/upstream/selection.h"

struct cache_use; /* worker/cache/use.h */
struct exchange;
struct passage; /* exchange_pass.c */
struct spool;
struct store;

/* What differs between HTTP and the protocols of gateways. */
struct upstream_protocol {
    const char *scheme; /* of the error log's upstream: "http://" */
    enum answer_kind kind;

    /* An attempt begins. False: memory is out. May be NULL. */
    bool (*begin)(struct exchange *);

    /* Takes the *len bytes at `data`, just received, out of the protocol's records, in place:
     * MORE, END, or BAD, which it has logged. NULL: it has none. */
    enum answer_body_result (*unwrap)(struct exchange *, char *data, size_t *len);

    /* Changes a Location, Refresh or Set-Cookie value on its way; false: memory is out. May
     * be NULL. */
    bool (*rewrite)(struct exchange *, enum answer_field_name, struct slice *value);
};

/* How a body is framed that goes upstream. */
enum upload_framing {
    UPLOAD_PLAIN,   /* its length was said in the head */
    UPLOAD_CHUNKED, /* RFC 9112 7.1 */
    UPLOAD_RECORDS, /* FastCGI's FCGI_STDIN */
};

enum exchange_state {
    EXCHANGE_CONNECT,
    EXCHANGE_SEND,   /* the request; an answer may come early */
    EXCHANGE_HEAD,   /* the request is sent: the answer's head is awaited */
    EXCHANGE_BODY,   /* the head was taken */
    EXCHANGE_TUNNEL, /* upgraded: tunnel.h */
    EXCHANGE_ENDED,
};

enum { TIME_UNKNOWN = -1 };

/* One attempt, for the $upstream_* variables; times in ms since it began. */
struct attempt {
    struct attempt *next;
    const struct peer *peer;                          /* NULL: none was alive */
    struct slice name;                                /* its address, or the group's name */
    unsigned status;                                  /* 0: none was answered */
    uint64_t began;                                   /* monotonic ms */
    int64_t connect_time, header_time, response_time; /* or TIME_UNKNOWN */
    uint64_t sent, received, body;                    /* bytes; body: of the answer's */
};

/* The request on its way: the head, then memory, a file, or what the client still sends. */
struct upload {
    struct slice head;
    struct slice memory;
    int file; /* -1: none */
    uint64_t file_size;
    bool streamed; /* the body is taken from the client while it comes */
    enum upload_framing framing;

    /* how far it is */
    struct slice head_left, memory_left;
    uint64_t offset;       /* of the file */
    struct buffer *pieces; /* streamed or framed: what is not sent yet */
    bool ended;            /* the end was put into `pieces` */
    bool begun;            /* streamed: some of the body has left: no second attempt */
};

struct exchange {
    struct stream stream; /* first: the response's body */
    struct request *request;
    const struct exchange_settings *settings;
    const struct upstream_protocol *protocol;
    void *protocol_data;       /* the protocol's own */
    struct slice uri;          /* as it is asked for: for logs */
    struct slice authority;    /* of the URL that is asked for, host and port; or empty */
    struct exchange *previous; /* of the same request, before an internal redirect */
    struct selection selection;
    struct connect_options connect;
    struct upstream_connection *connection; /* NULL between attempts and when done */
    struct peer *peer;                      /* busy with this; NULL: none */
    enum exchange_state state;
    const char *action; /* "connecting to upstream", for the error log */
    struct upload upload;

    struct buffer *input; /* the head, and what of the body came with it */
    struct answer_head head;
    enum answer_framing framing;
    struct answer_body body;
    struct slice pending;    /* of the body, in the input */
    struct store *store;     /* proxy_store: the file being written; NULL: none */
    struct passage *passage; /* what is moved to the client unread; NULL: nothing ever was */
    struct spool *spool;     /* what was read ahead; NULL: nothing ever was */
    struct cache_use *cache; /* NULL: there is none to do with */
    bool detached;           /* the body is only read to be kept: nobody else waits for it */
    bool to_head;            /* no body will come: the method is HEAD */
    bool wants_upgrade;      /* the client and the request ask for another protocol */
    bool unwrapped_all;      /* the protocol's records have ended */
    bool keep_connection;    /* the request says so, in a protocol whose answers do not */
    bool body_ended;         /* all of the body was read from the upstream */
    bool broken;             /* it will never be: the client is cut off */
    bool reusable;           /* the connection, once the body has ended */
    bool paused;             /* limit_rate: the timer means "go on" */
    bool buffering;          /* as set, or as X-Accel-Buffering says */
    uint64_t limit_rate;
    unsigned interim; /* 1xx answers so far */
    uint64_t began;   /* monotonic ms of the first attempt */
    uint64_t tries_left;
    struct attempt *attempts, **last_attempt, *attempt; /* attempt: the present one */
};

/* An exchange of the request with a group. NULL: memory is out. */
struct exchange *exchange_new(struct request *, const struct exchange_settings *,
                              const struct upstream_protocol *, struct upstream_group *);

/* Calls `begin` once the body of the request is here, or, `streams`, comes: what a content
 * handler returns. */
int exchange_take_body(struct request *, bool streams, int (*begin)(struct request *));

/* Makes the request's body that which goes upstream. */
void exchange_pass_body(struct exchange *);

/* Begins; what a content handler returns: AGAIN, DONE, RESTART or a status. upload.head and
 * the body are set. */
int exchange_start(struct exchange *);

/* Some of a streamed body has come from the client (or its end): sends it on. What
 * exchange_start returns. */
int exchange_upload(struct request *);

/* The client gets no more of the body, but all of it is to be kept: it is read on, and the
 * connection is driven when that is done. False: there is nothing to wait for. */
bool exchange_keeps_on(struct request *);

/* What is fetched is kept for others even if the client leaves. */
bool exchange_outlives_client(const struct exchange *);

/* The request is answered otherwise: the exchange is given up. */
void exchange_drop(struct request *);

/* The client takes no more for now: reads ahead what may be buffered. */
void exchange_read_ahead(struct request *);

#endif
