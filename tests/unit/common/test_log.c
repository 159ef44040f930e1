#include "common/log.h"
#include "common/syslog.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[64];
static struct arena arena;
static struct log_files files;

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/muxd-log-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    arena_init(&arena, NULL);
    files = (struct log_files){ 0 };
    setenv("TZ", "UTC0", 1);
}

static void tear_down(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    arena_free(&arena);
}

static const char *path_of(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name).at;
}

/* All that is in a file. */
static const char *content(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "r");

    ck_assert_ptr_nonnull(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    return text;
}

static bool matches(const char *text, const char *pattern)
{
    regex_t compiled;

    ck_assert_int_eq(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

#define STAMP "^[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} "

static struct log_file *open_file(const char *name)
{
    struct log_file *file = log_file_open(&files, path_of(name));

    ck_assert_ptr_nonnull(file);
    return file;
}

/* A log with one file sink. */
static struct log log_to(struct log_file *file, enum log_level level)
{
    struct log log = { 0 };

    ck_assert(log_add_file(&log, &arena, file, level));
    return log;
}

/* ---- lines ---- */

START_TEST(lines_are_nginx_own)
{
    struct log_file *file = open_file("error.log");
    struct log log = log_to(file, LOG_LEVEL_DEBUG);
    char pattern[256];

    log_write(&log, LOG_LEVEL_ERROR, ENOENT, 45, "open() \"%s\" failed", "/x");
    snprintf(pattern, sizeof pattern,
             STAMP "\\[error\\] %ld#%ld: \\*45 open\\(\\) \"/x\" failed "
                   "\\(2: No such file or directory\\)\n$",
             (long)getpid(), (long)gettid());
    ck_assert(matches(content(file->path), pattern));
    ck_assert_int_eq(truncate(file->path, 0), 0);

    log_write(&log, LOG_LEVEL_NOTICE, 0, 0, "exiting");
    ck_assert(matches(content(file->path), STAMP "\\[notice\\] [0-9]+#[0-9]+: exiting\n$"));
    log_file_close(&files, file);
}
END_TEST

START_TEST(unknown_errors_have_a_number)
{
    struct log_file *file = open_file("error.log");
    struct log log = log_to(file, LOG_LEVEL_DEBUG);

    log_write(&log, LOG_LEVEL_ERROR, 99999, 0, "x");
    ck_assert(matches(content(file->path), ": x \\(99999: [^)]+\\)\n$"));
    log_file_close(&files, file);
}
END_TEST

START_TEST(control_characters_are_escaped)
{
    struct log_file *file = open_file("error.log");
    struct log log = log_to(file, LOG_LEVEL_DEBUG);

    log_write(&log, LOG_LEVEL_ERROR, 0, 0, "%s", "a\nb\x1b[0m\x7f\t\xc3\xa9");
    ck_assert(matches(content(file->path), ": a\\\\x0Ab\\\\x1B\\[0m\\\\x7F\\\\x09\xc3\xa9\n$"));
    log_file_close(&files, file);
}
END_TEST

START_TEST(long_lines_are_cut)
{
    struct log_file *file = open_file("error.log");
    struct log log = log_to(file, LOG_LEVEL_DEBUG);
    char message[5000];

    memset(message, 'm', sizeof message);
    for (int len = 1800; len < 4999; len += 7) {
        ck_assert_int_eq(truncate(file->path, 0), 0);
        log_write(&log, LOG_LEVEL_ERROR, ENOENT, 1, "%.*s", len, message);
        const char *line = content(file->path);
        ck_assert_uint_le(strlen(line), LOG_LINE_MAX);
        ck_assert(matches(line, "m(\\.\\.\\.)? \\(2: No such file or directory\\)\n$"));
        ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);

        ck_assert_int_eq(truncate(file->path, 0), 0);
        log_write(&log, LOG_LEVEL_ERROR, 0, 1, "%.*s", len, message);
        line = content(file->path);
        ck_assert_uint_le(strlen(line), LOG_LINE_MAX);
        ck_assert(len < 2040 || strlen(line) == LOG_LINE_MAX);
        ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    }
    log_file_close(&files, file);
}
END_TEST

START_TEST(escapes_are_never_cut_in_two)
{
    struct log_file *file = open_file("error.log");
    struct log log = log_to(file, LOG_LEVEL_DEBUG);
    char message[1200];

    memset(message, '\n', sizeof message);
    for (int start = 0; start < 4; start++) {
        ck_assert_int_eq(truncate(file->path, 0), 0);
        log_write(&log, LOG_LEVEL_ERROR, 0, 0, "%.*s%.*s", start, "abcd", 1000, message);
        ck_assert(matches(content(file->path), ": [a-d]*(\\\\x0A)+\n$"));
    }
    log_file_close(&files, file);
}
END_TEST

START_TEST(errno_is_kept)
{
    struct log_file *file = open_file("error.log");
    struct log log = log_to(file, LOG_LEVEL_DEBUG);

    close(file->fd); /* writing fails */
    errno = ERANGE;
    log_write(&log, LOG_LEVEL_ERROR, ENOENT, 0, "x");
    ck_assert_int_eq(errno, ERANGE);
    file->fd = -1;
    log_file_close(&files, file);
}
END_TEST

START_TEST(the_zone_is_the_local_one)
{
    struct log_file *file = open_file("error.log");
    struct log log = log_to(file, LOG_LEVEL_DEBUG);
    char text[32];
    time_t now;
    struct tm tm;

    setenv("TZ", "XYZ-9:30", 1);
    tzset();
    do { /* all within one second */
        now = time(NULL);
        ck_assert_int_eq(truncate(file->path, 0), 0);
        log_write(&log, LOG_LEVEL_ERROR, 0, 0, "x");
    } while (time(NULL) != now);
    now += 9 * 3600 + 1800;
    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%Y/%m/%d %H:%M:%S", &tm);
    ck_assert_int_eq(strncmp(content(file->path), text, strlen(text)), 0);
    log_file_close(&files, file);
}
END_TEST

/* ---- levels and sinks ---- */

START_TEST(levels_have_names)
{
    static const char *const names[] = { "emerg", "alert",  "crit", "error",
                                         "warn",  "notice", "info", "debug" };

    for (unsigned i = 0; i < 8; i++) {
        enum log_level level = LOG_LEVEL_EMERG;
        ck_assert_str_eq(log_level_name((enum log_level)i), names[i]);
        ck_assert(log_level_parse(slice_of(names[i]), &level));
        ck_assert_uint_eq(level, i);
    }
    enum log_level untouched = LOG_LEVEL_WARN;
    ck_assert(!log_level_parse(SLICE("ERROR"), &untouched));
    ck_assert(!log_level_parse(SLICE("err"), &untouched));
    ck_assert(!log_level_parse(SLICE(""), &untouched));
    ck_assert_int_eq(untouched, LOG_LEVEL_WARN);
}
END_TEST

START_TEST(each_sink_has_its_level)
{
    struct log_file *few = open_file("few"), *many = open_file("many");
    struct log log = { 0 };

    ck_assert(log_add_file(&log, &arena, few, LOG_LEVEL_CRIT));
    ck_assert_int_eq(log.level, LOG_LEVEL_CRIT);
    ck_assert(log_add_file(&log, &arena, many, LOG_LEVEL_INFO));
    ck_assert_int_eq(log.level, LOG_LEVEL_INFO);
    ck_assert(log_enabled(&log, LOG_LEVEL_INFO));
    ck_assert(!log_enabled(&log, LOG_LEVEL_DEBUG));
    log_write(&log, LOG_LEVEL_CRIT, 0, 0, "one");
    log_write(&log, LOG_LEVEL_INFO, 0, 0, "two");
    log_write(&log, LOG_LEVEL_DEBUG, 0, 0, "three");
    ck_assert(matches(content(few->path), ": one\n$"));
    ck_assert_ptr_null(strstr(content(few->path), "two"));
    ck_assert(matches(content(many->path), ": one\n.*: two\n$"));
    log_file_close(&files, few);
    log_file_close(&files, many);
}
END_TEST

/* What the process says on standard error while `say` runs. */
static const char *said(void (*say)(const void *), const void *argument)
{
    const char *path = path_of("stderr");
    int kept = dup(STDERR_FILENO);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);

    ck_assert_int_ge(kept, 0);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    close(fd);
    say(argument);
    dup2(kept, STDERR_FILENO);
    close(kept);
    return content(path);
}

