/* cpu.h: the processors that this process may use. */
#ifndef MUXD_COMMON_CPU_H
#define MUXD_COMMON_CPU_H

#include <sched.h>

/* How many workers make sense: the processors of the affinity mask
 * (sched_getaffinity(2)), but no more than the cgroup's quota of processor time
 * allows, rounded up (cgroups(7), versions 2 and 1). At least 1. */
unsigned cpu_usable(void);

/* The least quota, in processors rounded up, of the groups that the file (as
 * /proc/self/cgroup) names and of those above them; `root` is where their file
 * systems are mounted (/sys/fs/cgroup). 0 when there is no limit or none can be read. */
unsigned cpu_quota(const char *membership, const char *root);

/* The processors of the affinity mask; processor 0 when the kernel does not say. */
void cpu_usable_set(cpu_set_t *);

#endif
