/* The system calls of a worker: a program for the kernel's packet filter (seccomp(2)). */
#include "master/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
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

/* Calls that need no look at their arguments; those of each request first. */
static const int allowed[] = {
    SYS_recvfrom,
    SYS_sendto,
    SYS_epoll_pwait,
#ifdef SYS_epoll_wait /* older machines have calls that newer ones have only a successor of */
    SYS_epoll_wait,
    SYS_select,
    SYS_poll,
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_unlink,
    SYS_rename,
    SYS_mkdir,
    SYS_rmdir,
    SYS_readlink,
    SYS_chmod,
    SYS_chown,
    SYS_link,
    SYS_symlink,
    SYS_getdents,
    SYS_dup2,
    SYS_time,
    SYS_arch_prctl,
    SYS_epoll_create,
    SYS_pipe,
    SYS_creat,
    SYS_utime,
    SYS_utimes,
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
    SYS_openat,
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
    SYS_eventfd2,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_signalfd4,
    SYS_pipe2,
    SYS_splice,
    SYS_tee,
    SYS_dup,
    SYS_dup3,
    SYS_fcntl,
    SYS_flock,
    SYS_lseek,
    /* files */
    SYS_openat2,
    SYS_getdents64,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlinkat,
    SYS_fadvise64,
    SYS_readahead,
    SYS_copy_file_range,
    SYS_fallocate,
    SYS_ftruncate,
    SYS_truncate,
    SYS_fsync,
    SYS_fdatasync,
    SYS_statfs,
    SYS_fstatfs,
    SYS_mkdirat,
    SYS_unlinkat,
    SYS_renameat,
    SYS_renameat2,
    SYS_linkat,
    SYS_symlinkat,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchown,
    SYS_fchownat,
    SYS_utimensat,
    SYS_umask,
    SYS_getcwd,
    SYS_chdir,
    SYS_fchdir,
    SYS_fgetxattr,
    SYS_getxattr,
    SYS_fsetxattr,
    SYS_setxattr,
    SYS_fremovexattr,
    SYS_removexattr,
    SYS_memfd_create,
    /* memory, time, signals, itself */
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_mlock,
    SYS_munlock,
    SYS_mincore,
    SYS_clock_getres,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_rt_sigaction,
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
    SYS_setrlimit,
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

enum { ARGUMENTS = 4, PROGRAM_MOST = 400 };

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
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        only_if(program, (unsigned)allowed[i], 1);
        answer(program, SECCOMP_RET_ALLOW);
    }
    for (size_t i = 0; i < sizeof checked / sizeof *checked; i++)
        allow_checked(program, checked[i].call, checked[i].argument, checked[i].values, ARGUMENTS);
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
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &code) < 0)
        return errno;
    return 0;
}
