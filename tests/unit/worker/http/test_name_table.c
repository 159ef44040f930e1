/* Names and wildcards, as hosts are looked up in them. */
#include "worker/http/name_table.h"

#include "tests/unit/unit.h"

static struct arena arena;
static struct name_table table;

static void set_up(void)
{
    arena_init(&arena, NULL);
    table = (struct name_table){ 0 };
}

static void tear_down(void)
{
    arena_free(&arena);
}

/* The value of a name is the name as it was added. */
static enum name_added add(const char *name)
{
    return name_table_add(&table, &arena, slice_of(name), (void *)(uintptr_t)name);
}

static void expect(const char *name, const char *found)
{
    const char *value = name_table_find(&table, slice_of(name));

    if (found == NULL)
        ck_assert_msg(value == NULL, "%s: %s", name, value);
    else
        ck_assert_msg(value != NULL && strcmp(value, found) == 0, "%s: %s", name, value);
}

START_TEST(an_empty_table)
{
    ck_assert(name_table_empty(&table));
    expect("", NULL);
    expect("example.org", NULL);
}
END_TEST

START_TEST(the_order_of_search)
{
    static const char *const names[] = { "a.example.org", "*.example.org", "*.org", "a.*",
                                         "a.example.*",   ".dot.net",      "" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_int_eq(add(names[i]), NAME_ADDED);
    ck_assert(!name_table_empty(&table));
    expect("a.example.org", "a.example.org");
    expect("b.example.org", "*.example.org");
    expect("c.b.example.org", "*.example.org");
    expect("example.org", "*.org");
    expect("org", NULL);
    expect("a.example.com", "a.example.*");
    expect("a.b.example.com", "a.*");
    expect("a", NULL);
    expect("dot.net", ".dot.net");
    expect("a.dot.net", ".dot.net");
    expect("adot.net", NULL);
    expect("", "");
}
END_TEST

START_TEST(what_is_no_name)
{
    static const char *const bad[] = { "*",    "a*",   "*a.b", "a.*.b", "*.a.*",
                                       "a..b", "..a.", "*.*",  "**",    "*.a*" };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(add(bad[i]) == NAME_BAD, "%s", bad[i]);
    ck_assert_int_eq(name_table_add(&table, &arena, slice_make("a\0b", 3), &table), NAME_BAD);
    ck_assert(name_table_empty(&table));
}
END_TEST

START_TEST(conflicts_leave_what_was_there)
{
    ck_assert_int_eq(add("a.org"), NAME_ADDED);
    ck_assert_int_eq(add("*.a.org"), NAME_ADDED);
    ck_assert_int_eq(add("a.*"), NAME_ADDED);
    ck_assert_int_eq(add("a.org"), NAME_CONFLICT);
    ck_assert_int_eq(add(".a.org"), NAME_CONFLICT);
    ck_assert_int_eq(add("a.*"), NAME_CONFLICT);
    ck_assert_int_eq(add("b.org"), NAME_ADDED);
    ck_assert_int_eq(add("*.a.org"), NAME_CONFLICT);
    expect("a.org", "a.org");
    expect("x.a.org", "*.a.org");
}
END_TEST

START_TEST(exact_texts_may_be_anything)
{
    struct slice text = SLICE("*..a*");

    ck_assert_int_eq(name_table_add_exact(&table, &arena, text, &table), NAME_ADDED);
    ck_assert_int_eq(name_table_add_exact(&table, &arena, text, &table), NAME_CONFLICT);
    ck_assert_ptr_eq(name_table_find(&table, text), &table);
}
END_TEST

START_TEST(lower_case_copies_only_when_it_must)
{
    struct slice plain = SLICE("a-1.\xC3\x84"), mixed = SLICE("aB.Org");

    ck_assert_ptr_eq(name_lower(&arena, plain).at, plain.at);
    ck_assert(slice_is(name_lower(&arena, mixed), "ab.org"));
    ck_assert_uint_eq(name_lower(&arena, (struct slice){ NULL, 0 }).len, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("name_table");
    TCase *cases = tcase_create("names");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, an_empty_table);
    tcase_add_test(cases, the_order_of_search);
    tcase_add_test(cases, what_is_no_name);
    tcase_add_test(cases, conflicts_leave_what_was_there);
    tcase_add_test(cases, exact_texts_may_be_anything);
    tcase_add_test(cases, lower_case_copies_only_when_it_must);
    suite_add_tcase(suite, cases);
    return unit_main(suite);
}
