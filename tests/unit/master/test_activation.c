/* Sockets of the service manager: which are taken, and what stays theirs. Descriptor 3 is
 * libcheck's: it is put aside while there is something else in its place. */
#include "master/activation.h"

#include "tests/unit/hearing_log.h"
#include "tests/unit/master/addresses.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>

enum { FIRST = 3, MOST = 4, ASIDE = 100 };

static struct listeners listeners;
static struct arena arena;
static struct hearing_log heard;

static void set_up(void)
{
    listeners = (struct listeners){ 0 };
    arena_init(&arena, NULL);
    hearing_log_init(&heard);
}

static void tear_down(void)
{
    listeners_close(&listeners, &log_stderr);
    arena_free(&arena);
}

static int listen_at(const struct listener *listener)
{
    const struct address *address = &listener->options.address;
    int fd = socket(address->name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, &address->name.any, address->len), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    return fd;
}

/* What the test has at the places of passed descriptors goes aside, and comes back. */
static void move_aside(void)
{
    for (int i = 0; i < MOST; i++)
        dup2(FIRST + i, ASIDE + i);
}

static void move_back(void)
{
    for (int i = 0; i < MOST; i++) {
        if (fcntl(ASIDE + i, F_GETFD) < 0)
            continue;
        dup2(ASIDE + i, FIRST + i);
        close(ASIDE + i);
    }
}

/* Passes these descriptors, and hears what becomes of them. What is taken goes to other numbers,
 * so that the test has its own back. */
static void inherit(const int *fds, int count, const char *pid, const char *names)
{
    char text[20];

    snprintf(text, sizeof text, "%d", count);
    setenv("LISTEN_FDS", text, 1);
    setenv("LISTEN_PID", pid, 1);
    if (names != NULL)
        setenv("LISTEN_FDNAMES", names, 1);
    move_aside();
    for (int i = 0; i < count; i++)
        dup2(fds[i], FIRST + i);
    activation_inherit(&listeners, &heard.log);
    for (struct socket_group *group = listeners.first; group != NULL; group = group->next)
        for (unsigned i = 0; i < group->count; i++)
            if (group->sockets[i] < FIRST + MOST)
                group->sockets[i] = fcntl(group->sockets[i], F_DUPFD_CLOEXEC, FIRST + MOST);
    move_back();
}

static const char *own_pid(void)
{
    static char text[20];

    snprintf(text, sizeof text, "%d", (int)getpid());
    return text;
}

static bool listens(int fd)
{
    int value = 0;
    socklen_t len = sizeof value;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value != 0;
}

START_TEST(sockets_are_taken_with_their_names)
{
    struct listener listener = listener_on_free_port(), other = listener_on_free_port();
    int fds[] = { listen_at(&listener), listen_at(&other) };

    inherit(fds, 2, own_pid(), "web:admin");
    ck_assert_uint_eq(heard.lines, 2);
    ck_assert_str_eq(heard.last, "using descriptor 4 (\"admin\") of the service manager");
    ck_assert_ptr_null(getenv("LISTEN_FDS"));
    ck_assert_ptr_null(getenv("LISTEN_PID"));
    ck_assert_ptr_null(getenv("LISTEN_FDNAMES"));
    ck_assert_uint_eq(listeners_group(&listeners, &listener)->lent, 1);
    ck_assert_uint_eq(listeners_group(&listeners, &other)->count, 1);
}
END_TEST

START_TEST(meant_for_another_process)
{
    struct listener listener = listener_on_free_port();
    int fd = listen_at(&listener);

    inherit(&fd, 1, "1", NULL);
    ck_assert_uint_eq(heard.lines, 0);
    ck_assert_ptr_null(listeners.first);
    inherit(&fd, 1, "", NULL);
    inherit(&fd, 0, own_pid(), NULL);
    ck_assert_ptr_null(listeners.first);
    close(fd);
}
END_TEST

