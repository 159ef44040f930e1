/* md5.h: the MD5 digest (RFC 1321), for what was agreed on before it was broken.
 *
 * secure_link and htpasswd's $apr1$ ask for it; nothing new should. */
#ifndef MUXD_COMMON_MD5_H
#define MUXD_COMMON_MD5_H

#include "common/digest_blocks.h"

enum { MD5_SIZE = 16 /* bytes */ };

struct md5 {
    uint32_t state[4];
    struct digest_blocks blocks;
};

/* Starts a digest. */
void md5_init(struct md5 *);

/* The next bytes of the message. */
void md5_add(struct md5 *, struct slice);

/* The digest of all bytes added. Start anew for another message. */
void md5_end(struct md5 *, unsigned char digest[MD5_SIZE]);

#endif
