/* control_socket.h: the unix socket that a master is spoken to through.
 *
 * Its file belongs to the master's user and has mode 0600. A file that a dead master
 * has left is replaced; one that a living master listens on is not. */
#ifndef MUXD_MASTER_CONTROL_SOCKET_H
#define MUXD_MASTER_CONTROL_SOCKET_H

#include "common/log.h"
#include "common/sockaddr.h"

#include <sys/types.h>

struct control_socket {
    int fd; /* -1: there is none */
    struct sockaddr_un name;
    dev_t device; /* of the file: it may have been replaced meanwhile */
    ino_t inode;
};

static const struct control_socket control_socket_none = { .fd = -1 };

enum control_opening {
    CONTROL_OPENED,
    CONTROL_TAKEN, /* another master listens there */
    CONTROL_FAILED,
};

/* The path fits into the address of a unix socket. */
bool control_path_fits(const char *path);

/* Binds and listens; non-blocking, close-on-exec. Problems are logged at this level. */
enum control_opening control_socket_open(const struct log *, enum log_level, const char *path,
                                         struct control_socket *);

/* Takes the next connection: non-blocking, close-on-exec. -1 when there is none, or its peer
 * is neither the master's user nor root. */
int control_socket_accept(const struct control_socket *);

/* Gives the file another name, where there is none of that name yet or an old one may be
 * replaced; clients find the socket there. False with the reason logged. */
bool control_socket_rename(struct control_socket *, const struct log *, const char *path);

/* Closes it; removes its file if that is still its own. */
void control_socket_close(struct control_socket *);

/* In a child: closes the descriptor only. */
void control_socket_leave(struct control_socket *);

#endif