START_TEST(what_does_not_listen_is_left)
{
    struct listener listener = listener_on_free_port();
    int fds[] = { open("/dev/null", O_RDONLY | O_CLOEXEC),
                  socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), listen_at(&listener) };

    inherit(fds, 3, own_pid(), "file");
    ck_assert_uint_eq(heard.lines, 3);
    ck_assert_str_eq(heard.last, "using descriptor 5 (\"\") of the service manager");
    ck_assert_ptr_nonnull(listeners.first);
    ck_assert_ptr_null(listeners.first->next);
}
END_TEST

/* Through a start, a configuration without the address, one with it, and the end. */
START_TEST(they_stay_the_manager_s)
{
    struct listener listener = listener_on_free_port(), again = listener;
    int fd = listen_at(&listener);

    inherit(&fd, 1, own_pid(), "web");
    ck_assert_int_eq(listeners_open(&listeners, &log_stderr, &arena, &listener, 1, 3),
                     LISTENING_OK);
    ck_assert(!listeners_commit(&listeners, &log_stderr, &listener, 1));
    const struct socket_group *group = listeners_group(&listeners, &listener);
    ck_assert_uint_eq(group->count, 3);
    ck_assert_uint_eq(group->lent, 1);

    ck_assert(listeners_commit(&listeners, &log_stderr, NULL, 0));
    ck_assert(listeners_retiring(&listeners, group->sockets[0]));
    listeners_warn_unused(&listeners, &heard.log);
    ck_assert_ptr_nonnull(strstr(heard.last, "which no \"listen\" names"));
    listeners_retire(&listeners);
    ck_assert_uint_eq(group->count, 1);
    ck_assert(!listeners_retiring(&listeners, group->sockets[0]));
    ck_assert(!listeners_commit(&listeners, &log_stderr, NULL, 0)); /* nothing more to retire */
    ck_assert(listens(fd));

    ck_assert_int_eq(listeners_open(&listeners, &log_stderr, &arena, &again, 1, 2), LISTENING_OK);
    ck_assert(!listeners_commit(&listeners, &log_stderr, &again, 1));
    ck_assert_uint_eq(group->count, 2);
    int client = connect_to(&again);
    ck_assert_int_ge(client, 0);
    close(client);
    listeners_close(&listeners, &log_stderr);
    ck_assert(listens(fd));
    client = connect_to(&again);
    ck_assert_int_ge(client, 0);
    close(client);
    close(fd);
}
END_TEST

/* Another master takes them with the others: their numbers are told apart. */
START_TEST(their_numbers_are_told)
{
    struct listener listener = listener_on_free_port(), own = listener_on_free_port();
    int fd = listen_at(&listener);
    char expected[20];

    inherit(&fd, 1, own_pid(), "web");
    ck_assert_int_eq(listeners_open(&listeners, &log_stderr, &arena, &own, 1, 2), LISTENING_OK);
    listeners_commit(&listeners, &log_stderr, &own, 1);
    snprintf(expected, sizeof expected, "%d;", listeners_group(&listeners, &listener)->sockets[0]);
    char *lent = listeners_numbers(&listeners, true), *all = listeners_numbers(&listeners, false);
    ck_assert_str_eq(lent, expected);
    unsigned count = 0;
    for (const char *at = all; (at = strchr(at, ';')) != NULL; at++)
        count++;
    ck_assert_uint_eq(count, 3);
    free(lent);
    free(all);
    ck_assert(listeners_pass(&listeners));
    ck_assert_int_eq(fcntl(own.sockets[1], F_GETFD), 0);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("activation");
    TCase *all = tcase_create("activation");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, sockets_are_taken_with_their_names);
    tcase_add_test(all, meant_for_another_process);
    tcase_add_test(all, what_does_not_listen_is_left);
    tcase_add_test(all, they_stay_the_manager_s);
    tcase_add_test(all, their_numbers_are_told);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
