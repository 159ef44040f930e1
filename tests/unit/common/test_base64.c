#include "common/base64.h"

#include "tests/unit/unit.h"

static void expect(enum base64_alphabet alphabet, const char *text, const char *decoded)
{
    char out[64];
    size_t len;

    bool valid = base64_decode(slice_of(text), alphabet, out, &len);
    ck_assert_msg(valid == (decoded != NULL), "%s", text);
    if (valid)
        ck_assert_msg(slice_is(slice_make(out, len), decoded), "%s", text);
}

/* RFC 4648 10. */
START_TEST(the_vectors_of_the_rfc)
{
    static const char *const vectors[][2] = {
        { "", "" },
        { "Zg==", "f" },
        { "Zm8=", "fo" },
        { "Zm9v", "foo" },
        { "Zm9vYg==", "foob" },
        { "Zm9vYmE=", "fooba" },
        { "Zm9vYmFy", "foobar" },
    };

    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        expect(BASE64, vectors[i][0], vectors[i][1]);
        expect(BASE64_URL, vectors[i][0], vectors[i][1]);
    }
}
END_TEST

START_TEST(the_two_alphabets)
{
    expect(BASE64, "+/+/", "\xfb\xff\xbf");
    expect(BASE64, "-_-_", NULL);
    expect(BASE64_URL, "-_-_", "\xfb\xff\xbf");
    expect(BASE64_URL, "+/+/", NULL);
}
END_TEST

START_TEST(the_padding_may_be_missing)
{
    expect(BASE64, "Zg", "f");
    expect(BASE64, "Zm8", "fo");
    expect(BASE64, "Z", NULL);
    expect(BASE64, "Zm9vY", NULL);
    expect(BASE64, "Zg=anything", "f");
    expect(BASE64, "=", "");
}
END_TEST

START_TEST(what_is_not_base64)
{
    expect(BASE64, "Zm9v Zg==", NULL);
    expect(BASE64, "Zm9v\n", NULL);
    expect(BASE64, "\xc3\xa4xx", NULL);
    expect(BASE64_URL, "Zm9v.", NULL);
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("base64", (const TTest *[]){
                                              the_vectors_of_the_rfc,
                                              the_two_alphabets,
                                              the_padding_may_be_missing,
                                              what_is_not_base64,
                                              NULL,
                                          }));
}
