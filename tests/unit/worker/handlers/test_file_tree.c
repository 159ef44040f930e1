#include "worker/handlers/file_tree.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];
static struct place from, to;

static void write_file(const char *name, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, name, strlen(name)), (ssize_t)strlen(name));
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

/* A folder with files, folders, links and a FIFO, and a file outside of it. */
static void setup(void)
{
    strcpy(folder, "/tmp/muxd-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    from = (struct place){ fd, "from" };
    to = (struct place){ fd, "to" };
    ck_assert_int_eq(mkdir("outside", 0755), 0);
    write_file("outside/kept", 0600);
    ck_assert_int_eq(mkdir("from", 0755), 0);
    write_file("from/a", 0640);
    ck_assert_int_eq(mkdir("from/sub", 0750), 0);
    write_file("from/sub/b", 0600);
    ck_assert_int_eq(symlink("../outside", "from/link"), 0);
    ck_assert_int_eq(mkfifo("from/fifo", 0600), 0);
    ck_assert_int_eq(chmod("from/sub", 0750), 0);
}

static void teardown(void)
{
    tree_remove(&from);
    tree_remove(&to);
    ck_assert_int_eq(unlink("outside/kept"), 0); /* no link was followed */
    ck_assert_int_eq(rmdir("outside"), 0);
    place_close(&from);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static mode_t mode_of(const char *name)
{
    struct stat stat;

    return fstatat(AT_FDCWD, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 ? stat.st_mode & 07777 : 0;
}

START_TEST(all_of_it_is_removed)
{
    ck_assert(tree_remove(&from));
    ck_assert_uint_eq(mode_of("from"), 0);
    ck_assert(!tree_remove(&from));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_file_or_link_is_removed_as_such)
{
    ck_assert(tree_remove(&(struct place){ from.folder, "from/link" }));
    ck_assert_uint_eq(mode_of("from/link"), 0);
    ck_assert(tree_remove(&(struct place){ from.folder, "from/a" }));
    ck_assert_uint_eq(mode_of("from/a"), 0);
}
END_TEST

START_TEST(files_and_folders_are_copied)
{
    struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    struct stat stat;
    char text[32] = "";

    ck_assert_int_eq(utimensat(AT_FDCWD, "from/sub/b", times, 0), 0);
    ck_assert_int_eq(utimensat(AT_FDCWD, "from/sub", times, 0), 0);
    ck_assert(tree_copy(&from, &to));
    ck_assert_uint_eq(mode_of("to"), 0755);
    ck_assert_uint_eq(mode_of("to/a"), 0640);
    ck_assert_uint_eq(mode_of("to/sub"), 0750);
    ck_assert_uint_eq(mode_of("to/sub/b"), 0600);
    ck_assert_uint_eq(mode_of("to/link"), 0);
    ck_assert_uint_eq(mode_of("to/fifo"), 0);
    ck_assert_int_eq(fstatat(AT_FDCWD, "to/sub/b", &stat, 0), 0);
    ck_assert_int_eq(stat.st_mtime, 1000);
    ck_assert_int_eq(fstatat(AT_FDCWD, "to/sub", &stat, 0), 0);
    ck_assert_int_eq(stat.st_mtime, 1000);
    FILE *file = fopen("to/sub/b", "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    fclose(file);
    ck_assert_str_eq(text, "from/sub/b");
    ck_assert(!tree_copy(&from, &to));
    ck_assert_int_eq(errno, EEXIST);
}
END_TEST

/* Deeper than anybody needs: both ways end, without an end of descriptors or stack. */
START_TEST(a_folder_has_a_bottom)
{
    unsigned depth = 0;

    ck_assert_int_eq(chdir("from"), 0);
    for (; depth < TREE_DEPTH_MAX + 10; depth++) {
        ck_assert_int_eq(mkdir("d", 0755), 0);
        ck_assert_int_eq(chdir("d"), 0);
    }
    ck_assert(!tree_copy(&from, &to));
    ck_assert_int_eq(errno, ELOOP);
    ck_assert(!tree_remove(&from));
    ck_assert_int_eq(errno, ELOOP);
    for (; depth > 0; depth--) {
        ck_assert_int_eq(chdir(".."), 0);
        ck_assert_int_eq(rmdir("d"), 0);
    }
    ck_assert_int_eq(chdir(folder), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file_tree");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, all_of_it_is_removed);
    tcase_add_test(tests, a_file_or_link_is_removed_as_such);
    tcase_add_test(tests, files_and_folders_are_copied);
    tcase_add_test(tests, a_folder_has_a_bottom);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
