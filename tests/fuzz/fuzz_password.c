/* Any hash that a file of users may have, and any password: one that is there as it is is right
 * when it is the same, and one that is hashed, when the hash is its own.
 *
 * The first byte says how long the password is; the hash follows it. */
#include "common/password.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

/* "$apr1$salt$" and the hash of the password, which is right. */
static void check_apr1(struct slice password, struct slice salt)
{
    char hash[6 + 8 + 1 + APR1_SIZE] = "$apr1$";

    if (salt.len > 8 || slice_find(salt, '$') >= 0) /* it takes a thousand digests: not each time */
        return;
    if (salt.len > 0)
        memcpy(hash + 6, salt.at, salt.len);
    hash[6 + salt.len] = '$';
    apr1_hash(password, salt, hash + 7 + salt.len);
    struct slice whole = slice_make(hash, 7 + salt.len + APR1_SIZE);
    expect(password_check(password, whole) == PASSWORD_RIGHT, "the hash is that of the password");
    hash[7 + salt.len] ^= 1;
    expect(password_check(password, whole) == PASSWORD_WRONG, "another one is not");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice rest = { (const char *)data + 1, size - 1 };
    struct slice password = slice_first(rest, data[0]), hash = slice_from(rest, password.len);

    enum password_answer answer = password_check(password, hash);
    if (slice_starts(hash, SLICE("{PLAIN}")))
        expect((answer == PASSWORD_RIGHT) == slice_equal(slice_from(hash, 7), password),
               "it is the same");
    check_apr1(password, hash);
    return 0;
}
