#include "common/sha1.h"

#include "tests/unit/unit.h"

#include <stdio.h>

static const char *hex(const unsigned char digest[SHA1_SIZE])
{
    static char text[SHA1_SIZE * 2 + 1];

    for (unsigned i = 0; i < SHA1_SIZE; i++)
        snprintf(text + i * 2, 3, "%02x", digest[i]);
    return text;
}

static const char *digest_of(const char *message, unsigned times)
{
    unsigned char digest[SHA1_SIZE];
    struct sha1 sha1;

    sha1_init(&sha1);
    for (unsigned i = 0; i < times; i++)
        sha1_add(&sha1, slice_of(message));
    sha1_end(&sha1, digest);
    return hex(digest);
}

/* RFC 3174 7.3. */
START_TEST(the_vectors_of_the_rfc)
{
    static const struct {
        const char *message;
        unsigned times;
        const char *digest;
    } vectors[] = {
        { "abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
        { "a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f" },
        { "0123456701234567012345670123456701234567012345670123456701234567", 10,
          "dea356a2cddd90c7a7ecedc5ebb563934f460452" },
        { "", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
    };

    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        ck_assert_str_eq(digest_of(vectors[i].message, vectors[i].times), vectors[i].digest);
}
END_TEST

/* Lengths around the end of a block, where the padding takes another: as sha1sum says. */
START_TEST(the_padding)
{
    static const struct {
        size_t len;
        const char *digest;
    } cases[] = {
        { 55, "c1c8bbdc22796e28c0e15163d20899b65621d65a" },
        { 56, "c2db330f6083854c99d4b5bfb6e8f29f201be699" },
        { 63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5" },
        { 64, "0098ba824b5c16427bd7a1122a5a442a25ec644d" },
        { 65, "11655326c708d70319be2610e8a57d9a5b959d3b" },
        { 119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56" },
        { 120, "f34c1488385346a55709ba056ddd08280dd4c6d6" },
    };
    char text[121];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(text, 'a', cases[i].len);
        text[cases[i].len] = '\0';
        ck_assert_str_eq(digest_of(text, 1), cases[i].digest);
    }
}
END_TEST

START_TEST(pieces_make_the_same_digest)
{
    static const char message[] = "1234567890123456789012345678901234567890"
                                  "1234567890123456789012345678901234567890";
    char whole[SHA1_SIZE * 2 + 1];

    strcpy(whole, digest_of(message, 1));
    for (size_t cut = 0; cut < sizeof message; cut++) {
        struct slice rest = slice_of(message);
        unsigned char digest[SHA1_SIZE];
        struct sha1 sha1;
        sha1_init(&sha1);
        sha1_add(&sha1, slice_first(rest, cut));
        sha1_add(&sha1, (struct slice){ NULL, 0 });
        sha1_add(&sha1, slice_from(rest, cut));
        sha1_end(&sha1, digest);
        ck_assert_str_eq(hex(digest), whole);
    }
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("sha1", (const TTest *[]){
                                            the_vectors_of_the_rfc,
                                            the_padding,
                                            pieces_make_the_same_digest,
                                            NULL,
                                        }));
}
