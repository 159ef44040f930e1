/* group.h: groups of servers that requests are handed to.
 *
 * `upstream name { ... }` makes a group; an address or a host name in proxy_pass is a group
 * of its own. A group's servers have addresses; each of these is a peer (peers.h), and the
 * peers of the moment are a set. The set of a group whose names are resolved at run time
 * (server ... resolve) is replaced when they change; who has chosen from the old one keeps
 * it. selection.h says how a peer is chosen. */
#ifndef MUXD_WORKER_UPSTREAM_GROUP_H
#define MUXD_WORKER_UPSTREAM_GROUP_H

#include "common/sockaddr.h"
#include "conf/directive.h"
#include "worker/http/template.h"

struct balancer; /* selection.h */
struct group_server;
struct health_check; /* health.h */
struct peer;
struct peer_set;
struct request;
struct selection;
struct sticky; /* sticky.h */
struct upstream_connection;
struct worker;
struct zone;

/* queue number [timeout=time] */
struct queue_value {
    uint64_t length;  /* requests that may wait; 0: none */
    uint64_t timeout; /* ms */
};

struct group_settings {
    struct queue_value queue;
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
    struct array servers;        /* of struct group_server *, as the block has them */
    struct peer_set *set;        /* never NULL; empty until the names of `resolve` are known */
    struct zone *zone;           /* that has the peers' states; NULL: each worker has its own */
    struct sticky *sticky;       /* clients stay with their server; NULL: they do not */
    struct health_check *health; /* active checks; NULL: none */
    bool mandatory;              /* peers are checked before they are asked */
    unsigned losses;             /* of the zone: it was emptied so often when we attached to it */

    struct template hash_key;
    bool consistent;
    unsigned random_choices; /* random two: 2 */

    struct upstream_connection *newest, *oldest; /* idle ones of this worker */
    size_t idle_count;

    struct selection *waiting, **last_waiting; /* for a peer, in this worker: queue.c */
    size_t waiting_count;
    unsigned unresolved; /* servers whose name has not been looked up yet */
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

/* The address, with a port or not, needs nobody to look it up: it is in numbers, or a unix
 * socket's. */
bool group_address_is_literal(struct slice address);

/* The group for an address that a request has said: one of the configuration, or one made
 * for it. A host name is looked up by the resolver in force. 0: *group is set; AGAIN: call it
 * again when the request is resumed; 502, 500: it was logged why. */
int group_for_request(struct request *, struct slice address, unsigned default_port,
                      struct upstream_group **group);

/* In a worker: peers that were made, or whose zone was emptied, get their part of it. */
void group_attach(struct worker *, struct upstream_group *);

/* In a worker that begins: attaches its groups to their zones, and begins to resolve what is
 * resolved at run time. False: memory is out. */
bool groups_start(struct worker *);

/* And when it ends. */
void groups_stop(struct worker *);

#endif
