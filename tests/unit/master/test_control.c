/* The control socket's clients: requests in pieces, answers of any length, silence, and their
 * greatest number; with a clock of the test's own. */
#include "master/control.h"

#include "master/master.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NOW = 1000 };

static struct master master;
static char path[64];

static void set_up(void)
{
    static const struct log nowhere;

    master = (struct master){ .log = &nowhere, .phase = MASTER_QUITTING };
    control_init(&master.control);
    snprintf(path, sizeof path, "/tmp/muxd-test-control-%d", (int)getpid());
    ck_assert_int_eq(
        control_socket_open(&log_stderr, LOG_LEVEL_EMERG, path, &master.control.socket),
        CONTROL_OPENED);
}

static void tear_down(void)
{
    control_close(&master.control);
    ck_assert_int_ne(access(path, F_OK), 0);
}

static int client_connect(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_un *name = &master.control.socket.name;

    ck_assert_int_eq(connect(fd, (const struct sockaddr *)name, sizeof *name), 0);
    return fd;
}

/* Does what can be done, as the master's loop does. */
static void serve(uint64_t now)
{
    struct pollfd polls[CONTROL_POLLS];

    control_watch(&master.control, polls);
    while (poll(polls, CONTROL_POLLS, 0) > 0) {
        control_serve(&master, polls, now);
        control_watch(&master.control, polls);
    }
}

/* A client that the master knows. */
static int client_new(void)
{
    int fd = client_connect();

    serve(NOW);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    serve(NOW);
}

static void expect(int fd, const char *answer)
{
    char text[1000];
    ssize_t got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

    if (got < 0)
        ck_assert_int_eq(errno, EAGAIN);
    text[got > 0 ? got : 0] = '\0';
    ck_assert_str_eq(text, answer);
}

static void expect_end(int fd)
{
    char byte;

    ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
    close(fd);
}

/* The only one there is, as the master knows it. */
static struct control_client *only_client(void)
{
    struct control_client *found = NULL;

    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (master.control.clients[i].fd >= 0) {
            ck_assert_ptr_null(found);
            found = &master.control.clients[i];
        }
    return found;
}

#define UNKNOWN(name) \
    "err muxd: [error] the running server does not know the command \"" name "\"\nend 1\n"
#define LEAVING "err muxd: [error] the server is leaving\nend 1\n"

START_TEST(requests_come_in_any_pieces)
{
    int fd = client_new();

    say(fd, "a\nb");
    expect(fd, UNKNOWN("a"));
    say(fd, "b c d\nreload\n\n");
    expect(fd, UNKNOWN("bb") LEAVING UNKNOWN(""));
    close(fd);
    serve(NOW);
    ck_assert_ptr_null(only_client());
}
END_TEST

START_TEST(who_waits_is_answered_when_it_is_done)
{
    int fd = client_new(), other = client_new();
    struct control_client *client = &master.control.clients[0];

    client->phase = CONTROL_WAITING;
    control_wait(client, CONTROL_RELOAD, 7);
    say(fd, "next\n"); /* later */
    control_tell(&master.control, CONTROL_RELOAD, 6, "too early");
    control_tell(&master.control, CONTROL_UPGRADE, 7, "something else");
    control_tell(&master.control, CONTROL_RELOAD, 7, "one\ntwo");
    control_conclude(&master.control, CONTROL_RELOAD, 6, true, "too early");
    serve(NOW);
    expect(fd, "err one\nerr two\n");
    control_conclude(&master.control, CONTROL_RELOAD, 8, true, "done");
    serve(NOW);
    expect(fd, "out done\nend 0\n" UNKNOWN("next"));
    expect(other, "");
    close(fd);
    close(other);
}
END_TEST

START_TEST(a_failure_needs_no_last_line)
{
    int fd = client_new();
    struct control_client *client = only_client();

    client->phase = CONTROL_WAITING;
    control_wait(client, CONTROL_UPGRADE, 1);
    control_conclude(&master.control, CONTROL_UPGRADE, 1, false, NULL);
    serve(NOW);
    expect(fd, "end 1\n");
    close(fd);
}
END_TEST

