/* The master's sockets over several configurations: real ones, on ports that the
 * kernel chooses. */
#include "master/listeners.h"

#include "tests/unit/master/addresses.h"
#include "tests/unit/unit.h"

#include <netinet/tcp.h>
#include <sys/stat.h>

static struct listeners listeners;
static struct arena arena;

static void set_up(void)
{
    listeners = (struct listeners){ 0 };
    arena_init(&arena, NULL);
}

static void tear_down(void)
{
    listeners_close(&listeners, &log_stderr);
    arena_free(&arena);
}

/* Opens and commits: the listener is the whole configuration. */
static bool put_in_force(struct listener *listener, unsigned slots)
{
    ck_assert_int_eq(listeners_open(&listeners, &log_stderr, &arena, listener, 1, slots),
                     LISTENING_OK);
    return listeners_commit(&listeners, &log_stderr, listener, 1);
}

/* How many connections wait in the socket of a slot; takes them all. */
static unsigned take_waiting(const struct listener *listener, unsigned slot)
{
    unsigned count = 0;
    int fd;

    while ((fd = accept(listener_socket(listener, slot), NULL, NULL)) >= 0) {
        close(fd);
        count++;
    }
    ck_assert_int_eq(errno, EAGAIN);
    return count;
}

static void steer_to(const struct listener *listener, unsigned first, unsigned count)
{
    struct steering steering = { 0 };

    for (unsigned i = 0; i < count; i++)
        steering_add(&steering, first + i);
    listeners_steer(&listeners, &log_stderr, listeners_group(&listeners, listener), &steering);
    ck_assert(!listeners.unsteerable);
}

/* ---- groups ---- */

START_TEST(an_address_has_a_socket_a_slot)
{
    struct listener listener = listener_on_free_port();

    ck_assert(!put_in_force(&listener, 4));
    ck_assert_uint_eq(listener.socket_count, 4);
    struct socket_group *group = listeners_group(&listeners, &listener);
    ck_assert_uint_eq(group->count, 4);
    ck_assert_uint_eq(group->pending, 0);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < i; j++)
            ck_assert_int_ne(listener.sockets[i], listener.sockets[j]);
}
END_TEST

START_TEST(connections_go_where_they_are_steered)
{
    enum { CONNECTIONS = 12 };
    struct listener listener = listener_on_free_port();

    put_in_force(&listener, 4);
    for (unsigned slot = 0; slot < 4; slot++) {
        steer_to(&listener, slot, 1);
        for (int i = 0; i < CONNECTIONS; i++)
            close(connect_to(&listener));
        for (unsigned other = 0; other < 4; other++)
            ck_assert_uint_eq(take_waiting(&listener, other), other == slot ? CONNECTIONS : 0);
    }
}
END_TEST

START_TEST(a_growing_group_keeps_its_sockets)
{
    struct listener small = listener_on_free_port();
    struct listener large = small;

    put_in_force(&small, 2);
    steer_to(&small, 0, 2);
    ck_assert_int_eq(listeners_open(&listeners, &log_stderr, &arena, &large, 1, 5), LISTENING_OK);
    ck_assert_int_eq(large.sockets[0], small.sockets[0]);
    ck_assert_int_eq(large.sockets[1], small.sockets[1]);
    /* Not in force yet: the new ones get nothing. */
    for (int i = 0; i < 20; i++)
        close(connect_to(&small));
    ck_assert_uint_eq(take_waiting(&large, 2) + take_waiting(&large, 3) + take_waiting(&large, 4),
                      0);
    ck_assert_uint_eq(take_waiting(&large, 0) + take_waiting(&large, 1), 20);
    ck_assert(!listeners_commit(&listeners, &log_stderr, &large, 1));
    steer_to(&large, 4, 1);
    close(connect_to(&large));
    ck_assert_uint_eq(take_waiting(&large, 4), 1);
}
END_TEST

/* Room in the queue of a socket. */
static unsigned room_of(int fd)
{
    struct tcp_info info = { 0 };
    socklen_t len = sizeof info;

    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    return info.tcpi_sacked;
}

