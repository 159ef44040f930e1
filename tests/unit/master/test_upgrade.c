/* Two masters on the same sockets: what the new one finds in its environment, who steers, and
 * when there can be no upgrade. */
#include "master/upgrade.h"

#include "tests/unit/hearing_log.h"
#include "tests/unit/master/addresses.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

static struct master master;
static struct generation generation;
static struct main_settings settings;
static struct hearing_log heard;
static struct listener listener;

static void set_up(void)
{
    hearing_log_init(&heard);
    settings = (struct main_settings){ .pid = "/run/muxd.pid" };
    generation = (struct generation){ .settings = &settings, .number = 1 };
    arena_init(&generation.arena, NULL);
    master = (struct master){
        .log = &heard.log,
        .current = &generation,
        .upgrade = { .ready = -1, .standard_error = -1, .report = -1 },
    };
    listener = listener_on_free_port();
    unsetenv("MUXD");
    unsetenv("MUXD_LENT");
    unsetenv("MUXD_READY");
}

static void tear_down(void)
{
    listeners_close(&master.listeners, &log_stderr);
    arena_free(&generation.arena);
}

/* One of several sockets that listen on the address, as another master has opened them. */
static int listen_there(void)
{
    const struct address *address = &listener.options.address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int)), 0);
    ck_assert_int_eq(bind(fd, &address->name.any, address->len), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    return fd;
}

static bool listens(int fd)
{
    int value = 0;
    socklen_t len = sizeof value;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value != 0;
}

START_TEST(a_start_like_any_other)
{
    upgrade_inherit(&master);
    ck_assert_int_eq(master.upgrade.predecessor, 0);
    ck_assert_ptr_null(master.listeners.first);
    ck_assert(upgrade_steers(&master));
    upgrade_ready(&master); /* nobody wants to know */
    ck_assert_str_eq(upgrade_pid_path(&master), "/run/muxd.pid");
}
END_TEST

/* Passes two sockets; `lent`: the first one is the service manager's. */
static void inherit_two(int fds[2], bool lent, const char *ready)
{
    char text[40];

    fds[0] = listen_there();
    fds[1] = listen_there();
    snprintf(text, sizeof text, "%d;%d;", fds[0], fds[1]);
    setenv("MUXD", text, 1);
    snprintf(text, sizeof text, "%d;", fds[0]);
    setenv("MUXD_LENT", lent ? text : "", 1);
    if (ready != NULL)
        setenv("MUXD_READY", ready, 1);
    upgrade_inherit(&master);
}

START_TEST(sockets_are_taken_in_their_order)
{
    int fds[2];

    inherit_two(fds, false, NULL);
    const struct socket_group *group = listeners_group(&master.listeners, &listener);
    ck_assert_ptr_nonnull(group);
    ck_assert_uint_eq(group->count, 2);
    ck_assert_uint_eq(group->shared, 2);
    ck_assert_uint_eq(group->lent, 0);
    ck_assert_int_eq(group->sockets[0], fds[0]);
    ck_assert_int_eq(group->sockets[1], fds[1]);
    ck_assert_int_eq(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(master.upgrade.predecessor, getppid());
    ck_assert_ptr_null(getenv("MUXD"));
    ck_assert_ptr_null(getenv("MUXD_LENT"));
}
END_TEST

START_TEST(the_manager_s_stay_the_manager_s)
{
    int fds[2];

    inherit_two(fds, true, NULL);
    const struct socket_group *group = listeners_group(&master.listeners, &listener);
    ck_assert_uint_eq(group->lent, 1);
    ck_assert_uint_eq(group->shared, 2);
    int kept[] = { dup(fds[0]), dup(fds[1]) };
    listeners_unshare(&master.listeners, &heard.log); /* the old master has gone */
    listeners_retire(&master.listeners);
    ck_assert_uint_eq(group->count, 1);
    ck_assert(listens(kept[0]));
    ck_assert(!listens(kept[1])); /* was shut down, in whatever process it is */
    close(kept[0]);
    close(kept[1]);
}
END_TEST

START_TEST(what_is_no_list_is_left)
{
    static const char *const lists[] = { "", "7", "x;", "99999999999;", "900;", "0;1;" };

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        setenv("MUXD", lists[i], 1);
        upgrade_inherit(&master);
        ck_assert_ptr_null(master.listeners.first);
        ck_assert_ptr_null(getenv("MUXD"));
    }
    ck_assert_ptr_nonnull(strstr(heard.last, "invalid socket in the MUXD environment variable"));
}
END_TEST

