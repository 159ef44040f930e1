#include "worker/handlers/user_file.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/user-file-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[64];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *text)
{
    FILE *file = fopen(path_of("users"), "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* The hash of the user; NULL: there is no such user. */
static const char *hash_of(const char *user)
{
    static char hash[USER_HASH_MAX + 1];
    enum user_file_result result = user_file_find(path_of("users"), slice_of(user), hash);

    ck_assert_int_ne(result, USER_FILE_FAILED);
    return result == USER_FOUND ? hash : NULL;
}

START_TEST(users_and_lines)
{
    write_file("# comment\n"
               "\n"
               "ann:first\n"
               "ann:second\n"
               "anna:third:comment\n"
               "an\n"
               "carriage:return\r\n"
               "#bob:hidden\n"
               ":nobody\n"
               "empty:\n"
               "last:hash");
    ck_assert_str_eq(hash_of("ann"), "first");
    ck_assert_str_eq(hash_of("anna"), "third");
    ck_assert_str_eq(hash_of("carriage"), "return");
    ck_assert_str_eq(hash_of("empty"), "");
    ck_assert_str_eq(hash_of("last"), "hash");
    ck_assert_ptr_null(hash_of("an"));
    ck_assert_ptr_null(hash_of("Ann"));
    ck_assert_ptr_null(hash_of("#bob"));
    ck_assert_ptr_null(hash_of("bob"));
    ck_assert_ptr_null(hash_of("las"));
    ck_assert_ptr_null(hash_of("nobody"));
}
END_TEST

START_TEST(lines_across_what_is_read_at_once)
{
    char text[3 * 4096 + 64];

    for (size_t before = 4080; before < 4110; before++) {
        memset(text, 'x', before);
        strcpy(text + before, "\nann:hash\nbob:last\n");
        write_file(text);
        ck_assert_str_eq(hash_of("ann"), "hash");
        ck_assert_str_eq(hash_of("bob"), "last");
    }
}
END_TEST

START_TEST(a_hash_without_end_is_cut)
{
    static char text[8192] = "ann:";

    memset(text + 4, 'h', sizeof text - 5);
    write_file(text);
    ck_assert_uint_eq(strlen(hash_of("ann")), USER_HASH_MAX);
}
END_TEST

START_TEST(what_cannot_be_read)
{
    char hash[USER_HASH_MAX + 1];

    ck_assert_int_eq(user_file_find(path_of("none"), SLICE("ann"), hash), USER_FILE_FAILED);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(user_file_find(folder, SLICE("ann"), hash), USER_FILE_FAILED);
    ck_assert_int_eq(errno, EISDIR);
    ck_assert_int_eq(mkfifo(path_of("pipe"), 0600), 0);
    ck_assert_int_eq(user_file_find(path_of("pipe"), SLICE("ann"), hash), USER_FILE_FAILED);
    unlink(path_of("pipe"));
}
END_TEST

int main(void)
{
    if (mkdtemp(folder) == NULL)
        return 1;
    int failed = unit_main(unit_suite("user_file", (const TTest *[]){
                                                       users_and_lines,
                                                       lines_across_what_is_read_at_once,
                                                       a_hash_without_end_is_cut,
                                                       what_cannot_be_read,
                                                       NULL,
                                                   }));
    unlink(path_of("users"));
    rmdir(folder);
    return failed;
}