static void say_plain(const void *log)
{
    log_write(log, LOG_LEVEL_EMERG, ENOENT, 0, "open() \"%s\" failed", "/x");
    log_write(log, LOG_LEVEL_WARN, 0, 0, "careful");
    log_write(log, LOG_LEVEL_NOTICE, 0, 0, "not for the terminal");
}

START_TEST(plain_lines_for_a_terminal)
{
    ck_assert_str_eq(said(say_plain, &log_stderr),
                     "muxd: [emerg] open() \"/x\" failed (2: No such file or directory)\n"
                     "muxd: [warn] careful\n");
}
END_TEST

START_TEST(plain_lines_beside_a_file)
{
    struct log_file *file = open_file("error.log");
    struct log log = log_to(file, LOG_LEVEL_NOTICE);

    log.plain = true;
    ck_assert_str_eq(said(say_plain, &log),
                     "muxd: [emerg] open() \"/x\" failed (2: No such file or directory)\n"
                     "muxd: [warn] careful\n");
    ck_assert(matches(content(file->path), "emerg.*\n.*warn.*\n.*notice.*\n$"));
    log_file_close(&files, file);
}
END_TEST

START_TEST(standard_error_hears_it_once)
{
    struct log_file *file = log_file_open(&files, "stderr");
    struct log log = log_to(file, LOG_LEVEL_WARN);

    log.plain = true;
    ck_assert(matches(said(say_plain, &log), STAMP "\\[emerg\\] [^\n]*\n[^\n]*careful\n$"));
    log_file_close(&files, file);
    ck_assert_int_ge(fcntl(STDERR_FILENO, F_GETFD), 0);
}
END_TEST

