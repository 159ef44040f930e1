#include "common/password.h"

#include "tests/unit/unit.h"

static void expect(const char *password, const char *hash, enum password_answer answer)
{
    ck_assert_msg(password_check(slice_of(password), slice_of(hash)) == answer, "%s, %s", password,
                  hash);
}

/* The password formats that Apache's manual shows, all of "myPassword". */
START_TEST(the_examples_of_apaches_manual)
{
    static const char *const hashes[] = { "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/",
                                          "{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=" };

    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        expect("myPassword", hashes[i], PASSWORD_RIGHT);
        expect("mypassword", hashes[i], PASSWORD_WRONG);
        expect("myPassword ", hashes[i], PASSWORD_WRONG);
        expect("", hashes[i], PASSWORD_WRONG);
    }
}
END_TEST

/* As `openssl passwd -apr1 -salt` says. */
START_TEST(apr1_of_all_lengths)
{
    static const char *const vectors[][2] = {
        { "", "$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie." },
        { "", "$apr1$x$tMwYqBfQwi3FYAr0aJc8M/" },
        { "a", "$apr1$abcdefgh$G8IsPsylW5ROvIKsQMRG61" },
        { "a", "$apr1$x$16j9.5e7KiXmuYFAYpPJM/" },
        { "exactly16bytes!!", "$apr1$abcdefgh$rhV8fu.Ml1p5UP5KqKDi3/" },
        { "exactly16bytes!!", "$apr1$x$XM2EUsmKncC40XqtwTP8B." },
        { "a password of more than 16 bytes, and of more than 32",
          "$apr1$abcdefgh$FeUN0FiOECbnS5.1ERqIs0" },
        { "p\303\244ssw\303\266rd", "$apr1$abcdefgh$030j6I3f1zNCF9tihqdd11" },
    };

    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        expect(vectors[i][0], vectors[i][1], PASSWORD_RIGHT);
    /* Eight bytes of the salt count, but the text is another one. */
    expect("a", "$apr1$abcdefghi$G8IsPsylW5ROvIKsQMRG61", PASSWORD_RIGHT);
}
END_TEST

START_TEST(the_digests_with_and_without_salt)
{
    expect("secret", "{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0", PASSWORD_RIGHT);
    expect("Secret", "{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0", PASSWORD_WRONG);
    expect("secret", "{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", PASSWORD_RIGHT);
    expect("secret", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", PASSWORD_RIGHT);
    /* A salt where there is to be none. */
    expect("secret", "{SHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0", PASSWORD_WRONG);
}
END_TEST

START_TEST(plain_passwords)
{
    expect("secret", "{PLAIN}secret", PASSWORD_RIGHT);
    expect("secret", "{PLAIN}secre", PASSWORD_WRONG);
    expect("secre", "{PLAIN}secret", PASSWORD_WRONG);
    expect("secret", "{PLAIN}secretsecret", PASSWORD_WRONG);
    expect("secretsecret", "{PLAIN}secret", PASSWORD_WRONG);
    expect("", "{PLAIN}", PASSWORD_RIGHT);
    expect("x", "{PLAIN}", PASSWORD_WRONG);
}
END_TEST

START_TEST(what_is_no_whole_hash)
{
    static const char *const hashes[] = {
        "{SHA}",
        "{SHA}5en6G6MezRroT3XKqkdPOmY",
        "{SHA}!en6G6MezRroT3XKqkdPOmY/BfQ=",
        "{SSHA}",
        "{SSHA}gVK8WC9YyFT1gMsQ",
        "$apr1$",
        "$apr1$$",
        "$apr1$abcdefgh",
        "$apr1$abcdefgh$G8IsPsylW5ROvIKsQMRG6",
    };
    char huge[2000] = "{SSHA}";

    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        expect("secret", hashes[i], PASSWORD_WRONG);
    memset(huge + 6, 'A', sizeof huge - 7);
    expect("secret", huge, PASSWORD_WRONG);
}
END_TEST

START_TEST(the_rest_is_for_crypt)
{
    expect("secret", "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1", PASSWORD_OF_CRYPT);
    expect("secret", "abNANd1rDfiNc", PASSWORD_OF_CRYPT);
    expect("secret", "{sha}5en6G6MezRroT3XKqkdPOmY/BfQ=", PASSWORD_OF_CRYPT);
    expect("secret", "", PASSWORD_OF_CRYPT);
}
END_TEST

START_TEST(secrets_are_compared_whole)
{
    ck_assert(secret_equal(SLICE(""), SLICE("")));
    ck_assert(secret_equal(SLICE("ab"), SLICE("ab")));
    ck_assert(!secret_equal(SLICE("ab"), SLICE("")));
    ck_assert(!secret_equal(SLICE(""), SLICE("ab")));
    ck_assert(!secret_equal(SLICE("\0"), SLICE("")));
    ck_assert(!secret_equal(SLICE("ab"), SLICE("aB")));
    ck_assert(!secret_equal(SLICE("\xff"), SLICE("\x7f")));
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("password", (const TTest *[]){
                                                the_examples_of_apaches_manual,
                                                apr1_of_all_lengths,
                                                the_digests_with_and_without_salt,
                                                plain_passwords,
                                                what_is_no_whole_hash,
                                                the_rest_is_for_crypt,
                                                secrets_are_compared_whole,
                                                NULL,
                                            }));
}
