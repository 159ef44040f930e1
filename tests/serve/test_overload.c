/* More clients than there is room for: idle ones make way, the oldest first; where none is
 * idle, the others wait, and the worker sleeps meanwhile; and a queue that overflows is
 * told. */
#include "tests/serve/harness_upstream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER "server { listen 127.0.0.1:@port@ backlog=4096; location / { return 200 hello; } }\n"
#define KEPT "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define HALF "GET / HTTP/1.0\r\nHost: loc"

enum {
    ROOM = 40,         /* connections, or descriptors */
    MOST = 3 * ROOM,   /* clients */
    WATCHED_FOR = 300, /* ms */
};

/* Both limits that a worker can come to. The second one is found by accept(2): EMFILE. */
static const struct setup at_worker_connections = { .http = SERVER,
                                                    .main = "worker_processes 1;",
                                                    .events = "worker_connections 40;" };
static const struct setup at_descriptors = { .http = SERVER,
                                             .main = "worker_processes 1;\n"
                                                     "worker_rlimit_nofile 40;" };

static pid_t only_worker(struct server *server)
{
    pid_t worker = 0;

    EVENTUALLY(server_workers(server, &worker, 1) == 1);
    return worker;
}

/* ---- what a worker does while nothing can be done ---- */

/* Milliseconds of processor time that the process has used. */
static long long used_by(pid_t pid)
{
    char path[40];
    unsigned long long user = 0, system = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file,
                            "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %llu %llu",
                            &user, &system),
                     2);
    fclose(file);
    return (long long)((user + system) * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK));
}

/* The loop turns for heartbeats and retries only: some in a second, not thousands. */
static void expect_asleep(struct server *server, pid_t worker)
{
    long long began = clock_now(), used = used_by(worker);
    long long turns = server_metric(server, "muxd_loop_turn_seconds_count");

    poll(NULL, 0, WATCHED_FOR);
    turns = server_metric(server, "muxd_loop_turn_seconds_count") - turns;
    used = used_by(worker) - used;
    long long took = clock_now() - began;
    if (turns > 10 + took / 50 || used > 20 + took / 10)
        server_fail(server, "%lld turns and %lld ms of processor time in %lld ms", turns, used,
                    took);
}

/* ---- tests ---- */

/* Opens connections that are kept, each with one request, until the first of all is closed. How
 * many there are. */
static unsigned open_until_full(struct server *server, struct client **clients)
{
    unsigned count = 0;

    while (count < 2 || client_is_silent(clients[0])) {
        ck_assert_uint_lt(count, MOST);
        clients[count] = client_open(server);
        client_send(clients[count], KEPT);
        ck_assert_str_eq(client_read(clients[count++])->body, "hello");
    }
    return count;
}

static void expect_the_oldest_to_go(const struct setup *limit)
{
    enum { SHARE = 8 }; /* of the idle ones make room at a time */
    struct server *server = server_start_with(limit);
    pid_t worker = only_worker(server);
    struct client *clients[MOST];
    unsigned count = open_until_full(server, clients), closed = 0;

    ck_assert_uint_le(count, ROOM + 1);
    while (closed < count && !client_is_silent(clients[closed]))
        closed++;
    ck_assert_uint_le(closed, count / SHARE);
    for (unsigned i = closed; i < count; i++) {
        client_send(clients[i], KEPT);
        ck_assert_str_eq(client_read(clients[i])->body, "hello");
    }
    /* Those that have just asked are now the youngest. */
    ck_assert_str_eq(get(server, "/")->body, "hello");
    ck_assert(client_is_silent(clients[count - 1]));
    expect_asleep(server, worker);
    ck_assert_int_eq(only_worker(server), worker);
    server_stop(server);
}

START_TEST(the_oldest_idle_connections_make_room)
{
    expect_the_oldest_to_go(&at_worker_connections);
    expect_the_oldest_to_go(&at_descriptors);
}
END_TEST

