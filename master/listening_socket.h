/* listening_socket.h: one listening socket, from an address and its options. */
#ifndef MUXD_MASTER_LISTENING_SOCKET_H
#define MUXD_MASTER_LISTENING_SOCKET_H

#include "common/log.h"
#include "worker/net/listener.h"

/* How an attempt ended. */
enum listening {
    LISTENING_OK,
    LISTENING_BUSY,   /* the address is in use: may be free in a moment */
    LISTENING_FAILED, /* will not work */
};

/* True when the address is a unix socket's: it has one socket, not one a worker. */
static inline bool listening_is_unix(const struct listen_options *options)
{
    return options->address.name.any.sa_family == AF_UNIX;
}

/* Tries whether the address can be had by somebody who does not share it: muxd's own
 * sockets set SO_REUSEPORT, and would join those of another muxd of the same
 * user without a word. Failures are logged, BUSY not with `testing`. */
enum listening listening_probe(const struct log *, const struct listen_options *, bool testing);

/* Opens, binds and listens; non-blocking, close-on-exec. A unix socket's file gets mode
 * 0666; one that nobody listens on any more is replaced. *fd on success. */
enum listening listening_open(const struct log *, const struct listen_options *, int *fd);

/* Makes a socket that somebody else has opened like those of listening_open: non-blocking,
 * close-on-exec, one that others may join. False with errno set. */
bool listening_adopt(int fd);

/* Sets the options that can be changed while the socket listens; what the kernel
 * refuses is logged and ignored. `before` is what was set last; NULL: a new socket. */
void listening_configure(const struct log *, int fd, const struct listen_options *,
                         const struct listen_options *before);

/* Lets no new connection begin, while what has begun goes on: TCP drops SYN
 * packets; a unix socket loses its file. */
void listening_quiesce(const struct log *, int fd, const struct listen_options *);

/* Undoes listening_quiesce for TCP; a unix socket needs a new one. */
void listening_resume(const struct log *, int fd, const struct listen_options *);

/* Connections wait in the socket's queue. */
bool listening_has_waiting(int fd);

/* Ends listening in every process that has inherited the socket, and closes this
 * one's descriptor. */
void listening_close(int fd);

#endif
