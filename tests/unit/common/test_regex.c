/* Patterns against Perl: every row of the table is given to perl, once, and
 * its captures are compared with muxd's. */
#include "common/regex_internal.h"
#include "tests/unit/common/regex_rows.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char perl_script[] =
    "no warnings; my @rows = <STDIN>;"
    "for (@rows) { chomp; my ($p, $t) = map { pack 'H*', $_ } split / /, $_, 2;"
    /* Perl resolves \Q when it reads a literal; these patterns are no literals. */
    "  $p =~ s/((?:^|[^\\\\])(?:\\\\\\\\)*)\\\\Q(.*?)(?:\\\\E|\\z)/$1.quotemeta($2)/gse;"
    "  $p =~ s/\\\\E//g;"
    "  $p = '(?:)' if $p eq '';" /* the empty pattern would be the last one again */
    "  my $answer = eval { $t =~ /$p/ ? join ' ', map {"
    "    defined $-[$_] ? \"$-[$_]-$+[$_]\" : '-' } 0..$#+ : 'no' };"
    "  print $answer // 'error', \"\\n\"; }";

static struct arena arena;
static struct regex_scratch scratch;

static void set_up(void)
{
    arena_init(&arena, NULL);
    scratch = (struct regex_scratch){ 0 };
}

static void tear_down(void)
{
    regex_scratch_free(&scratch);
    arena_free(&arena);
}

/* --- perl --- */

/* Starts perl; its stdin and stdout are *to and *from. */
static pid_t perl_start(int *to, int *from)
{
    int input[2], output[2];

    ck_assert_int_eq(pipe(input), 0);
    ck_assert_int_eq(pipe(output), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(input[0], STDIN_FILENO);
        dup2(output[1], STDOUT_FILENO);
        close(input[1]);
        close(output[0]);
        execlp("perl", "perl", "-e", perl_script, (char *)NULL);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    *to = input[1];
    *from = output[0];
    return pid;
}

static void put_hex(FILE *file, const char *text, size_t len, char end)
{
    for (size_t i = 0; i < len; i++)
        fprintf(file, "%02x", (unsigned char)text[i]);
    fputc(end, file);
}

static size_t text_len(const struct row *row)
{
    return row->text_len > 0 ? row->text_len : strlen(row->text);
}

/* perl reads all rows before it answers the first: neither pipe can fill up
 * while the other side waits. */
static FILE *perl_ask(pid_t *pid)
{
    int to, from;

    *pid = perl_start(&to, &from);
    FILE *file = fdopen(to, "w");
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_hex(file, rows[i].pattern, strlen(rows[i].pattern), ' ');
        put_hex(file, rows[i].text, text_len(&rows[i]), '\n');
    }
    ck_assert_int_eq(fclose(file), 0);
    file = fdopen(from, "r");
    ck_assert_ptr_nonnull(file);
    return file;
}

/* --- muxd --- */

/* The captures as perl's script prints them. */
static void describe(char *answer, size_t size, struct slice text, const struct slice *captures,
                     unsigned count)
{
    size_t len = 0;

    for (unsigned i = 0; i < count; i++) {
        const char *space = i == 0 ? "" : " ";
        size_t start = captures[i].at == NULL ? 0 : (size_t)(captures[i].at - text.at);
        int written = captures[i].at == NULL ? snprintf(answer + len, size - len, "%s-", space)
                                             : snprintf(answer + len, size - len, "%s%zu-%zu",
                                                        space, start, start + captures[i].len);
        len += (size_t)written;
    }
}

static void muxd_answer(const struct row *row, char *answer, size_t size)
{
    struct regex_error error;
    struct slice captures[REGEX_GROUPS_MAX];
    struct slice text = slice_make(row->text, text_len(row));
    struct regex *regex = regex_compile(&arena, slice_of(row->pattern), false, &error);

    if (regex == NULL) {
        snprintf(answer, size, "error");
        return;
    }
    bool matched = regex_match(regex, &scratch, text, captures, regex_groups(regex));
    /* Without captures other code answers: the same, cold and warm. */
    for (int i = 0; i < 2; i++)
        ck_assert_msg(regex_match(regex, &scratch, text, NULL, 0) == matched,
                      "/%s/ on \"%s\": yes and no", row->pattern, row->text);
    ck_assert_msg((regex_simulate(regex, &scratch, text, NULL, 0) == REGEX_YES) == matched,
                  "/%s/ on \"%s\": the simulation says otherwise", row->pattern, row->text);
    if (matched)
        describe(answer, size, text, captures, regex_groups(regex));
    else
        snprintf(answer, size, "no");
}

