/* Handshakes under way, as the kernel tells of them. With TCP_DEFER_ACCEPT it holds one open
 * until the client's first bytes come, or for a second. */
#include "master/handshakes.h"

#include "tests/unit/master/addresses.h"
#include "tests/unit/unit.h"

#include <netinet/tcp.h>

enum { AN_HOUR = 3600 * 1000 };

/* A socket that listens there, and holds handshakes open. */
static int listen_deferred(const struct listener *listener)
{
    const struct address *address = &listener->options.address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ck_assert_int_eq(bind(fd, &address->name.any, address->len), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){ 10 }, sizeof(int)), 0);
    return fd;
}

START_TEST(none_is_under_way)
{
    struct listener listener = listener_on_free_port();
    int listening = listen_deferred(&listener);

    ck_assert_int_eq(handshakes_with(&listener.options.address, 0), HANDSHAKES_NONE);
    close(listening);
}
END_TEST

START_TEST(one_is_seen_until_it_ends)
{
    struct listener listener = listener_on_free_port();
    struct listener other = listener_on_free_port();
    int listening = listen_deferred(&listener);
    int client = connect_to(&listener);

    ck_assert_int_ge(client, 0);
    ck_assert_int_eq(handshakes_with(&listener.options.address, 0), HANDSHAKES_WAIT);
    ck_assert_int_eq(handshakes_with(&other.options.address, 0), HANDSHAKES_NONE);
    ck_assert_int_eq(send(client, "x", 1, MSG_NOSIGNAL), 1);
    ck_assert_int_eq(handshakes_with(&listener.options.address, 0), HANDSHAKES_NONE);
    close(client);
    close(listening);
}
END_TEST

/* One of this moment did not begin an hour ago. */
START_TEST(younger_ones_can_be_left_out)
{
    struct listener listener = listener_on_free_port();
    int listening = listen_deferred(&listener);
    int client = connect_to(&listener);

    ck_assert_int_eq(handshakes_with(&listener.options.address, AN_HOUR), HANDSHAKES_NONE);
    close(client);
    close(listening);
}
END_TEST

/* More than the kernel tells in one datagram. */
START_TEST(many_at_once)
{
    enum { MANY = 200, BACKLOG = 512 };
    struct listener listener = listener_on_free_port();
    int listening = listen_deferred(&listener);

    listen(listening, BACKLOG);
    for (int i = 0; i < MANY; i++)
        connect_to(&listener);
    ck_assert_int_eq(handshakes_with(&listener.options.address, AN_HOUR), HANDSHAKES_NONE);
    ck_assert_int_eq(handshakes_with(&listener.options.address, 0), HANDSHAKES_WAIT);
    close(listening);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        none_is_under_way,
        one_is_seen_until_it_ends,
        younger_ones_can_be_left_out,
        many_at_once,
        NULL,
    };

    return unit_main(unit_suite("handshakes", tests));
}
