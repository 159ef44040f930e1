#include "master/options.h"

#include "common/version.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 16 };

static struct arena arena;
static struct options options;

static void set_up(void)
{
    arena_init(&arena, NULL);
}

static void tear_down(void)
{
    arena_free(&arena);
}

/* Parses words that end with NULL; the problem, empty when there is none. */
static struct slice parse(const char *const *words)
{
    char *argv[WORDS_MAX + 2] = { arena_cstr(&arena, SLICE("muxd")) };
    int argc = 1;

    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = arena_cstr(&arena, slice_of(words[argc - 1]));
    return options_parse(&options, &arena, argc, argv);
}

START_TEST(nothing)
{
    ck_assert_uint_eq(parse((const char *const[]){ NULL }).len, 0);
    ck_assert(!options.version && !options.build && !options.help && !options.test);
    ck_assert(!options.dump && !options.quiet);
    ck_assert_ptr_null(options.conf_path);
    ck_assert_ptr_null(options.signal);
}
END_TEST

START_TEST(letters)
{
    static const struct {
        const char *word;
        struct options expected;
    } rows[] = {
        { "-v", { .version = true } },
        { "-V", { .version = true, .build = true } },
        { "-h", { .version = true, .help = true } },
        { "-?", { .version = true, .help = true } },
        { "-t", { .test = true } },
        { "-T", { .test = true, .dump = true } },
        { "-q", { .quiet = true } },
        { "-tq", { .test = true, .quiet = true } },
        { "-", { .version = false } },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct options *expected = &rows[i].expected;
        ck_assert_uint_eq(parse((const char *const[]){ rows[i].word, NULL }).len, 0);
        ck_assert_int_eq(options.version, expected->version);
        ck_assert_int_eq(options.build, expected->build);
        ck_assert_int_eq(options.help, expected->help);
        ck_assert_int_eq(options.test, expected->test);
        ck_assert_int_eq(options.dump, expected->dump);
        ck_assert_int_eq(options.quiet, expected->quiet);
    }
}
END_TEST

START_TEST(strict_needs_a_test)
{
    ck_assert_uint_eq(parse((const char *const[]){ "--strict", "-T", NULL }).len, 0);
    ck_assert(options.test && options.strict);
    ck_assert_uint_gt(parse((const char *const[]){ "--strict", NULL }).len, 0);
    ck_assert_uint_gt(parse((const char *const[]){ "-t", "--strict", "--strict", NULL }).len, 0);
}
END_TEST

START_TEST(arguments_follow_or_are_joined)
{
    ck_assert_uint_eq(parse((const char *const[]){ "-c", "a.conf", "-p/srv", "-e", "err", "-g",
                                                   "daemon off;", "-tqsreload", NULL })
                          .len,
                      0);
    ck_assert_str_eq(options.conf_path, "a.conf");
    ck_assert_str_eq(options.prefix, "/srv");
    ck_assert_str_eq(options.error_log, "err");
    ck_assert_str_eq(options.global, "daemon off;");
    ck_assert_str_eq(options.signal, "reload");
    ck_assert(options.test && options.quiet);
}
END_TEST

START_TEST(the_last_one_holds)
{
    ck_assert_uint_eq(parse((const char *const[]){ "-ca", "-cb", NULL }).len, 0);
    ck_assert_str_eq(options.conf_path, "b");
}
END_TEST

/* What looks like an option is an argument where one is due, as in nginx. */
START_TEST(an_argument_may_begin_with_a_dash)
{
    ck_assert_uint_eq(parse((const char *const[]){ "-c", "-t", NULL }).len, 0);
    ck_assert_str_eq(options.conf_path, "-t");
    ck_assert(!options.test);
}
END_TEST

START_TEST(every_signal)
{
    static const char *const words[] = { "stop", "quit", "reopen", "reload" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        ck_assert_uint_eq(parse((const char *const[]){ "-s", words[i], NULL }).len, 0);
        ck_assert_str_eq(options.signal, words[i]);
    }
}
END_TEST

