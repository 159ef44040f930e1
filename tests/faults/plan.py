"""The plan of what fails, shared with the processes that have loaded the library: the layout
of faults.h, and the errors that each function may have by its man page."""
import ctypes
import errno
import functools
import mmap

IN_MASTER, IN_WORKERS = 1, 2
EVERYWHERE = IN_MASTER | IN_WORKERS
SHORT_HALF, SHORT_ONE = -1, -2
NAMES = {SHORT_HALF: "half", SHORT_ONE: "one byte", **errno.errorcode}

RULES_MOST, FAILURES_KEPT = 128, 1024


class Rule(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char * 32), ("calls", ctypes.c_uint64),
                ("failures", ctypes.c_uint64), ("first", ctypes.c_uint64),
                ("every", ctypes.c_uint64), ("rate", ctypes.c_uint32), ("error", ctypes.c_int32)]


class Failure(ctypes.Structure):
    _fields_ = [("number", ctypes.c_uint64), ("call", ctypes.c_int32), ("error", ctypes.c_int32),
                ("pid", ctypes.c_int32), ("unused", ctypes.c_int32)]


class Layout(ctypes.Structure):
    _fields_ = [("armed", ctypes.c_uint32), ("where", ctypes.c_uint32), ("trap", ctypes.c_uint32),
                ("rule_count", ctypes.c_uint32), ("seed", ctypes.c_uint64),
                ("failure_count", ctypes.c_uint64), ("rules", Rule * RULES_MOST),
                ("failures", Failure * FAILURES_KEPT)]


def errors(*words):
    return tuple(getattr(errno, word) if word.startswith("E")
                 else {"HALF": SHORT_HALF, "ONE": SHORT_ONE}[word] for word in words)


OPENING = errors("EMFILE", "ENFILE", "ENOMEM", "EINTR", "ENOSPC", "EIO")
LOOKING = errors("ENOMEM", "EIO")
CHANGING = errors("ENOMEM", "ENOSPC", "EIO")

# What each function may fail with, or do by halves, through no fault of its caller.
ERRORS = {
    "malloc": errors("ENOMEM"),
    "calloc": errors("ENOMEM"),
    "realloc": errors("ENOMEM"),
    "aligned_alloc": errors("ENOMEM"),
    "mmap64": errors("ENOMEM", "ENFILE"),
    "open64": OPENING,
    "openat64": OPENING,
    "fopen64": OPENING,
    "fdopen": errors("ENOMEM"),
    "opendir": errors("EMFILE", "ENFILE", "ENOMEM"),
    "fdopendir": errors("ENOMEM"),
    "readdir64": errors("EIO"),
    "read": errors("EINTR", "EIO", "HALF", "ONE"),
    "pread64": errors("EINTR", "EIO", "HALF", "ONE"),
    "write": errors("EINTR", "EIO", "ENOSPC", "HALF", "ONE"),
    "pwrite64": errors("EINTR", "EIO", "ENOSPC", "HALF", "ONE"),
    "sendfile64": errors("EINTR", "EIO", "ENOMEM", "HALF", "ONE"),
    "splice": errors("EINTR", "ENOMEM", "HALF", "ONE"),
    "stat64": LOOKING,
    "lstat64": LOOKING,
    "fstat64": LOOKING,
    "fstatat64": LOOKING,
    "statvfs64": errors("ENOMEM", "EIO", "EINTR"),
    "access": LOOKING,
    "realpath": LOOKING,
    "getcwd": errors("ENOMEM"),
    "chdir": LOOKING,
    "mkdir": CHANGING,
    "mkdirat": CHANGING,
    "rename": CHANGING,
    "renameat": CHANGING,
    "linkat": CHANGING,
    "unlink": LOOKING,
    "unlinkat": LOOKING,
    "chmod": LOOKING,
    "fchmod": LOOKING,
    "fchmodat": LOOKING,
    "chown": LOOKING,
    "fchown": LOOKING,
    "futimens": errors("EIO"),
    "posix_fadvise64": errors("EIO"),
    "fcntl64": errors("EMFILE"),
    "dup": errors("EMFILE"),
    "dup2": errors("EMFILE", "EINTR"),
    "dup3": errors("EMFILE", "EINTR"),
    "pipe2": errors("EMFILE", "ENFILE"),
    "close": errors("EINTR", "EIO", "ENOSPC"),
    "socket": errors("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"),
    "bind": errors("ENOMEM", "EADDRINUSE"),
    "listen": errors("EADDRINUSE"),
    "accept4": errors("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EINTR", "ECONNABORTED"),
    "connect": errors("EINTR", "EADDRNOTAVAIL", "ENETUNREACH", "ECONNREFUSED", "ETIMEDOUT"),
    "getsockname": errors("ENOBUFS"),
    "getsockopt": errors("ENOMEM"),
    "setsockopt": errors("ENOMEM", "ENOBUFS"),
    "recv": errors("EINTR", "ENOMEM", "ECONNRESET", "HALF", "ONE"),
    "send": errors("EINTR", "ENOMEM", "ENOBUFS", "ECONNRESET", "EPIPE", "HALF", "ONE"),
    "sendmsg": errors("EINTR", "ENOMEM", "ENOBUFS", "ECONNRESET", "EPIPE", "HALF", "ONE"),
    "shutdown": errors("ENOTCONN"),
    "getaddrinfo": errors("ENOMEM", "EMFILE"),
    "epoll_create1": errors("EMFILE", "ENFILE", "ENOMEM"),
    "epoll_ctl": errors("ENOMEM", "ENOSPC"),
    "epoll_wait": errors("EINTR", "ONE"),
    "select": errors("EINTR", "ENOMEM"),
    "poll": errors("EINTR", "ENOMEM"),
    "signalfd": errors("EMFILE", "ENFILE", "ENOMEM"),
    "eventfd": errors("EMFILE", "ENFILE", "ENOMEM"),
    "fork": errors("EAGAIN", "ENOMEM"),
    "execvp": errors("ENOMEM", "EIO"),
    "kill": errors("EPERM"),
    "waitpid": errors("EINTR"),
    "pthread_create": errors("EAGAIN"),
    "prctl": errors("EPERM"),
    "setrlimit64": errors("EPERM"),
    "getrlimit64": errors("EPERM"),
    "setpriority": errors("EACCES"),
    "sched_setaffinity": errors("EPERM"),
    "getpwnam": errors("EINTR", "EIO", "EMFILE", "ENFILE", "ENOMEM"),
    "getgrnam": errors("EINTR", "EIO", "EMFILE", "ENFILE", "ENOMEM"),
    "initgroups": errors("ENOMEM"),
    "setgroups": errors("ENOMEM"),
    "setgid": errors("EPERM"),
    "setuid": errors("EAGAIN"),
    "setsid": errors("EPERM"),
    "sigaction": (),  # only by its caller's fault
    "sigprocmask": (),
    "dlopen": errors("ENOMEM"),
    "getrandom": errors("EAGAIN", "EINTR"),
    "syscall": OPENING,  # openat2(2)
}