/* Those that are there change when it is in force, those that join are opened so. */
START_TEST(a_growing_group_may_change_its_options)
{
    struct listener small = listener_on_free_port();
    struct listener large = small;

    large.options.backlog = 7;
    put_in_force(&small, 1);
    ck_assert_int_eq(listeners_open(&listeners, &log_stderr, &arena, &large, 1, 3), LISTENING_OK);
    ck_assert_uint_eq(room_of(large.sockets[0]), 16);
    ck_assert_uint_eq(room_of(large.sockets[1]), 7);
    listeners_commit(&listeners, &log_stderr, &large, 1);
    for (unsigned slot = 0; slot < 3; slot++)
        ck_assert_uint_eq(room_of(large.sockets[slot]), 7);
}
END_TEST

START_TEST(what_is_abandoned_is_closed)
{
    struct listener old = listener_on_free_port();
    struct listener both[2] = { old, listener_on_free_port() };

    put_in_force(&old, 1);
    steer_to(&old, 0, 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(listeners_open(&listeners, &log_stderr, &arena, both, 2, 3), LISTENING_OK);
        listeners_abandon(&listeners);
        ck_assert_int_eq(connect_to(&both[1]), -1);
        ck_assert_int_eq(errno, ECONNREFUSED);
        ck_assert_ptr_null(listeners_group(&listeners, &both[1]));
        ck_assert_uint_eq(listeners_group(&listeners, &old)->count, 1);
    }
    close(connect_to(&old));
    ck_assert_uint_eq(take_waiting(&old, 0), 1);
}
END_TEST

/* ---- retiring ---- */

START_TEST(a_shrinking_group_is_drained_first)
{
    struct listener large = listener_on_free_port();
    struct listener small = large;

    put_in_force(&large, 3);
    steer_to(&large, 2, 1);
    int client = connect_to(&large);
    ck_assert(put_in_force(&small, 1));
    steer_to(&small, 0, 1);
    /* The new workers have those that retire, too: to help to drain them. */
    ck_assert_uint_eq(small.socket_count, 1);
    ck_assert_uint_eq(small.socket_total, 3);
    ck_assert_int_eq(small.sockets[2], large.sockets[2]);
    ck_assert(listeners_retiring(&listeners, large.sockets[2]));
    ck_assert(!listeners_retiring(&listeners, large.sockets[0]));
    ck_assert(!listeners_drained(&listeners));
    ck_assert_uint_eq(take_waiting(&large, 2), 1);
    ck_assert(listeners_drained(&listeners));
    listeners_retire(&listeners);
    ck_assert_uint_eq(listeners_group(&listeners, &small)->count, 1);
    close(client);
    close(connect_to(&small));
    ck_assert_uint_eq(take_waiting(&small, 0), 1);
}
END_TEST

START_TEST(a_group_may_grow_again_before_it_has_shrunk)
{
    struct listener large = listener_on_free_port();
    struct listener small = large, again = large;

    put_in_force(&large, 3);
    ck_assert(put_in_force(&small, 1));
    ck_assert(!put_in_force(&again, 3));
    ck_assert_int_eq(again.sockets[2], large.sockets[2]);
    ck_assert(!listeners_retiring(&listeners, again.sockets[2]));
    listeners_retire(&listeners);
    ck_assert_uint_eq(listeners_group(&listeners, &again)->count, 3);
}
END_TEST