/* Whose request is proxied needs another descriptor. */
START_TEST(idle_clients_make_room_for_upstreams)
{
    enum { PROXIED = 12 };
    struct server *server = server_start_with(&(struct setup){
        .http = "server { listen 127.0.0.1:@port@; location / { return 200 hello; }\n"
                "location /proxied { proxy_pass http://127.0.0.1:@port2@; } }",
        .main = at_descriptors.main });
    int listening = upstream_listen(server, 2);
    struct client *clients[MOST], *upstreams[PROXIED];
    unsigned count = open_until_full(server, clients);

    ck_assert_uint_gt(count, 2 * PROXIED);
    struct client **youngest = clients + count - PROXIED;
    for (int i = 0; i < PROXIED; i++) {
        client_send(youngest[i], "GET /proxied HTTP/1.1\r\nHost: localhost\r\n\r\n");
        upstreams[i] = upstream_accept(server, listening);
        upstream_request(upstreams[i], NULL);
    }
    for (int i = 0; i < PROXIED; i++) {
        client_send(upstreams[i], "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        ck_assert_str_eq(client_read(youngest[i])->body, "ok");
    }
    server_stop(server);
}
END_TEST

static void fill_and_free(const struct setup *limit, unsigned out_of_descriptors)
{
    struct server *server = server_start_with(limit);
    pid_t worker = only_worker(server);
    struct client *busy[MOST], *late[MOST];

    server_allow(server, "accepting is paused");
    for (int i = 0; i < MOST; i++) {
        busy[i] = client_open(server);
        client_send(busy[i], HALF);
    }
    const char *log = server_wait_log(server, "accepting is paused");
    ck_assert_uint_eq(count_of(log, "(24: Too many open files)"), out_of_descriptors);
    for (int i = 0; i < MOST; i++) {
        late[i] = client_open(server);
        client_send(late[i], KEPT);
    }
    expect_asleep(server, worker);
    for (int i = 0; i < MOST; i++)
        ck_assert(client_is_silent(late[i]));

    for (int i = 0; i < MOST; i++)
        client_close(busy[i]);
    for (int i = 0; i < MOST; i++) {
        ck_assert_str_eq(client_read(late[i])->body, "hello");
        client_close(late[i]);
    }
    ck_assert_uint_eq(count_of(server_read(server, "logs/error.log"), "accepting is paused"), 1);
    ck_assert_int_eq(only_worker(server), worker);
    server_stop(server);
}

START_TEST(at_the_limit_it_sleeps_and_goes_on_by_itself)
{
    fill_and_free(&at_worker_connections, 0);
    fill_and_free(&at_descriptors, 1);
}
END_TEST

/* ---- queues ---- */

static int connect_without_waiting(struct server *server)
{
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)server->ports[0]),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ck_assert_int_ge(fd, 0);
    connect(fd, (struct sockaddr *)&name, sizeof(name));
    return fd;
}

/* With nobody to accept; workers that are stopped take nothing. */
START_TEST(a_queue_that_overflows_is_told)
{
    enum { BACKLOG = 4 };
    struct server *server = server_start(
        "server { listen 127.0.0.1:@port@ backlog=4; listen unix:@root@/logs/socket backlog=2;\n"
        "location / { return 200 hello; } }");
    struct workers workers = server_all_workers(server);
    int clients[MOST];
    char text[160];

    get(server, "/");
    for (unsigned i = 0; i < worker_count(); i++)
        ck_assert_int_eq(kill(workers.pids[i], SIGSTOP), 0);
    for (int i = 0; i < MOST; i++)
        clients[i] = connect_without_waiting(server);
    for (int i = 0; i < 3; i++)
        client_open_unix(server, "logs/socket");
    snprintf(text, sizeof(text),
             "[warn] %d#%d: the queue of 127.0.0.1:%d was full (%u sockets, each with room for "
             "%d): ",
             server->pid, server->pid, server->ports[0], worker_count(), BACKLOG);
    server_wait_log(server, text);
    server_wait_log(server, " connection attempts were dropped\n");
    snprintf(text, sizeof(text), "the queue of unix:%s/logs/socket is full: 3 connections wait",
             server->root);
    const char *log = server_wait_log(server, text);
    ck_assert_uint_eq(count_of(log, "the queue of "), 2); /* no more than once a minute */
    long long dropped = 0;
    for (unsigned i = 0; i < worker_count(); i++) {
        snprintf(text, sizeof(text),
                 "muxd_listener_dropped_total{address=\"127.0.0.1:%d\",socket=\"%u\"}",
                 server->ports[0], i);
        dropped += server_metric(server, text);
    }
    ck_assert_int_ge(dropped, MOST - (long long)worker_count() * (BACKLOG + 1));

    for (int i = 0; i < MOST; i++)
        close(clients[i]);
    for (unsigned i = 0; i < worker_count(); i++)
        ck_assert_int_eq(kill(workers.pids[i], SIGCONT), 0);
    ck_assert_str_eq(get(server, "/")->body, "hello");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("overload", (const TTest *[]){
                                      the_oldest_idle_connections_make_room,
                                      idle_clients_make_room_for_upstreams,
                                      at_the_limit_it_sleeps_and_goes_on_by_itself,
                                      a_queue_that_overflows_is_told,
                                      NULL,
                                  });
}
