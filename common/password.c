#include "common/password.h"

#include "common/base64.h"
#include "common/sha1.h"

enum { SALT_MAX = 256 }; /* bytes of {SSHA}'s */

bool secret_equal(struct slice given, struct slice secret)
{
    unsigned difference = given.len != secret.len;

    for (size_t i = 0; i < given.len; i++)
        difference |= (unsigned char)given.at[i] ^
                      (unsigned)(unsigned char)(secret.len > 0 ? secret.at[i % secret.len] : 0);
    return difference == 0;
}

static enum password_answer answer(bool right)
{
    return right ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

static enum password_answer check_plain(struct slice password, struct slice secret)
{
    return answer(secret_equal(password, secret));
}

/* {SSHA}: the digest of password and salt, and the salt behind it; {SHA} has none. */
static enum password_answer check_sha1(struct slice password, struct slice encoded, bool salted)
{
    char known[SHA1_SIZE + SALT_MAX];
    unsigned char digest[SHA1_SIZE];
    struct sha1 sha1;
    size_t len;

    if (encoded.len * 3 / 4 > sizeof known || !base64_decode(encoded, BASE64, known, &len) ||
        len < SHA1_SIZE || (len > SHA1_SIZE && !salted))
        return PASSWORD_WRONG;
    sha1_init(&sha1);
    sha1_add(&sha1, password);
    sha1_add(&sha1, slice_make(known + SHA1_SIZE, len - SHA1_SIZE));
    sha1_end(&sha1, digest);
    return answer(secret_equal(slice_make((const char *)digest, sizeof digest),
                               slice_make(known, SHA1_SIZE)));
}

static enum password_answer check_sha(struct slice password, struct slice encoded)
{
    return check_sha1(password, encoded, false);
}

static enum password_answer check_ssha(struct slice password, struct slice encoded)
{
    return check_sha1(password, encoded, true);
}

static enum password_answer check_apr1(struct slice password, struct slice salt_and_hash)
{
    ptrdiff_t dollar = slice_find(salt_and_hash, '$');
    char hash[APR1_SIZE];

    if (dollar < 0)
        return PASSWORD_WRONG;
    apr1_hash(password, slice_first(salt_and_hash, (size_t)dollar), hash);
    return answer(
        secret_equal(slice_make(hash, sizeof hash), slice_from(salt_and_hash, (size_t)dollar + 1)));
}

enum password_answer password_check(struct slice password, struct slice hash)
{
    static const struct {
        struct slice prefix;
        enum password_answer (*check)(struct slice password, struct slice rest);
    } schemes[] = {
        { SLICE_INIT("$apr1$"), check_apr1 },
        { SLICE_INIT("{PLAIN}"), check_plain },
        { SLICE_INIT("{SSHA}"), check_ssha },
        { SLICE_INIT("{SHA}"), check_sha },
    };

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (slice_starts(hash, schemes[i].prefix))
            return schemes[i].check(password, slice_from(hash, schemes[i].prefix.len));
    return PASSWORD_OF_CRYPT;
}
