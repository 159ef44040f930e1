/* What clients send cannot leave its place in a log line. */
#include "worker/http/log_escape.h"

#include "tests/unit/unit.h"

static struct arena arena;

static const char *escaped(struct slice text, enum log_escape escape)
{
    return arena_cstr(&arena, log_escape_text(&arena, text, escape));
}

START_TEST(plain_text_is_itself)
{
    static const struct slice texts[] = {
        SLICE_INIT(""),
        SLICE_INIT("a"),
        SLICE_INIT("GET /index.html HTTP/1.1"),
        SLICE_INIT(" !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcz{|}~"),
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (enum log_escape escape = LOG_ESCAPE_DEFAULT; escape <= LOG_ESCAPE_NONE; escape++) {
            ck_assert_uint_eq(log_escaped_len(texts[i], escape), texts[i].len);
            ck_assert_ptr_eq(log_escape_text(&arena, texts[i], escape).at, texts[i].at);
        }
}
END_TEST

START_TEST(default_writes_hexadecimal)
{
    ck_assert_str_eq(escaped(SLICE("a\"b\\c\td\xc3\xa9\x7f"), LOG_ESCAPE_DEFAULT),
                     "a\\x22b\\x5Cc\\x09d\\xC3\\xA9\\x7F");
    ck_assert_str_eq(escaped(SLICE("\0\n\r"), LOG_ESCAPE_DEFAULT), "\\x00\\x0A\\x0D");
}
END_TEST

START_TEST(json_is_the_inside_of_a_json_string)
{
    ck_assert_str_eq(escaped(SLICE("a\"b\\c/\xc3\xa9\x7f"), LOG_ESCAPE_JSON),
                     "a\\\"b\\\\c/\xc3\xa9\x7f");
    ck_assert_str_eq(escaped(SLICE("\n\r\t\b\f\v\0\x1f"), LOG_ESCAPE_JSON),
                     "\\n\\r\\t\\b\\f\\u000B\\u0000\\u001F");
}
END_TEST

START_TEST(none_leaves_everything)
{
    struct slice text = SLICE("\"\\\n\xff");

    ck_assert_ptr_eq(log_escape_text(&arena, text, LOG_ESCAPE_NONE).at, text.at);
}
END_TEST

/* Every byte, at every place of a word and behind it: the check of eight bytes at
 * a time sees what the table of single bytes sees. */
START_TEST(every_byte_is_seen_at_every_place)
{
    for (enum log_escape escape = LOG_ESCAPE_DEFAULT; escape <= LOG_ESCAPE_JSON; escape++)
        for (unsigned c = 0; c < 256; c++) {
            char one = (char)c;
            size_t single = log_escaped_len(slice_make(&one, 1), escape);
            for (size_t place = 0; place < 19; place++) {
                char text[19];
                memset(text, c % 2 == 0 ? ' ' : '~', sizeof text);
                text[place] = one;
                struct slice whole = slice_make(text, sizeof text);
                ck_assert_uint_eq(log_escaped_len(whole, escape), sizeof text - 1 + single);
                ck_assert_uint_eq(log_escape_text(&arena, whole, escape).len,
                                  sizeof text - 1 + single);
            }
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_escape");
    TCase *cases = tcase_create("log_escape");

    arena_init(&arena, NULL);
    tcase_add_test(cases, plain_text_is_itself);
    tcase_add_test(cases, default_writes_hexadecimal);
    tcase_add_test(cases, json_is_the_inside_of_a_json_string);
    tcase_add_test(cases, none_leaves_everything);
    tcase_add_test(cases, every_byte_is_seen_at_every_place);
    suite_add_tcase(suite, cases);
    int status = unit_main(suite);
    arena_free(&arena);
    return status;
}
