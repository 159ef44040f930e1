/* ip_address.h: an IP address with its port in 20 bytes, and networks of them. */
#ifndef MUXD_COMMON_IP_ADDRESS_H
#define MUXD_COMMON_IP_ADDRESS_H

#include "common/arena.h"
#include "common/slice.h"

/* Somebody's address: AF_INET (the first 4 bytes of ip), AF_INET6, or AF_UNIX (nothing
 * but the family). */
struct ip_address {
    uint8_t family;
    uint16_t port; /* host order; 0: none */
    uint8_t ip[16];
};

/* A network of IP addresses; AF_UNIX: every unix socket. */
struct cidr {
    uint8_t family;
    uint8_t bits;    /* of the prefix */
    uint8_t net[16]; /* bits behind the prefix are zero */
};

enum { IP_TEXT_MAX = 46 /* bytes of ip_text, a NUL included */ };

/* "192.0.2.1" or "2001:db8::1", of the usual form only; the port is 0. */
bool ip_parse(struct slice text, struct ip_address *);

/* The same, or with a port: "192.0.2.1:80", "[2001:db8::1]:80". */
bool ip_parse_with_port(struct slice text, struct ip_address *);

/* Writes the address without its port, "unix:" for a unix socket; at most IP_TEXT_MAX
 * bytes. Its length. */
size_t ip_text(const struct ip_address *, char *text);

/* ::ffff:a.b.c.d, an IPv4 client of an IPv6 socket, as the IPv4 address that it is; any
 * other address as it is. */
struct ip_address ip_unmapped(const struct ip_address *);

enum cidr_result {
    CIDR_OK,
    CIDR_LOW_BITS, /* valid; bits behind the prefix were cleared */
    CIDR_BAD,
};

/* "192.168.0.0/16", "2001:db8::/32", or an address alone. */
enum cidr_result cidr_parse(struct slice text, struct cidr *);

/* The network of one address. */
struct cidr cidr_of(const struct ip_address *);

/* The address, unmapped, is in the network. */
bool cidr_contains(const struct cidr *, const struct ip_address *);

/* The address is in one of an array of struct cidr. */
bool cidrs_contain(const struct array *, const struct ip_address *);

#endif
