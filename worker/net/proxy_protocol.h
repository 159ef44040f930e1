/* proxy_protocol.h: the PROXY protocol, versions 1 and 2: who a proxy's client is.
 *
 * A proxy that passes connections on as they are (HAProxy, hitch, stunnel, a cloud's
 * balancer) sends one header before the client's first byte. The reader works on the
 * caller's bytes and copies nothing; incomplete is a value. What is not by the
 * specification (haproxy.org/download/2.8/doc/proxy-protocol.txt) is refused: a peer
 * that may speak for others must speak clearly. */
#ifndef MUXD_WORKER_NET_PROXY_PROTOCOL_H
#define MUXD_WORKER_NET_PROXY_PROTOCOL_H

#include "common/ip_address.h"

enum { PROXY_HEADER_MAX = 4096 }; /* bytes; a larger one of version 2 is refused */

struct proxy_header {
    size_t size;                   /* of the header, in bytes */
    struct ip_address source;      /* family 0: the proxy did not say (LOCAL, UNKNOWN, unix) */
    struct ip_address destination; /* likewise */
    struct slice tlvs;             /* version 2: what follows the addresses; sound TLVs */
    bool tls;                      /* the client speaks TLS to the proxy */
};

enum proxy_result {
    PROXY_MORE, /* incomplete: read more */
    PROXY_DONE,
    PROXY_BAD,
};

/* Reads the header that `in` begins with. */
enum proxy_result proxy_protocol_read(struct slice in, struct proxy_header *);

/* The value of a TLV as $proxy_protocol_tlv_NAME names it: alpn, authority, unique_id, ssl,
 * netns; ssl_version, ssl_cn, ssl_cipher, ssl_sig_alg, ssl_key_alg; by number: 0x01, ssl_0x21.
 * The first of several. False when there is none, or the name is none. */
bool proxy_protocol_tlv(struct slice tlvs, struct slice name, struct slice *value);

/* $proxy_protocol_tlv_ssl_verify: 0 when the client has shown a certificate and it is good.
 * False when there is no TLV about TLS. */
bool proxy_protocol_ssl_verify(struct slice tlvs, uint32_t *verify);

#endif
