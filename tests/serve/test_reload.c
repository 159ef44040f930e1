/* HUP: a new configuration comes into force as a whole or not at all, and no
 * client notices. */
#include "tests/serve/load.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@"
#define HELLO "server { " LISTEN "; location / { return 200 hello; } }\n"
#define OTHER "server { listen 127.0.0.1:@port2@; location / { return 200 other; } }\n"
#define UNIX "server { listen unix:@root@/logs/socket; location / { return 200 unix; } }\n"
#define REQUEST LOAD_REQUEST

/* ---- reloads ---- */

static void expect_workers(struct server *server, size_t count)
{
    EVENTUALLY(server_workers(server, NULL, 0) == count);
}

static unsigned log_count(struct server *server, const char *text)
{
    return count_of(server_read(server, "logs/error.log"), text);
}

enum { LOOK_EVERY = 5 /* ms */ };

/* Reloads, and waits until the outcome is in the log. */
static void reload(struct server *server, const struct setup *setup, const char *outcome)
{
    unsigned before = log_count(server, outcome);
    long long deadline = clock_now() + DEADLINE;

    server_configure(server, setup);
    server_signal(server, SIGHUP);
    while (log_count(server, outcome) == before) {
        if (clock_now() > deadline)
            server_fail(server, "\"%s\" was not said another time", outcome);
        poll(NULL, 0, LOOK_EVERY);
    }
}

static void reload_well(struct server *server, const struct setup *setup)
{
    reload(server, setup, "reconfigured: ");
}

/* A reload that changes nothing, not even who serves. */
static void reload_badly(struct server *server, const struct setup *setup, const char *reason)
{
    struct workers before = server_all_workers(server);

    reload(server, setup, "the old one stays in force");
    server_wait_log(server, reason);
    struct workers after = server_all_workers(server);
    ck_assert(workers_are(&before, &after));
    ck_assert_str_eq(get(server, "/")->body, "hello");
}

/* Neither by a client, nor in the counters. */
START_TEST(no_request_is_lost)
{
    static const unsigned counts[] = { 1, 8, 1, 3, 8, 2, 2, 5, 1, 1 };
    enum { COUNTS = sizeof(counts) / sizeof(*counts), ROUNDS = 2 };
    struct server *server = server_start(HELLO);
    struct load load = load_tcp(server, "hello");
    struct totals totals = { { 0 } };
    char main[40];

    for (int i = 0; i < COUNTS * ROUNDS; i++) {
        snprintf(main, sizeof(main), "worker_processes %u;", counts[i % COUNTS]);
        reload_well(server,
                    &(struct setup){ .http = i % 3 == 0 ? HELLO OTHER : HELLO, .main = main });
        totals_follow(server, &totals);
    }
    expect_workers(server, counts[COUNTS - 1]);
    long long requests = (long long)load_stop(server, &load);
    EVENTUALLY(server_metric(server, "muxd_responses_total{class=\"2xx\"}") == requests);
    totals_follow(server, &totals);
    ck_assert_int_eq(totals.of[TOTAL_REQUESTS], requests);
    ck_assert_int_eq(totals.of[TOTAL_TIMED], requests);
    ck_assert_int_ge(totals.of[TOTAL_HANDLED], requests);
    server_stop(server);
}
END_TEST

START_TEST(no_request_to_a_unix_socket_is_lost)
{
    enum { RELOADS = 10 };
    struct server *server = server_start(HELLO UNIX);
    union load_target name = { .un = { .sun_family = AF_UNIX } };
    char main[40];

    snprintf(name.un.sun_path, sizeof(name.un.sun_path), "%s/logs/socket", server->root);
    struct load load = load_start(&name, sizeof(name.un), "unix");
    for (int i = 0; i < RELOADS; i++) {
        snprintf(main, sizeof(main), "worker_processes %d;", 1 + i % 3);
        reload_well(server, &(struct setup){ .http = HELLO UNIX, .main = main });
    }
    load_stop(server, &load);
    server_stop(server);
}
END_TEST

START_TEST(no_request_is_lost_when_reloads_fail)
{
    enum { RELOADS = 10 };
    struct server *server = server_start(HELLO);
    struct load load = load_tcp(server, "hello");

    server_allow(server, "chdir(");
    server_allow(server, "[emerg]");
    for (int i = 0; i < RELOADS; i++)
        reload_badly(server,
                     &(struct setup){ .http = HELLO OTHER,
                                      .main = "worker_processes 4; working_directory /none;" },
                     "a new worker process does not start");
    load_stop(server, &load);
    server_stop(server);
}
END_TEST

