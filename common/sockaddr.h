/* sockaddr.h: socket addresses as configurations and logs write them. */
#ifndef MUXD_COMMON_SOCKADDR_H
#define MUXD_COMMON_SOCKADDR_H

#include "common/slice.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

union socket_name {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

struct address {
    union socket_name name;
    socklen_t len;
};

enum {
    ADDRESS_TEXT_MAX = 128, /* "unix:" and a path, or an IPv6 address with its port; a NUL */
    ADDRESSES_MAX = 16,     /* that one name may stand for */
};

enum address_result {
    ADDRESS_OK,
    ADDRESS_BAD,           /* "invalid host" */
    ADDRESS_BAD_IPV6,      /* "invalid IPv6 address" */
    ADDRESS_BAD_PORT,      /* "invalid port" */
    ADDRESS_NO_HOST,       /* "no host" */
    ADDRESS_UNKNOWN_HOST,  /* "host not found" */
    ADDRESS_NO_PATH,       /* "no path in the unix domain socket" */
    ADDRESS_PATH_TOO_LONG, /* "too long path in the unix domain socket" */
};

/* Parses what `listen` takes: "8080", "*:8080", "127.0.0.1", "127.0.0.1:8080", "name:8080",
 * "[::1]:8080", "[::]", "unix:/path". Without a port, `default_port` is used. A name
 * is resolved (getaddrinfo(3), may block): *count addresses, at most ADDRESSES_MAX. */
enum address_result address_parse(struct slice text, unsigned default_port,
                                  struct address *addresses, size_t *count);

/* The same for what is connected or sent to (a syslog server): neither a port alone
 * nor "*" is an address. */
enum address_result address_parse_remote(struct slice text, unsigned default_port,
                                         struct address *addresses, size_t *count);

/* The same for what is bound to before connecting: a port may be missing, which then is 0. */
enum address_result address_parse_bind(struct slice text, struct address *addresses, size_t *count);

/* What nginx says of a result: "invalid port", "no host" ... */
const char *address_problem(enum address_result);

/* Writes "127.0.0.1:8080", "[::1]:8080" or "unix:/path", NUL-terminated, at most
 * ADDRESS_TEXT_MAX bytes. The length. */
size_t address_text(const struct address *, char *text);

/* The same without port: "127.0.0.1", "::1" in brackets, "unix:/path". */
size_t address_host_text(const struct address *, char *text);

/* The port in host order; 0 for unix sockets. */
unsigned address_port(const struct address *);

/* Sets the port, in host order; nothing of unix sockets. */
void address_set_port(struct address *, unsigned port);

/* Same family, address, port or path. */
bool address_equal(const struct address *, const struct address *);

/* 0.0.0.0 or [::]. */
bool address_is_wildcard(const struct address *);

#endif