class Plan:
    """The file at `path`, made anew."""

    def __init__(self, path):
        self.path = path
        with open(path, "w+b") as file:
            file.truncate(ctypes.sizeof(Layout))
            self.memory = mmap.mmap(file.fileno(), ctypes.sizeof(Layout))
        self.words = Layout.from_buffer(self.memory)

    @functools.cached_property
    def places(self):
        """Rules by the names of functions, which the library has written when it was loaded."""
        return {rule.name.decode(): rule for rule in self.words.rules[:self.words.rule_count]}

    def clear(self):
        """Nothing fails, and everything is counted from zero."""
        self.words.armed = 0
        self.words.trap = 0
        self.words.failure_count = 0
        for rule in self.words.rules[:self.words.rule_count]:
            rule.calls = rule.failures = rule.first = rule.every = rule.rate = rule.error = 0

    def arm(self, where):
        self.words.where = where
        self.words.armed = 1

    def fail(self, name, error, first, every=0):
        rule = self.places[name]
        rule.error, rule.first, rule.every = error, first, every

    def fail_some(self, seed, rate):
        """Any call may fail, each function with an error that the seed chooses; `rate` is of
        65536."""
        self.words.seed = seed
        for number, (name, rule) in enumerate(self.places.items()):
            if ERRORS[name]:
                rule.error = ERRORS[name][(seed + number) % len(ERRORS[name])]
                rule.rate = rate

    def disarm(self):
        self.words.armed = 0

    def failures(self):
        """How many calls were made to fail since clear()."""
        return self.words.failure_count

    def account(self):
        """What has failed, a line each."""
        kept = min(self.words.failure_count, FAILURES_KEPT)
        for one in self.words.failures[:kept]:
            name = self.words.rules[one.call].name.decode()
            yield f"{name} {one.number}: {NAMES[one.error]} in {one.pid}"

    def counts(self):
        """Calls of each function since clear()."""
        return {name: rule.calls for name, rule in self.places.items() if rule.calls}

    def total(self):
        return sum(rule.calls for rule in self.places.values())
