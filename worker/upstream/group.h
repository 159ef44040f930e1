/* group.h: groups of servers that requests are handed to, and which of them gets the next.
 *
 * `upstream name { ... }` makes a group; an address or a host name in proxy_pass is a group
 * of its own. A group has peers, one an address; its balancer picks one for each attempt.
 * What is known of a peer's health lives in struct peer_state, apart from its settings, so
 * that workers can share it (zone). */
#ifndef MUXD_WORKER_UPSTREAM_GROUP_H
#define MUXD_WORKER_UPSTREAM_GROUP_H

#include "common/sockaddr.h"
#include "conf/directive.h"
#include "worker/http/template.h"

#include <stdatomic.h>

struct request;
struct worker;
struct upstream_connection;
struct hash_ring; /* balance_hash.c */

/* What workers may share of a peer; each field is written with relaxed atomics: a figure
 * that is a moment late does no harm. */
struct peer_state {
    _Atomic uint32_t connections; /* requests that it is busy with */
    _Atomic uint32_t fails;       /* since it was last well */
    _Atomic uint64_t accessed;    /* monotonic ms of the last failure */
    _Atomic uint64_t checked;     /* and of the last time it was tried in spite of failures */
    _Atomic uint64_t recovered;   /* it came back: slow_start counts from here; 0: never */
    _Atomic uint64_t requests;    /* figures for status pages, since start: */
    _Atomic uint64_t failures;
    _Atomic uint64_t sent, received; /* bytes */
    _Atomic uint64_t responses[5];   /* by class: 1xx to 5xx */
    _Atomic uint64_t response_time;  /* ms, of all answers together */
    _Atomic uint32_t unhealthy;      /* an active check says so */
};

struct peer {
    struct upstream_group *group;
    struct address address;
    struct slice name;   /* "127.0.0.1:8080": $upstream_addr */
    struct slice server; /* as the configuration has it: what `hash` and `sticky` go by */
    unsigned index;      /* in the group */
    unsigned weight;
    uint64_t max_conns;                /* 0: any */
    uint64_t max_fails;                /* 0: failures are not counted */
    uint64_t fail_timeout, slow_start; /* ms */
    bool backup;
    bool down;
    int64_t current_weight, effective_weight; /* of this worker's smooth round robin */
    struct peer_state *state;
    struct peer_state own_state; /* unless a zone has it */
};

/* Which of the peers are out of the question for one request, and how it is balanced. */
struct selection {
    struct upstream_group *group;
    struct request *request;
    uint64_t *tried;  /* a bit a peer */
    struct slice key; /* hash: what is hashed */
    uint32_t hash;    /* of the key, or of the client's address */
    unsigned tries;   /* hashes and lots that came to nothing, or to a peer that failed */
    bool begun;
};

struct balancer {
    const char *name; /* the directive's */
    bool no_backup;   /* cannot be used with backup servers */
    struct peer *(*pick)(struct selection *);
};

struct group_settings {
    uint64_t keepalive; /* idle connections kept by a worker; 0: none */
    uint64_t keepalive_requests;
    uint64_t keepalive_time, keepalive_timeout; /* ms */
};

struct upstream_group {
    struct upstream_group *next; /* of the configuration */
    struct slice name;           /* of the block, or "host:port" */
    bool implicit;               /* made of an address in proxy_pass */
    unsigned default_port;       /* of an implicit one */
    struct position at;
    struct conf_scope *scope; /* NULL: implicit */
    const struct balancer *balancer;
    struct peer **peers; /* backups last */
    size_t count;
    size_t primaries;  /* of them that are no backups */
    struct array made; /* of struct peer *, while the block is read */
    uint64_t total_weight;

    struct template hash_key;
    bool consistent;
    struct hash_ring *ring;
    unsigned random_choices; /* random two: 2 */

    struct upstream_connection *newest, *oldest; /* idle ones of this worker */
    size_t idle_count;
};

extern const struct conf_module upstream_module;

/* The group's settings, once the configuration is loaded. */
const struct group_settings *group_settings(const struct upstream_group *);

/* The explicit group of this name in the http block that the scope stands in, or, in
 * `groups` (http->upstreams), NULL. */
struct upstream_group *group_find(struct upstream_group *groups, struct slice name);

/* The group for a host name or an address with its port, or for a unix socket, made on
 * first use; the name is resolved now, and may block. NULL with the error reported. */
struct upstream_group *group_of_address(struct conf *, struct conf_scope *, struct position at,
                                        struct slice address, unsigned default_port);

/* The group of that kind that was made already; NULL: none was. */
struct upstream_group *group_find_implicit(struct upstream_group *groups, struct slice address,
                                           unsigned default_port);

/* A group of nothing but these addresses. NULL: memory is out. */
struct upstream_group *group_of_addresses(struct arena *, struct slice name,
                                          const struct address *addresses, size_t count);

/* The group for an address that a request has said: one of the configuration, or one made
 * for it. A host name is looked up by the resolver in force. 0: *group is set; AGAIN: call it
 * again when the request is resumed; 502, 500: it was logged why. */
int group_for_request(struct request *, struct slice address, unsigned default_port,
                      struct upstream_group **group);

/* Begins to choose for one request. False: memory is out. */
bool selection_begin(struct selection *, struct request *, struct upstream_group *);

/* The peer for the next attempt, which counts as busy until peer_release; NULL: none is
 * alive. */
struct peer *selection_next(struct selection *);

/* An attempt is over; `failed`: the peer was to blame. */
void peer_release(struct selection *, struct peer *, bool failed);

/* The peer may be tried once more by the same request. */
void selection_forget(struct selection *, const struct peer *);

/* The peer may be asked now. For balancers. */
bool peer_is_eligible(const struct selection *, const struct peer *);

/* The smooth round robin among peers[from .. to). */
struct peer *pick_smoothly(const struct selection *, size_t from, size_t to);

/* Its weight, in twentieths, lowered while it starts slowly (slow_start). */
int64_t peer_weight(const struct peer *, uint64_t now);

/* The primary peer in whose part of all weights `point` falls. */
struct peer *peer_at_weight(const struct upstream_group *, uint64_t point);

struct peer *pick_round_robin(struct selection *);
struct peer *pick_least_connections(struct selection *);
struct peer *pick_by_address(struct selection *);
struct peer *pick_by_hash(struct selection *);
struct peer *pick_at_random(struct selection *);

/* Prepares `hash ... consistent`. False: memory is out. */
bool hash_ring_build(struct arena *, struct upstream_group *);

#endif