START_TEST(the_old_one_hears_when_the_new_one_serves)
{
    int fds[2], ends[2];
    char number[12], word[40];

    ck_assert_int_eq(pipe(ends), 0);
    snprintf(number, sizeof number, "%d", ends[1]);
    inherit_two(fds, false, number);
    ck_assert_int_eq(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
    ck_assert(!upgrade_steers(&master)); /* the old one does, until these serve */
    upgrade_ready(&master);
    ssize_t got = read(ends[0], word, sizeof word - 1);
    ck_assert_int_gt(got, 0);
    word[got] = '\0';
    ck_assert_str_eq(word, "muxd: ready\n");
    ck_assert_int_eq(read(ends[0], word, 1), 0); /* nothing more: it is closed */
    master.announced = true;
    ck_assert(upgrade_steers(&master));
    master.phase = MASTER_QUITTING; /* the way back: they are the old one's again */
    ck_assert(!upgrade_steers(&master));
    close(ends[0]);
}
END_TEST

START_TEST(when_the_old_one_has_gone)
{
    int fds[2];

    inherit_two(fds, false, NULL);
    upgrade_advance(&master, 1000);
    ck_assert_int_eq(master.upgrade.predecessor, getppid());
    ck_assert_uint_eq(listeners_group(&master.listeners, &listener)->shared, 2);
    master.upgrade.predecessor = getpid(); /* not the parent: that has another child reaper */
    upgrade_advance(&master, 2000);
    ck_assert_int_eq(master.upgrade.predecessor, 0);
    ck_assert_uint_eq(listeners_group(&master.listeners, &listener)->shared, 0);
    ck_assert(upgrade_steers(&master));
    ck_assert(master.drain.active); /* nothing listens there in this configuration */
}
END_TEST

START_TEST(who_has_executed_a_new_one)
{
    master.upgrade.successor = getpid();
    ck_assert(!upgrade_steers(&master));
    ck_assert_str_eq(upgrade_pid_path(&master), "/run/muxd.pid.oldbin");
    generation.leaving = true;
    upgrade_reclaim(&master);
    ck_assert(upgrade_steers(&master));
    ck_assert(!generation.leaving);
    ck_assert(!upgrade_reaped(&master, getpid() + 1, 1000)); /* some other child */
}
END_TEST

/* A new master that this one has executed, which says nothing; and where it would. */
static int begin_with_a_silent_one(uint64_t due)
{
    int ends[2];
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        for (;;)
            pause();
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    master.upgrade = (struct upgrade){ .successor = pid,
                                       .whole = true,
                                       .report = ends[0],
                                       .ready = -1,
                                       .standard_error = -1,
                                       .due = due };
    return ends[1];
}

START_TEST(one_that_does_not_serve_in_time_is_killed)
{
    int said = begin_with_a_silent_one(2000), status;
    pid_t successor = master.upgrade.successor;

    upgrade_advance(&master, 1999);
    ck_assert_int_eq(waitpid(successor, &status, WNOHANG), 0);
    upgrade_advance(&master, 2000);
    ck_assert_str_eq(heard.last, "the new binary does not serve in time");
    ck_assert_int_eq(waitpid(successor, &status, 0), successor);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(said);
    close(master.upgrade.report);
}
END_TEST

/* It may take its time to say so, in pieces, with other things before. */
START_TEST(one_that_serves_is_heard)
{
    int said = begin_with_a_silent_one(2000);
    char warnings[5000];

    master.upgrade.whole = false;
    memset(warnings, 'm', sizeof warnings);
    ck_assert_int_eq(write(said, warnings, sizeof warnings), (ssize_t)sizeof warnings);
    ck_assert_int_eq(write(said, "muxd: [warn] a\nmuxd: rea", 24), 24);
    upgrade_advance(&master, 1000);
    ck_assert(!master.upgrade.serving);
    ck_assert_int_eq(write(said, "dy\n", 3), 3);
    upgrade_advance(&master, 1500);
    ck_assert(master.upgrade.serving);
    ck_assert_ptr_nonnull(strstr(heard.last, " serves"));
    ck_assert_int_eq(master.upgrade.report, -1);
    kill(master.upgrade.successor, SIGKILL);
    waitpid(master.upgrade.successor, NULL, 0);
    close(said);
}
END_TEST

START_TEST(when_there_can_be_none)
{
    struct generation next = { 0 };

    master.phase = MASTER_QUITTING;
    ck_assert_str_eq(upgrade_begin(&master, true, 1000), "the server is leaving");
    master.phase = MASTER_SERVING;
    generation.leaving = true;
    ck_assert_str_eq(upgrade_begin(&master, true, 1000), "the server is leaving");
    generation.leaving = false;
    master.reload.next = &next;
    ck_assert_str_eq(upgrade_begin(&master, true, 1000), "a reload is under way");
    master.reload.next = NULL;
    master.upgrade.successor = getpid();
    ck_assert_str_eq(upgrade_begin(&master, true, 1000),
                     "an upgrade is under way: the old or the new master has to leave first");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("upgrade");
    TCase *all = tcase_create("upgrade");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_start_like_any_other);
    tcase_add_test(all, sockets_are_taken_in_their_order);
    tcase_add_test(all, the_manager_s_stay_the_manager_s);
    tcase_add_test(all, what_is_no_list_is_left);
    tcase_add_test(all, the_old_one_hears_when_the_new_one_serves);
    tcase_add_test(all, when_the_old_one_has_gone);
    tcase_add_test(all, who_has_executed_a_new_one);
    tcase_add_test(all, one_that_does_not_serve_in_time_is_killed);
    tcase_add_test(all, one_that_serves_is_heard);
    tcase_add_test(all, when_there_can_be_none);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
