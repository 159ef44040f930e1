/* sandbox.h: the walls that a worker builds around itself before it serves.
 *
 * Landlock (landlock(7)) leaves it the folders that the configuration names: roots to read; logs,
 * temporary and cache folders to write; nothing to execute. A seccomp filter (seccomp(2)) leaves
 * it the system calls that serving takes: another one ends the process by SIGSYS, and the
 * master says which it was. Neither can be taken down again, nor is inherited by the master.
 * What the kernel does not have is left out. */
#ifndef MUXD_MASTER_SANDBOX_H
#define MUXD_MASTER_SANDBOX_H

#include "conf/directive.h"
#include "worker/worker.h"

enum sandbox {
    SANDBOX_OFF,
    SANDBOX_ON,
    SANDBOX_REPORT, /* nothing is refused; the kernel's log has the calls that would be */
};

/* Builds them; what is open stays so. False with errno, the reason logged, when a wall that the
 * kernel has cannot be built: the process must not serve then. */
bool sandbox_enter(enum sandbox, const struct conf *, struct worker_slot *, const struct log *);

/* Only paths, and only calls: the parts of the above, for tests. 0 or an errno; ENOSYS and
 * EOPNOTSUPP when the kernel has none. */
int sandbox_limit_paths(const struct conf *);
int sandbox_limit_calls(bool report);

/* The name of a system call ("execve"); NULL when it is none of this machine's. */
const char *sandbox_call_name(int number);

#endif
