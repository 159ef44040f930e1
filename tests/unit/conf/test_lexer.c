#include "conf/lexer.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static struct arena arena;
static struct source source;
static struct lexer lexer;

static void start(struct slice text)
{
    source = (struct source){ .name = "test", .text = text, .file = true };
    lexer_init(&lexer, &arena, &source);
}

static void set_up(void)
{
    arena_init(&arena, NULL);
}

static void tear_down(void)
{
    arena_free(&arena);
}

/* Tokens as one text: words in brackets, quoted ones in double brackets, marks
 * as they are, problems in parentheses. */
static const char *tokens(struct slice text)
{
    static char out[4096];
    size_t len = 0;

    start(text);
    out[0] = '\0';
    for (;;) {
        struct token token = lexer_next(&lexer);
        const char *format = "%.*s";
        if (token.kind == TOKEN_END)
            return out;
        if (token.kind == TOKEN_WORD)
            format = token.quoted ? "[[%.*s]]" : "[%.*s]";
        if (token.kind == TOKEN_BAD) {
            format = "(%.*s)";
            token.text = slice_of(lexer.problem);
        }
        len += (size_t)snprintf(out + len, sizeof(out) - len, format, (int)token.text.len,
                                token.text.at);
        ck_assert_uint_lt(len, sizeof(out));
    }
}

static const struct row {
    const char *text;
    const char *tokens;
} rows[] = {
    { "", "" },
    { " \t\r\n", "" },
    { "a b;", "[a][b];" },
    { "a{b c;}d;", "[a]{[b][c];}[d];" },
    { "location /g{return 200 tight;}", "[location][/g]{[return][200][tight];}" },
    { "a} b;", "[a}][b];" },
    { "a # b; c\nd;", "[a][d];" },
    { "a#b c;", "[a#b][c];" },
    { "# only a comment", "" },
    { "a \"b c; {}\" d;", "[a][[b c; {}]][d];" },
    { "a 'b \"c\"';", "[a][[b \"c\"]];" },
    { "a \"\" '';", "[a][[]][[]];" },
    { "a \"b\nc\";", "[a][[b\nc]];" },
    { "a\"b c;", "[a\"b][c];" },
    { "\"a\\\"b\\'c\\\\d\\te\\rf\\ng\\xh\";", "[[a\"b'c\\d\te\rf\ng\\xh]];" },
    { "a\\ b\\;c\\{ d;", "[a\\ b\\;c\\{][d];" },
    { "\\# a;", "[\\#][a];" },
    { "${a}b$c {", "[${a}b$c]{" },
    { "a${{b {", "[a${{b]{" },
    { "a$ {", "[a$]{" },
    { "a$b{", "[a$b]{" },
    { "$\\{a;", "[$\\{a];" },
    { "\"a\"{", "[[a]]{" },
    { "if (\"a\") {", "[if][(\"a\")]{" },
    { "x \"a\") b;", "[x][[a]][)][b];" },
    { "\"a\"b c;", "[[a]](unexpected \"b\")[b][c];" },
    { "\"a\"}", "[[a]](unexpected \"}\")}" },
    { "\"a\"#b", "[[a]](unexpected \"#\")" },
    { "a \"b", "[a](unexpected end of file, expecting \";\" or \"}\")" },
    { "a 'b;\nc;", "[a](unexpected end of file, expecting \";\" or \"}\")" },
    { "a \\", "[a][\\]" },
    { "a \"\\", "[a](unexpected end of file, expecting \";\" or \"}\")" },
    { "a\\", "[a\\]" },
};

START_TEST(text_is_cut_into_words)
{
    const struct row *row = &rows[_i];

    ck_assert_str_eq(tokens(slice_of(row->text)), row->tokens);
}
END_TEST

