/* Values as nginx 1.22's ngx_murmur_hash2 has them. */
#include "common/murmur.h"

#include "tests/unit/unit.h"

START_TEST(known_hashes)
{
    static const struct {
        const char *text;
        uint32_t hash;
    } cases[] = {
        { "", 0 },
        { "a", 0x92685f5e },
        { "ab", 0x1aa14063 },
        { "abc", 0x13577c9b },
        { "abcd", 0x26873021 },
        { "abcde", 0x5f09a8de },
        { "127.0.0.1", 0xb6131d91 },
        { "2001:db8::1AAA", 0x1b1c3032 },
        { "\xff\xfe\xfd\xfc\xfb", 0xfae45ebc },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(murmur_hash2(slice_of(cases[i].text)) == cases[i].hash, "%s: %x",
                      cases[i].text, murmur_hash2(slice_of(cases[i].text)));
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("murmur", (const TTest *[]){ known_hashes, NULL }));
}
