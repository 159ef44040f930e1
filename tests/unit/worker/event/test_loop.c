/* Every test runs in both rooms, epoll and select. */
#include "worker/event/loop.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 300 };

/* A watch that counts its calls; `then`, unless NULL, is run in the call. */
struct probe {
    struct watch watch;
    unsigned calls;
    void (*then)(struct probe *);
    int peer; /* the other end of the pair */
};

static struct loop *loop;

static void probe_ready(struct watch *watch)
{
    struct probe *probe = (struct probe *)watch;

    probe->calls++;
    if (probe->then != NULL)
        probe->then(probe);
}

/* Opens the room that the loop test's number stands for. */
static void open_loop(int number)
{
    loop = loop_open(loop_names()[number], 1000);
    ck_assert_ptr_nonnull(loop);
}

static bool is_select(void)
{
    return strcmp(loop_name(loop), "select") == 0;
}

static struct probe *probe_open(unsigned flags)
{
    struct probe *probe = calloc(1, sizeof *probe);
    int pair[2];

    ck_assert_ptr_nonnull(probe);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    probe->watch.fd = pair[0];
    probe->watch.on_ready = probe_ready;
    probe->peer = pair[1];
    ck_assert_int_eq(loop_add(loop, &probe->watch, flags), 0);
    return probe;
}

static void probe_close(struct probe *probe)
{
    loop_remove(loop, &probe->watch);
    close(probe->watch.fd);
    close(probe->peer);
    free(probe);
}

/* Turns until nothing more is reported: a new socket's first reports are over. */
static int settle(void)
{
    int calls = 0, called;

    while ((called = loop_wait(loop, 0, NULL, NULL)) > 0)
        calls += called;
    ck_assert_int_eq(called, 0);
    return calls;
}

static void send_byte(struct probe *probe)
{
    ck_assert_int_eq(write(probe->peer, "x", 1), 1);
}

/* Reads until the kernel has no more, as an owner does. */
static ssize_t drain(struct probe *probe)
{
    char bytes[65536];
    ssize_t got, sum = 0;

    while ((got = read(probe->watch.fd, bytes, sizeof bytes)) > 0)
        sum += got;
    if (got < 0) {
        ck_assert_int_eq(errno, EAGAIN);
        probe->watch.readable = false;
    }
    return sum;
}

/* Writes until the kernel takes no more. */
static void fill(struct probe *probe)
{
    static const char bytes[65536];

    while (write(probe->watch.fd, bytes, sizeof bytes) > 0)
        ;
    ck_assert_int_eq(errno, EAGAIN);
    probe->watch.writable = false;
}

static void drain_peer(struct probe *probe)
{
    char bytes[65536];

    while (read(probe->peer, bytes, sizeof bytes) > 0)
        ;
}

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

/* ---- listeners ---- */

static struct probe *listener_open(unsigned flags, struct sockaddr_storage *name, socklen_t *len)
{
    struct probe *probe = calloc(1, sizeof *probe);
    sa_family_t family = AF_UNIX;

    ck_assert_ptr_nonnull(probe);
    probe->peer = -1;
    probe->watch.on_ready = probe_ready;
    probe->watch.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    /* No path: the kernel chooses an abstract name. */
    *len = sizeof family;
    memcpy(name, &family, sizeof family);
    ck_assert_int_eq(bind(probe->watch.fd, (struct sockaddr *)name, *len), 0);
    *len = sizeof *name;
    ck_assert_int_eq(getsockname(probe->watch.fd, (struct sockaddr *)name, len), 0);
    ck_assert_int_eq(listen(probe->watch.fd, 10), 0);
    ck_assert_int_eq(loop_add(loop, &probe->watch, flags), 0);
    return probe;
}

static int connect_to(const struct sockaddr_storage *name, socklen_t len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, (const struct sockaddr *)name, len), 0);
    return fd;
}

static void listens(int number, unsigned flags)
{
    struct sockaddr_storage name;
    socklen_t len;

    open_loop(number);
    struct probe *listener = listener_open(flags, &name, &len);
    ck_assert_int_eq(settle(), 0);
    int client = connect_to(&name, len);
    ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert(listener->watch.readable);
    int accepted = accept(listener->watch.fd, NULL, NULL);
    ck_assert_int_ge(accepted, 0);
    ck_assert_int_lt(accept(listener->watch.fd, NULL, NULL), 0);
    listener->watch.readable = false;
    listener->watch.writable = false; /* nobody asks for it */
    ck_assert_int_eq(settle(), 0);
    int second = connect_to(&name, len);
    ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert_uint_eq(listener->calls, 2);
    listener->watch.readable = false; /* it waits on, and is told of again */
    ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert_uint_eq(listener->calls, 3);
    close(client);
    close(second);
    close(accepted);
    probe_close(listener);
    loop_close(loop);
}

START_TEST(a_listener)
{
    listens(_i, WATCH_LISTENER);
}
END_TEST

START_TEST(a_shared_listener)
{
    listens(_i, WATCH_LISTENER | WATCH_SHARED);
}
END_TEST

