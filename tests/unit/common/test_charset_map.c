#include "common/charset_map.h"

#include "tests/unit/unit.h"

static struct arena arena;
static struct charset_map *koi_utf, *koi_win;

/* Three letters of KOI8-R, their code points, and their bytes in windows-1251; and one byte of
 * windows-1251 that KOI8-R does not have. */
static void setup(void)
{
    static const struct {
        uint8_t koi;
        uint16_t character;
        uint8_t win;
    } rows[] = { { 0xc1, 0x430, 0xe0 }, { 0xe1, 0x410, 0xc0 }, { 0x9e, 0xb7, 0xb7 } };

    arena_init(&arena, NULL);
    koi_utf = charset_map_new(&arena, SLICE("koi8-r"), SLICE("UTF-8"));
    koi_win = charset_map_new(&arena, SLICE("koi8-r"), SLICE("windows-1251"));
    ck_assert(koi_utf != NULL && koi_win != NULL);
    ck_assert(koi_utf->utf8 && !koi_win->utf8);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert(charset_map_add(koi_utf, &arena, rows[i].koi, rows[i].character));
        ck_assert(charset_map_add(koi_win, &arena, rows[i].koi, rows[i].win));
    }
    ck_assert(charset_map_add(koi_utf, &arena, 0x80, 0x20ac));
}

static void teardown(void)
{
    arena_free(&arena);
}

/* The text recoded, read in pieces of `in_piece` and made in pieces of `out_piece` bytes. */
static struct slice recode(const struct charset_map *map, bool backwards, const char *text,
                           size_t in_piece, size_t out_piece)
{
    static char out[256];
    struct charset_recoder recoder = { .map = map, .backwards = backwards };
    struct slice left = slice_of(text), none = { NULL, 0 };
    size_t len = 0;

    while (left.len > 0) {
        struct slice piece = slice_first(left, in_piece);
        left = slice_from(left, piece.len);
        while (piece.len > 0)
            len += charset_recode(&recoder, &piece, out + len, out_piece);
    }
    len += charset_recode(&recoder, &none, out + len, sizeof out - len);
    while (charset_recode_end(&recoder))
        len += charset_recode(&recoder, &none, out + len, out_piece);
    return slice_make(out, len);
}

static void expect(const struct charset_map *map, bool backwards, const char *text,
                   const char *other)
{
    for (size_t in_piece = 1; in_piece < 6; in_piece++)
        for (size_t out_piece = 1; out_piece < 14; out_piece++)
            ck_assert_msg(slice_is(recode(map, backwards, text, in_piece, out_piece), other),
                          "%s: %zu, %zu", text, in_piece, out_piece);
}

START_TEST(bytes_become_bytes)
{
    expect(koi_win, false, "a\xc1 \xe1z", "a\xe0 \xc0z");
    expect(koi_win, true, "a\xe0 \xc0z", "a\xc1 \xe1z");
    expect(koi_win, false, "\xff", "?");
    expect(koi_win, true, "\xff\xe0", "?\xc1");
}
END_TEST

START_TEST(bytes_become_utf8)
{
    expect(koi_utf, false, "a\xc1 \xe1\x9e\x80z", "a\xd0\xb0 \xd0\x90\xc2\xb7\xe2\x82\xacz");
    expect(koi_utf, false, "\xff", "?");
}
END_TEST

START_TEST(utf8_becomes_bytes)
{
    expect(koi_utf, true, "a\xd0\xb0 \xd0\x90\xc2\xb7\xe2\x82\xacz", "a\xc1 \xe1\x9e\x80z");
    expect(koi_utf, true, "\xc3\xa4\xe2\x80\xa6\xf0\x9f\x98\x80", "&#228;&#8230;&#128512;");
}
END_TEST

/* Bytes that are no UTF-8: a lead byte that none has, one without its rest, a rest without its
 * lead byte, what could be shorter, surrogates' high end, an end too early. */
START_TEST(what_is_no_utf8)
{
    expect(koi_utf, true, "\xff|\xc0\x80|", "?|??|");
    expect(koi_utf, true, "\xd0|\x80|", "?|?|");
    expect(koi_utf, true, "\xe0\x80\x80|\xf0\x80\x80\x80|", "?|?|");
    expect(koi_utf, true, "\xf4\x90\x80\x80|", "?|");
    expect(koi_utf, true, "\xd0\xd0\xb0", "?\xc1");
    expect(koi_utf, true, "x\xe2\x82", "x?");
}
END_TEST

START_TEST(characters_of_a_map)
{
    ck_assert_int_eq(charset_character(SLICE("a")), 'a');
    ck_assert_int_eq(charset_character(SLICE("\xc2\xa0")), 0xa0);
    ck_assert_int_eq(charset_character(SLICE("\xe2\x82\xac")), 0x20ac);
    ck_assert_int_eq(charset_character(SLICE("\xf0\x9f\x98\x80")), -1);
    ck_assert_int_eq(charset_character(SLICE("ab")), -1);
    ck_assert_int_eq(charset_character(SLICE("\xe2\x82")), -1);
    ck_assert_int_eq(charset_character(SLICE("")), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("charset_map");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, bytes_become_bytes);
    tcase_add_test(tests, bytes_become_utf8);
    tcase_add_test(tests, utf8_becomes_bytes);
    tcase_add_test(tests, what_is_no_utf8);
    tcase_add_test(tests, characters_of_a_map);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
