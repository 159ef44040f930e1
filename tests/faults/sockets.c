/* Sockets, and what waits for them. An address is of the libc's own type, any of its kinds. */
#include "tests/faults/faults.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

/* How descriptors are watched, by their numbers. */
enum { WATCHED_MOST = 1024 };
static struct watched {
    int epoll;
    struct epoll_event event;
} watched[WATCHED_MOST];

ssize_t cut_done(enum verdict verdict, int fd, ssize_t done)
{
    int error = errno;

    if (verdict != PASS && fd < WATCHED_MOST && watched[fd].epoll > 0)
        ((__typeof__(epoll_ctl) *)next_of(CALL_EPOLL_CTL))(watched[fd].epoll, EPOLL_CTL_MOD, fd,
                                                           &watched[fd].event);
    errno = error;
    return done;
}

int socket(int family, int type, int protocol)
{
    return fails(CALL_SOCKET)
               ? -1
               : ((__typeof__(socket) *)next_of(CALL_SOCKET))(family, type, protocol);
}

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    return fails(CALL_BIND) ? -1 : ((__typeof__(bind) *)next_of(CALL_BIND))(fd, address, len);
}

int listen(int fd, int backlog)
{
    return fails(CALL_LISTEN) ? -1 : ((__typeof__(listen) *)next_of(CALL_LISTEN))(fd, backlog);
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *len, int flags)
{
    return fails(CALL_ACCEPT4)
               ? -1
               : ((__typeof__(accept4) *)next_of(CALL_ACCEPT4))(fd, address, len, flags);
}

/* What a signal has interrupted goes on by itself (connect(2)). */
int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    int error = fails(CALL_CONNECT) ? errno : 0;

    if (error != 0 && error != EINTR)
        return -1;
    int result = ((__typeof__(connect) *)next_of(CALL_CONNECT))(fd, address, len);
    if (error != EINTR)
        return result;
    errno = EINTR;
    return -1;
}

int getsockname(int fd, __SOCKADDR_ARG address, socklen_t *len)
{
    return fails(CALL_GETSOCKNAME)
               ? -1
               : ((__typeof__(getsockname) *)next_of(CALL_GETSOCKNAME))(fd, address, len);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    return fails(CALL_GETSOCKOPT)
               ? -1
               : ((__typeof__(getsockopt) *)next_of(CALL_GETSOCKOPT))(fd, level, name, value, len);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    return fails(CALL_SETSOCKOPT)
               ? -1
               : ((__typeof__(setsockopt) *)next_of(CALL_SETSOCKOPT))(fd, level, name, value, len);
}

ssize_t recv(int fd, void *buffer, size_t len, int flags)
{
    enum verdict verdict = verdict_of(CALL_RECV);

    if (verdict == FAIL)
        return -1;
    return cut_done(
        verdict, fd,
        ((__typeof__(recv) *)next_of(CALL_RECV))(fd, buffer, cut(verdict, fd, len), flags));
}

ssize_t send(int fd, const void *buffer, size_t len, int flags)
{
    enum verdict verdict = verdict_of(CALL_SEND);

    if (verdict == FAIL)
        return -1;
    return cut_done(
        verdict, fd,
        ((__typeof__(send) *)next_of(CALL_SEND))(fd, buffer, cut(verdict, fd, len), flags));
}

/* A shorter one has a part of the first piece. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    enum verdict verdict = verdict_of(CALL_SENDMSG);
    __typeof__(sendmsg) *next = (__typeof__(sendmsg) *)next_of(CALL_SENDMSG);

    if (verdict == FAIL)
        return -1;
    if (verdict == PASS || message->msg_iovlen == 0)
        return next(fd, message, flags);
    struct iovec piece = message->msg_iov[0];
    size_t len = cut(verdict, fd, piece.iov_len);
    if (len == piece.iov_len)
        return next(fd, message, flags);
    struct msghdr part = *message;
    piece.iov_len = len;
    part.msg_iov = &piece;
    part.msg_iovlen = 1;
    return cut_done(verdict, fd, next(fd, &part, flags));
}

int shutdown(int fd, int how)
{
    return fails(CALL_SHUTDOWN) ? -1 : ((__typeof__(shutdown) *)next_of(CALL_SHUTDOWN))(fd, how);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    if (!fails(CALL_GETADDRINFO))
        return ((__typeof__(getaddrinfo) *)next_of(CALL_GETADDRINFO))(name, service, hints, found);
    return errno == ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
}

int epoll_create1(int flags)
{
    return fails(CALL_EPOLL_CREATE1)
               ? -1
               : ((__typeof__(epoll_create1) *)next_of(CALL_EPOLL_CREATE1))(flags);
}

int epoll_ctl(int fd, int operation, int watched_fd, struct epoll_event *event)
{
    if (fails(CALL_EPOLL_CTL))
        return -1;
    int result =
        ((__typeof__(epoll_ctl) *)next_of(CALL_EPOLL_CTL))(fd, operation, watched_fd, event);
    if (result == 0 && operation == EPOLL_CTL_ADD && watched_fd < WATCHED_MOST)
        watched[watched_fd] = (struct watched){ fd, *event };
    return result;
}

/* A shorter one has one event: the others come the next time. */
int epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
    enum verdict verdict = verdict_of(CALL_EPOLL_WAIT);

    return verdict == FAIL ? -1
                           : ((__typeof__(epoll_wait) *)next_of(CALL_EPOLL_WAIT))(
                                 fd, events, verdict == PASS ? most : 1, timeout);
}

int select(int count, fd_set *readable, fd_set *writable, fd_set *other, struct timeval *timeout)
{
    return fails(CALL_SELECT) ? -1
                              : ((__typeof__(select) *)next_of(CALL_SELECT))(
                                    count, readable, writable, other, timeout);
}

int poll(struct pollfd *polls, nfds_t count, int timeout)
{
    return fails(CALL_POLL) ? -1 : ((__typeof__(poll) *)next_of(CALL_POLL))(polls, count, timeout);
}

int eventfd(unsigned count, int flags)
{
    return fails(CALL_EVENTFD) ? -1 : ((__typeof__(eventfd) *)next_of(CALL_EVENTFD))(count, flags);
}

int signalfd(int fd, const sigset_t *set, int flags)
{
    return fails(CALL_SIGNALFD) ? -1
                                : ((__typeof__(signalfd) *)next_of(CALL_SIGNALFD))(fd, set, flags);
}
