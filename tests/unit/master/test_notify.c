/* What the service manager is sent, and when; with a clock of the test's own. */
#include "master/notify.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct notify notify;
static int manager;
static char path[64];

/* A manager that listens at the name; a leading '@' makes it abstract. */
static void listen_at(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(name);

    memcpy(address.sun_path, name, len);
    if (*name == '@')
        address.sun_path[0] = '\0';
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(manager, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
}

static void set_up(void)
{
    snprintf(path, sizeof path, "/tmp/muxd-test-notify-%d", (int)getpid());
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    listen_at(path);
}

static void tear_down(void)
{
    notify_leave(&notify);
    close(manager);
    unlink(path);
}

/* The next datagram; "" when there is none. */
static const char *heard(void)
{
    static char text[512];
    ssize_t got = recv(manager, text, sizeof text - 1, 0);

    text[got > 0 ? got : 0] = '\0';
    return text;
}

START_TEST(states)
{
    char expected[200];
    unsigned long long at = 0;

    notify_open(&notify);
    notify_ready(&notify, 3, 8);
    snprintf(expected, sizeof expected,
             "READY=1\nSTATUS=Serving: generation 3, 8 workers\nMAINPID=%d", (int)getpid());
    ck_assert_str_eq(heard(), expected);
    notify_reloading(&notify);
    ck_assert_int_eq(sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=", &at), 1);
    ck_assert_uint_gt(at, 0);
    notify_failed(&notify, 3);
    ck_assert_str_eq(heard(), "READY=1\nSTATUS=Serving: generation 3; the last reload failed");
    notify_stopping(&notify);
    ck_assert_str_eq(heard(), "STOPPING=1\nSTATUS=Finishing what is being answered");
    ck_assert_uint_eq(notify_advance(&notify, 0), UINT64_MAX); /* no watchdog */
    ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(an_abstract_name)
{
    char name[64];

    close(manager);
    snprintf(name, sizeof name, "@muxd-test-notify-%d", (int)getpid());
    listen_at(name);
    notify_open(&notify);
    notify_stopping(&notify);
    ck_assert_str_eq(heard(), "STOPPING=1\nSTATUS=Finishing what is being answered");
}
END_TEST

/* Who has handed over says nothing more. */
START_TEST(a_successor)
{
    notify_open(&notify);
    notify_successor(&notify, 4711);
    ck_assert_str_eq(heard(), "MAINPID=4711");
    notify_stopping(&notify);
    notify_ready(&notify, 1, 1);
    ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(the_watchdog_is_fed_twice_in_its_time)
{
    setenv("WATCHDOG_USEC", "30000000", 1);
    notify_open(&notify);
    ck_assert_uint_eq(notify_advance(&notify, 1000), 16000);
    ck_assert_str_eq(heard(), "WATCHDOG=1");
    ck_assert_uint_eq(notify_advance(&notify, 15999), 16000);
    ck_assert_str_eq(heard(), "");
    ck_assert_uint_eq(notify_advance(&notify, 16000), 31000);
    ck_assert_str_eq(heard(), "WATCHDOG=1");
    ck_assert_uint_eq(notify_advance(&notify, 99000), 114000);
    ck_assert_str_eq(heard(), "WATCHDOG=1");
}
END_TEST

START_TEST(whose_watchdog_it_is)
{
    char pid[20];

    setenv("WATCHDOG_USEC", "1000000", 1);
    snprintf(pid, sizeof pid, "%d", (int)getpid() + 1);
    setenv("WATCHDOG_PID", pid, 1);
    notify_open(&notify);
    ck_assert_uint_eq(notify_advance(&notify, 1), UINT64_MAX);
    notify_leave(&notify);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    notify_open(&notify);
    ck_assert_uint_eq(notify_advance(&notify, 1), 501);
    notify_leave(&notify);
    setenv("WATCHDOG_USEC", "soon", 1);
    notify_open(&notify);
    ck_assert_uint_eq(notify_advance(&notify, 1), UINT64_MAX);
}
END_TEST

START_TEST(names_that_are_none)
{
    static const char *const names[] = { "", "/", "@", "relative", "vsock:1" };
    char long_name[200];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        notify_open(&notify);
        ck_assert_int_eq(notify.fd, -1);
        notify_stopping(&notify);
    }
    memset(long_name, '/', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    setenv("NOTIFY_SOCKET", long_name, 1);
    notify_open(&notify);
    ck_assert_int_eq(notify.fd, -1);
    unsetenv("NOTIFY_SOCKET");
    notify_open(&notify);
    ck_assert_int_eq(notify.fd, -1);
    ck_assert_uint_eq(notify_advance(&notify, 1), UINT64_MAX);
}
END_TEST

/* Nobody is served worse for a manager that does not read. */
START_TEST(a_manager_that_does_not_read)
{
    enum { MANY = 2000 };

    notify_open(&notify);
    for (int i = 0; i < MANY; i++)
        notify_failed(&notify, 1);
    close(manager);
    notify_failed(&notify, 1);
    manager = -1;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notify");
    TCase *all = tcase_create("notify");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, states);
    tcase_add_test(all, an_abstract_name);
    tcase_add_test(all, a_successor);
    tcase_add_test(all, the_watchdog_is_fed_twice_in_its_time);
    tcase_add_test(all, whose_watchdog_it_is);
    tcase_add_test(all, names_that_are_none);
    tcase_add_test(all, a_manager_that_does_not_read);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
