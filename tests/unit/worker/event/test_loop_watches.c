/* The event loops: listeners, many watches, and what comes and goes while they are called. */
#include "worker/event/loop.h"

#include "tests/unit/worker/event/probes.h"

enum { MANY = 300 };

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

int main(void)
{
    const TTest *const tests[] = {
        a_listener,
        a_shared_listener,
        sharing_wakes_somebody,
        many_watches,
        removed_in_a_call_is_not_called,
        a_watch_may_remove_itself,
        added_in_a_call_has_no_news_yet,
        removing_twice_does_no_harm,
    };

    return probes_main("loop watches", NULL, tests, sizeof tests / sizeof *tests);
}
