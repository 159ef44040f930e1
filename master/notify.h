/* notify.h: tells the service manager how it goes: sd_notify(3), systemd's Type=notify.
 *
 * A datagram a state to the socket that $NOTIFY_SOCKET names; without it all of this does
 * nothing. What cannot be sent is dropped: nobody is served worse for that. */
#ifndef MUXD_MASTER_NOTIFY_H
#define MUXD_MASTER_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    int fd; /* -1: there is nobody to tell */
    struct sockaddr_un name;
    socklen_t name_len;
    uint64_t watchdog; /* ms between two signs of life; 0: none is wanted */
    uint64_t due;      /* monotonic ms: the next one */
};

/* Reads the environment. In the process that will be the master: the watchdog may be meant
 * for another one. */
void notify_open(struct notify *);

/* The workers of a configuration accept. */
void notify_ready(struct notify *, unsigned generation, unsigned workers);

/* A reload begins; notify_ready, or notify_failed, ends it. */
void notify_reloading(struct notify *);
void notify_failed(struct notify *, unsigned generation);

/* Another process is the server from now on. */
void notify_successor(struct notify *, pid_t);

/* The server leaves. */
void notify_stopping(struct notify *);

/* Gives a sign of life if one is due. When the next one is: monotonic ms; UINT64_MAX:
 * none is wanted. */
uint64_t notify_advance(struct notify *, uint64_t now);

/* Closes the socket. In a child too. */
void notify_leave(struct notify *);

#endif