START_TEST(help_of_a_directive)
{
    ck_assert_uint_eq(parse((const char *const[]){ "-h", "listen", NULL }).len, 0);
    ck_assert_str_eq(options.directive, "listen");
    ck_assert(
        slice_is(parse((const char *const[]){ "-h", "a", "b", NULL }), "invalid option: \"b\""));
    ck_assert(slice_is(parse((const char *const[]){ "-t", "a", NULL }), "invalid option: \"a\""));
}
END_TEST

/* As nginx words them. */
START_TEST(problems)
{
    static const struct {
        const char *words[4];
        const char *problem;
    } rows[] = {
        { { "x" }, "invalid option: \"x\"" },
        { { "" }, "invalid option: \"\"" },
        { { "-x" }, "invalid option: \"x\"" },
        { { "-tx" }, "invalid option: \"x\"" },
        { { "--help" }, "invalid option: \"-\"" },
        { { "-t", "x" }, "invalid option: \"x\"" },
        { { "-c" }, "option \"-c\" requires file name" },
        { { "-e" }, "option \"-e\" requires file name" },
        { { "-g" }, "option \"-g\" requires parameter" },
        { { "-p" }, "option \"-p\" requires directory name" },
        { { "-s" }, "option \"-s\" requires parameter" },
        { { "-tqc" }, "option \"-c\" requires file name" },
        { { "-s", "foo" }, "invalid option: \"-s foo\"" },
        { { "-sfoo" }, "invalid option: \"-s foo\"" },
        { { "-s", "-t" }, "invalid option: \"-s -t\"" },
        { { "-s", "Stop" }, "invalid option: \"-s Stop\"" },
        { { "-s", "" }, "invalid option: \"-s \"" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice problem = parse(rows[i].words);
        ck_assert_msg(slice_is(problem, rows[i].problem), "%.*s", (int)problem.len, problem.at);
    }
}
END_TEST

/* ---- paths ---- */

START_TEST(prefixes)
{
    static const char *const rows[][2] = {
        { NULL, MUXD_PREFIX },      { "/srv", "/srv/" },
        { "/srv/", "/srv/" },       { "/", "/" },
        { "site", "/tmp/site/" },   { "site/", "/tmp/site/" },
        { "./site", "/tmp/site/" }, { ".", "/tmp/" },
        { "./", "/tmp/" },          { "", "/tmp/" },
    };

    ck_assert_int_eq(chdir("/tmp"), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        options = (struct options){ .prefix = rows[i][0] };
        ck_assert_str_eq(options_prefix(&options, &arena), rows[i][1]);
    }
    ck_assert_int_eq(chdir("/"), 0);
    options.prefix = "site";
    ck_assert_str_eq(options_prefix(&options, &arena), "/site/");
}
END_TEST

START_TEST(a_working_directory_that_is_gone)
{
    char folder[] = "/tmp/muxd-options-XXXXXX";

    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    options = (struct options){ .prefix = "site" };
    ck_assert_ptr_null(options_prefix(&options, &arena));
    options.prefix = "/site";
    ck_assert_str_eq(options_prefix(&options, &arena), "/site/");
}
END_TEST

START_TEST(configuration_files)
{
    options = (struct options){ .conf_path = "conf/a.conf" };
    ck_assert_str_eq(options_conf_path(&options, &arena, "/srv/"), "/srv/conf/a.conf");
    options.conf_path = "/etc/a.conf";
    ck_assert_str_eq(options_conf_path(&options, &arena, "/srv/"), "/etc/a.conf");
    options.conf_path = NULL;
    const char *built_in = options_conf_path(&options, &arena, "/srv/");
    ck_assert_int_eq(built_in[0], '/');
    ck_assert_ptr_nonnull(strstr(built_in, MUXD_CONF_PATH));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        strict_needs_a_test,
        nothing,
        letters,
        arguments_follow_or_are_joined,
        the_last_one_holds,
        an_argument_may_begin_with_a_dash,
        every_signal,
        help_of_a_directive,
        problems,
        prefixes,
        a_working_directory_that_is_gone,
        configuration_files,
    };
    Suite *suite = suite_create("options");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, tear_down);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
