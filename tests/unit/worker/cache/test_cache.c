#include "worker/cache/cache.h"

#include "tests/unit/unit.h"

static const unsigned char digest[CACHE_DIGEST] = {
    0xb7, 0xf5, 0x4b, 0x2d, 0xf7, 0x77, 0x37, 0x22, 0xd3, 0x82, 0xf4, 0x80, 0x9d, 0x65, 0x02, 0x9c
};

#define NAME "b7f54b2df7773722d382f4809d65029c"

/* nginx's example: the digits of each level stand before those of the one above it. */
START_TEST(levels_are_the_last_digits)
{
    static const struct {
        uint8_t levels[CACHE_LEVELS_MAX];
        const char *path;
    } cases[] = {
        { { 0, 0, 0 }, "/data/" NAME },
        { { 1, 0, 0 }, "/data/c/" NAME },
        { { 1, 2, 0 }, "/data/c/29/" NAME },
        { { 2, 2, 2 }, "/data/9c/02/65/" NAME },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cache cache = { .path = "/data", .path_len = 5 };
        char path[5 + CACHE_PATH_MAX];
        memcpy(cache.levels, cases[i].levels, sizeof cache.levels);
        ck_assert_uint_eq(cache_file_path(&cache, digest, path), strlen(cases[i].path));
        ck_assert_str_eq(path, cases[i].path);
    }
}
END_TEST

START_TEST(names_are_digests)
{
    static const char *const others[] = {
        "",
        "b7",
        NAME "0",
        "B7f54b2df7773722d382f4809d65029c",
        "g7f54b2df7773722d382f4809d65029c",
        "b7f54b2df7773722d382f4809d65029",
        "b7f54b2df7773722d382f4809d65029g",
        "..",
        "1234.5",
    };
    unsigned char read[CACHE_DIGEST];

    ck_assert(cache_name_digest(NAME, read));
    ck_assert_mem_eq(read, digest, CACHE_DIGEST);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert(!cache_name_digest(others[i], read));
}
END_TEST

START_TEST(files_take_whole_blocks)
{
    ck_assert_uint_eq(cache_space(0), 0);
    ck_assert_uint_eq(cache_space(1), 4096);
    ck_assert_uint_eq(cache_space(4096), 4096);
    ck_assert_uint_eq(cache_space(4097), 8192);
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("cache", (const TTest *[]){
                                             levels_are_the_last_digits,
                                             names_are_digests,
                                             files_take_whole_blocks,
                                             NULL,
                                         }));
}
