/* Every test runs in both rooms, epoll and select. */
#include "worker/event/loop.h"

#include "tests/unit/worker/event/probes.h"

#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

/* ---- opening ---- */

START_TEST(names)
{
    const char *const *all = loop_names();

    ck_assert_str_eq(all[0], "epoll");
    ck_assert_str_eq(all[1], "select");
    ck_assert_ptr_null(all[2]);
    errno = 0;
    ck_assert_ptr_null(loop_open("kqueue", 10));
    ck_assert_int_eq(errno, EINVAL);
    loop = loop_open(NULL, 10);
    ck_assert_str_eq(loop_name(loop), "epoll");
    ck_assert_int_eq(loop_descriptor_limit(loop), INT_MAX);
    loop_close(loop);
    loop = loop_open("select", 10);
    ck_assert_int_eq(loop_descriptor_limit(loop), FD_SETSIZE);
    loop_close(loop);
}
END_TEST

START_TEST(no_more_than_was_said)
{
    struct probe probes[3] = { 0 };

    loop = loop_open(loop_names()[_i], 2);
    for (int i = 0; i < 3; i++) {
        int pair[2];
        ck_assert_int_eq(pipe(pair), 0);
        probes[i].watch.fd = pair[0];
        probes[i].peer = pair[1];
        probes[i].watch.on_ready = probe_ready;
        errno = 0;
        int added = loop_add(loop, &probes[i].watch, 0);
        ck_assert_int_eq(added, i < 2 ? 0 : -1);
        if (i == 2)
            ck_assert_int_eq(errno, EMFILE);
    }
    loop_remove(loop, &probes[0].watch);
    ck_assert_int_eq(loop_add(loop, &probes[2].watch, 0), 0);
    send_byte(&probes[0]);
    send_byte(&probes[2]);
    ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert_uint_eq(probes[2].calls, 1);
    ck_assert_uint_eq(probes[0].calls, 0);
    loop_close(loop);
}
END_TEST

START_TEST(a_bad_descriptor_is_refused)
{
    struct probe probe = { .watch = { .fd = -1, .on_ready = probe_ready } };

    open_loop(_i);
    errno = 0;
    ck_assert_int_eq(loop_add(loop, &probe.watch, 0), -1);
    ck_assert_int_eq(errno, EBADF);
    loop_close(loop);
}
END_TEST

/* select's sets have no bits from FD_SETSIZE on; epoll does not mind. */
START_TEST(descriptors_from_fd_setsize_on)
{
    struct probe probe = { .watch = { .on_ready = probe_ready } };
    struct rlimit limit;
    int pair[2];

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < FD_SETSIZE + 10)
        return;
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    open_loop(_i);
    ck_assert_int_eq(pipe(pair), 0);
    probe.peer = pair[1];
    for (int fd = FD_SETSIZE - 1; fd <= FD_SETSIZE + 1; fd++) {
        bool allowed = !is_select() || fd < FD_SETSIZE;
        probe.watch.fd = fcntl(pair[0], F_DUPFD, fd);
        ck_assert_int_eq(probe.watch.fd, fd);
        errno = 0;
        ck_assert_int_eq(loop_add(loop, &probe.watch, 0), allowed ? 0 : -1);
        if (!allowed) {
            ck_assert_int_eq(errno, EMFILE);
            continue;
        }
        probe.calls = 0;
        send_byte(&probe);
        ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
        ck_assert_uint_eq(probe.calls, 1);
        loop_remove(loop, &probe.watch);
        close(fd);
    }
    loop_close(loop);
}
END_TEST

/* ---- readiness ---- */

START_TEST(a_new_watch)
{
    open_loop(_i);
    struct probe *probe = probe_open(0);
    ck_assert(!probe->watch.readable);
    ck_assert(probe->watch.writable);
    ck_assert(!probe->watch.hangup);
    /* That it can be written is known: nobody is told. */
    ck_assert_int_eq(settle(), 0);
    ck_assert_uint_eq(probe->calls, 0);
    probe_close(probe);
    loop_close(loop);
}
END_TEST

START_TEST(readable_sticks_until_it_is_cleared)
{
    open_loop(_i);
    struct probe *probe = probe_open(0);
    settle();
    send_byte(probe);
    ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert(probe->watch.readable);
    ck_assert_uint_eq(probe->calls, 1);
    /* Not read, not cleared: known, so not told again. */
    ck_assert_int_eq(settle(), 0);
    ck_assert(probe->watch.readable);
    ck_assert_int_eq(drain(probe), 1);
    ck_assert_int_eq(settle(), 0);
    ck_assert(!probe->watch.readable);
    send_byte(probe);
    ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert(probe->watch.readable);
    ck_assert_uint_eq(probe->calls, 2);
    probe_close(probe);
    loop_close(loop);
}
END_TEST

/* What came while the flag was set is found by reading on until EAGAIN. */
START_TEST(nothing_is_lost_between_reading_and_clearing)
{
    open_loop(_i);
    struct probe *probe = probe_open(0);
    settle();
    for (int i = 0; i < 50; i++) {
        send_byte(probe);
        while (!probe->watch.readable)
            ck_assert_int_ge(loop_wait(loop, -1, NULL, NULL), 0);
        send_byte(probe);
        ck_assert_int_eq(drain(probe), 2);
    }
    probe_close(probe);
    loop_close(loop);
}
END_TEST