START_TEST(reloads_may_come_faster_than_they_are_done)
{
    enum { SIGNALS = 30 };
    struct server *server = server_start(HELLO);
    struct load load = load_tcp(server, "hello");

    server_configure(server, &(struct setup){ .http = HELLO OTHER, .main = "worker_processes 2;" });
    for (int i = 0; i < SIGNALS; i++)
        server_signal(server, SIGHUP);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)server->ports[1]),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EVENTUALLY(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    close(fd);
    expect_workers(server, 2);
    load_stop(server, &load);
    server_stop(server);
}
END_TEST

START_TEST(what_is_new_is_served)
{
    struct server *server = server_start("server { " LISTEN "; location / { return 200 old; } }");

    ck_assert_str_eq(get(server, "/")->body, "old");
    reload_well(server, &(struct setup){ .http = HELLO });
    expect_workers(server, worker_count()); /* the old ones have left */
    for (int i = 0; i < 20; i++)
        ck_assert_str_eq(get(server, "/")->body, "hello");
    server_stop(server);
}
END_TEST

START_TEST(what_has_begun_is_finished)
{
    struct server *server = server_start("server { " LISTEN "; location / { return 200 old; } }");
    struct client *client = client_open(server);

    /* An answer shows that a worker has accepted it: it does not wait in a queue. */
    client_send(client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "old");
    client_send(client, "GET / HTTP/1.1\r\nHost: local");
    reload_well(server, &(struct setup){ .http = HELLO });
    server_wait_log(server, "gracefully shutting down");
    EVENTUALLY(strcmp(get(server, "/")->body, "hello") == 0);
    client_send(client, "host\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "old");
    client_expect_closed(client);
    expect_workers(server, worker_count());
    server_stop(server);
}
END_TEST

/* Whether the n-th port is listened on. */
static bool port_is_open(const struct server *server, unsigned n)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)server->ports[n - 1]),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool open = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    close(fd);
    return open;
}

START_TEST(addresses_come_and_go)
{
    enum { ROUNDS = 3 };
    struct server *server = server_start(HELLO);
    struct stat found;

    for (int i = 0; i < ROUNDS; i++) {
        reload_well(server, &(struct setup){ .http = HELLO OTHER UNIX });
        struct client *client = client_open_port(server, 2);
        client_send(client, REQUEST);
        ck_assert_str_eq(client_read(client)->body, "other");
        client = client_open_unix(server, "logs/socket");
        client_send(client, REQUEST);
        ck_assert_str_eq(client_read(client)->body, "unix");
        reload_well(server, &(struct setup){ .http = HELLO });
        ck_assert_int_ne(stat(server_path(server, "logs/socket"), &found), 0);
        if (i == ROUNDS - 1) /* else it comes back before it is gone */
            EVENTUALLY(!port_is_open(server, 2));
        ck_assert_str_eq(get(server, "/")->body, "hello");
    }
    server_stop(server);
}
END_TEST

/* With "deferred" the kernel holds a handshake open until the client's first bytes have come, or
 * for a second: what a slow network does to others. */
START_TEST(half_open_handshakes_are_waited_for)
{
    enum {
        CLIENTS = 8,
        LONGER_THAN_QUEUES_TAKE = 200, /* ms; and well before the kernel's second is over */
    };
    static const char hello[] = "server { " LISTEN " deferred; location / { return 200 hello; } }";
    static const char both[] = "server { " LISTEN " deferred; listen 127.0.0.1:@port2@ deferred;"
                               "location / { return 200 hello; } }";
    struct server *server =
        server_start_with(&(struct setup){ .http = both, .main = "worker_processes 8;" });
    struct client *clients[2 * CLIENTS];

    for (unsigned i = 0; i < 2 * CLIENTS; i++)
        clients[i] = client_open_port(server, i < CLIENTS ? 1 : 2);
    /* Seven of eight sockets of the first address retire, and all of the second. */
    reload_well(server, &(struct setup){ .http = hello, .main = "worker_processes 1;" });
    poll(NULL, 0, LONGER_THAN_QUEUES_TAKE);
    for (unsigned i = 0; i < 2 * CLIENTS; i++) {
        ck_assert(client_send(clients[i], REQUEST));
        ck_assert_str_eq(client_read(clients[i])->body, "hello");
    }
    expect_workers(server, 1);
    EVENTUALLY(!port_is_open(server, 2));
    server_stop(server);
}
END_TEST

