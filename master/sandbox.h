/* sandbox.h: the walls that a worker builds around itself before it serves.
 *
 * Landlock (landlock(7)) leaves it the folders that the configuration names: roots to read; logs,
 * temporary and cache folders to write; nothing to execute. A seccomp filter (seccomp(2)) leaves
 * it the system calls that serving takes, and those only as muxd makes them: another one ends the
 * process by SIGSYS, and the master says which it was. Neither can be taken down again, nor is
 * inherited by the master. What the kernel does not have is left out.
 *
 * What Landlock refuses is an error, EACCES, and not the end: a client may have asked for a link
 * to somewhere else. But muxd opens files from folders that it holds (common/anchor.h), so that
 * open(2), and openat(2) from the current folder, as others do, is a call that ends it. */
#ifndef MUXD_MASTER_SANDBOX_H
#define MUXD_MASTER_SANDBOX_H

#include "conf/directive.h"
#include "worker/worker.h"

enum sandbox {
    SANDBOX_OFF,
    SANDBOX_ON,
    SANDBOX_REPORT, /* nothing is refused; the kernel's log has the calls that would be */
};

/* Loads what would be read from files later (libcrypt, which the set-up then has, and the time
 * zone), and builds them; what is open stays so. False with errno, the reason logged, when that
 * fails or a wall that the kernel has cannot be built: the process must not serve then. */
bool sandbox_enter(enum sandbox, struct worker_setup *);

/* Only paths, and only calls: the parts of the above, for tests. 0 or an errno; ENOSYS and
 * EOPNOTSUPP when the kernel has none. */
int sandbox_limit_paths(const struct conf *);
int sandbox_limit_calls(bool report);

/* The name of a system call ("execve"); NULL when it is none of this machine's. */
const char *sandbox_call_name(int number);

#endif
