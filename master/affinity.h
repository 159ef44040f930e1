/* affinity.h: which processors a worker may run on: worker_cpu_affinity.
 *
 * The masks of the directive are given to workers in order, the last one to
 * all that are left; with "auto" each worker has one processor of the mask
 * (or of all that muxd may use), round and round. */
#ifndef MUXD_MASTER_AFFINITY_H
#define MUXD_MASTER_AFFINITY_H

#include "common/slice.h"

#include <sched.h>

struct affinity {
    bool automatic;
    size_t count;     /* 0: the directive is not there */
    cpu_set_t *masks; /* automatic: one, what is shared out */
};

enum affinity_problem { AFFINITY_OK, AFFINITY_BAD_CHARACTER, AFFINITY_TOO_LONG };

/* Reads a mask of 0s and 1s; the last digit is processor 0; spaces may group them. With
 * AFFINITY_BAD_CHARACTER, *bad is the character that is neither. */
enum affinity_problem affinity_parse(struct slice text, cpu_set_t *mask, char *bad);

/* The processors of the worker in a slot, into *mask. False when it may run
 * anywhere. */
bool affinity_of(const struct affinity *, unsigned slot, cpu_set_t *mask);

#endif