/* Patterns that Perl takes and muxd refuses by intent. */
static bool refused_by_intent(const struct row *row)
{
    return strstr(row->pattern, "(?!") != NULL;
}

START_TEST(test_as_perl)
{
    char expected[1024], answer[1024];
    pid_t pid;
    int status;
    FILE *perl = perl_ask(&pid);
    unsigned wrong = 0;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_ptr_nonnull(fgets(expected, sizeof expected, perl));
        expected[strcspn(expected, "\n")] = '\0';
        muxd_answer(&rows[i], answer, sizeof answer);
        if (strcmp(expected, refused_by_intent(&rows[i]) ? "no" : answer) != 0) {
            fprintf(stderr, "/%s/ on \"%s\": perl %s, muxd %s\n", rows[i].pattern, rows[i].text,
                    expected, answer);
            wrong++;
        }
    }
    ck_assert_ptr_null(fgets(expected, sizeof expected, perl));
    fclose(perl);
    while (waitpid(pid, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

static struct regex *compiled(const char *pattern)
{
    struct regex_error error;
    struct regex *regex = regex_compile(&arena, slice_of(pattern), false, &error);

    ck_assert_msg(regex != NULL, "/%s/: %s", pattern, error.message);
    return regex;
}

/* --- beside Perl --- */

START_TEST(test_as_pcre)
{
    static const struct {
        const char *pattern, *text, *answer;
    } cases[] = {
        /* Perl unsets a simple group that takes no part in the last iteration;
         * PCRE, and so nginx, lets it keep what it has captured. */
        { "(a(b)?)+", "aba", "0-3 2-3 1-2" },
        { "(?:(\\w)?){2,}", "ab", "0-2 1-2" },
    };
    char answer[256];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct row row = { cases[i].pattern, cases[i].text, 0 };
        muxd_answer(&row, answer, sizeof answer);
        ck_assert_str_eq(answer, cases[i].answer);
    }
}
END_TEST

START_TEST(test_refused)
{
    static const struct {
        const char *pattern;
        size_t at;
        const char *message;
    } cases[] = {
        { "(a)\\1", 3, "back-references are not supported" },
        { "(a)\\9", 3, "back-references are not supported" },
        { "\\1(a)", 0, "back-references are not supported" },
        { "(((((((((((a)))))))))))\\11", 23, "back-references are not supported" },
        { "\\11(((((((((((a)))))))))))", 0, "back-references are not supported" },
        { "\\80", 0, "back-references are not supported" },
        { "(?<n>a)\\k<n>", 7, "back-references are not supported" },
        { "(a)\\g1", 3, "back-references are not supported" },
        { "(a)\\g{-1}", 3, "back-references are not supported" },
        { "(?P<n>a)(?P=n)", 8, "back-references are not supported" },
        { "a(?=b)", 1, "look-ahead is not supported" },
        { "^(?!.*x)", 1, "look-ahead is not supported" },
        { "(?<=a)b", 0, "look-behind is not supported" },
        { "(?<!a)b", 0, "look-behind is not supported" },
        { "(?>a)", 0, "atomic groups are not supported" },
        { "a++", 2, "possessive quantifiers are not supported" },
        { "a*+", 2, "possessive quantifiers are not supported" },
        { "a?+", 2, "possessive quantifiers are not supported" },
        { "a{1,2}+", 6, "possessive quantifiers are not supported" },
        { "(?|a|b)", 0, "branch reset (?|..) is not supported" },
        { "(?(1)a|b)", 0, "conditions are not supported" },
        { "(?{x})", 0, "code in a pattern is not supported" },
        { "(?\?{x})", 0, "code in a pattern is not supported" },
        { "(?R)", 0, "recursion is not supported" },
        { "(?1)(a)", 0, "recursion is not supported" },
        { "(a)(?-1)", 3, "recursion is not supported" },
        { "(?+1)(a)", 0, "recursion is not supported" },
        { "(?&n)", 0, "recursion is not supported" },
        { "(?P>n)", 0, "recursion is not supported" },
        { "(*UTF8)a", 0, "verbs (*..) are not supported" },
        { "\\Ka", 0, "\\K is not supported" },
        { "\\Ga", 0, "\\G is not supported" },
        { "\\R", 0, "\\R is not supported" },
        { "\\X", 0, "\\X is not supported" },
        { "\\C", 0, "\\C is not supported" },
        { "\\b{wb}", 0, "\\b{..} is not supported" },
        { "\\pL", 0, "Unicode properties (\\p) are not supported" },
        { "[\\P{L}]", 1, "Unicode properties (\\P) are not supported" },
        { "\\N{U+41}", 0, "named characters (\\N{..}) are not supported" },
        { "\\x{100}", 5, "character code over \\xff" },
        { "\\400", 3, "character code over \\xff" },
        { "\\x{}", 2, "bad character code in braces" },
        { "\\x{4g}", 2, "bad character code in braces" },
        { "\\x{41", 2, "bad character code in braces" },
        { "\\o101", 2, "no opening brace behind \\o" },
        { "\\c", 2, "no printable character behind \\c" },
        { "\\y", 0, "unknown escape" },
        { "[\\B]", 1, "unknown escape" },
        { "a\\", 1, "nothing behind the last backslash" },
        { "[a\\", 2, "nothing behind the last backslash" },
        { "a(b", 1, "missing closing parenthesis" },
        { "((a)", 0, "missing closing parenthesis" },
        { "(?:a", 0, "missing closing parenthesis" },
        { "(\\Qa)", 0, "missing closing parenthesis" },
        { "a)b", 1, "unmatched closing parenthesis" },
        { "a(?#b", 1, "missing closing parenthesis of a comment" },
        { "a[b", 1, "missing closing bracket of a class" },
        { "[]", 0, "missing closing bracket of a class" },
        { "[^]", 0, "missing closing bracket of a class" },
        { "[b-a]", 1, "range out of order in a class" },
        { "[[:foo:]]", 1, "unknown POSIX class" },
        { "[[.a.]]", 1, "unknown POSIX class" },
        { "[:alpha:]", 0, "POSIX class outside of a bracketed class" },
        { "*a", 0, "quantifier behind nothing" },
        { "a|+", 2, "quantifier behind nothing" },
        { "(?:?)", 3, "quantifier behind nothing" },
        { "{2}", 0, "quantifier behind nothing" },
        { "(?i)*", 4, "quantifier behind nothing" },
        { "a**", 2, "quantifier behind a quantifier" },
        { "a{2}{3}", 4, "quantifier behind a quantifier" },
        { "a*?\?", 3, "quantifier behind a quantifier" },
        { "a{3,2}", 1, "numbers out of order in a quantifier" },
        { "a{65536}", 6, "number over 65535 in a quantifier" },
        { "a{,3}", 1, "quantifier that is not {n}, {n,} or {n,m}" },
        { "a{1, 3}", 1, "quantifier that is not {n}, {n,} or {n,m}" },
        { "(?<n>a)(?<n>b)", 10, "two groups of the same name" },
        { "(?<n>a)(?P<n>b)", 11, "two groups of the same name" },
        { "(?<1a>b)", 3, "bad name of a group" },
        { "(?<>b)", 3, "bad name of a group" },
        { "(?<a-b>c)", 3, "bad name of a group" },
        { "(?<a", 3, "bad name of a group" },
        { "(?'a>b)", 3, "bad name of a group" },
        { "(?k)", 0, "unknown group or flag behind \"(?\"" },
        { "(?i", 0, "unknown group or flag behind \"(?\"" },
        { "(?", 0, "unknown group or flag behind \"(?\"" },
        { "(?i--s)", 0, "unknown group or flag behind \"(?\"" },
        { "(?xx)a", 2, "flag xx is not supported" },
        { "a{20000}", 0, "pattern too large" },
        { "(?:ab?){65535}", 0, "pattern too large" },
        { "((a{1,100}){1,100}){1,100}", 0, "pattern too large" },
        { "(((a{0,100}){0,100}){0,100}){0,100}", 0, "pattern too large" },
        { "((((((()?){9999}){9999}){9999}){9999}){9999}){9999}", 0, "pattern too large" },
        { "(?:(?:(?:a*){1,999}){1,999})*", 0, "pattern too large" },
    };
    struct regex_error error;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct regex *regex = regex_compile(&arena, slice_of(cases[i].pattern), false, &error);
        ck_assert_msg(regex == NULL, "/%s/ is taken", cases[i].pattern);
        ck_assert_msg(strcmp(error.message, cases[i].message) == 0 && error.at == cases[i].at,
                      "/%s/: %zu %s", cases[i].pattern, error.at, error.message);
    }
}
END_TEST

