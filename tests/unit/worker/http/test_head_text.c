#include "worker/http/head_text.h"

#include "tests/unit/unit.h"

static struct arena arena;

static void setup(void)
{
    arena_init(&arena, NULL);
}

static void teardown(void)
{
    arena_free(&arena);
}

START_TEST(what_ends_a_line_is_escaped)
{
    static const struct {
        const char *text, *value, *target;
    } rows[] = {
        { "", "", "" },
        { "a b\tc", "a b\tc", "a%20b%09c" },
        { "a\r\nb: c", "a%0D%0Ab: c", "a%0D%0Ab:%20c" },
        { "\x01\x1b\x7f", "%01%1B%7F", "%01%1B%7F" },
        { "\x85\x9f", "%85\x9f", "%85\x9f" },
        { "\xc2\x85 \xc2\xa0", "\xc2%85 \xc2\xa0", "\xc2%85%20\xc2\xa0" },
        { "\xc3\x80\xe2\x82\x80\xf0\x9f\x98\x80", "\xc3\x80\xe2\x82\x80\xf0\x9f\x98\x80",
          "\xc3\x80\xe2\x82\x80\xf0\x9f\x98\x80" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice value = slice_of(rows[i].text), target = value;
        ck_assert(head_text_escape(&arena, &value, HEAD_TEXT_VALUE));
        ck_assert_msg(slice_is(value, rows[i].value), "%s", rows[i].text);
        ck_assert(head_text_escape(&arena, &target, HEAD_TEXT_TARGET));
        ck_assert_msg(slice_is(target, rows[i].target), "%s", rows[i].text);
    }
}
END_TEST

START_TEST(a_nul_is_escaped)
{
    struct slice text = slice_make("a\0b", 3);

    ck_assert(head_text_escape(&arena, &text, HEAD_TEXT_VALUE));
    ck_assert(slice_is(text, "a%00b"));
}
END_TEST

START_TEST(what_needs_nothing_is_not_copied)
{
    struct slice text = SLICE("text"), before = text;

    ck_assert(head_text_escape(&arena, &text, HEAD_TEXT_TARGET));
    ck_assert_ptr_eq(text.at, before.at);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("head_text");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_ends_a_line_is_escaped);
    tcase_add_test(tests, a_nul_is_escaped);
    tcase_add_test(tests, what_needs_nothing_is_not_copied);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