/* ---- what cannot be ---- */

START_TEST(a_wrong_file_changes_nothing)
{
    struct server *server = server_start(HELLO);

    server_allow(server, "[emerg]");
    reload_badly(server, &(struct setup){ .http = "nonsense;" },
                 "unknown directive \"nonsense\" in ");
    reload_well(server, &(struct setup){ .http = HELLO });
    server_stop(server);
}
END_TEST

START_TEST(an_address_in_use_changes_nothing)
{
    struct server *server = server_start(HELLO);

    int fd = port_occupy(server, 2);
    server_allow(server, "[emerg]");
    reload_badly(server, &(struct setup){ .http = HELLO OTHER, .main = "worker_processes 5;" },
                 "still could not bind()");
    close(fd);
    reload_well(server, &(struct setup){ .http = HELLO OTHER });
    ck_assert(port_is_open(server, 2));
    server_stop(server);
}
END_TEST

START_TEST(a_log_that_cannot_be_opened_changes_nothing)
{
    struct server *server = server_start(HELLO);

    server_allow(server, "[emerg]");
    reload_badly(server, &(struct setup){ .http = "access_log @root@/none/access.log;\n" HELLO },
                 "none/access.log\" failed (2: No such file or directory)");
    reload_badly(server,
                 &(struct setup){ .http = HELLO, .main = "error_log @root@/none/error.log;" },
                 "none/error.log\" failed (2: No such file or directory)");
    reload_badly(server, &(struct setup){ .http = HELLO, .main = "pid @root@/none/muxd.pid;" },
                 "none/muxd.pid\" failed (2: No such file or directory)");
    server_stop(server);
}
END_TEST

/* ---- files of the master ---- */

START_TEST(the_logs_of_the_new_configuration_are_used)
{
    struct server *server = server_start(HELLO);

    server_configure(
        server, &(struct setup){ .http = HELLO, .main = "error_log @root@/logs/new.log info;" });
    server_signal(server, SIGHUP);
    server_wait_file(server, "logs/new.log", "reconfigured: ");
    server_wait_file(server, "logs/new.log", "exited with code 0");
    ck_assert_uint_eq(log_count(server, "reconfigured: "), 0);
    server_stop(server);
}
END_TEST

START_TEST(the_pid_file_moves)
{
    struct server *server = server_start(HELLO);

    reload_well(server, &(struct setup){ .http = HELLO, .main = "pid @root@/logs/new.pid;" });
    ck_assert_int_eq(atoi(server_read(server, "logs/new.pid")), server->pid);
    ck_assert_int_ne(access(server_path(server, "logs/muxd.pid"), F_OK), 0);
    server_quit(server);
    ck_assert_int_ne(access(server_path(server, "logs/new.pid"), F_OK), 0);
    server_stop(server);
}
END_TEST

START_TEST(a_reload_does_not_keep_the_master_from_leaving)
{
    static const int signals[] = { SIGQUIT, SIGTERM };

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        struct server *server = server_start(HELLO);
        get(server, "/");
        server_configure(server,
                         &(struct setup){ .http = HELLO OTHER, .main = "worker_processes 4;" });
        server_signal(server, SIGHUP);
        server_signal(server, signals[i]);
        server_join(server);
    }
}
END_TEST

int main(void)
{
    return serve_main("reload", (const TTest *[]){
                                    no_request_is_lost,
                                    no_request_to_a_unix_socket_is_lost,
                                    no_request_is_lost_when_reloads_fail,
                                    reloads_may_come_faster_than_they_are_done,
                                    what_is_new_is_served,
                                    what_has_begun_is_finished,
                                    addresses_come_and_go,
                                    half_open_handshakes_are_waited_for,
                                    a_wrong_file_changes_nothing,
                                    an_address_in_use_changes_nothing,
                                    a_log_that_cannot_be_opened_changes_nothing,
                                    the_logs_of_the_new_configuration_are_used,
                                    the_pid_file_moves,
                                    a_reload_does_not_keep_the_master_from_leaving,
                                    NULL,
                                });
}
