/* Apache's variant of FreeBSD's MD5 crypt: apr_md5_encode of its portable runtime. */
#include "common/md5.h"
#include "common/password.h"

enum { SALT_MAX = 8, ROUNDS = 1000 };

static struct slice bytes_of(const unsigned char digest[MD5_SIZE])
{
    return slice_make((const char *)digest, MD5_SIZE);
}

/* Password, "$apr1$" and salt; then a digest of both around the salt, as often as the password is
 * long; then a byte for each bit of that length. */
static void first_digest(struct slice password, struct slice salt, unsigned char digest[MD5_SIZE])
{
    struct md5 md5;

    md5_init(&md5);
    md5_add(&md5, password);
    md5_add(&md5, salt);
    md5_add(&md5, password);
    md5_end(&md5, digest);

    md5_init(&md5);
    md5_add(&md5, password);
    md5_add(&md5, SLICE("$apr1$"));
    md5_add(&md5, salt);
    for (size_t left = password.len; left > 0; left -= left < MD5_SIZE ? left : MD5_SIZE)
        md5_add(&md5, slice_first(bytes_of(digest), left));
    for (size_t bits = password.len; bits > 0; bits >>= 1)
        md5_add(&md5, bits % 2 == 1 ? SLICE("\0") : slice_first(password, 1));
    md5_end(&md5, digest);
}

static void next_digest(struct slice password, struct slice salt, unsigned round,
                        unsigned char digest[MD5_SIZE])
{
    struct slice last = bytes_of(digest);
    struct md5 md5;

    md5_init(&md5);
    md5_add(&md5, round % 2 == 1 ? password : last);
    if (round % 3 != 0)
        md5_add(&md5, salt);
    if (round % 7 != 0)
        md5_add(&md5, password);
    md5_add(&md5, round % 2 == 1 ? last : password);
    md5_end(&md5, digest);
}

/* Six bits a letter, the lowest first. */
static char *put_letters(char *at, uint32_t bits, unsigned count)
{
    static const char letters[] =
        "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (; count > 0; count--, bits >>= 6)
        *at++ = letters[bits % 64];
    return at;
}

void apr1_hash(struct slice password, struct slice salt, char hash[APR1_SIZE])
{
    unsigned char digest[MD5_SIZE];

    salt = slice_first(salt, SALT_MAX);
    first_digest(password, salt, digest);
    for (unsigned round = 0; round < ROUNDS; round++)
        next_digest(password, salt, round, digest);
    for (unsigned i = 0; i < 5; i++)
        hash = put_letters(hash,
                           (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 6] << 8 |
                               digest[i == 4 ? 5 : i + 12],
                           4);
    put_letters(hash, digest[11], 2);
}