START_TEST(places_are_counted_from_one)
{
    start(SLICE("a\n  \"b\nc\" d;\n"));
    struct token token = lexer_next(&lexer);
    ck_assert_uint_eq(token.at.line, 1);
    ck_assert_uint_eq(token.at.column, 1);
    ck_assert_uint_eq(token.at.len, 1);
    token = lexer_next(&lexer);
    ck_assert_uint_eq(token.at.line, 2);
    ck_assert_uint_eq(token.at.column, 3);
    ck_assert_uint_eq(token.at.len, 5);
    uint32_t order = token.at.order;
    token = lexer_next(&lexer);
    ck_assert_uint_eq(token.at.line, 3);
    ck_assert_uint_eq(token.at.column, 4);
    ck_assert_uint_gt(token.at.order, order);
    ck_assert_int_eq(lexer_next(&lexer).kind, TOKEN_SEMICOLON);
    token = lexer_next(&lexer);
    ck_assert_int_eq(token.kind, TOKEN_END);
    ck_assert_uint_eq(token.at.line, 4);
    ck_assert_uint_eq(token.at.column, 1);
    ck_assert_int_eq(lexer_next(&lexer).kind, TOKEN_END);
}
END_TEST

START_TEST(words_without_escapes_are_not_copied)
{
    start(SLICE("abc 'd e' f\\ng"));
    ck_assert_ptr_eq(lexer_next(&lexer).text.at, source.text.at);
    ck_assert_ptr_eq(lexer_next(&lexer).text.at, source.text.at + 5);
    struct token token = lexer_next(&lexer);
    ck_assert(slice_is(token.text, "f\ng"));
    ck_assert(token.text.at < source.text.at || token.text.at >= source.text.at + source.text.len);
}
END_TEST

START_TEST(nul_bytes_are_refused_outside_comments)
{
    ck_assert_str_eq(tokens(SLICE("a b\0c d;")), "[a](unexpected \"\\x00\")[d];");
    ck_assert_uint_eq(source.text.len, 8);
    ck_assert_str_eq(tokens(SLICE("a \"b\\\0c\";")), "[a](unexpected \"\\x00\");");
    ck_assert_str_eq(tokens(SLICE("\0")), "(unexpected \"\\x00\")");
    ck_assert_str_eq(tokens(SLICE("# \0\na;")), "[a];");
    start(SLICE("user\n no\0body;"));
    lexer_next(&lexer);
    struct token token = lexer_next(&lexer);
    ck_assert_uint_eq(token.at.line, 2);
    ck_assert_uint_eq(token.at.column, 4);
}
END_TEST

/* `len` bytes in quotes of the kind, or none, between "a " and ";". */
static struct slice long_word(size_t len, const char *quote)
{
    char *text = arena_text(&arena, len + 8);

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', len + 8);
    size_t at = (size_t)sprintf(text, "a %s", quote);
    text[at] = 'x';
    sprintf(text + at + len, "%s;", quote);
    return slice_of(text);
}

START_TEST(words_have_a_largest_size)
{
    start(long_word(CONF_WORD_MAX, ""));
    lexer_next(&lexer);
    ck_assert_uint_eq(lexer_next(&lexer).text.len, CONF_WORD_MAX);
    ck_assert_str_eq(tokens(long_word(CONF_WORD_MAX + 1, "")),
                     "[a](too long parameter \"xxxxxxxxxx...\" started);");
    ck_assert_str_eq(tokens(long_word(CONF_WORD_MAX + 1, "'")),
                     "[a](too long parameter, probably missing terminating \"'\" character);");
}
END_TEST

START_TEST(a_text_ends_in_other_words_than_a_file)
{
    ck_assert_str_eq(lexer_end_problem(&(struct source){ .file = true }),
                     "unexpected end of file, expecting \";\" or \"}\"");
    ck_assert_str_eq(lexer_end_problem(&(struct source){ .file = false }),
                     "unexpected end of parameter, expecting \";\"");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lexer");
    TCase *tcase = tcase_create("lexer");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, text_is_cut_into_words, 0, sizeof(rows) / sizeof(*rows));
    tcase_add_test(tcase, places_are_counted_from_one);
    tcase_add_test(tcase, words_without_escapes_are_not_copied);
    tcase_add_test(tcase, nul_bytes_are_refused_outside_comments);
    tcase_add_test(tcase, words_have_a_largest_size);
    tcase_add_test(tcase, a_text_ends_in_other_words_than_a_file);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