START_TEST(writable_comes_back)
{
    open_loop(_i);
    struct probe *probe = probe_open(0);
    settle();
    fill(probe);
    settle();
    ck_assert(!probe->watch.writable);
    unsigned before = probe->calls;
    drain_peer(probe);
    ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert(probe->watch.writable);
    ck_assert(!probe->watch.readable);
    ck_assert_uint_eq(probe->calls, before + 1);
    ck_assert_int_eq(settle(), 0);
    probe_close(probe);
    loop_close(loop);
}
END_TEST

START_TEST(both_at_once_is_one_call)
{
    open_loop(_i);
    struct probe *probe = probe_open(0);
    settle();
    fill(probe);
    settle();
    unsigned before = probe->calls;
    drain_peer(probe);
    send_byte(probe);
    ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert(probe->watch.writable);
    ck_assert(probe->watch.readable);
    ck_assert_uint_eq(probe->calls, before + 1);
    probe_close(probe);
    loop_close(loop);
}
END_TEST

START_TEST(a_peer_that_goes_makes_readable)
{
    open_loop(_i);
    struct probe *probe = probe_open(0);
    settle();
    send_byte(probe);
    ck_assert_int_eq(shutdown(probe->peer, SHUT_WR), 0);
    ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert(probe->watch.readable);
    ck_assert(is_select() || probe->watch.hangup);
    ck_assert_int_eq(drain(probe), 1);
    ck_assert(probe->watch.readable); /* the end can be read again and again */
    ck_assert_int_eq(settle(), 0);
    ck_assert(is_select() || probe->watch.hangup);
    probe_close(probe);
    loop_close(loop);
}
END_TEST

START_TEST(a_reset_wakes)
{
    open_loop(_i);
    struct probe *probe = probe_open(0);
    settle();
    fill(probe);
    settle();
    unsigned before = probe->calls;
    close(probe->peer); /* with our bytes unread */
    ck_assert_int_ge(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert_uint_gt(probe->calls, before);
    ck_assert(probe->watch.readable);
    ck_assert(probe->watch.writable);
    ck_assert(is_select() || probe->watch.hangup);
    probe->peer = -1;
    probe_close(probe);
    loop_close(loop);
}
END_TEST

/* ---- waiting ---- */

static unsigned long long monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}

START_TEST(timeouts)
{
    open_loop(_i);
    struct probe *probe = probe_open(0);
    settle();
    unsigned long long began = monotonic();
    ck_assert_int_eq(loop_wait(loop, 0, NULL, NULL), 0);
    ck_assert_int_eq(loop_wait(loop, 30, NULL, NULL), 0);
    ck_assert_uint_ge(monotonic() - began, 29);
    ck_assert_uint_eq(probe->calls, 0);
    probe_close(probe);
    ck_assert_int_eq(loop_wait(loop, 1, NULL, NULL), 0); /* with nothing to watch */
    loop_close(loop);
}
END_TEST

static void count_call(void *context)
{
    unsigned *count = context;

    ++*count;
}

static unsigned before_calls;

static void expect_before(struct probe *probe)
{
    (void)probe;
    ck_assert_uint_eq(before_calls, 1);
}

START_TEST(before_runs_once_and_first)
{
    open_loop(_i);
    struct probe *probe = probe_open(0);
    settle();
    before_calls = 0;
    ck_assert_int_eq(loop_wait(loop, 0, count_call, &before_calls), 0);
    ck_assert_uint_eq(before_calls, 1);
    before_calls = 0;
    probe->then = expect_before;
    send_byte(probe);
    ck_assert_int_eq(loop_wait(loop, -1, count_call, &before_calls), 1);
    ck_assert_uint_eq(before_calls, 1);
    ck_assert_uint_eq(probe->calls, 1);
    probe_close(probe);
    loop_close(loop);
}
END_TEST

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

START_TEST(a_signal_ends_the_wait)
{
    struct sigaction action = { .sa_handler = on_alarm };
    /* Again and again: the first may come before the wait has begun. */
    struct itimerval soon = { { 0, 5000 }, { 0, 5000 } }, never = { 0 };

    open_loop(_i);
    struct probe *probe = probe_open(0);
    settle();
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
    before_calls = 0;
    ck_assert_int_eq(loop_wait(loop, -1, count_call, &before_calls), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    ck_assert_uint_eq(before_calls, 1);
    ck_assert_int_ge(alarms, 1);
    probe_close(probe);
    loop_close(loop);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        no_more_than_was_said,
        a_bad_descriptor_is_refused,
        descriptors_from_fd_setsize_on,
        a_new_watch,
        readable_sticks_until_it_is_cleared,
        nothing_is_lost_between_reading_and_clearing,
        writable_comes_back,
        both_at_once_is_one_call,
        a_peer_that_goes_makes_readable,
        a_reset_wakes,
        timeouts,
        before_runs_once_and_first,
        a_signal_ends_the_wait,
    };

    return probes_main("loop", names, tests, sizeof tests / sizeof *tests);
}
