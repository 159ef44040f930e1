/* base64.h: bytes from base64 and base64url (RFC 4648 4 and 5), as leniently as nginx. */
#ifndef MUXD_COMMON_BASE64_H
#define MUXD_COMMON_BASE64_H

#include "common/slice.h"

enum base64_alphabet {
    BASE64,     /* + and / */
    BASE64_URL, /* - and _ */
};

/* Decodes up to the first '=' or the end into `out`, which has room for 3/4 of the text.
 * False when there is a byte of no alphabet or a lone last one. */
bool base64_decode(struct slice text, enum base64_alphabet, char *out, size_t *len);

#endif
