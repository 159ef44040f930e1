#include "common/md5.h"

#include "tests/unit/unit.h"

#include <stdio.h>

static const char *hex(const unsigned char digest[MD5_SIZE])
{
    static char text[MD5_SIZE * 2 + 1];

    for (unsigned i = 0; i < MD5_SIZE; i++)
        snprintf(text + i * 2, 3, "%02x", digest[i]);
    return text;
}

static const char *digest_of(const char *message)
{
    unsigned char digest[MD5_SIZE];
    struct md5 md5;

    md5_init(&md5);
    md5_add(&md5, slice_of(message));
    md5_end(&md5, digest);
    return hex(digest);
}

/* RFC 1321 A.5. */
START_TEST(the_vectors_of_the_rfc)
{
    static const char *const vectors[][2] = {
        { "", "d41d8cd98f00b204e9800998ecf8427e" },
        { "a", "0cc175b9c0f1b6a831c399e269772661" },
        { "abc", "900150983cd24fb0d6963f7d28e17f72" },
        { "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
        { "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
        { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
          "d174ab98d277d9f5a5611c2c9f419d9f" },
        { "1234567890123456789012345678901234567890"
          "1234567890123456789012345678901234567890",
          "57edf4a22be3c955ac49da2e2107b67a" },
    };

    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        ck_assert_str_eq(digest_of(vectors[i][0]), vectors[i][1]);
}
END_TEST

/* Lengths around the end of a block, where the padding takes another: as md5sum says. */
START_TEST(the_padding)
{
    static const struct {
        size_t len;
        const char *digest;
    } cases[] = {
        { 55, "ef1772b6dff9a122358552954ad0df65" },  { 56, "3b0c8ac703f828b04c6c197006d17218" },
        { 63, "b06521f39153d618550606be297466d5" },  { 64, "014842d480b571495a4a0363793f7367" },
        { 65, "c743a45e0d2e6a95cb859adae0248435" },  { 119, "8a7bd0732ed6a28ce75f6dabc90e1613" },
        { 120, "5f61c0ccad4cac44c75ff505e1f1e537" },
    };
    char text[121];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(text, 'a', cases[i].len);
        text[cases[i].len] = '\0';
        ck_assert_str_eq(digest_of(text), cases[i].digest);
    }
}
END_TEST

START_TEST(pieces_make_the_same_digest)
{
    static const char message[] = "1234567890123456789012345678901234567890"
                                  "1234567890123456789012345678901234567890";

    for (size_t cut = 0; cut < sizeof message; cut++) {
        struct slice rest = slice_of(message);
        unsigned char digest[MD5_SIZE];
        struct md5 md5;
        md5_init(&md5);
        md5_add(&md5, slice_first(rest, cut));
        md5_add(&md5, (struct slice){ NULL, 0 });
        md5_add(&md5, slice_from(rest, cut));
        md5_end(&md5, digest);
        ck_assert_str_eq(hex(digest), "57edf4a22be3c955ac49da2e2107b67a");
    }
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("md5", (const TTest *[]){
                                           the_vectors_of_the_rfc,
                                           the_padding,
                                           pieces_make_the_same_digest,
                                           NULL,
                                       }));
}
