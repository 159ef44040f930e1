/* sha1.h: the SHA-1 digest (RFC 3174), for what was agreed on before it was broken.
 *
 * htpasswd's {SHA} and {SSHA} ask for it; nothing new should. */
#ifndef MUXD_COMMON_SHA1_H
#define MUXD_COMMON_SHA1_H

#include "common/digest_blocks.h"

enum { SHA1_SIZE = 20 /* bytes */ };

struct sha1 {
    uint32_t state[5];
    struct digest_blocks blocks;
};

/* Starts a digest. */
void sha1_init(struct sha1 *);

/* The next bytes of the message. */
void sha1_add(struct sha1 *, struct slice);

/* The digest of all bytes added. Start anew for another message. */
void sha1_end(struct sha1 *, unsigned char digest[SHA1_SIZE]);

#endif