/* `count` times `text`, as a C string. */
static char *repeated(const char *text, size_t count)
{
    size_t len = strlen(text);
    char *all = arena_text(&arena, len * count + 1);

    for (size_t i = 0; i < count; i++)
        memcpy(all + i * len, text, len);
    all[len * count] = '\0';
    return all;
}

static const char *refusal(const char *pattern)
{
    struct regex_error error;

    return regex_compile(&arena, slice_of(pattern), false, &error) == NULL ? error.message : "none";
}

static char *joined(const char *a, const char *b, const char *c)
{
    return arena_cstr(
        &arena, arena_join(&arena, arena_join(&arena, slice_of(a), slice_of(b)), slice_of(c)));
}

START_TEST(test_limits)
{
    const char *deep = "groups nested more than 250 deep";

    ck_assert_str_eq(refusal(joined(repeated("(?:", 250), "a", repeated(")", 250))), "none");
    ck_assert_str_eq(refusal(joined(repeated("(?:", 251), "a", repeated(")", 251))), deep);
    ck_assert_str_eq(refusal(repeated("(?:", 20000)), deep);
    ck_assert_str_eq(refusal(repeated("(", 20000)), "more than 31 capture groups");
    ck_assert_str_eq(refusal(repeated("(a)", 31)), "none");
    ck_assert_str_eq(refusal(repeated("(a)", 32)), "more than 31 capture groups");
    ck_assert_str_eq(refusal(repeated("a", 19000)), "none");
    ck_assert_str_eq(refusal(repeated("a", 20000)), "pattern too large");
    ck_assert_str_eq(refusal(repeated("\\Q\\E", 16384)), "none");
    ck_assert_str_eq(refusal(repeated("a", 65537)), "pattern longer than 65536 bytes");
    /* Repeating nothing costs nothing, however often. */
    ck_assert_str_eq(refusal("(?:(?:(?:(?:){65535}){65535}){65535}){65535}"), "none");
    /* Loops in loops: each level costs a copy of what is inside. */
    ck_assert_str_eq(refusal(joined(repeated("(?:", 50), "a*", repeated(")*", 50))), "none");
}
END_TEST