START_TEST(a_request_that_is_too_long)
{
    char line[CONTROL_REQUEST_MAX + 1];
    int fd = client_new();

    memset(line, 'x', sizeof line);
    line[CONTROL_REQUEST_MAX] = '\0';
    say(fd, line);
    expect(fd, "err muxd: [error] the request is too long\nend 1\n");
    expect_end(fd);
}
END_TEST

START_TEST(silence_has_an_end)
{
    int fd = client_new();

    control_advance(&master, NOW + CONTROL_SILENCE - 1);
    ck_assert_ptr_nonnull(only_client());
    say(fd, "x\n"); /* at NOW */
    expect(fd, UNKNOWN("x"));
    control_advance(&master, NOW + CONTROL_SILENCE);
    ck_assert_ptr_null(only_client());
    expect_end(fd);

    /* One that waits for the master may wait. */
    fd = client_new();
    only_client()->phase = CONTROL_WAITING;
    control_advance(&master, NOW + 10 * CONTROL_SILENCE);
    ck_assert_ptr_nonnull(only_client());
    close(fd);
}
END_TEST

START_TEST(there_is_room_for_so_many)
{
    int fds[CONTROL_CLIENTS_MAX];

    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
        fds[i] = client_new();
    int late = client_new();
    expect(late, "err muxd: [error] too many clients of the control socket\nend 1\n");
    expect_end(late);
    close(fds[3]);
    serve(NOW);
    late = client_new();
    say(late, "x\n");
    expect(late, UNKNOWN("x"));
    close(late);
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (i != 3)
            close(fds[i]);
}
END_TEST

/* It is sent as the client takes it, and no more of it is kept than is allowed. */
START_TEST(answers_are_bounded)
{
    enum { LINE = 1000, LINES = 3000, MORE = CONTROL_ANSWER_MAX / LINE };
    char line[LINE + 1], taken[4096];
    int fd = client_new();
    struct control_client *client = only_client();
    size_t total = 0;
    ssize_t got;

    memset(line, 'x', LINE);
    line[LINE] = '\0';
    client->phase = CONTROL_WAITING;
    for (int i = 0; i < LINES; i++)
        control_out(client, "%s", line);
    control_end(client, true);
    for (serve(NOW); (got = recv(fd, taken, sizeof taken, MSG_DONTWAIT)) > 0; serve(NOW))
        total += (size_t)got;
    ck_assert_uint_eq(total, LINES * (LINE + sizeof "out \n" - 1) + sizeof "end 0\n" - 1);

    client->phase = CONTROL_WAITING;
    for (int i = 0; i < MORE; i++)
        control_out(client, "%s", line);
    ck_assert_int_eq(client->phase, CONTROL_CLOSING);
    for (serve(NOW); (got = recv(fd, taken, sizeof taken, MSG_DONTWAIT)) > 0; serve(NOW))
        continue;
    ck_assert_int_eq(got, 0);
    ck_assert_ptr_null(only_client());
    close(fd);
}
END_TEST

/* It sends no more, and hears what it has asked for. */
START_TEST(half_a_connection_is_enough)
{
    int fd = client_new();

    ck_assert_int_eq(send(fd, "x\n", 2, MSG_NOSIGNAL), 2);
    shutdown(fd, SHUT_WR);
    serve(NOW);
    expect(fd, UNKNOWN("x"));
    expect_end(fd);
    ck_assert_ptr_null(only_client());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *all = tcase_create("control");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, requests_come_in_any_pieces);
    tcase_add_test(all, who_waits_is_answered_when_it_is_done);
    tcase_add_test(all, a_failure_needs_no_last_line);
    tcase_add_test(all, a_request_that_is_too_long);
    tcase_add_test(all, silence_has_an_end);
    tcase_add_test(all, there_is_room_for_so_many);
    tcase_add_test(all, answers_are_bounded);
    tcase_add_test(all, half_a_connection_is_enough);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
