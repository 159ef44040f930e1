#include "worker/http/name_map.h"

#include "tests/unit/unit.h"

static struct arena arena;
static struct name_map map;

static void set_up(void)
{
    arena_init(&arena, NULL);
    map = (struct name_map){ 0 };
}

static void tear_down(void)
{
    arena_free(&arena);
}

static struct slice number_name(unsigned number)
{
    return arena_printf(&arena, "name-%u.example", number);
}

static void *get(struct slice name)
{
    return name_map_get(&map, name_hash(name), name);
}

START_TEST(an_empty_map)
{
    ck_assert_ptr_null(get(SLICE("")));
    ck_assert_ptr_null(get(SLICE("a")));
    ck_assert_uint_eq(map.count, 0);
    ck_assert_uint_eq(map.longest, 0);
}
END_TEST

START_TEST(many_names)
{
    enum { COUNT = 5000 };
    static char values[COUNT];

    for (unsigned i = 0; i < COUNT; i++) {
        struct slice name = number_name(i);
        ck_assert(name_map_put(&map, &arena, name_hash(name), name, &values[i]));
    }
    ck_assert_uint_eq(map.count, COUNT);
    ck_assert_uint_eq(map.longest, strlen("name-4999.example"));
    for (unsigned i = 0; i < COUNT; i++)
        ck_assert_ptr_eq(get(number_name(i)), &values[i]);
    for (unsigned i = COUNT; i < 2 * COUNT; i++)
        ck_assert_ptr_null(get(number_name(i)));
    /* A table that is half free at least: searches are short. */
    ck_assert_uint_le(map.count * 2, map.capacity);
    ck_assert_uint_eq(map.capacity & (map.capacity - 1), 0);
}
END_TEST

START_TEST(the_same_hash_for_all)
{
    enum { COUNT = 100 };
    static char values[COUNT];

    for (unsigned i = 0; i < COUNT; i++)
        ck_assert(name_map_put(&map, &arena, 7, number_name(i), &values[i]));
    for (unsigned i = 0; i < COUNT; i++)
        ck_assert_ptr_eq(name_map_get(&map, 7, number_name(i)), &values[i]);
    ck_assert_ptr_null(name_map_get(&map, 7, SLICE("other")));
    ck_assert_ptr_null(name_map_get(&map, 8, number_name(0)));
}
END_TEST

START_TEST(names_are_bytes)
{
    char a, b, empty;
    struct slice first = SLICE("x\0a"), second = SLICE("x\0b");

    ck_assert(name_map_put(&map, &arena, name_hash(first), first, &a));
    ck_assert(name_map_put(&map, &arena, name_hash(second), second, &b));
    ck_assert(name_map_put(&map, &arena, name_hash(SLICE("")), SLICE(""), &empty));
    ck_assert_ptr_eq(get(first), &a);
    ck_assert_ptr_eq(get(second), &b);
    ck_assert_ptr_eq(get(SLICE("")), &empty);
    ck_assert_ptr_null(get(SLICE("x")));
    ck_assert_ptr_null(get(SLICE("X\0a")));
}
END_TEST

START_TEST(hashes_go_on_byte_by_byte)
{
    struct slice text = SLICE("/images/a");
    uint64_t forward = NAME_HASH_SEED;

    ck_assert(name_hash(SLICE("")) == NAME_HASH_SEED);
    for (size_t i = 0; i < text.len; i++) {
        forward = name_hash_step(forward, text.at[i]);
        ck_assert(forward == name_hash(slice_first(text, i + 1)));
    }
    ck_assert(name_hash_reverse(SLICE("abc")) == name_hash(SLICE("cba")));
    ck_assert(name_hash(SLICE("\xff")) != name_hash(SLICE("\x7f")));
    ck_assert(name_hash(SLICE("a")) == UINT64_C(0xaf63dc4c8601ec8c)); /* FNV's own vector */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("name_map");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, an_empty_map);
    tcase_add_test(all, many_names);
    tcase_add_test(all, the_same_hash_for_all);
    tcase_add_test(all, names_are_bytes);
    tcase_add_test(all, hashes_go_on_byte_by_byte);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