START_TEST(a_server_gets_the_whole_line)
{
    struct address name = { .len = sizeof name.name.un };
    const char *path = path_of("syslog");
    struct slice problem;
    struct log log = { 0 };
    char line[4096];

    name.name.un.sun_family = AF_UNIX;
    memcpy(name.name.un.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    ck_assert_int_eq(bind(fd, &name.name.any, name.len), 0);
    struct slice options = arena_printf(&arena, "server=unix:%s,nohostname,tag=t", path);
    struct syslog *server = syslog_parse(&arena, options, &problem);
    ck_assert_ptr_nonnull(server);
    ck_assert(log_add_syslog(&log, &arena, server, LOG_LEVEL_INFO));
    log_write(&log, LOG_LEVEL_ERROR, ENOENT, 0, "message");
    ssize_t len = recv(fd, line, sizeof line - 1, MSG_DONTWAIT);
    ck_assert_int_gt(len, 0);
    line[len] = '\0';
    ck_assert(matches(line, "^<187>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} t: [0-9]{4}/[0-9/]+ [0-9:]{8} "
                            "\\[error\\] [0-9]+#[0-9]+: message \\(2: No such file or "
                            "directory\\)$"));
    syslog_close(server);
    close(fd);
}
END_TEST

/* ---- files ---- */

START_TEST(a_path_is_opened_once)
{
    struct log_file *first = open_file("a"), *second = open_file("a"), *other = open_file("b");
    struct stat status;

    ck_assert_ptr_eq(first, second);
    ck_assert_ptr_ne(first, other);
    ck_assert_int_eq(stat(first->path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0111, 0);
    ck_assert_int_ne(fcntl(first->fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(first->fd, F_GETFL) & O_APPEND, 0);
    int fd = first->fd;
    log_file_close(&files, first);
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    log_file_close(&files, second);
    ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
    ck_assert_ptr_eq(files.first, other);
    log_file_close(&files, other);
    ck_assert_ptr_null(files.first);
}
END_TEST

START_TEST(what_cannot_be_opened)
{
    errno = 0;
    ck_assert_ptr_null(log_file_open(&files, path_of("no/such/folder")));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_ptr_null(log_file_open(&files, folder));
    ck_assert_int_eq(errno, EISDIR);
    /* A FIFO that nobody reads would make the start wait. */
    const char *fifo = path_of("fifo");
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_ptr_null(log_file_open(&files, fifo));
    ck_assert_int_eq(errno, ENXIO);
    ck_assert_ptr_null(files.first);
}
END_TEST

START_TEST(reopening_keeps_the_descriptor)
{
    struct log_file *file = open_file("a");
    const char *moved = path_of("a.1");
    int fd = file->fd;

    ck_assert(log_file_write(file, "1\n", 2));
    ck_assert_int_eq(rename(file->path, moved), 0);
    ck_assert(log_file_write(file, "2\n", 2));
    ck_assert(log_files_reopen(&files, (uid_t)-1, NULL));
    ck_assert_int_eq(file->fd, fd);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert(log_file_write(file, "3\n", 2));
    ck_assert_str_eq(content(moved), "1\n2\n");
    ck_assert_str_eq(content(file->path), "3\n");
    log_file_close(&files, file);
}
END_TEST

START_TEST(what_fails_to_reopen_is_kept)
{
    const char *inner = path_of("inner"), *moved = path_of("moved"), *failed = NULL;

    ck_assert_int_eq(mkdir(inner, 0700), 0);
    struct log_file *bad = open_file("inner/a"), *good = open_file("b");
    ck_assert_int_eq(rename(inner, moved), 0);
    ck_assert_int_eq(unlink(good->path), 0);
    errno = 0;
    ck_assert(!log_files_reopen(&files, (uid_t)-1, &failed));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_str_eq(failed, bad->path);
    ck_assert(log_file_write(bad, "still\n", 6));
    ck_assert_str_eq(content(path_of("moved/a")), "still\n");
    ck_assert(log_file_write(good, "anew\n", 5));
    ck_assert_str_eq(content(good->path), "anew\n");
    log_file_close(&files, bad);
    log_file_close(&files, good);
}
END_TEST

START_TEST(files_are_given_away)
{
    struct log_file *file = open_file("a"), *null = log_file_open(&files, "/dev/null");
    struct log_file *standard = log_file_open(&files, "stderr");
    struct stat status, null_before, null_after;
    const char *failed = NULL;

    ck_assert_ptr_nonnull(null);
    ck_assert_int_eq(fstat(null->fd, &null_before), 0);
    ck_assert_int_eq(chmod(file->path, 0444), 0);
    uid_t uid = geteuid() == 0 ? 65534 : geteuid();
    ck_assert(log_files_chown(&files, uid, &failed));
    ck_assert_ptr_null(failed);
    ck_assert_int_eq(stat(file->path, &status), 0);
    ck_assert_uint_eq(status.st_uid, uid);
    ck_assert_uint_eq(status.st_mode & 0777, 0644);
    ck_assert_int_eq(fstat(null->fd, &null_after), 0);
    ck_assert_uint_eq(null_after.st_uid, null_before.st_uid);

    ck_assert_int_eq(unlink(file->path), 0);
    ck_assert(log_files_reopen(&files, uid, &failed));
    ck_assert_int_eq(stat(file->path, &status), 0);
    ck_assert_uint_eq(status.st_uid, uid);
    log_file_close(&files, file);
    log_file_close(&files, null);
    log_file_close(&files, standard);
}
END_TEST

START_TEST(a_full_disk_is_left_alone)
{
    struct log_file *file = log_file_open(&files, "/dev/full");
    struct log log = log_to(file, LOG_LEVEL_DEBUG);

    ck_assert_ptr_nonnull(file);
    ck_assert(!log_file_write(file, "x\n", 2));
    ck_assert_int_eq(errno, ENOSPC);
    uint64_t until = file->full_until;
    ck_assert_uint_ne(until, 0);
    file->full_until = UINT64_MAX; /* the pause is not over, whatever the test's pace */
    log_write(&log, LOG_LEVEL_ERROR, 0, 0, "x");
    errno = 0;
    ck_assert(!log_file_write(file, "x\n", 2));
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_uint_eq(file->full_until, UINT64_MAX); /* nothing was tried */

    file->full_until = 1; /* long ago */
    ck_assert(!log_file_write(file, "x\n", 2));
    ck_assert_uint_gt(file->full_until, 1);

    int null = open("/dev/null", O_WRONLY);
    ck_assert_int_ge(dup2(null, file->fd), 0);
    close(null);
    file->full_until = 1;
    ck_assert(log_file_write(file, "x\n", 2));
    ck_assert_uint_eq(file->full_until, 0);
    log_file_close(&files, file);
}
END_TEST

START_TEST(a_reader_that_sleeps_blocks_nobody)
{
    const char *path = path_of("fifo");
    static char line[4096];

    memset(line, 'x', sizeof line);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    struct log_file *file = log_file_open(&files, path);
    ck_assert_ptr_nonnull(file);
    unsigned written = 0;
    while (written < 1000 && log_file_write(file, line, sizeof line))
        written++;
    ck_assert_uint_gt(written, 0);
    ck_assert_uint_lt(written, 1000);
    ck_assert_uint_ne(file->full_until, 0);
    while (read(reader, line, sizeof line) > 0)
        ;
    file->full_until = 1;
    ck_assert(log_file_write(file, line, sizeof line));
    log_file_close(&files, file);
    close(reader);
}
END_TEST

/* Lines of several processes are never mixed. */
START_TEST(lines_are_written_whole)
{
    enum { WRITERS = 3, LINES = 300 };
    struct log_file *file = open_file("error.log");
    struct log log = log_to(file, LOG_LEVEL_DEBUG);
    char message[1500];

    for (unsigned writer = 0; writer < WRITERS; writer++) {
        if (fork() != 0)
            continue;
        memset(message, (int)('a' + writer), sizeof message);
        for (int i = 0; i < LINES; i++)
            log_write(&log, LOG_LEVEL_ERROR, 0, 0, "%.*s", (int)sizeof message, message);
        _exit(0);
    }
    for (int i = 0; i < WRITERS; i++)
        wait(NULL);
    FILE *lines = fopen(file->path, "r");
    char *line = NULL;
    size_t room = 0;
    int count = 0;
    for (ssize_t len; (len = getline(&line, &room, lines)) > 0; count++) {
        const char *text = strrchr(line, ' ') + 1;
        ck_assert_uint_eq(strspn(text, (const char[]){ *text, '\0' }), sizeof message);
    }
    ck_assert_int_eq(count, WRITERS * LINES);
    free(line);
    fclose(lines);
    log_file_close(&files, file);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        lines_are_nginx_own,
        unknown_errors_have_a_number,
        control_characters_are_escaped,
        long_lines_are_cut,
        escapes_are_never_cut_in_two,
        errno_is_kept,
        the_zone_is_the_local_one,
        levels_have_names,
        each_sink_has_its_level,
        plain_lines_for_a_terminal,
        plain_lines_beside_a_file,
        standard_error_hears_it_once,
        a_server_gets_the_whole_line,
        a_path_is_opened_once,
        what_cannot_be_opened,
        reopening_keeps_the_descriptor,
        what_fails_to_reopen_is_kept,
        files_are_given_away,
        a_full_disk_is_left_alone,
        a_reader_that_sleeps_blocks_nobody,
        lines_are_written_whole,
    };
    Suite *suite = suite_create("log");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, tear_down);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
