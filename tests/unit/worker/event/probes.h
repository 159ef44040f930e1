/* probes.h: sockets that a loop watches, for its tests, and whoever is at their other end. */
#ifndef MUXD_TESTS_UNIT_WORKER_EVENT_PROBES_H
#define MUXD_TESTS_UNIT_WORKER_EVENT_PROBES_H

#include "tests/unit/unit.h"
#include "worker/event/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A watch that counts its calls; `then`, unless NULL, is run in the call. */
struct probe {
    struct watch watch;
    unsigned calls;
    void (*then)(struct probe *);
    int peer; /* the other end of the pair */
};

static struct loop *loop;

static inline void probe_ready(struct watch *watch)
{
    struct probe *probe = (struct probe *)watch;

    probe->calls++;
    if (probe->then != NULL)
        probe->then(probe);
}

/* Opens the room that the loop test's number stands for. */
static inline void open_loop(int number)
{
    loop = loop_open(loop_names()[number], 1000);
    ck_assert_ptr_nonnull(loop);
}

static inline bool is_select(void)
{
    return strcmp(loop_name(loop), "select") == 0;
}

static inline struct probe *probe_open(unsigned flags)
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

static inline void probe_close(struct probe *probe)
{
    loop_remove(loop, &probe->watch);
    close(probe->watch.fd);
    close(probe->peer);
    free(probe);
}

/* Turns until nothing more is reported: a new socket's first reports are over. */
static inline int settle(void)
{
    int calls = 0, called;

    while ((called = loop_wait(loop, 0, NULL, NULL)) > 0)
        calls += called;
    ck_assert_int_eq(called, 0);
    return calls;
}

static inline void send_byte(struct probe *probe)
{
    ck_assert_int_eq(write(probe->peer, "x", 1), 1);
}

/* Reads until the kernel has no more, as an owner does. */
static inline ssize_t drain(struct probe *probe)
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
static inline void fill(struct probe *probe)
{
    static const char bytes[65536];

    while (write(probe->watch.fd, bytes, sizeof bytes) > 0)
        ;
    ck_assert_int_eq(errno, EAGAIN);
    probe->watch.writable = false;
}

static inline void drain_peer(struct probe *probe)
{
    char bytes[65536];

    while (read(probe->peer, bytes, sizeof bytes) > 0)
        ;
}

/* Each test with either loop, by the number of its room; `names` without. */
static inline int probes_main(const char *name, const TTest *names, const TTest *const *tests,
                              size_t count)
{
    Suite *suite = suite_create(name);
    TCase *all = tcase_create("all");

    if (names != NULL)
        tcase_add_test(all, names);
    for (size_t i = 0; i < count; i++)
        tcase_add_loop_test(all, tests[i], 0, 2);
    tcase_set_timeout(all, 30);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}

#endif
