/* resolver_internal.h: between the sources of the resolver: resolver.c has the names and those
 * who wait for them, resolver_questions.c asks for a name. Nobody else includes it. */
#ifndef MUXD_WORKER_NET_RESOLVER_INTERNAL_H
#define MUXD_WORKER_NET_RESOLVER_INTERNAL_H

#include "common/key_tree.h"
#include "worker/net/resolver.h"

struct resolver_part; /* resolver_questions.c */

static const uint32_t NOT_SAID = UINT32_MAX;

/* A name that is known, or asked for. */
struct resolver_name {
    struct key_node node; /* first: the tree's nodes are names */
    struct resolver *resolver;
    struct resolver_name *newer, *older; /* by when they were wanted */
    enum resolve_kind kind;
    struct lookup *lookups;      /* who waits */
    struct resolver_part *parts; /* its questions, while it is asked for; else NULL */
    unsigned outstanding;        /* of them */
    bool known;                  /* `resolution` is an answer, perhaps an old one */
    bool telling;                /* lookups are being told: it stays */

    struct resolution resolution;
    void *found;   /* the resolution's addresses or services */
    void *finding; /* those of the answers that have come so far: */
    size_t finding_count;
    uint32_t ttl;    /* seconds: the least of them */
    uint32_t absent; /* seconds that there being none is good for; NOT_SAID */
    int error;       /* of an answer that brought none */

    char key[]; /* the kind in one byte, and the name */
};

struct resolver {
    struct resolver *next; /* of the worker */
    struct worker *worker;
    const struct resolver_servers *servers;
    size_t preferred; /* the server that answered last */
    struct key_tree names;
    struct resolver_name *newest, *oldest;
    size_t count;
    size_t asking;             /* names under way */
    struct resolution refusal; /* without a name */
};

/* Asks for the name's addresses or servers; name_tell is called later. False: memory is out. */
bool name_start_asking(struct resolver_name *, struct slice text);

/* Gives its questions up; nothing when there are none. */
void name_stop_asking(struct resolver_name *);

/* Its resolution is there: tells all who wait. The name may be gone after. */
void name_tell(struct resolver_name *);

#endif
