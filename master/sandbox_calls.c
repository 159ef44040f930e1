/* The system calls of a worker: a program for the kernel's packet filter (seccomp(2)). */
#include "master/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OWN_ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

enum { ARGUMENTS = 4, PROGRAM_MOST = 400 };

#define NEGATIVE (1U << 31) /* no enumerator: an int has no such value */

/* Calls that need no look at their arguments: of these the kernel remembers that they are allowed,
 * and does not ask the filter again (since Linux 5.11). Those of each request first. */
static const int allowed[] = {
    SYS_recvfrom,
    SYS_sendto,
    SYS_epoll_pwait,
#ifdef SYS_epoll_wait /* older machines have calls that newer ones have only a successor of */
    SYS_epoll_wait,
    SYS_select,
    SYS_poll,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_unlink,
    SYS_rename,
    SYS_mkdir,
    SYS_rmdir,
    SYS_readlink,
    SYS_chmod,
    SYS_getdents,
    SYS_dup2,
    SYS_arch_prctl,
    SYS_pipe,
#endif
    SYS_newfstatat,
    SYS_statx,
    SYS_sendfile,
    SYS_writev,
    SYS_sendmsg,
    SYS_accept4,
    SYS_close,
    SYS_setsockopt,
    SYS_read,
    SYS_write,
    SYS_pread64,
    SYS_pwrite64,
    SYS_readv,
    SYS_preadv,
    SYS_pwritev,
    SYS_epoll_ctl,
    SYS_fstat,
    SYS_clock_gettime,
    SYS_gettimeofday,
    SYS_pselect6,
    SYS_ppoll,
    SYS_recvmsg,
    SYS_recvmmsg,
    SYS_sendmmsg,
    SYS_accept,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_getsockname,
    SYS_getpeername,
    SYS_getsockopt,
    SYS_shutdown,
    SYS_epoll_create1,
    SYS_signalfd4,
    SYS_pipe2,
    SYS_eventfd2,
    SYS_splice,
    SYS_dup,
    SYS_dup3,
    SYS_fcntl,
    SYS_flock,
    SYS_lseek,
    /* files */
    SYS_getdents64,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlinkat,
    SYS_fadvise64,
    SYS_ftruncate,
    SYS_fsync,
    SYS_fdatasync,
    SYS_statfs,
    SYS_fstatfs,
    SYS_mkdirat,
    SYS_unlinkat,
    SYS_renameat,
    SYS_renameat2,
    SYS_linkat,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_utimensat,
    SYS_umask,
    SYS_getcwd,
    /* memory, time, signals, itself */
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_clock_getres,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigtimedwait,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_getpid,
    SYS_gettid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getrandom,
    SYS_prlimit64,
    SYS_getrlimit,
    SYS_getrusage,
    SYS_sysinfo,
    SYS_uname,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_getcpu,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_exit,
    SYS_exit_group,
};

/* Calls whose first or second argument must be one of a few. */
static const struct checked_call {
    int call;
    unsigned argument;
    unsigned values[4]; /* up to a repetition of the first */
} checked[] = {
    { SYS_socket, 0, { AF_UNIX, AF_INET, AF_INET6, AF_UNIX } },
    { SYS_socketpair, 0, { AF_UNIX, AF_UNIX, AF_UNIX, AF_UNIX } },
    { SYS_prctl, 0, { PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_SET_NAME } },
    { SYS_kill, 1, { 0, 0, 0, 0 } }, /* whether a process is there may be asked */
    { SYS_ioctl, 1, { FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ } },
};

/* Calls of which an argument must have none of these bits. */
static const struct limited_call {
    int call;
    unsigned argument;
    unsigned bits;
} limited[] = {
    { SYS_openat, 0, NEGATIVE }, /* from a folder that is held, not from AT_FDCWD */
    { SYS_openat2, 0, NEGATIVE },
    { SYS_mmap, 2, PROT_EXEC }, /* nothing more is loaded, nor written to be run */
    { SYS_mprotect, 2, PROT_EXEC },
};

/* The program as far as it is written. */
struct program {
    struct sock_filter steps[PROGRAM_MOST];
    unsigned short count;
};

static void add(struct program *program, struct sock_filter step)
{
    if (program->count < PROGRAM_MOST)
        program->steps[program->count++] = step;
}

