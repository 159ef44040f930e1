/* health.h: active checks: whether the servers of a group are well is asked of them, not only
 * of the requests that they get.
 *
 * health_check in a location says how the servers of its group are checked (struct
 * health_check). One worker at a time does it: the one that has the lease in the group's
 * zone. It renews the lease while it lives; when it has died or hangs, the next one that
 * looks takes it. What it finds stands in the peers' states, which all workers share. */
#ifndef MUXD_WORKER_UPSTREAM_HEALTH_H
#define MUXD_WORKER_UPSTREAM_HEALTH_H

#include "common/regex.h"
#include "conf/directive.h"
#include "worker/upstream/answer_head.h"
#include "worker/upstream/group.h"

struct health_match; /* health_match.c */
struct health_watch; /* health.c */
struct health_probe; /* health_probe.c */
struct peer;

struct health_check {
    uint64_t interval, jitter; /* ms between two checks of a peer, and at most more by lot */
    uint64_t fails, passes;    /* in a row: it is ill, it is well again */
    unsigned port;             /* 0: the peer's own */
    bool mandatory;            /* a peer is not asked for anything before its first check */
    struct slice uri;
    struct slice match_name; /* empty: a status of 2xx or 3xx will do */
    const struct health_match *match;
    struct slice request;                   /* what is sent */
    uint64_t connect_timeout, read_timeout; /* ms; read: all of the answer */
    struct position at;
    struct health_watch *watch; /* in a worker */
};

/* health_check: worker/handlers/health_check.c. */
extern const struct conf_module health_module;

/* match name { ... }: what a good answer is. The module has the block's directives. */
extern const struct conf_module health_match_module;

/* The block of this name in the http block that the scope stands in; NULL: there is none. */
const struct health_match *health_match_find(const struct conf_scope *, struct slice name);

/* The answer must be read on to its body. */
bool health_match_wants_body(const struct health_match *);

/* What is wrong with an answer; NULL: nothing. `match` may be NULL. */
const char *health_match_problem(const struct health_match *, struct regex_scratch *,
                                 const struct answer_head *, struct slice body);

/* Begins the group's checks in a worker. False: memory is out. */
bool health_start(struct worker *, struct upstream_group *);
void health_stop(struct upstream_group *);

/* --- between the sources of checks --- */

struct health_probe_list {
    struct health_probe *first;
};

/* Begins to check a peer. `done` is called from the loop: `problem` is NULL when all is well.
 * False: it cannot be begun. */
bool health_probe_start(struct worker *, const struct health_check *, struct peer *,
                        struct health_probe_list *,
                        void (*done)(struct worker *, const struct health_check *, struct peer *,
                                     const char *problem));

/* The peer is being checked. */
bool health_probe_runs(const struct health_probe_list *, const struct peer *);

/* Ends all; nobody is told. */
void health_probes_stop(struct health_probe_list *);

#endif
