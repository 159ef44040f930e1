/* Log files whose paths are made for each line. */
#include "worker/http/log_file_cache.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct log_file_cache cache;

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/muxd-log-cache-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    cache = (struct log_file_cache){ .max = 2, .inactive = 1000, .valid = 100, .min_uses = 1 };
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void teardown(void)
{
    log_file_cache_drop(&cache);
    free(cache.buckets);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *path_of(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int append(struct log_file_cache *to, const char *name, const char *text, uint64_t now)
{
    const char *failed;

    return log_file_append(to, slice_of(path_of(name)), slice_of(text), now, &failed);
}

static const char *content(const char *name)
{
    static char text[256];
    int fd = open(path_of(name), O_RDONLY);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

    close(fd);
    text[got < 0 ? 0 : got] = '\0';
    return text;
}

START_TEST(lines_are_appended)
{
    ck_assert_int_eq(append(&cache, "a", "one\n", 1), 0);
    ck_assert_int_eq(append(&cache, "a", "two\n", 1), 0);
    ck_assert_int_eq(append(NULL, "a", "three\n", 1), 0);
    ck_assert_str_eq(content("a"), "one\ntwo\nthree\n");
}
END_TEST

START_TEST(at_most_max_files_stay_open)
{
    ck_assert_int_eq(append(&cache, "a", "a\n", 1), 0);
    ck_assert_int_eq(append(&cache, "b", "b\n", 2), 0);
    ck_assert_int_eq(append(&cache, "a", "a\n", 3), 0);
    ck_assert_int_eq(append(&cache, "c", "c\n", 4), 0);
    ck_assert_uint_eq(cache.count, 2);
    ck_assert_int_eq(append(&cache, "b", "b\n", 5), 0);
    ck_assert_str_eq(content("a"), "a\na\n");
    ck_assert_str_eq(content("b"), "b\nb\n");
    ck_assert_str_eq(content("c"), "c\n");
}
END_TEST

START_TEST(a_moved_file_is_noticed_after_valid)
{
    ck_assert_int_eq(append(&cache, "a", "1\n", 1), 0);
    ck_assert_int_eq(rename(path_of("a"), path_of("old")), 0);
    ck_assert_int_eq(append(&cache, "a", "2\n", 50), 0);
    ck_assert_int_eq(append(&cache, "a", "3\n", 200), 0);
    ck_assert_str_eq(content("old"), "1\n2\n");
    ck_assert_str_eq(content("a"), "3\n");
}
END_TEST

START_TEST(dropping_opens_anew)
{
    ck_assert_int_eq(append(&cache, "a", "1\n", 1), 0);
    ck_assert_int_eq(rename(path_of("a"), path_of("old")), 0);
    log_file_cache_drop(&cache);
    ck_assert_uint_eq(cache.count, 0);
    ck_assert_int_eq(append(&cache, "a", "2\n", 2), 0);
    ck_assert_str_eq(content("a"), "2\n");
}
END_TEST

START_TEST(inactive_files_are_closed)
{
    ck_assert_int_eq(append(&cache, "a", "a\n", 1), 0);
    ck_assert_int_eq(append(&cache, "b", "b\n", 2000), 0);
    ck_assert_uint_eq(cache.count, 1);
}
END_TEST

START_TEST(seldom_used_files_are_not_kept_open)
{
    cache.min_uses = 2;
    ck_assert_int_eq(append(&cache, "a", "1\n", 1), 0);
    ck_assert_int_eq(rename(path_of("a"), path_of("old")), 0);
    ck_assert_int_eq(append(&cache, "a", "2\n", 2), 0);
    ck_assert_str_eq(content("a"), "2\n");
}
END_TEST

START_TEST(failures_are_named)
{
    const char *failed = NULL;
    int reason = log_file_append(&cache, slice_of(path_of("none/a")), SLICE("x\n"), 1, &failed);

    ck_assert_int_eq(reason, ENOENT);
    ck_assert_str_eq(failed, "open");
    ck_assert_int_eq(log_file_append(&cache, SLICE("/dev/full"), SLICE("x\n"), 1, &failed), ENOSPC);
    ck_assert_str_eq(failed, "write");
    ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
    ck_assert_int_eq(append(NULL, "fifo", "x\n", 1), ENXIO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_file_cache");
    TCase *cases = tcase_create("log_file_cache");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, lines_are_appended);
    tcase_add_test(cases, at_most_max_files_stay_open);
    tcase_add_test(cases, a_moved_file_is_noticed_after_valid);
    tcase_add_test(cases, dropping_opens_anew);
    tcase_add_test(cases, inactive_files_are_closed);
    tcase_add_test(cases, seldom_used_files_are_not_kept_open);
    tcase_add_test(cases, failures_are_named);
    suite_add_tcase(suite, cases);
    return unit_main(suite);
}