/* Two loops of one process stand for two workers. */
START_TEST(sharing_wakes_somebody)
{
    struct sockaddr_storage name;
    socklen_t len;

    open_loop(_i);
    struct loop *first = loop;
    struct probe *listener = listener_open(WATCH_LISTENER | WATCH_SHARED, &name, &len);
    struct probe other = { .watch = { .fd = listener->watch.fd, .on_ready = probe_ready } };
    open_loop(_i);
    ck_assert_int_eq(loop_add(loop, &other.watch, WATCH_LISTENER | WATCH_SHARED), 0);
    int client = connect_to(&name, len);
    int woken = loop_wait(loop, 0, NULL, NULL) + loop_wait(first, 0, NULL, NULL);
    ck_assert_int_ge(woken, 1);
    ck_assert_uint_eq(listener->calls + other.calls, (unsigned)woken);
    loop_remove(loop, &other.watch);
    loop_close(loop);
    loop = first;
    close(client);
    probe_close(listener);
    loop_close(loop);
}
END_TEST

/* ---- many watches, and removing ---- */

static struct probe *probes[MANY];

START_TEST(many_watches)
{
    open_loop(_i);
    for (int i = 0; i < MANY; i++)
        probes[i] = probe_open(0);
    settle();
    for (int i = 0; i < MANY; i += 3)
        send_byte(probes[i]);
    ck_assert_int_eq(settle(), MANY / 3);
    for (int i = 0; i < MANY; i++)
        ck_assert_uint_eq(probes[i]->calls, i % 3 == 0);
    /* Half of them go; the rest is as it was. */
    for (int i = 0; i < MANY; i += 2) {
        probe_close(probes[i]);
        probes[i] = NULL;
    }
    for (int i = 1; i < MANY; i += 2) {
        drain(probes[i]);
        send_byte(probes[i]);
    }
    ck_assert_int_eq(settle(), MANY / 2);
    for (int i = 1; i < MANY; i += 2) {
        ck_assert_uint_eq(probes[i]->calls, i % 3 == 0 ? 2 : 1);
        probe_close(probes[i]);
    }
    loop_close(loop);
}
END_TEST

static unsigned survivors;

/* Closes and frees itself and every other one but the survivors. */
static void close_all_others(struct probe *probe)
{
    survivors++;
    for (int i = 0; i < MANY; i++) {
        if (probes[i] == NULL || probes[i] == probe)
            continue;
        probe_close(probes[i]);
        probes[i] = NULL;
    }
}

START_TEST(removed_in_a_call_is_not_called)
{
    open_loop(_i);
    survivors = 0;
    for (int i = 0; i < MANY; i++) {
        probes[i] = probe_open(0);
        probes[i]->then = close_all_others;
    }
    settle();
    for (int i = 0; i < MANY; i++)
        send_byte(probes[i]);
    ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert_uint_eq(survivors, 1);
    for (int i = 0; i < MANY; i++)
        if (probes[i] != NULL)
            probe_close(probes[i]);
    loop_close(loop);
}
END_TEST

static void close_itself(struct probe *probe)
{
    for (int i = 0; i < MANY; i++)
        if (probes[i] == probe)
            probes[i] = NULL;
    survivors++;
    probe_close(probe);
}

START_TEST(a_watch_may_remove_itself)
{
    open_loop(_i);
    survivors = 0;
    for (int i = 0; i < MANY; i++) {
        probes[i] = probe_open(0);
        probes[i]->then = close_itself;
    }
    settle();
    for (int i = 0; i < MANY; i++)
        send_byte(probes[i]);
    settle();
    ck_assert_uint_eq(survivors, MANY);
    ck_assert_int_eq(settle(), 0);
    loop_close(loop);
}
END_TEST

/* Removes its neighbour and adds it again, as new. */
static void renew_neighbour(struct probe *probe)
{
    for (int i = 0; i < MANY; i++)
        if (probes[i] == probe && probes[i ^ 1]->calls == 0) {
            loop_remove(loop, &probes[i ^ 1]->watch);
            ck_assert_int_eq(loop_add(loop, &probes[i ^ 1]->watch, 0), 0);
        }
}

START_TEST(added_in_a_call_has_no_news_yet)
{
    open_loop(_i);
    for (int i = 0; i < 2; i++) {
        probes[i] = probe_open(0);
        probes[i]->then = renew_neighbour;
    }
    settle();
    send_byte(probes[0]);
    send_byte(probes[1]);
    ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert_uint_eq(probes[0]->calls + probes[1]->calls, 1);
    ck_assert_int_eq(loop_wait(loop, -1, NULL, NULL), 1);
    ck_assert_uint_eq(probes[0]->calls, 1);
    ck_assert_uint_eq(probes[1]->calls, 1);
    probe_close(probes[0]);
    probe_close(probes[1]);
    loop_close(loop);
}
END_TEST

START_TEST(removing_twice_does_no_harm)
{
    open_loop(_i);
    struct probe *probe = probe_open(0), *other = probe_open(0);
    loop_remove(loop, &probe->watch);
    loop_remove(loop, &probe->watch);
    send_byte(probe);
    send_byte(other);
    ck_assert_int_eq(settle(), 1);
    ck_assert_uint_eq(probe->calls, 0);
    probe_close(other);
    close(probe->watch.fd);
    close(probe->peer);
    free(probe);
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
        a_listener,
        a_shared_listener,
        sharing_wakes_somebody,
        many_watches,
        removed_in_a_call_is_not_called,
        a_watch_may_remove_itself,
        added_in_a_call_has_no_news_yet,
        removing_twice_does_no_harm,
        timeouts,
        before_runs_once_and_first,
        a_signal_ends_the_wait,
    };
    Suite *suite = suite_create("loop");
    TCase *all = tcase_create("all");

    tcase_add_test(all, names);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_loop_test(all, tests[i], 0, 2);
    tcase_set_timeout(all, 30);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
