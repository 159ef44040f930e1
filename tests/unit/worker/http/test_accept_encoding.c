#include "worker/http/accept_encoding.h"

#include "tests/unit/unit.h"

START_TEST(qualities)
{
    static const struct {
        const char *header, *coding;
        unsigned quality;
    } expected[] = {
        { "gzip", "gzip", 1000 },
        { "br, gzip", "gzip", 1000 },
        { "BR;q=0.5,gzip", "br", 500 },
        { "br;q=0.25 , gzip", "br", 250 },
        { "zstd ; q=0.125", "zstd", 125 },
        { "zstd;Q=1.000", "zstd", 1000 },
        { "zstd;q=0.001", "zstd", 1 },
        { "br;q=1.", "br", 1000 },
        { "br;", "br", 1000 },
        { "br; ", "br", 1000 },
        { "", "br", 0 },
        { "b", "br", 0 },
        { "*", "br", 0 },
        { "xbr, br-x", "br", 0 },
        { "x-br,br", "br", 1000 },
        { "br=1", "br", 0 },
        { "br\t", "br", 0 },
        { "br;q", "br", 0 },
        { "br;q=", "br", 0 },
        { "br;q=a", "br", 0 },
        { "br;q=0", "br", 0 },
        { "br;q=0,gzip", "br", 0 },
        { "br;q=0.0000", "br", 0 },
        { "br;q=0.1234", "br", 0 },
        { "br;q=1.001", "br", 0 },
        { "br;q=9", "br", 0 },
        { "br;q=10", "br", 0 },
        { "br;level=1", "br", 0 },
    };

    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        unsigned quality =
            accept_encoding_quality(slice_of(expected[i].header), slice_of(expected[i].coding));
        ck_assert_msg(quality == expected[i].quality, "%s: %u", expected[i].header, quality);
    }
}
END_TEST

/* Whatever the bytes are, no more of them is read than there are. */
START_TEST(any_end)
{
    static const char header[] = "gzip;q=0.123, br";

    for (size_t len = 0; len < sizeof header; len++) {
        char *copy = malloc(len == 0 ? 1 : len);
        memcpy(copy, header, len);
        unsigned quality = accept_encoding_quality(slice_make(copy, len), SLICE("gzip"));
        ck_assert_uint_le(quality, QUALITY_MAX);
        free(copy);
    }
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("accept_encoding", (const TTest *[]){ qualities, any_end, NULL }));
}