START_TEST(test_groups)
{
    struct regex *regex = compiled("(a)(?<year>\\d+)(?:b)(?P<m_2>c)(?'x'd)?");

    ck_assert_uint_eq(regex_groups(regex), 5);
    ck_assert(regex_group_name(regex, 0).len == 0 && regex_group_name(regex, 1).len == 0);
    ck_assert(slice_is(regex_group_name(regex, 2), "year"));
    ck_assert(slice_is(regex_group_name(regex, 3), "m_2"));
    ck_assert(slice_is(regex_group_name(regex, 4), "x"));
    ck_assert(regex_group_name(regex, 5).len == 0);
    ck_assert_uint_eq(regex_groups(compiled("abc")), 1);
}
END_TEST

START_TEST(test_nocase)
{
    struct regex_error error;
    struct slice captures[2];
    struct regex *regex = regex_compile(&arena, SLICE("\\.(php)$"), true, &error);
    struct slice text = SLICE("/a.PhP");

    ck_assert(regex_match(regex, &scratch, text, captures, 2));
    ck_assert(slice_is(captures[1], "PhP") && captures[1].at == text.at + 3);
    ck_assert(!regex_match(compiled("\\.php$"), &scratch, text, NULL, 0));
    regex = regex_compile(&arena, SLICE("a(?-i)b"), true, &error);
    ck_assert(regex_match(regex, &scratch, SLICE("Ab"), NULL, 0));
    ck_assert(!regex_match(regex, &scratch, SLICE("AB"), NULL, 0));
}
END_TEST

