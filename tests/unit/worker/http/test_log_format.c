/* log_format: what is read, what is refused, and the lines that come of it. */
#include "worker/http/log_format.h"

#include "tests/unit/worker/http/lone_request.h"

static const struct directive log_format = { .name = "log_format" };

static struct lone_request lone;

static void setup(void)
{
    lone_request_init(&lone, SLICE("/a\"b\t"));
}

static void teardown(void)
{
    lone_request_free(&lone);
}

/* `log_format a b c;` with NULL behind the last word. */
static void define(const char *const texts[])
{
    struct word words[8] = { { .text = SLICE_INIT("log_format") } };
    struct conf_node node = { .words = words, .count = 1 };

    for (; texts[node.count - 1] != NULL; node.count++)
        words[node.count].text = slice_of(texts[node.count - 1]);
    as_log_format.set(&lone.conf, &lone.scope, &node, &log_format, NULL);
}

static const char *line_of(const char *name)
{
    const struct log_format *format = log_format_find(&lone.http, slice_of(name));
    struct log_line line;

    ck_assert_ptr_nonnull(format);
    ck_assert(log_line_measure(&lone.request, format, &line));
    char *text = arena_text(&lone.request.arena, line.len + 1);
    char *end = log_line_put(&line, text);
    ck_assert_uint_eq((size_t)(end - text), line.len);
    *end = '\0';
    return text;
}

static const char *first_message(void)
{
    ck_assert_ptr_nonnull(lone.conf.messages.first);
    return arena_cstr(&lone.arena, lone.conf.messages.first->text);
}

START_TEST(words_are_joined)
{
    define((const char *[]){ "a", "<$scheme>", " ", "${scheme}s$server_name", "", NULL });
    ck_assert_str_eq(line_of("a"), "<http> httpsexample.org");
    define((const char *[]){ "b", "text only", NULL });
    ck_assert_str_eq(line_of("b"), "text only");
    define((const char *[]){ "c", "", NULL });
    ck_assert_str_eq(line_of("c"), "");
    ck_assert_uint_eq(lone.conf.messages.errors, 0);
}
END_TEST

START_TEST(values_are_escaped_for_the_reader)
{
    define((const char *[]){ "a", "\"$uri|$http_none\"", NULL });
    define((const char *[]){ "b", "escape=default", "\"$uri|$http_none\"", NULL });
    define((const char *[]){ "c", "escape=json", "\"$uri|$http_none\"", NULL });
    define((const char *[]){ "d", "escape=none", "\"$uri|$http_none\"", NULL });
    ck_assert_str_eq(line_of("a"), "\"/a\\x22b\\x09|-\"");
    ck_assert_str_eq(line_of("b"), "\"/a\\x22b\\x09|-\"");
    ck_assert_str_eq(line_of("c"), "\"/a\\\"b\\t|\"");
    ck_assert_str_eq(line_of("d"), "\"/a\"b\t|\"");
}
END_TEST

START_TEST(names_are_found_in_any_case)
{
    define((const char *[]){ "Main", "x", NULL });
    ck_assert_str_eq(line_of("mAIN"), "x");
    ck_assert_ptr_nonnull(log_format_find(&lone.http, SLICE("COMBINED")));
    ck_assert_ptr_null(log_format_find(&lone.http, SLICE("none")));
}
END_TEST

START_TEST(mistakes_are_named)
{
    static const struct {
        const char *words[4];
        const char *message;
    } mistakes[] = {
        { { "combined", "x", NULL }, "duplicate \"log_format\" name \"combined\"" },
        { { "a", "escape=xml", "x", NULL }, "unknown log format escaping \"xml\"" },
        { { "a", "x$", NULL }, "invalid parameter \"$\"" },
        { { "a", "x$-y", NULL }, "invalid parameter \"$-y\"" },
        { { "a", "${uri", NULL }, "the closing bracket in \"uri\" variable is missing" },
    };

    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        conf_messages_init(&lone.conf.messages, &lone.arena);
        define(mistakes[i].words);
        ck_assert_uint_eq(lone.conf.messages.errors, 1);
        ck_assert_str_eq(first_message(), mistakes[i].message);
        lone.http.formats.count = 1;
    }
}
END_TEST

START_TEST(digits_are_no_captures_here)
{
    define((const char *[]){ "a", "$1", NULL });
    variables_check(&lone.conf, &lone.scope);
    ck_assert_str_eq(first_message(), "unknown \"1\" variable");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_format");
    TCase *cases = tcase_create("log_format");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, words_are_joined);
    tcase_add_test(cases, values_are_escaped_for_the_reader);
    tcase_add_test(cases, names_are_found_in_any_case);
    tcase_add_test(cases, mistakes_are_named);
    tcase_add_test(cases, digits_are_no_captures_here);
    suite_add_tcase(suite, cases);
    return unit_main(suite);
}
