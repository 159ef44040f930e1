/* password.h: whether a password is the one that a hash of an htpasswd file stands for.
 *
 * The schemes are Apache's {PLAIN}, {SHA}, {SSHA} and $apr1$; all others are crypt(3)'s
 * (crypt_library.h). How long a comparison takes says nothing of what is compared with. */
#ifndef MUXD_COMMON_PASSWORD_H
#define MUXD_COMMON_PASSWORD_H

#include "common/slice.h"

enum password_answer {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_OF_CRYPT, /* it is for crypt(3) to say */
};

/* Looks at the hash's scheme, and compares. A hash that is no whole one of its scheme is
 * that of no password. */
enum password_answer password_check(struct slice password, struct slice hash);

/* Same bytes, in a time that depends on the length of `given` alone. */
bool secret_equal(struct slice given, struct slice secret);

enum { APR1_SIZE = 22 };

/* The hash of htpasswd's $apr1$ behind "$apr1$salt$": MD5 a thousand times over. At most
 * eight bytes of salt count. */
void apr1_hash(struct slice password, struct slice salt, char hash[APR1_SIZE]);

#endif