START_TEST(test_capture_counts)
{
    struct regex *regex = compiled("(a)(b)?");
    struct slice captures[5];
    struct slice empty = { NULL, 0 };

    memset(captures, 0xff, sizeof captures);
    ck_assert(regex_match(regex, &scratch, SLICE("xa"), captures, 5));
    ck_assert(slice_is(captures[0], "a") && slice_is(captures[1], "a"));
    for (int i = 2; i < 5; i++)
        ck_assert(captures[i].at == NULL && captures[i].len == 0);
    memset(captures, 0xff, sizeof captures);
    ck_assert(regex_match(regex, &scratch, SLICE("xab"), captures, 1));
    ck_assert(slice_is(captures[0], "ab"));
    ck_assert_uint_eq(captures[1].len, SIZE_MAX);
    ck_assert(regex_match(compiled("^$"), &scratch, empty, captures, 1));
    ck_assert(captures[0].at != NULL && captures[0].len == 0);
    ck_assert(regex_match(compiled("(x?)"), &scratch, empty, captures, 2));
    ck_assert(captures[1].at != NULL && captures[1].len == 0);
    ck_assert(!regex_match(regex, &scratch, SLICE("x"), captures, 2));
    ck_assert(captures[0].at == NULL);
}
END_TEST

/* --- linear time --- */

/* A match may take that many steps for each instruction and byte. */
enum { STEPS_FACTOR = 6 };

static void check_steps(const char *pattern, struct slice text)
{
    struct regex *regex = compiled(pattern);
    struct slice captures[REGEX_GROUPS_MAX];
    uint64_t limit = STEPS_FACTOR * (uint64_t)regex->count * (text.len + 1);

    for (unsigned count = 0; count <= REGEX_GROUPS_MAX; count += REGEX_GROUPS_MAX) {
        scratch.steps = 0;
        regex_match(regex, &scratch, text, count > 0 ? captures : NULL, count);
        ck_assert_msg(scratch.steps <= limit, "/%s/: %ju steps of %ju", pattern,
                      (uintmax_t)scratch.steps, (uintmax_t)limit);
        scratch.steps = 0;
        regex_simulate(regex, &scratch, text, (size_t[64]){ 0 }, regex->groups * 2);
        ck_assert_msg(scratch.steps <= limit, "/%s/: %ju simulated steps of %ju", pattern,
                      (uintmax_t)scratch.steps, (uintmax_t)limit);
    }
}

START_TEST(test_linear)
{
    static const char *const patterns[] = {
        "(a+)+$",       "(a*)*$",       "(a|a)*$",         "(a|aa)+$",
        "(a|a?)+$",     "(.*a){12}$",   "(x+x+)+y",        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(a*)*b",       "((a*)*)*b",    "(((a*)*)*)*b",    "(a+a+)+b",
        "(.*)*=.*",     ".*.*=.*",      "(?:.*?){9}=",     "(?:a?){30}a{30}b",
        "(a?b?)*c",     "\\s+$",        "(a|b|ab)*c",      "(\\w*\\d*)*-",
        "(?i)(A+)+\\z", "(?m)(^a+)+$b", "(\\ba|a\\b|a)*!", "(a{0,9}){0,9}b",
    };
    struct slice a = slice_of(repeated("a", 8191)), mixed = slice_of(repeated("ab a\n", 1638));

    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        check_steps(patterns[i], a);
        check_steps(patterns[i], slice_of(joined("", a.at, "b")));
        check_steps(patterns[i], slice_of(joined("", a.at, "!")));
        check_steps(patterns[i], mixed);
    }
}
END_TEST

/* --- the cache of states --- */

/* Bytes 'a' and 'b' without a pattern to them. */
static struct slice noise(size_t len)
{
    char *text = arena_text(&arena, len);
    uint32_t state = 1;

