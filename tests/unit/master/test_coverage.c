/* Each directive and variable of the modules' tables is explained in muxd.conf(5) and used by
 * a test of the real binary: the tables are the single source of what must be there. */
#include "master/settings.h"
#include "tests/unit/unit.h"
#include "worker/http/variables.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

/* A file's whole text, NUL-terminated; to be freed. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");

    ck_assert_msg(file != NULL, "%s cannot be opened", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    ck_assert_int_ge(size, 0);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
    text[size] = '\0';
    fclose(file);
    return text;
}

/* The texts of all files that match, joined; to be freed. */
static char *read_files(const char *pattern)
{
    glob_t files;
    char *all = calloc(1, 1);
    size_t len = 0;

    ck_assert_int_eq(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char *text = read_file(files.gl_pathv[i]);
        size_t more = strlen(text);
        all = realloc(all, len + more + 1);
        ck_assert_ptr_nonnull(all);
        memcpy(all + len, text, more + 1);
        len += more;
        free(text);
    }
    globfree(&files);
    return all;
}

static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The text has the name as a word of its own. */
static bool has_word(const char *text, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = strstr(text, name); at != NULL; at = strstr(at + 1, name))
        if ((at == text || !is_name_byte(at[-1])) && !is_name_byte(at[len]))
            return true;
    return false;
}

/* The manual has an entry for the name: a line `.B name` or `.BI "name ...`. */
static bool has_entry(const char *manual, const char *name)
{
    char start[128];

    snprintf(start, sizeof start, "\n.B %s\n", name);
    if (strstr(manual, start) != NULL)
        return true;
    snprintf(start, sizeof start, "\n.BI \"%s ", name);
    return strstr(manual, start) != NULL;
}

/* All modules with all their directives, in the arena. */
static const struct conf_module *const *whole_modules(struct arena *arena)
{
    const struct conf_module *modules[ALL_MODULES];

    arena_init(arena, NULL);
    master_modules(modules);
    return conf_modules_whole(arena, modules, ALL_MODULES);
}

/* How many directives the text does not have; their names are printed. */
static unsigned count_missing(const char *text, bool (*has)(const char *, const char *))
{
    struct arena arena;
    const struct conf_module *const *modules = whole_modules(&arena);
    unsigned missing = 0;

    for (size_t i = 0; i < ALL_MODULES; i++)
        for (const struct directive *directive = modules[i]->directives; directive->name != NULL;
             directive++)
            if (!has(text, directive->name)) {
                printf("missing: %s\n", directive->name);
                missing++;
            }
    arena_free(&arena);
    return missing;
}

START_TEST(each_directive_is_in_the_manual)
{
    char *manual = read_file(MUXD_SOURCE "/conf/muxd.conf.5");

    ck_assert_uint_eq(count_missing(manual, has_entry), 0);
    free(manual);
}
END_TEST

START_TEST(each_directive_is_used_by_a_test_of_the_real_binary)
{
    char *tests = read_files(MUXD_SOURCE "/tests/serve/test_*.c");

    ck_assert_uint_eq(count_missing(tests, has_word), 0);
    free(tests);
}
END_TEST

START_TEST(each_directive_has_help_and_contexts)
{
    struct arena arena;
    const struct conf_module *const *modules = whole_modules(&arena);

    for (size_t i = 0; i < ALL_MODULES; i++) {
        ck_assert_uint_eq(modules[i]->id, i);
        for (const struct directive *directive = modules[i]->directives; directive->name != NULL;
             directive++) {
            ck_assert_msg(directive->help != NULL && directive->help[0] != '\0', "%s has no help",
                          directive->name);
            ck_assert_msg(directive->contexts != 0, "%s stands nowhere", directive->name);
        }
    }
    arena_free(&arena);
}
END_TEST

/* The text has the variable, or one that begins with it ("arg_" is a prefix). */
static bool has_variable(const char *text, struct slice name)
{
    size_t len = name.len;

    for (const char *at = strchr(text, '$'); at != NULL; at = strchr(at + 1, '$')) {
        const char *found = at[1] == '{' ? at + 2 : at + 1;
        if (strncmp(found, name.at, len) == 0 &&
            is_name_byte(found[len]) == (name.at[len - 1] == '_'))
            return true;
    }
    return false;
}

/* Likewise; $http_host, which has a getter of its own, is explained with $http_NAME. */
static bool has_explained(const char *text, struct slice name)
{
    struct slice prefix;

    if (has_variable(text, name))
        return true;
    for (size_t i = 0; (prefix = variable_known(i)).len > 0; i++)
        if (slice_ends(prefix, SLICE("_")) && slice_starts(name, prefix) &&
            has_variable(text, prefix))
            return true;
    return false;
}

static unsigned count_unknown_variables(const char *text, bool (*has)(const char *, struct slice))
{
    unsigned missing = 0;
    struct slice name;

    for (size_t i = 0; (name = variable_known(i)).len > 0; i++)
        if (!has(text, name)) {
            printf("missing: $%.*s\n", (int)name.len, name.at);
            missing++;
        }
    return missing;
}

START_TEST(each_variable_is_in_the_manual)
{
    char *manual = read_file(MUXD_SOURCE "/conf/muxd.conf.5");

    ck_assert_uint_eq(count_unknown_variables(manual, has_explained), 0);
    free(manual);
}
END_TEST

START_TEST(each_variable_is_used_by_a_test_of_the_real_binary)
{
    char *tests = read_files(MUXD_SOURCE "/tests/serve/test_*.c");

    ck_assert_uint_eq(count_unknown_variables(tests, has_variable), 0);
    free(tests);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("coverage");
    TCase *cases = tcase_create("directives");

    tcase_add_test(cases, each_directive_is_in_the_manual);
    tcase_add_test(cases, each_directive_is_used_by_a_test_of_the_real_binary);
    tcase_add_test(cases, each_directive_has_help_and_contexts);
    tcase_add_test(cases, each_variable_is_in_the_manual);
    tcase_add_test(cases, each_variable_is_used_by_a_test_of_the_real_binary);
    suite_add_tcase(suite, cases);
    return unit_main(suite);
}
