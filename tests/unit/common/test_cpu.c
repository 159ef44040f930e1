#include "common/cpu.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A tree like /sys/fs/cgroup and a file like /proc/self/cgroup. */
static char root[64];

static const char *in_root(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s%s", root, name);
    return path;
}

static void put_file(const char *name, const char *text)
{
    FILE *file = fopen(in_root(name), "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void put_folder(const char *name)
{
    ck_assert_int_eq(mkdir(in_root(name), 0700), 0);
}

static void set_up(void)
{
    snprintf(root, sizeof root, "/tmp/muxd-cpu-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void tear_down(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

static unsigned quota(const char *membership)
{
    char path[256];

    put_file("/self", membership);
    snprintf(path, sizeof path, "%s/self", root);
    return cpu_quota(path, root);
}

START_TEST(version_2)
{
    static const struct {
        const char *max;
        unsigned processors;
    } rows[] = {
        { "max 100000\n", 0 },
        { "100000 100000\n", 1 },
        { "100001 100000\n", 2 },
        { "50000 100000\n", 1 },
        { "1000 100000\n", 1 },
        { "400000 100000\n", 4 },
        { "3500 1000", 4 },
        { "0 100000\n", 0 },
        { "-1 100000\n", 0 },
        { "100000 0\n", 0 },
        { "9223372036854775807 1", 0 },
        { "100000\n", 0 },
        { "", 0 },
        { "x y\n", 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_file("/cpu.max", rows[i].max);
        ck_assert_uint_eq(quota("0::/\n"), rows[i].processors);
    }
}
END_TEST

START_TEST(the_least_of_all_groups_above)
{
    put_folder("/a");
    put_folder("/a/b");
    put_file("/a/b/cpu.max", "800000 100000\n");
    ck_assert_uint_eq(quota("0::/a/b\n"), 8);
    put_file("/a/cpu.max", "200000 100000\n");
    ck_assert_uint_eq(quota("0::/a/b\n"), 2);
    put_file("/cpu.max", "400000 100000\n");
    ck_assert_uint_eq(quota("0::/a/b\n"), 2);
    put_file("/a/b/cpu.max", "max 100000\n");
    put_file("/a/cpu.max", "max 100000\n");
    ck_assert_uint_eq(quota("0::/a/b\n"), 4);
}
END_TEST

/* In a container the path may be the host's, which is not mounted. */
START_TEST(a_path_that_is_not_there)
{
    put_file("/cpu.max", "300000 100000\n");
    ck_assert_uint_eq(quota("0::/docker/0123/x\n"), 3);
    ck_assert_uint_eq(quota("0::/../../x\n"), 3);
}
END_TEST

START_TEST(version_1)
{
    put_folder("/cpu");
    put_folder("/cpu/a");
    put_file("/cpu/a/cpu.cfs_quota_us", "250000\n");
    put_file("/cpu/a/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(quota("12:memory:/a\n4:cpu,cpuacct:/a\n0::/\n"), 3);
    ck_assert_uint_eq(quota("4:cpuacct,cpu:/a\n"), 3);
    ck_assert_uint_eq(quota("4:cpuset:/a\n1:name=systemd:/a\n"), 0);
    put_file("/cpu/a/cpu.cfs_quota_us", "-1\n");
    ck_assert_uint_eq(quota("4:cpu,cpuacct:/a\n"), 0);
}
END_TEST

START_TEST(both_versions)
{
    put_folder("/unified");
    put_folder("/unified/a");
    put_file("/unified/a/cpu.max", "600000 100000\n");
    ck_assert_uint_eq(quota("0::/a\n"), 6);
}
END_TEST

START_TEST(files_that_make_no_sense)
{
    char long_path[3 * 4096];

    ck_assert_uint_eq(cpu_quota("/nowhere/at/all", root), 0);
    ck_assert_uint_eq(quota(""), 0);
    ck_assert_uint_eq(quota("0\n"), 0);
    ck_assert_uint_eq(quota("0:\n:\n"), 0);
    ck_assert_uint_eq(quota("0::"), 0);
    memset(long_path, '/', sizeof long_path);
    memcpy(long_path, "0::", 3);
    long_path[sizeof long_path - 1] = '\0';
    ck_assert_uint_eq(quota(long_path), 0);
}
END_TEST

START_TEST(usable_is_within_the_mask)
{
    cpu_set_t all, one;

    cpu_usable_set(&all);
    ck_assert_int_ge(CPU_COUNT(&all), 1);
    ck_assert_uint_ge(cpu_usable(), 1);
    ck_assert_uint_le(cpu_usable(), (unsigned)CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &all)) {
            CPU_SET(i, &one);
            break;
        }
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cpu_usable_set(&all);
    ck_assert(CPU_EQUAL(&all, &one));
    ck_assert_uint_eq(cpu_usable(), 1);
    cpu_usable_set(&all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, version_2);
    tcase_add_test(all, the_least_of_all_groups_above);
    tcase_add_test(all, a_path_that_is_not_there);
    tcase_add_test(all, version_1);
    tcase_add_test(all, both_versions);
    tcase_add_test(all, files_that_make_no_sense);
    tcase_add_test(all, usable_is_within_the_mask);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