START_TEST(an_address_that_is_left_takes_nothing_new)
{
    struct listener first = listener_on_free_port();
    struct listener second = listener_on_free_port();

    put_in_force(&first, 2);
    steer_to(&first, 1, 1);
    int client = connect_to(&first);
    ck_assert(put_in_force(&second, 2));
    /* Its SYN is dropped, and not answered by RST either. */
    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(connect(late, &first.options.address.name.any, first.options.address.len), -1);
    ck_assert_int_eq(errno, EINPROGRESS);
    ck_assert(!listeners_drained(&listeners));
    ck_assert_uint_eq(take_waiting(&first, 1), 1);
    ck_assert(listeners_drained(&listeners));
    listeners_retire(&listeners);
    ck_assert_ptr_null(listeners_group(&listeners, &first));
    ck_assert_int_eq(connect_to(&first), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    close(late);
    close(client);
}
END_TEST

START_TEST(an_address_may_come_back_before_it_is_gone)
{
    struct listener first = listener_on_free_port();
    struct listener second = listener_on_free_port();
    struct listener again = first;

    put_in_force(&first, 1);
    ck_assert(put_in_force(&second, 1));
    ck_assert(put_in_force(&again, 1)); /* the second leaves now */
    ck_assert_int_eq(again.sockets[0], first.sockets[0]);
    listeners_retire(&listeners);
    close(connect_to(&again));
    ck_assert_uint_eq(take_waiting(&again, 0), 1);
}
END_TEST

START_TEST(an_address_of_somebody_else_is_busy)
{
    struct listener listener = listener_on_free_port();
    const struct address *address = &listener.options.address;
    int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    /* Even of one who would share it. */
    setsockopt(other, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int));
    ck_assert_int_eq(bind(other, &address->name.any, address->len), 0);
    ck_assert_int_eq(listen(other, 1), 0);
    ck_assert_int_eq(listeners_open(&listeners, &log_stderr, &arena, &listener, 1, 2),
                     LISTENING_BUSY);
    ck_assert(listeners_test(&log_stderr, &listener, 1));
    close(other);
    ck_assert_int_eq(listeners_open(&listeners, &log_stderr, &arena, &listener, 1, 2),
                     LISTENING_OK);
}
END_TEST

/* ---- unix sockets ---- */

START_TEST(a_unix_socket_is_one_for_all)
{
    char text[64];
    struct stat found;

    snprintf(text, sizeof text, "unix:/tmp/muxd-test-listeners-%d", (int)getpid());
    struct listener listener = listener_on(text);
    const char *path = listener.options.address.name.un.sun_path;
    put_in_force(&listener, 4);
    ck_assert_uint_eq(listener.socket_count, 1);
    ck_assert_int_eq(stat(path, &found), 0);
    close(connect_to(&listener));
    ck_assert_uint_eq(take_waiting(&listener, 3), 1);
    listeners_close(&listeners, &log_stderr);
    ck_assert_int_ne(stat(path, &found), 0);
}
END_TEST

START_TEST(a_unix_socket_may_come_back_under_its_name)
{
    char text[64];

    snprintf(text, sizeof text, "unix:/tmp/muxd-test-listeners-%d", (int)getpid());
    struct listener first = listener_on(text), again = first;
    struct listener second = listener_on_free_port();
    put_in_force(&first, 1);
    int client = connect_to(&first);
    ck_assert(put_in_force(&second, 1));
    ck_assert(put_in_force(&again, 1));
    ck_assert_int_ne(again.sockets[0], first.sockets[0]);
    close(connect_to(&again));
    ck_assert_uint_eq(take_waiting(&again, 0), 1);
    ck_assert(!listeners_drained(&listeners)); /* the old one's client */
    ck_assert_uint_eq(take_waiting(&first, 0), 1);
    listeners_retire(&listeners);
    close(connect_to(&again));
    ck_assert_uint_eq(take_waiting(&again, 0), 1);
    close(client);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("listeners");
    TCase *all = tcase_create("listeners");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, an_address_has_a_socket_a_slot);
    tcase_add_test(all, connections_go_where_they_are_steered);
    tcase_add_test(all, a_growing_group_keeps_its_sockets);
    tcase_add_test(all, a_growing_group_may_change_its_options);
    tcase_add_test(all, what_is_abandoned_is_closed);
    tcase_add_test(all, a_shrinking_group_is_drained_first);
    tcase_add_test(all, a_group_may_grow_again_before_it_has_shrunk);
    tcase_add_test(all, an_address_that_is_left_takes_nothing_new);
    tcase_add_test(all, an_address_may_come_back_before_it_is_gone);
    tcase_add_test(all, an_address_of_somebody_else_is_busy);
    tcase_add_test(all, a_unix_socket_is_one_for_all);
    tcase_add_test(all, a_unix_socket_may_come_back_under_its_name);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
