/* view.h: the counters as those see them who ask, in one of several formats. */
#ifndef MUXD_WORKER_STATUS_VIEW_H
#define MUXD_WORKER_STATUS_VIEW_H

#include "common/arena.h"
#include "worker/net/listener.h"
#include "worker/status/tallies.h"

#include <time.h>

/* What is shown: the whole board, and what one configuration knows of. */
struct status_view {
    const struct board *board;
    const struct conf_tallies *tallies; /* NULL: none */
    const struct conf *conf;            /* whose caches are shown */
    const struct log *log;
    const struct listener *listeners; /* with their sockets */
    size_t listener_count;
    time_t now;
    unsigned milliseconds;
};

/* The counters as JSON, and in Prometheus' text format (0.0.4). In the arena; {NULL, 0} when
 * memory is out. */
struct slice view_json(struct arena *, const struct status_view *);
struct slice view_prometheus(struct arena *, const struct status_view *);

/* The page that draws them, in the arena ({NULL, 0} when memory is out), and the
 * Content-Security-Policy it is sent with: nothing but what stands in it and its own address. */
struct slice view_page(struct arena *);
extern const struct slice view_page_policy;

/* --- between the sources of this folder --- */

/* A lane's worker, copied at one time. */
struct worker_view {
    enum worker_state state;
    long pid;
    unsigned slot, generation;
    bool in_service;
    uint64_t started;
    uint64_t active, reading, waiting;
    uint64_t accepted, requests; /* since it started, as the next one */
    uint64_t busy;               /* microseconds */
    uint64_t longest;            /* microseconds */
    bool memory_known;
    uint64_t memory; /* bytes that nobody shares with it */
};

/* The worker of a lane; false when the lane is free. */
bool worker_view(const struct lane *, struct worker_view *);

/* "accepting" */
const char *worker_state_name(enum worker_state);

/* Bytes of a process that it shares with no other one (proc(5), smaps_rollup). False where that
 * cannot be known. */
bool memory_private(pid_t, uint64_t *bytes);

/* Connections that wait in a listening socket to be accepted, how many may, and how many
 * attempts the kernel has dropped since the socket was opened, as the queue was full (unix
 * sockets: not known, 0). False where the kernel does not tell. */
struct queue_view {
    uint32_t waiting, room, dropped;
};
bool queue_view(int fd, struct queue_view *);

#endif
