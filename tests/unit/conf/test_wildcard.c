#include "conf/wildcard.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/muxd-wildcard-XXXXXX";

/* "a,b": what a pattern matches of these is worked out by the libc's glob(3) too. */
static const char *const names[] = {
    "a",       "b",       "ab",     "abc",    "aab", "aXb", "-",   "]",  "[",   "!x",
    "^x",      "x",       "1",      "A.conf", "Z",   "*",   "?",   "\\", "a*b", "a.conf",
    ".hidden", "..twice", "b.conf", "a-b",    "é",   "[ab", "ab]", " ",
};

static const char *const patterns[] = {
    "*",
    "?",
    "a*",
    "*b",
    "a*b",
    "*a*b*",
    "**",
    ".*",
    "[.]*",
    "\\.h*",
    "?hidden",
    "*.conf",
    "[ab].conf",
    "[a-c]",
    "[!a-c]",
    "[^a-c]",
    "[]]",
    "[!]]",
    "[]-a]",
    "[a-]",
    "[-a]",
    "[ab",
    "\\*",
    "\\?",
    "\\\\",
    "a\\*b",
    "[\\]]",
    "[[:alpha:]]",
    "[[:digit:][:upper:]]",
    "[![:alnum:]]",
    "[[:none:]]",
    "[z-a]",
    "a[[:punct:]]b",
    "ab]",
    "??",
    "é",
    "[[]",
    "[*?]",
};

static void set_up(void)
{
    strcpy(strrchr(folder, '-'), "-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_int_eq(mkdir(names[i], 0700), 0);
    ck_assert_int_eq(mkdir("a/in", 0700), 0);
    ck_assert_int_eq(mkdir("a-b/in", 0700), 0);
    ck_assert_int_eq(symlink("nowhere", "a/dangling"), 0);
}

static void tear_down(void)
{
    char command[64];

    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* What the pattern finds, and the libc's glob(3). */
static void expect_as_glob(const char *pattern)
{
    struct arena arena;
    struct array paths = { .item_size = sizeof(const char *) };
    glob_t expected = { 0 };

    arena_init(&arena, NULL);
    int result = glob(pattern, 0, NULL, &expected);
    ck_assert(result == 0 || result == GLOB_NOMATCH);
    ck_assert_int_eq(wildcard_expand(&arena, pattern, &paths), WILDCARD_OK);
    const char *const *items = paths.items;
    for (size_t i = 0; i < paths.count && i < expected.gl_pathc; i++)
        ck_assert_msg(strcmp(items[i], expected.gl_pathv[i]) == 0, "%s: %s instead of %s", pattern,
                      items[i], expected.gl_pathv[i]);
    ck_assert_msg(paths.count == expected.gl_pathc, "%s: %zu instead of %zu", pattern, paths.count,
                  expected.gl_pathc);
    globfree(&expected);
    arena_free(&arena);
}

START_TEST(names_are_found_as_by_glob)
{
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        expect_as_glob(patterns[i]);
}
END_TEST

START_TEST(folders_are_found_as_by_glob)
{
    char pattern[128];

    expect_as_glob("a*/in");
    expect_as_glob("*/*");
    expect_as_glob("*//i?");
    expect_as_glob("./a/*");
    expect_as_glob("a/dangl*");
    expect_as_glob("a/dang*/x");
    expect_as_glob("none/*");
    expect_as_glob("*/none");
    expect_as_glob("a*/");
    snprintf(pattern, sizeof pattern, "%s/*/in", folder);
    expect_as_glob(pattern);
}
END_TEST

START_TEST(many_stars_take_no_time)
{
    enum { LENGTH = 200 };
    char pattern[2 * LENGTH + 2], name[LENGTH];

    for (size_t i = 0; i < LENGTH; i++)
        memcpy(pattern + 2 * i, "*a", 2);
    memcpy(pattern + 2 * LENGTH, "*b", 2);
    memset(name, 'a', sizeof name);
    ck_assert(!wildcard_matches(slice_make(pattern, sizeof pattern), slice_make(name, LENGTH)));
    ck_assert(wildcard_matches(slice_make(pattern, 2 * LENGTH), slice_make(name, LENGTH)));
}
END_TEST

/* What may not be read for want of something is not passed over. */
START_TEST(a_folder_that_fails_is_named)
{
    struct arena arena;
    struct array paths = { .item_size = sizeof(const char *) };
    char pattern[8192];

    arena_init(&arena, NULL);
    memset(pattern, 'd', sizeof pattern);
    strcpy(pattern + sizeof pattern - 3, "/*");
    ck_assert_int_eq(wildcard_expand(&arena, pattern, &paths), WILDCARD_FAILED);
    ck_assert_int_eq(errno, ENAMETOOLONG);
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wildcard");
    TCase *tcase = tcase_create("wildcard");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, names_are_found_as_by_glob);
    tcase_add_test(tcase, folders_are_found_as_by_glob);
    tcase_add_test(tcase, many_stars_take_no_time);
    tcase_add_test(tcase, a_folder_that_fails_is_named);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
