/* forwarded.h: the client behind proxies that can be trusted.
 *
 * Each proxy appends the address that it was called from to a field such as
 * X-Forwarded-For. Only what a trusted proxy has written counts, so the list is read from
 * its end: as long as the address in hand is a trusted proxy's, the one before it is
 * believed. */
#ifndef MUXD_WORKER_HTTP_FORWARDED_H
#define MUXD_WORKER_HTTP_FORWARDED_H

#include "common/ip_address.h"

struct request;

/* Replaces *address, of a peer, by the last one of the list ("1.2.3.4, [::1]:80 ...") when
 * the peer is among `proxies` (an array of struct cidr); `recursive`: and so on, until one is
 * not, or is no address. False: *address stays what it was. */
bool forwarded_read(struct slice list, const struct array *proxies, bool recursive,
                    struct ip_address *address);

/* Likewise by all X-Forwarded-For fields of the request, the last one first. */
bool forwarded_for(const struct request *, const struct array *proxies, bool recursive,
                   struct ip_address *address);

#endif