static void load(struct program *program, size_t offset)
{
    add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static void answer(struct program *program, unsigned what)
{
    add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what));
}

/* What follows is stepped over unless the loaded word is `value`; `steps` of it. */
static void only_if(struct program *program, unsigned value, uint8_t steps)
{
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, steps));
}

/* The low half of an argument of 64 bits. */
static size_t argument_offset(unsigned number)
{
    size_t high = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(uint32_t) : 0;

    return offsetof(struct seccomp_data, args) + number * sizeof(uint64_t) + high;
}

/* `nr` is loaded, and is so again behind this. */
static void allow_checked(struct program *program, int call, unsigned argument,
                          const unsigned *values, size_t count)
{
    only_if(program, (unsigned)call, (uint8_t)(2 + 2 * count));
    load(program, argument_offset(argument));
    for (size_t i = 0; i < count; i++) {
        only_if(program, values[i], 1);
        answer(program, SECCOMP_RET_ALLOW);
    }
    load(program, offsetof(struct seccomp_data, nr));
}

/* `nr` is loaded, and is so again behind this. */
static void allow_limited(struct program *program, const struct limited_call *limit)
{
    only_if(program, (unsigned)limit->call, 4);
    load(program, argument_offset(limit->argument));
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, limit->bits, 1, 0));
    answer(program, SECCOMP_RET_ALLOW);
    load(program, offsetof(struct seccomp_data, nr));
}

/* What a refused call leads to stays as it is: nobody may catch the signal. */
static void allow_handlers(struct program *program, unsigned refusal)
{
    only_if(program, SYS_rt_sigaction, 4);
    load(program, argument_offset(0));
    only_if(program, SIGSYS, 1);
    answer(program, refusal);
    answer(program, SECCOMP_RET_ALLOW);
}

/* The status page asks the kernel for accept queues; nothing else of netlink is for workers. */
static void allow_queue_look(struct program *program)
{
    only_if(program, SYS_socket, 6);
    load(program, argument_offset(0));
    only_if(program, AF_NETLINK, 3);
    load(program, argument_offset(2));
    only_if(program, NETLINK_SOCK_DIAG, 1);
    answer(program, SECCOMP_RET_ALLOW);
    load(program, offsetof(struct seccomp_data, nr));
}

/* A thread may be begun, a process not. clone3 keeps its flags where a filter cannot look; libc
 * falls back to clone where there is none. */
static void allow_threads(struct program *program)
{
    only_if(program, SYS_clone3, 1);
    answer(program, SECCOMP_RET_ERRNO | ENOSYS);
    only_if(program, SYS_clone, 4);
    load(program, argument_offset(0));
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1));
    answer(program, SECCOMP_RET_ALLOW);
    load(program, offsetof(struct seccomp_data, nr));
}

static void write_program(struct program *program, unsigned refusal)
{
    const unsigned self = (unsigned)getpid();

#ifdef OWN_ARCHITECTURE
    load(program, offsetof(struct seccomp_data, arch));
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0));
    answer(program, refusal);
#endif
    load(program, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < sizeof limited / sizeof *limited; i++)
        allow_limited(program, &limited[i]);
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        only_if(program, (unsigned)allowed[i], 1);
        answer(program, SECCOMP_RET_ALLOW);
    }
    for (size_t i = 0; i < sizeof checked / sizeof *checked; i++)
        allow_checked(program, checked[i].call, checked[i].argument, checked[i].values, ARGUMENTS);
    allow_handlers(program, refusal);
    allow_queue_look(program);
    allow_threads(program);
    allow_checked(program, SYS_tgkill, 0, &self, 1); /* abort(3) */
    answer(program, refusal);
}

int sandbox_limit_calls(bool report)
{
    struct program program = { .count = 0 };

    write_program(&program, report ? SECCOMP_RET_LOG : SECCOMP_RET_TRAP);
    if (program.count == PROGRAM_MOST)
        return E2BIG;
    struct sock_fprog code = { program.count, program.steps };
    /* Kernels before 5.16 slow every process down that has a filter, against code that it was given
     * to run (spec_store_bypass_disable in kernel-parameters.txt); a worker is given none. */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &code) == 0)
        return 0;
    if (errno == EINVAL && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &code) == 0)
        return 0;
    return errno;
}
