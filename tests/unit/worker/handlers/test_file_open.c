#include "worker/handlers/file_open.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct path_guard free_way, no_links = { .mode = SYMLINKS_REFUSED },
                                         own_links = { .mode = SYMLINKS_OF_OWNER };
static char folder[64];

/* A folder with a file, a folder, a FIFO, a socket and links. */
static void setup(void)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "socket" };

    strcpy(folder, "/tmp/muxd-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    FILE *file = fopen("file", "we");
    ck_assert_ptr_nonnull(file);
    fputs("text", file);
    fclose(file);
    ck_assert_int_eq(mkdir("folder", 0755), 0);
    ck_assert_int_eq(rename("file", "folder/file"), 0);
    ck_assert_int_eq(mkfifo("fifo", 0644), 0);
    ck_assert_int_eq(symlink("folder", "link"), 0);
    ck_assert_int_eq(symlink("folder/file", "filelink"), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    close(fd);
}

static void teardown(void)
{
    static const char *const names[] = { "folder/file", "fifo", "link", "filelink", "socket" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(names[i]);
    rmdir("folder");
    ck_assert_int_eq(chdir("/"), 0);
    rmdir(folder);
}

static struct slice path(const char *name)
{
    static char text[200];
    int len = snprintf(text, sizeof text, "%s/%s", folder, name);

    return slice_make(text, (size_t)len);
}

static void forget(struct opened *opened)
{
    if (opened->fd >= 0)
        close(opened->fd);
    free(opened->content);
}

START_TEST(small_files_are_read_and_others_stay_open)
{
    static const struct path_guard *const guards[] = { &free_way, &no_links, &own_links };
    struct opened opened;

    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(path_open(path("folder/file"), *guards[i], 4, &opened), 0);
        ck_assert_int_eq(opened.kind, FILE_REGULAR);
        ck_assert_int_eq(opened.fd, -1);
        ck_assert_int_eq(memcmp(opened.content, "text", 4), 0);
        forget(&opened);
        ck_assert_int_eq(path_open(path("folder/file"), *guards[i], 3, &opened), 0);
        ck_assert_int_ge(opened.fd, 0);
        ck_assert_ptr_null(opened.content);
        forget(&opened);
    }
}
END_TEST

START_TEST(kinds_are_told_without_waiting)
{
    struct opened opened;

    ck_assert_int_eq(path_open(path("folder"), free_way, 4, &opened), 0);
    ck_assert_int_eq(opened.kind, FILE_DIRECTORY);
    ck_assert_int_eq(opened.fd, -1);
    ck_assert_int_eq(path_open(path("folder/"), no_links, 4, &opened), 0);
    ck_assert_int_eq(opened.kind, FILE_DIRECTORY);
    ck_assert_int_eq(path_open(path("fifo"), free_way, 4, &opened), 0);
    ck_assert_int_eq(opened.kind, FILE_OTHER);
    ck_assert_int_eq(path_open(path("socket"), free_way, 4, &opened), 0);
    ck_assert_int_eq(opened.kind, FILE_OTHER);
    ck_assert_int_eq(path_open(path("none"), free_way, 4, &opened), ENOENT);
    ck_assert_int_eq(path_open(path("folder/file/x"), free_way, 4, &opened), ENOTDIR);
    ck_assert_int_eq(path_open(path("folder/file/"), no_links, 4, &opened), ENOTDIR);
}
END_TEST

START_TEST(links_are_guarded)
{
    struct opened opened;
    struct stat stat;

    ck_assert_int_eq(path_open(path("filelink"), no_links, 4, &opened), ELOOP);
    ck_assert_int_eq(guarded_stat(path("filelink"), no_links, &stat), ELOOP);
    ck_assert_int_eq(path_open(path("link/file"), no_links, 4, &opened), ENOTDIR);
    ck_assert_int_eq(guarded_stat(path("link/file"), no_links, &stat), ENOTDIR);
    ck_assert_int_eq(path_open(path("link/file"), own_links, 4, &opened), 0);
    forget(&opened);
    ck_assert_int_eq(guarded_stat(path("filelink"), own_links, &stat), 0);
    ck_assert(S_ISREG(stat.st_mode));
    struct path_guard from = { SYMLINKS_REFUSED, strlen(folder) + 5 };
    ck_assert_int_eq(path_open(path("link/file"), from, 4, &opened), 0);
    forget(&opened);
}
END_TEST

/* What is at the place: 0 or an errno. */
static int look(struct slice where, struct path_guard guard)
{
    char text[PATH_MAX];
    struct place place;
    struct stat stat;

    if (!place_open(where, guard, text, &place))
        return errno;
    int error = fstatat(place.folder, place.name, &stat, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
    place_close(&place);
    return error;
}

START_TEST(places_are_below_folders)
{
    static const struct path_guard *const guards[] = { &free_way, &no_links, &own_links };

    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(look(path("folder/file"), *guards[i]), 0);
        ck_assert_int_eq(look(path("folder//"), *guards[i]), 0);
        ck_assert_int_eq(look(path("filelink"), *guards[i]), 0);
        ck_assert_int_eq(look(path("none"), *guards[i]), ENOENT);
        ck_assert_int_eq(look(path("none/x"), *guards[i]), ENOENT);
        ck_assert_int_eq(look(path("folder/file/x"), *guards[i]), ENOTDIR);
        ck_assert_int_eq(look(SLICE("/"), *guards[i]), EINVAL);
        ck_assert_int_eq(look(SLICE("/tmp"), *guards[i]), 0);
    }
    ck_assert_int_eq(look(path("link/file"), free_way), 0);
    ck_assert_int_eq(look(path("link/file"), no_links), ENOTDIR);
    struct path_guard from = { SYMLINKS_REFUSED, strlen(folder) + 5 };
    ck_assert_int_eq(look(path("link/file"), from), 0);
    ck_assert_int_eq(look(path("link"), from), 0);
}
END_TEST

START_TEST(folders_on_the_way_are_made)
{
    struct stat stat;
    mode_t mask = umask(077);

    ck_assert(place_make_folders(path("new/a//b/file"), no_links, 0750));
    umask(mask);
    ck_assert_int_eq(guarded_stat(path("new/a/b"), free_way, &stat), 0);
    ck_assert_int_eq(stat.st_mode & 07777, 0750);
    ck_assert(place_make_folders(path("new/a/b/file"), free_way, 0700));
    ck_assert_int_eq(look(path("new/a/b/file"), free_way), ENOENT);
    ck_assert(!place_make_folders(path("link/c/file"), no_links, 0700));
    ck_assert(!place_make_folders(path("folder/file/c/file"), free_way, 0700));
    ck_assert_int_eq(errno, ENOTDIR);
    ck_assert_int_eq(rmdir("new/a/b"), 0);
    ck_assert_int_eq(rmdir("new/a"), 0);
    ck_assert_int_eq(rmdir("new"), 0);
}
END_TEST

START_TEST(a_path_has_an_end)
{
    char text[5000];
    struct opened opened;
    struct stat stat;

    memset(text, '/', sizeof text);
    text[sizeof text - 1] = '\0';
    struct slice endless = slice_make(text, sizeof text - 1);
    ck_assert_int_eq(path_open(endless, no_links, 4, &opened), ENAMETOOLONG);
    ck_assert_int_eq(guarded_stat(endless, no_links, &stat), ENAMETOOLONG);
    ck_assert_int_eq(path_open(endless, free_way, 4, &opened), ENAMETOOLONG);
    ck_assert_int_eq(look(endless, free_way), EINVAL); /* nothing but slashes */
    text[sizeof text - 2] = 'x';
    ck_assert_int_eq(look(endless, free_way), ENAMETOOLONG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file_open");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, small_files_are_read_and_others_stay_open);
    tcase_add_test(tests, kinds_are_told_without_waiting);
    tcase_add_test(tests, links_are_guarded);
    tcase_add_test(tests, places_are_below_folders);
    tcase_add_test(tests, folders_on_the_way_are_made);
    tcase_add_test(tests, a_path_has_an_end);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
