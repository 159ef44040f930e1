/* syslog.h: lines for a syslog server (RFC 3164), as nginx sends them.
 *
 * Over UDP or a unix datagram socket, never blocking: what cannot be sent is
 * dropped. */
#ifndef MUXD_COMMON_SYSLOG_H
#define MUXD_COMMON_SYSLOG_H

#include "common/arena.h"
#include "common/sockaddr.h"

struct syslog {
    struct address server;
    unsigned facility; /* 0 to 23 */
    unsigned severity; /* of lines that have none of their own: access logs */
    struct slice tag;
    bool no_hostname;
    struct slice hostname;
    int fd; /* -1: not open */
};

/* Parses "server=...,facility=...,tag=...,severity=...,nohostname" (without "syslog:").
 * NULL on a bad text, with *problem, an arena text as nginx words it, or when memory is out. */
struct syslog *syslog_parse(struct arena *, struct slice options, struct slice *problem);

/* Opens the socket. False with errno set. */
bool syslog_open(struct syslog *);

/* Sends one message with the severity (0 to 7); opens the socket again when it was
 * lost. False when the message was dropped. */
bool syslog_send(struct syslog *, unsigned severity, struct slice message);

/* Closes the socket. */
void syslog_close(struct syslog *);

#endif