    for (size_t i = 0; i < len; i++) {
        state = state * 1664525 + 1013904223;
        text[i] = (state >> 24 & 1) != 0 ? 'a' : 'b';
    }
    return slice_make(text, len);
}

/* 2^16 states, too many for the cache: it is emptied, and the answer is right. */
START_TEST(test_many_states)
{
    struct regex *regex = compiled("a[ab]{15}c");
    struct slice text = noise(200000);
    char *copy = (char *)(uintptr_t)text.at;

    ck_assert(!regex_match(regex, &scratch, text, NULL, 0));
    ck_assert_uint_le(regex_dfa_size(scratch.states), 5 * 1024 * 1024);
    copy[text.len - 1] = 'c';
    copy[text.len - 17] = 'a';
    ck_assert(regex_match(regex, &scratch, text, NULL, 0));
    copy[text.len - 17] = 'b';
    ck_assert(!regex_match(regex, &scratch, text, NULL, 0));
    ck_assert_uint_le(regex_dfa_size(scratch.states), 5 * 1024 * 1024);
}
END_TEST

/* States of very many instructions. */
START_TEST(test_large_states)
{
    struct regex *regex = compiled("(?:a?b?){4000}c");

    ck_assert(!regex_match(regex, &scratch, noise(100), NULL, 0));
    ck_assert(regex_match(regex, &scratch, SLICE("ababc"), NULL, 0));
    ck_assert_uint_le(regex_dfa_size(scratch.states), 5 * 1024 * 1024);
}
END_TEST

/* A regex at the address of another one, which is gone, has its own states. */
START_TEST(test_address_reused)
{
    struct arena other;
    struct regex_error error;

    arena_init(&other, NULL);
    struct regex *first = regex_compile(&other, SLICE("[ab]x"), false, &error);
    ck_assert(regex_match(first, &scratch, SLICE("bx"), NULL, 0));
    struct regex *second = regex_compile(&arena, SLICE("[bc]x"), false, &error);
    memcpy(first, second, sizeof *first);
    ck_assert(regex_match(first, &scratch, SLICE("cx"), NULL, 0));
    ck_assert(!regex_match(first, &scratch, SLICE("ax"), NULL, 0));
    arena_free(&other);
}
END_TEST

/* Many regexes share the cache; each answers the second time as the first. */
START_TEST(test_many_regexes)
{
    char pattern[64], text[64];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 500; i++) {
            snprintf(pattern, sizeof pattern, "^/(?:x%d|y[%d])/.*\\.(?:php|html)$", i, i % 10);
            snprintf(text, sizeof text, "/x%d/a.html", i);
            struct regex *regex = compiled(pattern);
            ck_assert(regex_match(regex, &scratch, slice_of(text), NULL, 0));
            text[2] = 'z';
            ck_assert(!regex_match(regex, &scratch, slice_of(text), NULL, 0));
        }
    }
}
END_TEST

START_TEST(test_scratch_freed)
{
    regex_match(compiled("(a|b)+c"), &scratch, SLICE("abc"), (struct slice[2]){ 0 }, 2);
    ck_assert(scratch.memory != NULL && scratch.states != NULL);
    regex_scratch_free(&scratch);
    ck_assert(scratch.memory == NULL && scratch.states == NULL && scratch.size == 0);
    ck_assert(regex_match(compiled("(a|b)+c"), &scratch, SLICE("abc"), NULL, 0));
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("regex");
    TCase *meaning = add_case(suite, "meaning");
    TCase *refusals = add_case(suite, "refusals");
    TCase *cost = add_case(suite, "cost");

    tcase_add_test(meaning, test_as_perl);
    tcase_add_test(meaning, test_as_pcre);
    tcase_add_test(meaning, test_groups);
    tcase_add_test(meaning, test_nocase);
    tcase_add_test(meaning, test_capture_counts);
    tcase_add_test(refusals, test_refused);
    tcase_add_test(refusals, test_limits);
    tcase_add_test(cost, test_linear);
    tcase_add_test(cost, test_many_states);
    tcase_add_test(cost, test_large_states);
    tcase_add_test(cost, test_address_reused);
    tcase_add_test(cost, test_many_regexes);
    tcase_add_test(cost, test_scratch_freed);
    return unit_main(suite);
}
