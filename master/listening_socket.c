#include "master/listening_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The address as logs have it, in `text` of ADDRESS_TEXT_MAX bytes, which is returned. */
static const char *text_of(const struct listen_options *options, char *text)
{
    address_text(&options->address, text);
    return text;
}

/* A call for the socket failed; errno says why. */
static void call_failed(const struct log *log, const struct listen_options *options,
                        const char *call)
{
    char text[ADDRESS_TEXT_MAX];
    int error = errno;

    log_write(log, LOG_LEVEL_EMERG, error, 0, "%s %s failed", call, text_of(options, text));
    errno = error;
}

static bool set_number(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* An unbound socket for the address with what has to be set before bind(2); -1 when
 * that failed, which is logged. */
static int socket_for(const struct log *log, const struct listen_options *options, bool shared)
{
    int family = options->address.name.any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        call_failed(log, options, "socket()");
        return -1;
    }
    const char *call = NULL;
    if (!set_number(fd, SOL_SOCKET, SO_REUSEADDR, 1))
        call = "setsockopt(SO_REUSEADDR)";
    else if (shared && family != AF_UNIX && !set_number(fd, SOL_SOCKET, SO_REUSEPORT, 1))
        call = "setsockopt(SO_REUSEPORT)";
    else if (family == AF_INET6 && !set_number(fd, IPPROTO_IPV6, IPV6_V6ONLY, options->ipv6only))
        call = "setsockopt(IPV6_V6ONLY)";
    if (call == NULL)
        return fd;
    call_failed(log, options, call);
    close(fd);
    return -1;
}

static enum listening bind_failed(const struct log *log, const struct listen_options *options,
                                  const char *call, bool quiet_when_busy)
{
    if (errno == EADDRINUSE && quiet_when_busy)
        return LISTENING_BUSY;
    call_failed(log, options, call);
    return errno == EADDRINUSE ? LISTENING_BUSY : LISTENING_FAILED;
}

