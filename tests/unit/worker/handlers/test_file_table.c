#include "worker/handlers/file_table.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <unistd.h>

static const struct file_cache_limits limits = { .max = 3, .inactive = 1000 };

struct fixture {
    struct timers timers;
    struct file_budget budget;
    struct file_table table;
};

static void setup(struct fixture *fixture)
{
    *fixture = (struct fixture){ .budget = { .content_max = 100, .descriptors_max = 2 } };
    timers_init(&fixture->timers, 0);
    fixture->table = (struct file_table){ .timers = &fixture->timers,
                                          .limits = &limits,
                                          .count_max = limits.max,
                                          .budget = &fixture->budget };
    ck_assert(file_table_init(&fixture->table));
}

/* An entry whose only reference is the table's; all have the same hash. */
static struct file_entry *add(struct fixture *fixture, const char *path, size_t content, int fd,
                              uint64_t now)
{
    struct file_entry *entry = calloc(1, sizeof *entry);

    ck_assert_ptr_nonnull(entry);
    entry->file.path = slice_of(path);
    entry->file.fd = fd;
    entry->hash = 7;
    if (content > 0)
        entry->file.content = slice_make(malloc(content), content);
    file_hold(&entry->file);
    file_table_add(&fixture->table, entry, now);
    bool listed = entry->listed;
    file_release(&entry->file);
    return listed ? entry : NULL;
}

static struct file_entry *find(struct fixture *fixture, const char *path)
{
    return file_table_find(&fixture->table, 7, slice_of(path), (struct path_guard){ 0 });
}

START_TEST(the_least_recently_used_gives_way)
{
    struct fixture fixture;

    setup(&fixture);
    struct file_entry *a = add(&fixture, "/a", 0, -1, 1);
    add(&fixture, "/b", 0, -1, 2);
    add(&fixture, "/c", 0, -1, 3);
    file_table_touch(&fixture.table, a, 4);
    add(&fixture, "/d", 0, -1, 5);
    ck_assert_ptr_eq(find(&fixture, "/a"), a);
    ck_assert_ptr_null(find(&fixture, "/b"));
    ck_assert_ptr_nonnull(find(&fixture, "/c"));
    ck_assert_ptr_nonnull(find(&fixture, "/d"));
    ck_assert_uint_eq(fixture.table.count, 3);
    file_table_clear(&fixture.table);
    ck_assert_uint_eq(fixture.table.count, 0);
}
END_TEST

START_TEST(content_is_bounded)
{
    struct fixture fixture;

    setup(&fixture);
    add(&fixture, "/a", 60, -1, 1);
    add(&fixture, "/b", 40, -1, 2);
    ck_assert_uint_eq(fixture.budget.content, 100);
    add(&fixture, "/c", 1, -1, 3);
    ck_assert_ptr_null(find(&fixture, "/a"));
    ck_assert_uint_eq(fixture.budget.content, 41);
    ck_assert_ptr_null(add(&fixture, "/large", 101, -1, 4));
    ck_assert_uint_eq(fixture.budget.content, 0);
    file_table_clear(&fixture.table);
}
END_TEST

START_TEST(descriptors_are_bounded_and_closed)
{
    struct fixture fixture;
    int fds[3];

    setup(&fixture);
    for (int i = 0; i < 3; i++)
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    add(&fixture, "/a", 0, fds[0], 1);
    add(&fixture, "/b", 0, fds[1], 2);
    struct file_entry *c = add(&fixture, "/c", 0, fds[2], 3);
    ck_assert_ptr_null(find(&fixture, "/a"));
    ck_assert_int_eq(fcntl(fds[0], F_GETFD), -1);
    ck_assert_uint_eq(fixture.budget.descriptors, 2);
    file_hold(&c->file); /* in use: it is not given up */
    ck_assert_uint_eq(file_table_shrink(&fixture.table, 10), 1);
    ck_assert_ptr_null(find(&fixture, "/b"));
    ck_assert_ptr_eq(find(&fixture, "/c"), c);
    file_table_clear(&fixture.table);
    ck_assert_int_ge(fcntl(fds[2], F_GETFD), 0);
    file_release(&c->file);
    ck_assert_int_eq(fcntl(fds[2], F_GETFD), -1);
}
END_TEST

START_TEST(what_nobody_uses_expires)
{
    struct fixture fixture;

    setup(&fixture);
    struct file_entry *a = add(&fixture, "/a", 0, -1, 0);
    add(&fixture, "/b", 0, -1, 500);
    file_table_touch(&fixture.table, a, 900);
    timers_run(&fixture.timers, 1400);
    ck_assert_ptr_nonnull(find(&fixture, "/b"));
    timers_run(&fixture.timers, 1501);
    ck_assert_ptr_null(find(&fixture, "/b"));
    ck_assert_ptr_eq(find(&fixture, "/a"), a);
    timers_run(&fixture.timers, 1901);
    ck_assert_ptr_null(find(&fixture, "/a"));
    ck_assert(!timer_armed(&fixture.table.expiry));
    file_table_clear(&fixture.table);
}
END_TEST

START_TEST(guards_are_told_apart)
{
    struct fixture fixture;

    setup(&fixture);
    add(&fixture, "/a", 0, -1, 1);
    ck_assert_ptr_null(file_table_find(&fixture.table, 7, SLICE("/a"),
                                       (struct path_guard){ .mode = SYMLINKS_REFUSED }));
    ck_assert_ptr_null(file_table_find(&fixture.table, 8, SLICE("/a"), (struct path_guard){ 0 }));
    ck_assert_ptr_nonnull(find(&fixture, "/a"));
    file_table_clear(&fixture.table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file_table");
    TCase *tests = tcase_create("all");

    tcase_add_test(tests, the_least_recently_used_gives_way);
    tcase_add_test(tests, content_is_bounded);
    tcase_add_test(tests, descriptors_are_bounded_and_closed);
    tcase_add_test(tests, what_nobody_uses_expires);
    tcase_add_test(tests, guards_are_told_apart);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
