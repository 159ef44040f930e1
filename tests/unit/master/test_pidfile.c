#include "master/pidfile.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];
static struct arena arena;
static struct log_files files;
static struct log log_here; /* what is logged goes to a file of the test's */

static const char *logged_path(void)
{
    return arena_printf(&arena, "%s/log", folder).at;
}

static void set_up(void)
{
    arena_init(&arena, NULL);
    files = (struct log_files){ 0 };
    log_here = (struct log){ 0 };
    umask(022);
    snprintf(folder, sizeof folder, "/tmp/muxd-pid-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/muxd.pid", folder);
    struct log_file *file = log_file_open(&files, logged_path());
    ck_assert_ptr_nonnull(file);
    ck_assert(log_add_file(&log_here, &arena, file, LOG_LEVEL_DEBUG));
}

static void tear_down(void)
{
    char command[128];

    log_file_close(&files, files.first);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    arena_free(&arena);
}

static const char *content(const char *name)
{
    static char text[4096];
    FILE *file = fopen(name, "r");

    ck_assert_ptr_nonnull(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    return text;
}

/* The log has a line of this level with this message, and is empty from then on. */
static bool logged(const char *level, const char *message)
{
    const char *text = content(logged_path());
    bool found = strstr(text, level) != NULL && strstr(text, message) != NULL;

    ck_assert_int_eq(truncate(logged_path(), 0), 0);
    return found;
}

static void put(const char *text, size_t len)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(written_and_read)
{
    struct stat status;

    ck_assert(pidfile_write(&log_here, path, 4711));
    ck_assert_str_eq(content(path), "4711\n");
    ck_assert_int_eq(pidfile_read(&log_here, path), 4711);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0644);
    ck_assert(pidfile_write(&log_here, path, 7)); /* shorter: nothing of the old one is left */
    ck_assert_str_eq(content(path), "7\n");
    pidfile_remove(&log_here, path);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_str_eq(content(logged_path()), "");
}
END_TEST

START_TEST(check_keeps_what_is_there)
{
    ck_assert(pidfile_check(&log_here, path));
    ck_assert_int_ne(access(path, F_OK), 0);
    put("12\n", 3);
    ck_assert(pidfile_check(&log_here, path));
    ck_assert_str_eq(content(path), "12\n");
}
END_TEST

START_TEST(numbers)
{
    static const struct {
        const char *text;
        pid_t pid;
    } rows[] = {
        { "1", 1 },
        { "123\n", 123 },
        { "123\r\n", 123 },
        { "123\n\n\n", 123 },
        { "2147483647\n", 2147483647 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put(rows[i].text, strlen(rows[i].text));
        ck_assert_int_eq(pidfile_read(&log_here, path), rows[i].pid);
    }
    ck_assert_str_eq(content(logged_path()), "");
}
END_TEST

/* kill(2) gives 0 and negative numbers other meanings: they must never come out. */
START_TEST(what_is_no_process)
{
    static const char *const texts[] = {
        "",    "\n",   "0\n",    "-1\n",       "x\n",
        "1 2", " 1\n", "1x\n",   "2147483648", "18446744073709551617\n",
        "+1",  "1.0",  "0x10\n", "1\n2\n",     "11111111111111111111111111111111111111111111111111",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put(texts[i], strlen(texts[i]));
        ck_assert_msg(pidfile_read(&log_here, path) == -1, "\"%s\"", texts[i]);
        ck_assert(logged("[error]", "invalid PID number \""));
    }
    put("1\0002", 3);
    ck_assert_int_eq(pidfile_read(&log_here, path), -1);
}
END_TEST

START_TEST(problems_are_logged)
{
    const char *nowhere = arena_printf(&arena, "%s/no/muxd.pid", folder).at;
    const char *failed =
        arena_printf(&arena, "open() \"%s\" failed (2: No such file or directory)", nowhere).at;

    ck_assert(!pidfile_check(&log_here, nowhere));
    ck_assert(logged("[emerg]", failed));
    ck_assert(!pidfile_write(&log_here, nowhere, 1));
    ck_assert(logged("[emerg]", failed));
    ck_assert_int_eq(pidfile_read(&log_here, nowhere), -1);
    ck_assert(logged("[error]", failed));
    pidfile_remove(&log_here, nowhere);
    ck_assert(logged("[alert]", "unlink() \""));
    ck_assert_int_eq(pidfile_read(&log_here, folder), -1);
    ck_assert(logged("[error]", "(21: Is a directory)"));
}
END_TEST

START_TEST(a_full_disk)
{
    ck_assert(!pidfile_write(&log_here, "/dev/full", 1));
    ck_assert(logged("[emerg]", "write() to \"/dev/full\" failed (28: No space left on device)"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        written_and_read,   check_keeps_what_is_there, numbers,
        what_is_no_process, problems_are_logged,       a_full_disk,
    };
    Suite *suite = suite_create("pidfile");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, tear_down);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