/* The file is there, but nobody listens on it: a server was killed. */
static bool is_stale(const struct listen_options *options)
{
    const struct sockaddr_un *name = &options->address.name.un;
    struct stat found;

    if (name->sun_path[0] == '\0' || lstat(name->sun_path, &found) < 0 || !S_ISSOCK(found.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refused =
        connect(fd, &options->address.name.any, options->address.len) < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/* bind(2), with a dead socket's file taken away. */
static bool bind_address(const struct log *log, int fd, const struct listen_options *options)
{
    const struct address *address = &options->address;

    if (bind(fd, &address->name.any, address->len) == 0)
        return true;
    int error = errno;
    if (error != EADDRINUSE || !listening_is_unix(options) || !is_stale(options)) {
        errno = error;
        return false;
    }
    log_write(log, LOG_LEVEL_NOTICE, 0, 0, "removing the socket \"%s\": nobody listens on it",
              address->name.un.sun_path);
    if (unlink(address->name.un.sun_path) < 0)
        return false;
    return bind(fd, &address->name.any, address->len) == 0;
}

enum listening listening_probe(const struct log *log, const struct listen_options *options,
                               bool testing)
{
    const struct address *address = &options->address;
    enum listening result = LISTENING_OK;
    int fd = socket_for(log, options, false);

    if (fd < 0)
        return LISTENING_FAILED;
    if (bind(fd, &address->name.any, address->len) < 0)
        result = bind_failed(log, options, "bind() to", testing);
    else if (listening_is_unix(options) && unlink(address->name.un.sun_path) < 0)
        call_failed(log, options, "unlink()");
    close(fd);
    return result;
}

/* After bind(2): the file's mode, and listen(2). */
static enum listening start_listening(const struct log *log, int fd,
                                      const struct listen_options *options)
{
    if (listening_is_unix(options) && chmod(options->address.name.un.sun_path, 0666) < 0) {
        call_failed(log, options, "chmod()");
        return LISTENING_FAILED;
    }
    /* The window of accepted connections is scaled by the buffer there is now. */
    if (options->rcvbuf > 0)
        set_number(fd, SOL_SOCKET, SO_RCVBUF, options->rcvbuf);
    if (listen(fd, options->backlog) == 0)
        return LISTENING_OK;
    return bind_failed(log, options, "listen() to", false);
}

enum listening listening_open(const struct log *log, const struct listen_options *options, int *fd)
{
    enum listening result;
    int opened = socket_for(log, options, true);

    if (opened < 0)
        return LISTENING_FAILED;
    if (bind_address(log, opened, options))
        result = start_listening(log, opened, options);
    else
        result = bind_failed(log, options, "bind() to", false);
    if (result == LISTENING_OK) {
        listening_configure(log, opened, options, NULL);
        *fd = opened;
    } else {
        close(opened);
    }
    return result;
}

bool listening_adopt(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return false;
    /* Unix sockets are not joined, and some kernels refuse to hear of it. */
    return set_number(fd, SOL_SOCKET, SO_REUSEPORT, 1) || errno == EOPNOTSUPP;
}

/* A socket option that `listen` can set, and how. */
struct socket_option {
    const char *name;
    int level;
    int number;
    bool tcp;      /* of no meaning for unix sockets */
    bool off_is_0; /* when it is no longer said, 0 is the kernel's default again */
    int (*value)(const struct listen_options *); /* -1: not said */
};

static int rcvbuf_of(const struct listen_options *options)
{
    return options->rcvbuf;
}

static int sndbuf_of(const struct listen_options *options)
{
    return options->sndbuf;
}

static int keepalive_of(const struct listen_options *options)
{
    return options->so_keepalive;
}

static int or_unsaid(int value)
{
    return value > 0 ? value : -1;
}

static int keepalive_idle_of(const struct listen_options *options)
{
    return or_unsaid(options->keepalive_idle);
}

static int keepalive_interval_of(const struct listen_options *options)
{
    return or_unsaid(options->keepalive_interval);
}

static int keepalive_count_of(const struct listen_options *options)
{
    return or_unsaid(options->keepalive_count);
}

static int fastopen_of(const struct listen_options *options)
{
    return options->fastopen;
}

static int deferred_of(const struct listen_options *options)
{
    return options->deferred ? 1 : -1;
}

static const struct socket_option socket_options[] = {
    { "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, false, false, rcvbuf_of },
    { "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, false, false, sndbuf_of },
    { "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, true, true, keepalive_of },
    { "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, true, false, keepalive_idle_of },
    { "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, true, false, keepalive_interval_of },
    { "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, true, false, keepalive_count_of },
    { "TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, true, true, fastopen_of },
    { "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, true, true, deferred_of },
};

/* Sets one option if it differs from what was set before. */
static void apply_option(const struct log *log, int fd, const struct socket_option *option,
                         const struct listen_options *now, const struct listen_options *before)
{
    char text[ADDRESS_TEXT_MAX];
    int value = option->value(now);
    int old = before != NULL ? option->value(before) : -1;

    if (value == old || (option->tcp && listening_is_unix(now)))
        return;
    if (value < 0 && !option->off_is_0)
        return;
    value = value < 0 ? 0 : value;
    if (!set_number(fd, option->level, option->number, value))
        log_write(log, LOG_LEVEL_ALERT, errno, 0, "setsockopt(%s, %d) %s failed, ignored",
                  option->name, value, text_of(now, text));
}

void listening_configure(const struct log *log, int fd, const struct listen_options *now,
                         const struct listen_options *before)
{
    for (size_t i = 0; i < sizeof socket_options / sizeof *socket_options; i++)
        apply_option(log, fd, &socket_options[i], now, before);
    if (before != NULL && before->backlog != now->backlog && listen(fd, now->backlog) < 0) {
        char text[ADDRESS_TEXT_MAX];
        log_write(log, LOG_LEVEL_ALERT, errno, 0, "listen() to %s, backlog %d failed, ignored",
                  text_of(now, text), now->backlog);
    }
}

/* The filter sees a packet from its TCP header on; byte 13 holds the flags. Bit 2,
 * SYN: a connection begins. The ACK that ends a handshake passes. */
static bool drop_syn(int fd)
{
    struct sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = { .len = sizeof instructions / sizeof *instructions,
                                  .filter = instructions };

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

void listening_quiesce(const struct log *log, int fd, const struct listen_options *options)
{
    char text[ADDRESS_TEXT_MAX];

    if (listening_is_unix(options)) {
        if (unlink(options->address.name.un.sun_path) < 0 && errno != ENOENT)
            log_write(log, LOG_LEVEL_ALERT, errno, 0, "unlink() \"%s\" failed",
                      options->address.name.un.sun_path);
    } else if (!drop_syn(fd)) {
        log_write(log, LOG_LEVEL_WARN, errno, 0, "setsockopt(SO_ATTACH_FILTER) %s failed, ignored",
                  text_of(options, text));
    }
}

void listening_resume(const struct log *log, int fd, const struct listen_options *options)
{
    char text[ADDRESS_TEXT_MAX];

    /* The kernel reads a number and makes nothing of it. */
    if (set_number(fd, SOL_SOCKET, SO_DETACH_FILTER, 0) || errno == ENOENT)
        return;
    log_write(log, LOG_LEVEL_ALERT, errno, 0, "setsockopt(SO_DETACH_FILTER) %s failed",
              text_of(options, text));
}

bool listening_has_waiting(int fd)
{
    struct pollfd waiting = { .fd = fd, .events = POLLIN };

    return poll(&waiting, 1, 0) > 0 && (waiting.revents & POLLIN) != 0;
}

void listening_close(int fd)
{
    /* A worker that leaves holds the descriptor until its last client is gone:
     * close alone would keep the address taken, and nobody accepting. */
    shutdown(fd, SHUT_RDWR);
    close(fd);
}
