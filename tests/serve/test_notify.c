/* What the service manager is told: sd_notify(3). */
#include "tests/serve/harness.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HELLO "server { listen 127.0.0.1:@port@; location / { return 200 hello; } }\n"

enum { STATE_MAX = 512 };

struct manager {
    struct server *server;
    int fd;
    char state[STATE_MAX];
};

/* A server that is not running, and the socket that it is to notify. */
static struct manager manager_open(void)
{
    struct manager manager = { .server = server_new() };
    struct sockaddr_un name = { .sun_family = AF_UNIX };

    snprintf(name.sun_path, sizeof(name.sun_path), "%s/notify", manager.server->root);
    manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(manager.fd, (struct sockaddr *)&name, sizeof(name)), 0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", name.sun_path, 1), 0);
    return manager;
}

static void manager_close(struct manager *manager)
{
    close(manager->fd);
    server_stop(manager->server);
}

/* The next datagram. */
static const char *next_state(struct manager *manager)
{
    struct pollfd ready = { .fd = manager->fd, .events = POLLIN };

    if (poll(&ready, 1, DEADLINE) != 1)
        server_fail(manager->server, "the service manager was told nothing");
    ssize_t len = recv(manager->fd, manager->state, STATE_MAX - 1, 0);
    ck_assert_int_gt(len, 0);
    manager->state[len] = '\0';
    return manager->state;
}

static void expect_ready(struct manager *manager, unsigned generation)
{
    char expected[STATE_MAX];

    snprintf(expected, sizeof(expected),
             "READY=1\nSTATUS=Serving: generation %u, %u workers\nMAINPID=%d", generation,
             worker_count(), manager->server->pid);
    ck_assert_str_eq(next_state(manager), expected);
}

START_TEST(the_manager_follows_a_server)
{
    struct manager manager = manager_open();
    struct server *server = manager.server;

    server_run(server, &(struct setup){ .http = HELLO });
    expect_ready(&manager, 1);

    long long before = clock_now();
    server_signal(server, SIGHUP);
    unsigned long long at = 0;
    ck_assert_int_eq(sscanf(next_state(&manager), "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=", &at),
                     1);
    ck_assert_uint_ge(at / 1000, (unsigned long long)before);
    expect_ready(&manager, 2);

    server_allow(server, "[emerg]");
    server_configure(server, &(struct setup){ .http = "nonsense;" });
    server_signal(server, SIGHUP);
    ck_assert_ptr_nonnull(strstr(next_state(&manager), "RELOADING=1\n"));
    ck_assert_str_eq(next_state(&manager),
                     "READY=1\nSTATUS=Serving: generation 2; the last reload failed");

    server_quit(server);
    ck_assert_ptr_nonnull(strstr(next_state(&manager), "STOPPING=1\n"));
    manager_close(&manager);
}
END_TEST

START_TEST(the_watchdog_is_fed)
{
    struct manager manager = manager_open();
    char pid[20];

    ck_assert_int_eq(setenv("WATCHDOG_USEC", "100000", 1), 0);
    server_run(manager.server, &(struct setup){ .http = HELLO });
    unsigned fed = 0;
    while (fed < 3)
        fed += strcmp(next_state(&manager), "WATCHDOG=1") == 0;
    server_quit(manager.server);

    /* It is meant for another process. */
    snprintf(pid, sizeof(pid), "%d", getpid());
    ck_assert_int_eq(setenv("WATCHDOG_PID", pid, 1), 0);
    while (recv(manager.fd, manager.state, STATE_MAX, MSG_DONTWAIT) > 0)
        continue;
    server_file(manager.server, "logs/muxd.pid", "");
    server_run(manager.server, &(struct setup){ .http = HELLO });
    expect_ready(&manager, 1);
    server_quit(manager.server);
    ck_assert_ptr_nonnull(strstr(next_state(&manager), "STOPPING=1\n"));
    manager_close(&manager);
}
END_TEST

START_TEST(what_is_no_socket_is_ignored)
{
    static const char *const names[] = { "", "relative", "/none/notify", "@", "@nobody-listens" };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        ck_assert_int_eq(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        struct server *server = server_start(HELLO);
        ck_assert_int_eq(get(server, "/")->status, 200);
        server_stop(server);
    }
}
END_TEST

int main(void)
{
    return serve_main("notify", (const TTest *[]){
                                    the_manager_follows_a_server,
                                    the_watchdog_is_fed,
                                    what_is_no_socket_is_ignored,
                                    NULL,
                                });
}
