/* addresses.h: listeners on addresses that are free, and clients of theirs, for tests of what
 * the master does with sockets. */
#ifndef MUXD_TESTS_UNIT_MASTER_ADDRESSES_H
#define MUXD_TESTS_UNIT_MASTER_ADDRESSES_H

#include "worker/net/listener.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { ADDRESSES_PATIENCE = 10000 /* ms */ };

/* A listener as `listen TEXT` makes it, with room for a few connections. */
static inline struct listener listener_on(const char *text)
{
    struct listener listener = { .options = { .backlog = 16,
                                              .rcvbuf = -1,
                                              .sndbuf = -1,
                                              .fastopen = -1,
                                              .ipv6only = true,
                                              .so_keepalive = -1 } };
    struct address addresses[ADDRESSES_MAX];
    size_t count = 0;

    ck_assert_int_eq(address_parse(slice_of(text), 80, addresses, &count), ADDRESS_OK);
    listener.options.address = addresses[0];
    return listener;
}

/* On a port that is free, though nothing keeps others from taking it. */
static inline struct listener listener_on_free_port(void)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof name;
    char text[40];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &len), 0);
    close(fd);
    snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(name.sin_port));
    return listener_on(text);
}

/* A non-blocking socket that has begun to connect. */
static inline int begin_to_connect(const struct listener *listener)
{
    const struct address *address = &listener->options.address;
    int fd = socket(address->name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ck_assert_int_ge(fd, 0);
    if (connect(fd, &address->name.any, address->len) < 0)
        ck_assert(errno == EINPROGRESS || errno == EAGAIN || errno == ECONNREFUSED);
    return fd;
}

/* Connects; the connection, or -1 with errno set. */
static inline int connect_to(const struct listener *listener)
{
    const struct address *address = &listener->options.address;
    int fd = socket(address->name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd done = { .fd = fd, .events = POLLOUT };
    int error = 0;
    socklen_t len = sizeof error;

    if (connect(fd, &address->name.any, address->len) == 0)
        return fd;
    error = errno;
    if (error == EINPROGRESS && poll(&done, 1, ADDRESSES_PATIENCE) == 1)
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

#endif
