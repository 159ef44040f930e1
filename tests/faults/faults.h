/* faults.h: a library that stands before the libc (LD_PRELOAD) and makes calls fail.
 *
 * Each function that muxd calls and that can fail is wrapped here. What fails is said in a plan:
 * a file that the environment names (MUXD_FAULTS), mapped by every process of the server and by
 * the test. Arming, counting and the account of what has failed are words of that memory, so
 * that nothing here needs a system call which the sandbox of a worker refuses.
 *
 * plan.c decides; memory.c, files.c, attributes.c, sockets.c and processes.c hold the wrappers.
 * plan.py is the other end, and repeats the layout of struct plan; server.py starts muxd,
 * scripted.py is what stands behind it, cases.py has the requests, exchange.py judges the answers,
 * faulty_requests.py fails one call after the other, faulty_starts.py and faulty_upgrades.py those
 * of starts, reloads and upgrades; imports.py looks whether something is missing here.
 * tests/faults/run starts it all. */
#ifndef MUXD_TESTS_FAULTS_H
#define MUXD_TESTS_FAULTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Everything that can be made to fail; in the order of the names in plan.c. */
enum call {
    CALL_MALLOC,
    CALL_CALLOC,
    CALL_REALLOC,
    CALL_ALIGNED_ALLOC,
    CALL_MMAP,
    CALL_OPEN,
    CALL_OPENAT,
    CALL_FOPEN,
    CALL_FDOPEN,
    CALL_OPENDIR,
    CALL_FDOPENDIR,
    CALL_READDIR,
    CALL_READ,
    CALL_PREAD,
    CALL_WRITE,
    CALL_PWRITE,
    CALL_SENDFILE,
    CALL_SPLICE,
    CALL_STAT,
    CALL_LSTAT,
    CALL_FSTAT,
    CALL_FSTATAT,
    CALL_STATVFS,
    CALL_ACCESS,
    CALL_REALPATH,
    CALL_GETCWD,
    CALL_CHDIR,
    CALL_MKDIR,
    CALL_MKDIRAT,
    CALL_RENAME,
    CALL_RENAMEAT,
    CALL_LINKAT,
    CALL_UNLINK,
    CALL_UNLINKAT,
    CALL_CHMOD,
    CALL_FCHMOD,
    CALL_FCHMODAT,
    CALL_CHOWN,
    CALL_FCHOWN,
    CALL_FUTIMENS,
    CALL_FADVISE,
    CALL_FCNTL,
    CALL_DUP,
    CALL_DUP2,
    CALL_DUP3,
    CALL_PIPE2,
    CALL_CLOSE,
    CALL_SOCKET,
    CALL_BIND,
    CALL_LISTEN,
    CALL_ACCEPT4,
    CALL_CONNECT,
    CALL_GETSOCKNAME,
    CALL_GETSOCKOPT,
    CALL_SETSOCKOPT,
    CALL_RECV,
    CALL_SEND,
    CALL_SENDMSG,
    CALL_SHUTDOWN,
    CALL_GETADDRINFO,
    CALL_EPOLL_CREATE1,
    CALL_EPOLL_CTL,
    CALL_EPOLL_WAIT,
    CALL_SELECT,
    CALL_POLL,
    CALL_SIGNALFD,
    CALL_EVENTFD,
    CALL_FORK,
    CALL_EXECVP,
    CALL_KILL,
    CALL_WAITPID,
    CALL_THREAD_CREATE,
    CALL_PRCTL,
    CALL_SETRLIMIT,
    CALL_GETRLIMIT,
    CALL_SETPRIORITY,
    CALL_SETAFFINITY,
    CALL_GETPWNAM,
    CALL_GETGRNAM,
    CALL_INITGROUPS,
    CALL_SETGROUPS,
    CALL_SETGID,
    CALL_SETUID,
    CALL_SETSID,
    CALL_SIGACTION,
    CALL_SIGPROCMASK,
    CALL_DLOPEN,
    CALL_GETRANDOM,
    CALL_SYSCALL,
    CALLS,
};

/* What happens to the calls of one function. Call number `first` since arming fails, then each
 * `every`th (0: no other), and any with a probability of `rate` in 65536. `error` is the errno,
 * or one of the two below. */
enum { SHORT_HALF = -1, SHORT_ONE = -2 };

struct rule {
    char name[32]; /* of the symbol; written by the library */
    _Atomic uint64_t calls;
    _Atomic uint64_t failures;
    uint64_t first;
    uint64_t every;
    uint32_t rate;
    int32_t error;
};

/* A call that was made to fail. */
struct failure {
    uint64_t number;
    int32_t call;
    int32_t error;
    int32_t pid;
    int32_t unused;
};

enum { RULES_MOST = 128, FAILURES_KEPT = 1024 };
enum { IN_MASTER = 1, IN_WORKERS = 2 };

struct plan {
    _Atomic uint32_t armed; /* 0: nothing is counted and nothing fails */
    uint32_t where;         /* IN_MASTER, IN_WORKERS or both */
    uint32_t trap;          /* abort() instead, to be shown who calls */
    uint32_t rule_count;    /* written by the library */
    uint64_t seed;
    _Atomic uint64_t failure_count;
    struct rule rules[RULES_MOST];
    struct failure failures[FAILURES_KEPT]; /* the last ones, a ring */
};

enum verdict { PASS, FAIL, CUT_HALF, CUT_ONE };

/* What shall happen to this call, which is counted; FAIL sets errno. */
enum verdict verdict_of(enum call);

/* The same for a call that has no shorter form. */
bool fails(enum call);

/* How many of `len` bytes to ask for: fewer where the verdict says so and the descriptor is one
 * whose reads and writes may be short, a file or a stream. */
size_t cut(enum verdict, int fd, size_t len);

/* After a call that was cut. A loop that is told of changes only takes a short count for the end
 * of what there is (epoll(7)): it is told again that the descriptor is ready, as the kernel would
 * when the rest comes. Returns `done`. */
ssize_t cut_done(enum verdict, int fd, ssize_t done);

/* The function that would have been called; cast to its type. */
typedef void (*any_function)(void);
any_function next_of(enum call);

/* The libc looks for a user: it dies of its own want of memory then (glibc's nss_database.c), so
 * that nothing fails within. The whole call may fail. */
void plan_pause(void);
void plan_go_on(void);

/* This process is a fork of the one that the library was loaded into. */
void plan_forked(void);

#endif
