/* processes.h: the worker processes of all configurations: who lives, who is
 * told what, who has died, who comes after.
 *
 * A worker that dies soon after its start is replaced a little later, one that does not
 * even get to serve later and later; until its next one serves it gets no new
 * connections, and its siblings take what waits for it. */
#ifndef MUXD_MASTER_PROCESSES_H
#define MUXD_MASTER_PROCESSES_H

#include "master/master.h"

/* Starts the worker of every slot of the generation. False, with the reason logged,
 * when one could not be. */
bool processes_start(struct master *, struct generation *, uint64_t now);

/* Starts those of the generation in force that are due. */
void processes_start_due(struct master *, uint64_t now);

/* Takes note of those that have died, and logs how. */
void processes_reap(struct master *, uint64_t now);

/* Looks at the heartbeats: who accepts by now, who is stalled, who ticks again; kills who
 * has been stalled for too long. */
void processes_watch(struct master *, uint64_t now);

/* The worker of the slot takes connections, or will in a moment. */
bool process_in_service(const struct generation *, unsigned slot);

/* All workers of the generation accept. */
bool processes_accept(const struct generation *);

/* None of the generation takes connections where newer workers do: they have ended that, or
 * are stalled. */
bool processes_relieved(const struct generation *);

/* Sends a signal to the worker of a slot, if there is one. QUIT is sent once. */
void process_signal(struct master *, struct generation *, unsigned slot, int signal_number);

/* The same to all of a generation; and to all there are. */
void processes_signal(struct master *, struct generation *, int signal_number);
void processes_signal_all(struct master *, int signal_number);

/* How many of a generation live; and of all. */
unsigned processes_count(const struct generation *);
unsigned processes_count_all(const struct master *);

#endif
