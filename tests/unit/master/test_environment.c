#include "master/environment.h"

#include "tests/unit/unit.h"

#include <unistd.h>

static struct arena arena;
static struct array wanted;

static void set_up(void)
{
    arena_init(&arena, NULL);
    wanted = (struct array){ .item_size = sizeof(struct slice) };
    clearenv();
    setenv("HOME", "/home", 1);
    setenv("LANG", "C", 1);
}

static void tear_down(void)
{
    environ = NULL;
    arena_free(&arena);
}

static void want(const char *variable)
{
    struct slice *item = array_push(&wanted, &arena);

    ck_assert_ptr_nonnull(item);
    *item = slice_of(variable);
}

START_TEST(nothing_is_kept_unasked)
{
    ck_assert(environment_set(&wanted, &arena));
    ck_assert_ptr_null(environ[0]);
}
END_TEST

START_TEST(names_keep_what_is_there)
{
    want("LANG");
    want("NOT_THERE");
    ck_assert(environment_set(&wanted, &arena));
    ck_assert_str_eq(getenv("LANG"), "C");
    ck_assert_ptr_null(getenv("HOME"));
    ck_assert_ptr_null(getenv("NOT_THERE"));
}
END_TEST

START_TEST(values_are_given)
{
    want("HOME=/other");
    want("EMPTY=");
    want("LAN"); /* no prefix of a name is a name */
    ck_assert(environment_set(&wanted, &arena));
    ck_assert_str_eq(getenv("HOME"), "/other");
    ck_assert_str_eq(getenv("EMPTY"), "");
    ck_assert_ptr_null(getenv("LANG"));
}
END_TEST

START_TEST(the_time_zone_is_kept)
{
    setenv("TZ", "UTC", 1);
    ck_assert(environment_set(&wanted, &arena));
    ck_assert_str_eq(getenv("TZ"), "UTC");
    want("TZ=Asia/Tokyo");
    ck_assert(environment_set(&wanted, &arena));
    ck_assert_str_eq(getenv("TZ"), "Asia/Tokyo");
    ck_assert_ptr_null(environ[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("environment");
    TCase *all = tcase_create("environment");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, nothing_is_kept_unasked);
    tcase_add_test(all, names_keep_what_is_there);
    tcase_add_test(all, values_are_given);
    tcase_add_test(all, the_time_zone_is_kept);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
