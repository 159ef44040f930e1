/* resolver.h: names to addresses, and services to servers, by asking name servers.
 *
 * Each worker has one for each `resolver` directive in use. It asks for the addresses of a
 * name of both families at once (dns_query.h), follows aliases, and keeps what it has learnt
 * for as long as the answer says: also, for a moment, that there is nothing to know. Whoever
 * asks for a name that is being asked for waits along. Bounded: NAMES_MAX names are kept,
 * the one that was wanted longest ago goes first; ASKING_MAX are asked for at a time. */
#ifndef MUXD_WORKER_NET_RESOLVER_H
#define MUXD_WORKER_NET_RESOLVER_H

#include "common/sockaddr.h"
#include "conf/directive.h"
#include "worker/event/timer.h"
#include "worker/net/dns_message.h"

struct worker;
struct resolver;
struct resolver_name; /* resolver_internal.h */

enum {
    RESOLVER_NAMES_MAX = 1000,
    RESOLVER_ASKING_MAX = 256,
    RESOLVED_MAX = 64,        /* addresses or servers that one name stands for; more are left out */
    RESOLVER_NEGATIVE = 5000, /* ms that "no such name" is kept at most: a server may come soon */
    RESOLVER_FAILURE = 1000,  /* and that the servers cannot tell, or not for how long */
};

/* What a `resolver` directive says. */
struct resolver_servers {
    struct address *addresses;
    size_t count;
    uint64_t valid; /* ms that answers are good for; UINT64_MAX: as they say */
    bool ipv4, ipv6;
};

struct resolver_settings {
    const struct resolver_servers *servers; /* NULL: none is defined */
    uint64_t timeout;                       /* resolver_timeout, ms */
};

extern const struct conf_module resolver_module;

enum resolve_kind {
    RESOLVE_HOST,    /* addresses */
    RESOLVE_SERVICE, /* SRV: servers, which have names themselves */
};

/* Why not; those below are enum dns_code, as the server said. */
enum resolve_error {
    RESOLVE_OK = 0,
    RESOLVE_NO_SUCH_NAME = DNS_NO_SUCH_NAME, /* or it has no such records */
    RESOLVE_TIMED_OUT = 110,                 /* nginx shows errno's ETIMEDOUT */
    RESOLVE_BUSY = 1000,                     /* too many names are being asked for */
    RESOLVE_NO_MEMORY,
};

/* "Host not found": as nginx words it. */
const char *resolve_error_text(int error);

/* A server of a service. */
struct service {
    uint16_t priority, weight, port;
    struct dns_name target;
};

/* What became of it. */
struct resolution {
    int error;        /* of enum resolve_error */
    uint64_t expires; /* monotonic ms: it is good for so long */
    size_t count;
    const struct address *addresses; /* of a host: IPv4 first; with port 0 */
    const struct service *services;  /* of a service */
};

/* Somebody who waits; embedded in what wants to know. */
struct lookup {
    struct timer timer;
    struct lookup *next, **link; /* among those who wait for the name */
    struct resolver_name *name;

    /* Called once, from the loop, unless resolver_ask has answered. The resolution is good
     * during the call. */
    void (*done)(struct lookup *, const struct resolution *);
};

/* The worker's resolver for the directive, made on first use. NULL: memory is out. */
struct resolver *resolver_of(struct worker *, const struct resolver_servers *);

/* Asks for a name. What is known at once is returned, and is good until the next call of any
 * function here; NULL: lookup->done, which is set, is called later, at the latest after
 * `timeout` ms. */
const struct resolution *resolver_ask(struct resolver *, struct lookup *, enum resolve_kind,
                                      struct slice name, uint64_t timeout);

/* Whoever waited has gone; nothing when nobody waits. */
void lookup_cancel(struct lookup *);

/* Ends all resolvers of the worker; nobody is called. */
void resolvers_close(struct worker *);

#endif
