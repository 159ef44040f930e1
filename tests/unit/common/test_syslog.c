#include "common/syslog.h"

#include "tests/unit/unit.h"

#include <regex.h>
#include <stdio.h>
#include <unistd.h>

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, NULL);
}

static void tear_down(void)
{
    arena_free(&arena);
}

static struct syslog *parsed(const char *options)
{
    struct slice problem;
    struct syslog *syslog = syslog_parse(&arena, slice_of(options), &problem);

    ck_assert_msg(syslog != NULL, "%.*s", (int)problem.len, problem.at);
    ck_assert_uint_eq(problem.len, 0);
    return syslog;
}

static bool matches(const char *text, const char *pattern)
{
    regex_t compiled;

    ck_assert_int_eq(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

/* ---- options ---- */

START_TEST(what_is_not_said_is_as_in_nginx)
{
    const struct syslog *syslog = parsed("server=127.0.0.1");
    char text[ADDRESS_TEXT_MAX];

    address_text(&syslog->server, text);
    ck_assert_str_eq(text, "127.0.0.1:514");
    ck_assert_uint_eq(syslog->facility, 23);
    ck_assert_uint_eq(syslog->severity, 6);
    ck_assert(slice_is(syslog->tag, "muxd"));
    ck_assert(!syslog->no_hostname);
    ck_assert_uint_gt(syslog->hostname.len, 0);
    ck_assert_int_eq(syslog->fd, -1);
}
END_TEST

START_TEST(all_that_can_be_said)
{
    const struct syslog *syslog =
        parsed("tag=Web_1,severity=debug,facility=local0,nohostname,server=[::1]:1514,nohostname");
    char text[ADDRESS_TEXT_MAX];

    address_text(&syslog->server, text);
    ck_assert_str_eq(text, "[::1]:1514");
    ck_assert_uint_eq(syslog->facility, 16);
    ck_assert_uint_eq(syslog->severity, 7);
    ck_assert(slice_is(syslog->tag, "Web_1"));
    ck_assert(syslog->no_hostname);
}
END_TEST

START_TEST(facilities_are_numbered)
{
    static const char *const names[] = {
        "kern",   "user",   "mail",     "daemon", "auth",   "intern", "lpr",    "news",
        "uucp",   "clock",  "authpriv", "ftp",    "ntp",    "audit",  "alert",  "cron",
        "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
    };

    for (unsigned i = 0; i < 24; i++) {
        struct slice options = arena_printf(&arena, "server=127.0.0.1,facility=%s", names[i]);
        ck_assert_uint_eq(parsed(options.at)->facility, i);
    }
}
END_TEST

/* As `nginx -t` words them. */
START_TEST(problems)
{
    static const char *const rows[][2] = {
        { "", "unknown syslog parameter \"\"" },
        { "tag=a", "no syslog server specified" },
        { "server=127.0.0.1,", "unknown syslog parameter \"\"" },
        { "server=127.0.0.1,nohostnam", "unknown syslog parameter \"nohostnam\"" },
        { "server=127.0.0.1,x=y", "unknown syslog parameter \"x=y\"" },
        { "server=127.0.0.1,server=127.0.0.2", "duplicate syslog \"server\"" },
        { "server=127.0.0.1,tag=a,tag=a", "duplicate syslog \"tag\"" },
        { "facility=user,facility=user", "duplicate syslog \"facility\"" },
        { "severity=warn,severity=warn", "duplicate syslog \"severity\"" },
        { "server=", "no host in syslog server \"\"" },
        { "server=unix:", "no path in the unix domain socket in syslog server \"unix:\"" },
        { "server=127.0.0.1:99999", "invalid port in syslog server \"127.0.0.1:99999\"" },
        { "server=nosuch.invalid", "host not found in syslog server \"nosuch.invalid\"" },
        { "server=127.0.0.1,facility=x", "unknown syslog facility \"x\"" },
        { "server=127.0.0.1,facility=", "unknown syslog facility \"\"" },
        { "server=127.0.0.1,severity=x", "unknown syslog severity \"x\"" },
        { "tag=a-b", "syslog \"tag\" only allows alphanumeric characters and underscore" },
        { "tag=\xe9", "syslog \"tag\" only allows alphanumeric characters and underscore" },
        { "tag=123456789012345678901234567890123", "syslog tag length exceeds 32" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice problem;
        ck_assert_ptr_null(syslog_parse(&arena, slice_of(rows[i][0]), &problem));
        ck_assert_msg(slice_is(problem, rows[i][1]), "\"%s\": %.*s", rows[i][0], (int)problem.len,
                      problem.at);
    }
}
END_TEST

START_TEST(the_longest_tag)
{
    ck_assert_uint_eq(parsed("server=127.0.0.1,tag=12345678901234567890123456789012")->tag.len, 32);
    ck_assert_uint_eq(parsed("server=127.0.0.1,tag=")->tag.len, 0);
}
END_TEST

/* ---- messages ---- */

/* A server's socket on a port of the kernel's choice. */
static int udp_server(unsigned *port)
{
    struct address name = { .len = sizeof name.name.in };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    name.name.in.sin_family = AF_INET;
    name.name.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, &name.name.any, name.len), 0);
    ck_assert_int_eq(getsockname(fd, &name.name.any, &name.len), 0);
    *port = address_port(&name);
    return fd;
}

static int unix_server(const char *path)
{
    struct address name = { .len = sizeof name.name.un };
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    name.name.un.sun_family = AF_UNIX;
    memcpy(name.name.un.sun_path, path, strlen(path) + 1);
    ck_assert_int_eq(bind(fd, &name.name.any, name.len), 0);
    return fd;
}

static const char *received(int fd)
{
    static char text[8192];
    ssize_t len = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

    text[len < 0 ? 0 : len] = '\0';
    return text;
}

START_TEST(messages_have_a_header)
{
    unsigned port;
    int fd = udp_server(&port);
    struct syslog *syslog =
        parsed(arena_printf(&arena, "server=127.0.0.1:%u,tag=web,facility=user", port).at);

    ck_assert(syslog_send(syslog, 3, SLICE("one line")));
    struct slice pattern =
        arena_printf(&arena,
                     "^<11>[A-Z][a-z]{2} [ 123][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} %.*s web: "
                     "one line$",
                     (int)syslog->hostname.len, syslog->hostname.at);
    ck_assert(matches(received(fd), pattern.at));
    syslog->no_hostname = true;
    ck_assert(syslog_send(syslog, 7, SLICE("")));
    ck_assert(matches(received(fd), "^<15>[A-Z][a-z]{2} [ 123][0-9] [0-9:]{8} web: $"));
    syslog_close(syslog);
    ck_assert_int_eq(syslog->fd, -1);
    close(fd);
}
END_TEST

START_TEST(long_messages_are_cut)
{
    unsigned port;
    int fd = udp_server(&port);
    struct syslog *syslog = parsed(arena_printf(&arena, "server=127.0.0.1:%u", port).at);
    static char message[100000];

    memset(message, 'x', sizeof message);
    ck_assert(syslog_send(syslog, 3, slice_make(message, sizeof message)));
    size_t len = strlen(received(fd));
    ck_assert_uint_gt(len, 2000);
    ck_assert_uint_lt(len, 2048 + 256);
    syslog_close(syslog);
    close(fd);
}
END_TEST

START_TEST(nobody_listens)
{
    unsigned port;
    int fd = udp_server(&port);
    struct syslog *syslog = parsed(arena_printf(&arena, "server=127.0.0.1:%u", port).at);

    close(fd);
    for (int i = 0; i < 5; i++) /* some are refused, some lost: none blocks or kills */
        syslog_send(syslog, 3, SLICE("x"));
    syslog_close(syslog);
}
END_TEST

START_TEST(a_server_that_was_started_anew)
{
    char folder[] = "/tmp/muxd-syslog-XXXXXX";

    ck_assert_ptr_nonnull(mkdtemp(folder));
    const char *path = arena_printf(&arena, "%s/s", folder).at;
    struct syslog *syslog = parsed(arena_printf(&arena, "server=unix:%s", path).at);
    ck_assert(!syslog_send(syslog, 3, SLICE("0")));
    ck_assert(!syslog_open(syslog));
    int fd = unix_server(path);
    ck_assert(syslog_send(syslog, 3, SLICE("1")));
    ck_assert(matches(received(fd), ": 1$"));
    close(fd);
    ck_assert(!syslog_send(syslog, 3, SLICE("2")));
    unlink(path);
    fd = unix_server(path);
    ck_assert(syslog_send(syslog, 3, SLICE("3")));
    ck_assert(matches(received(fd), ": 3$"));
    close(fd);
    unlink(path);
    fd = unix_server(path); /* the loss is noticed by sending */
    ck_assert(syslog_send(syslog, 3, SLICE("4")));
    ck_assert(matches(received(fd), ": 4$"));
    syslog_close(syslog);
    close(fd);
    unlink(path);
    rmdir(folder);
}
END_TEST

START_TEST(a_server_that_reads_nothing)
{
    char folder[] = "/tmp/muxd-syslog-XXXXXX";

    ck_assert_ptr_nonnull(mkdtemp(folder));
    const char *path = arena_printf(&arena, "%s/s", folder).at;
    int fd = unix_server(path);
    struct syslog *syslog = parsed(arena_printf(&arena, "server=unix:%s", path).at);
    unsigned sent = 0;
    while (sent < 100000 && syslog_send(syslog, 3, SLICE("message")))
        sent++;
    ck_assert_uint_gt(sent, 0);
    ck_assert_uint_lt(sent, 100000);
    ck_assert(matches(received(fd), ": message$"));
    ck_assert(syslog_send(syslog, 3, SLICE("room again")));
    syslog_close(syslog);
    close(fd);
    unlink(path);
    rmdir(folder);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_not_said_is_as_in_nginx,
        all_that_can_be_said,
        facilities_are_numbered,
        problems,
        the_longest_tag,
        messages_have_a_header,
        long_messages_are_cut,
        nobody_listens,
        a_server_that_was_started_anew,
        a_server_that_reads_nothing,
    };
    Suite *suite = suite_create("syslog");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, tear_down);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
