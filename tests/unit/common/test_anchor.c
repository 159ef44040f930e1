#include "common/anchor.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

/* The current folder, with a file and another folder in it. */
static void setup(void)
{
    strcpy(folder, "/tmp/muxd-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(mkdir("inside", 0755), 0);
    ck_assert_int_eq(symlink("/", "root"), 0);
    FILE *file = fopen("inside/file", "we");
    ck_assert_ptr_nonnull(file);
    fclose(file);
}

static void teardown(void)
{
    static const char *const names[] = { "inside/file", "inside/new", "inside", "root" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(names[i]);
    rmdir(folder);
}

/* Both find the same, or fail the same way. */
static void expect_same(const char *path, int flags)
{
    struct stat wanted, found;
    int own = anchored_open(path, flags | O_CLOEXEC, 0644), own_error = errno;
    int other = open(path, flags | O_CLOEXEC, 0644), error = errno;

    ck_assert_msg((own < 0) == (other < 0), "%s", path);
    if (own < 0) {
        ck_assert_msg(own_error == error, "%s: %d, not %d", path, own_error, error);
        return;
    }
    ck_assert_int_eq(fstat(own, &found), 0);
    ck_assert_int_eq(fstat(other, &wanted), 0);
    ck_assert_msg(found.st_ino == wanted.st_ino && found.st_dev == wanted.st_dev, "%s", path);
    ck_assert_int_eq(fcntl(own, F_GETFD), FD_CLOEXEC);
    close(own);
    close(other);
}

static void expect_all_same(void)
{
    static const char *const paths[] = {
        "",
        "/",
        "//",
        ".",
        "..",
        "inside",
        "none",
        "none/",
        "inside/file",
        "inside/file/",
        "./inside//file",
        "root",
        "root/",
        "root/tmp",
        "/tmp",
        "//tmp/",
        "/tmp/../tmp",
        "/none",
    };
    char absolute[256];

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        expect_same(paths[i], O_RDONLY);
        expect_same(paths[i], O_RDONLY | O_NOFOLLOW);
        expect_same(paths[i], O_PATH);
    }
    snprintf(absolute, sizeof absolute, "%s/inside/file", folder);
    expect_same(absolute, O_RDONLY);
    snprintf(absolute, sizeof absolute, "/%s/root/%s/inside", folder, folder);
    expect_same(absolute, O_RDONLY);
}

START_TEST(paths_lead_to_the_same_files)
{
    const char *path = "/tmp/file";

    ck_assert_int_eq(anchor_of(&path), AT_FDCWD);
    ck_assert_str_eq(path, "/tmp/file");
    expect_all_same();
    ck_assert(anchors_hold());
    expect_all_same();
    ck_assert_int_ge(anchor_of(&path), 0);
    ck_assert_str_eq(path, "tmp/file");
}
END_TEST

START_TEST(files_are_made)
{
    struct stat made;

    ck_assert(anchors_hold());
    umask(0);
    int fd = anchored_open("inside/new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &made), 0);
    ck_assert_uint_eq(made.st_mode & 07777, 0640);
    close(fd);
}
END_TEST

START_TEST(folders_are_listed)
{
    ck_assert(anchors_hold());
    DIR *opened = anchored_open_folder("inside");
    ck_assert_ptr_nonnull(opened);
    closedir(opened);
    ck_assert_ptr_null(anchored_open_folder("inside/file"));
    ck_assert_int_eq(errno, ENOTDIR);
    ck_assert_ptr_null(anchored_open_folder("none"));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* As a worker whose user may not enter the folder that muxd was started in. */
START_TEST(a_folder_that_may_not_be_entered)
{
    ck_assert_int_eq(chmod(".", 0600), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    ck_assert(anchors_hold());
    ck_assert_int_eq(anchored_open("inside/file", O_RDONLY | O_CLOEXEC, 0), -1);
    ck_assert_int_eq(errno, EACCES);
    int fd = anchored_open("/tmp", O_RDONLY | O_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    close(fd);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(chmod(".", 0700), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("anchor");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, paths_lead_to_the_same_files);
    tcase_add_test(tests, files_are_made);
    tcase_add_test(tests, folders_are_listed);
    tcase_add_test(tests, a_folder_that_may_not_be_entered);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
