#include "worker/handlers/draft.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];
static struct place place;

static void setup(void)
{
    strcpy(folder, "/tmp/muxd-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    place = (struct place){ open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), "file" };
    ck_assert_int_ge(place.folder, 0);
}

static void teardown(void)
{
    place_close(&place);
    unlink("file");
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left in it */
}

static const char *content(void)
{
    static char text[64];
    int fd = open("file", O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ssize_t got = read(fd, text, sizeof text - 1);
    ck_assert_int_ge(got, 0);
    text[got] = '\0';
    close(fd);
    return text;
}

static void put(const char *text, mode_t mode, time_t modified)
{
    struct draft draft;

    ck_assert(draft_open(&draft, &place));
    ck_assert(draft_write(&draft, slice_of(text)));
    ck_assert(draft_commit(&draft, &place, &(struct draft_facts){ mode, modified }));
}

START_TEST(a_draft_becomes_the_file)
{
    struct stat stat;
    mode_t mask = umask(077);

    put("one", 0664, 1000);
    umask(mask);
    ck_assert_str_eq(content(), "one");
    ck_assert_int_eq(fstatat(place.folder, "file", &stat, 0), 0);
    ck_assert_int_eq(stat.st_mode & 07777, 0664);
    ck_assert_int_eq(stat.st_mtime, 1000);
    put("another", 0600, -1);
    ck_assert_str_eq(content(), "another");
    ck_assert_int_eq(fstatat(place.folder, "file", &stat, 0), 0);
    ck_assert_int_gt(stat.st_mtime, 1000);
    put("", 0600, -1);
    ck_assert_str_eq(content(), "");
}
END_TEST

START_TEST(what_is_dropped_was_never_there)
{
    struct draft draft;

    put("one", 0644, -1);
    ck_assert(draft_open(&draft, &place));
    ck_assert(draft_write(&draft, SLICE("two")));
    draft_drop(&draft);
    ck_assert_str_eq(content(), "one");
}
END_TEST

START_TEST(a_link_is_replaced)
{
    struct stat stat;

    ck_assert_int_eq(symlink("/etc/passwd", "file"), 0);
    put("one", 0644, -1);
    ck_assert_int_eq(fstatat(place.folder, "file", &stat, AT_SYMLINK_NOFOLLOW), 0);
    ck_assert(S_ISREG(stat.st_mode));
}
END_TEST

START_TEST(a_folder_is_not_replaced)
{
    struct draft draft;

    ck_assert_int_eq(mkdir("file", 0755), 0);
    ck_assert(draft_open(&draft, &place));
    ck_assert(!draft_commit(&draft, &place, &(struct draft_facts){ 0600, -1 }));
    ck_assert_int_eq(errno, EISDIR);
    ck_assert_int_eq(rmdir("file"), 0);
}
END_TEST

/* A file without a name in the folder, one whose name was taken away, which cannot be linked
 * again, and one of another file system. */
START_TEST(files_from_elsewhere)
{
    static const char *const folders[] = { "/tmp", "/dev/shm" };
    struct draft_facts facts = { 0640, 1000 };
    char name[64];

    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s/muxd-unit-XXXXXX", folders[i]);
        int fd = mkostemp(name, O_CLOEXEC);
        if (fd < 0 && i == 1) /* not every system has it */
            continue;
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(unlink(name), 0);
        ck_assert_int_eq(write(fd, name, strlen(name)), (ssize_t)strlen(name));
        ck_assert(draft_place_file(fd, &place, &facts));
        ck_assert_str_eq(content(), name);
        close(fd);
    }
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) /* nor has every file system this */
        return;
    ck_assert_int_eq(write(fd, "linked", 6), 6);
    ck_assert(draft_place_file(fd, &place, &facts));
    ck_assert_str_eq(content(), "linked");
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("draft");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_draft_becomes_the_file);
    tcase_add_test(tests, what_is_dropped_was_never_there);
    tcase_add_test(tests, a_link_is_replaced);
    tcase_add_test(tests, a_folder_is_not_replaced);
    tcase_add_test(tests, files_from_elsewhere);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
