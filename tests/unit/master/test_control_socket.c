/* The control socket's file: whose it is, what may be replaced, and what is removed. */
#include "master/control_socket.h"

#include "tests/unit/hearing_log.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct hearing_log heard;
static char path[64], other_path[80];

static void set_up(void)
{
    hearing_log_init(&heard);
    snprintf(path, sizeof path, "/tmp/muxd-test-control-socket-%d", (int)getpid());
    snprintf(other_path, sizeof other_path, "%s.other", path);
}

static void tear_down(void)
{
    unlink(path);
    unlink(other_path);
}

static enum control_opening open_at(const char *at, struct control_socket *opened)
{
    return control_socket_open(&heard.log, LOG_LEVEL_EMERG, at, opened);
}

/* -1 with errno set when nobody listens there. */
static int connect_at(const char *at)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(name.sun_path, at);
    if (connect(fd, (struct sockaddr *)&name, sizeof name) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

START_TEST(it_is_its_user_s_alone)
{
    struct control_socket socket;
    struct stat found;
    mode_t before = umask(0);

    ck_assert_int_eq(open_at(path, &socket), CONTROL_OPENED);
    ck_assert_uint_eq(umask(before), 0); /* is as it was */
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert(S_ISSOCK(found.st_mode));
    ck_assert_uint_eq(found.st_mode & 07777, 0600);
    ck_assert_int_eq(control_socket_accept(&socket), -1);
    int client = connect_at(path);
    int accepted = control_socket_accept(&socket);
    ck_assert_int_ge(accepted, 0);
    close(accepted);
    close(client);
    control_socket_close(&socket);
    ck_assert_int_ne(stat(path, &found), 0);
    ck_assert_uint_eq(heard.lines, 0);
}
END_TEST

START_TEST(a_living_one_is_not_replaced)
{
    struct control_socket first, second;

    ck_assert_int_eq(open_at(path, &first), CONTROL_OPENED);
    ck_assert_int_eq(open_at(path, &second), CONTROL_TAKEN);
    ck_assert_int_eq(second.fd, -1);
    ck_assert_uint_eq(heard.lines, 1);
    ck_assert_ptr_nonnull(strstr(heard.last, "bind() of the control socket"));
    int client = connect_at(path);
    ck_assert_int_ge(client, 0);
    close(client);
    control_socket_close(&first);
}
END_TEST

START_TEST(a_dead_one_is_replaced)
{
    struct control_socket dead, next;

    ck_assert_int_eq(open_at(path, &dead), CONTROL_OPENED);
    control_socket_leave(&dead); /* as if its process had been killed */
    ck_assert_int_eq(connect_at(path), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    ck_assert_int_eq(open_at(path, &next), CONTROL_OPENED);
    int client = connect_at(path);
    ck_assert_int_ge(client, 0);
    close(client);
    control_socket_close(&next);
}
END_TEST

START_TEST(another_file_is_left_alone)
{
    struct control_socket socket;
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_int_eq(open_at(path, &socket), CONTROL_TAKEN);
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

/* What has come in the place of its file meanwhile is somebody else's. */
START_TEST(only_its_own_file_is_removed)
{
    struct control_socket old, next;

    ck_assert_int_eq(open_at(path, &old), CONTROL_OPENED);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(open_at(path, &next), CONTROL_OPENED);
    control_socket_close(&old);
    ck_assert_int_eq(access(path, F_OK), 0);
    control_socket_close(&next);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(it_can_be_given_another_name)
{
    struct control_socket socket, next;
    char long_path[200];

    ck_assert_int_eq(open_at(path, &socket), CONTROL_OPENED);
    ck_assert(control_socket_rename(&socket, &heard.log, other_path));
    int client = connect_at(other_path);
    ck_assert_int_ge(client, 0);
    close(client);
    ck_assert_int_eq(open_at(path, &next), CONTROL_OPENED);
    ck_assert(!control_socket_rename(&socket, &heard.log, "/none/control"));
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    ck_assert(!control_socket_rename(&socket, &heard.log, long_path));
    ck_assert_uint_eq(heard.lines, 2);
    control_socket_close(&socket);
    ck_assert_int_ne(access(other_path, F_OK), 0);
    ck_assert_int_eq(access(path, F_OK), 0);
    control_socket_close(&next);
}
END_TEST

START_TEST(what_cannot_be_opened_is_said)
{
    struct control_socket socket;
    char long_path[200];

    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    ck_assert_int_eq(open_at(long_path, &socket), CONTROL_FAILED);
    ck_assert_int_eq(socket.fd, -1);
    ck_assert_int_eq(open_at("/none/control", &socket), CONTROL_FAILED);
    ck_assert_int_eq(socket.fd, -1);
    ck_assert_uint_eq(heard.lines, 2);
    control_socket_close(&socket); /* does nothing */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control_socket");
    TCase *all = tcase_create("control_socket");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, it_is_its_user_s_alone);
    tcase_add_test(all, a_living_one_is_not_replaced);
    tcase_add_test(all, a_dead_one_is_replaced);
    tcase_add_test(all, another_file_is_left_alone);
    tcase_add_test(all, only_its_own_file_is_removed);
    tcase_add_test(all, it_can_be_given_another_name);
    tcase_add_test(all, what_cannot_be_opened_is_said);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
