/* dns_query.h: one question to name servers, asked until one of them has answered it.
 *
 * It goes by UDP from a new socket with a port of its own and a random number, to the server
 * that answered last; after 1, 2 and then every 4 seconds it goes to the next one. An answer
 * counts when it comes from the server that was asked, and repeats the number and the
 * question. One that was cut short is asked for again by TCP, and so is one behind too many
 * that did not fit: a stranger can guess at a datagram, but not at a connection. A question
 * never gives up by itself: whoever waits does. */
#ifndef MUXD_WORKER_NET_DNS_QUERY_H
#define MUXD_WORKER_NET_DNS_QUERY_H

#include "common/sockaddr.h"
#include "worker/event/loop.h"
#include "worker/event/timer.h"
#include "worker/net/dns_message.h"

struct worker;
struct dns_stream; /* dns_query.c */

enum { DNS_SERVERS_MAX = 64 };

/* The servers of a resolver. */
struct dns_servers {
    const struct address *addresses;
    size_t count;      /* 1 .. DNS_SERVERS_MAX */
    size_t *preferred; /* the one that answered last */
};

struct dns_query {
    struct watch watch; /* first */
    struct timer timer;
    struct worker *worker;
    struct dns_servers servers;
    struct dns_name name;
    enum dns_type type;
    uint16_t id;
    size_t server;             /* that is being asked */
    unsigned asked;            /* how often it was */
    unsigned strays;           /* datagrams that were no answer, of this time */
    uint64_t refusals;         /* servers that cannot answer: a bit each */
    uint64_t absent;           /* servers that nobody was there at, this time round */
    struct dns_stream *stream; /* by TCP; NULL: by UDP */

    /* Called once, from the loop; the query has been ended. `answer` is good during the call;
     * NULL: every server says that it cannot tell, the last one with `code`. */
    void (*done)(struct dns_query *, struct dns_answer *answer, enum dns_code code);
};

/* Asks. The caller has set worker, servers, name, type and done, and all else to zero. */
void dns_query_start(struct dns_query *);

/* Lets go of what it holds; `done` is not called. Nothing when it was ended before. */
void dns_query_end(struct dns_query *);

#endif
