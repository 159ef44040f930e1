/* Large bodies, which pass from socket to socket unread where nobody has to look at them: what
 * arrives is what was sent, however both sides pause, and what is cut is not whole. */
#include "tests/serve/harness_upstream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PASS "proxy_pass http://group; "

enum {
    SIZE = 3 * 1024 * 1024 + 12345,
    CUT = 1024 * 1024 + 7,
    ROOM = SIZE + 4096, /* for the head, too */
};

static const char passage_conf[] =
    "upstream group { server 127.0.0.1:@port2@ max_fails=0; keepalive 4; }\n"
    "server { listen 127.0.0.1:@port@; proxy_http_version 1.1; proxy_set_header Connection '';\n"
    "location /buffered { " PASS "}\n"
    "location /memory { " PASS "proxy_max_temp_file_size 0; }\n"
    "location /unbuffered { " PASS "proxy_buffering off; }\n"
    "location /range { " PASS "proxy_force_ranges on; }\n"
    "location /rate { " PASS "proxy_limit_rate 100m; }\n"
    "location /stored { " PASS "proxy_store @root@/proxy_temp/stored; } }";

static const char *const paths[] = { "/buffered", "/memory", "/unbuffered",
                                     "/range",    "/rate",   "/stored" };

static char sent[SIZE], received[ROOM];

/* No part of it is like another. */
static void fill_body(void)
{
    unsigned state = 1;

    for (size_t i = 0; i < SIZE; i++) {
        state = state * 1103515245 + 12345;
        sent[i] = (char)(state >> 16);
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Sends the first `len` bytes of the body, in pieces of `piece` bytes, and receives the answer in
 * pieces of `taken` bytes, until it is whole or the client is cut off. What has come. */
static size_t pump(struct client *up, struct client *client, size_t len, size_t piece, size_t taken)
{
    struct pollfd ready[] = { { .fd = client->fd, .events = POLLIN },
                              { .fd = up->fd, .events = POLLOUT } };
    size_t out = 0, in = 0, whole = ROOM;

    fcntl(up->fd, F_SETFL, O_NONBLOCK);
    while (in < whole) {
        ck_assert_int_gt(poll(ready, out < len ? 2 : 1, DEADLINE), 0);
        if (out < len && ready[1].revents != 0) {
            ssize_t gone = send(up->fd, sent + out, least(piece, len - out), MSG_NOSIGNAL);
            ck_assert(gone > 0 || errno == EAGAIN);
            out += gone > 0 ? (size_t)gone : 0;
            if (out == len && len < SIZE)
                client_close(up);
        }
        if (ready[0].revents == 0)
            continue;
        ssize_t got = recv(client->fd, received + in, least(taken, ROOM - in), 0);
        if (got <= 0)
            break;
        in += (size_t)got;
        const char *end = memmem(received, in, "\r\n\r\n", 4);
        if (end != NULL)
            whole = (size_t)(end + 4 - received) + SIZE;
    }
    if (up->fd >= 0)
        fcntl(up->fd, F_SETFL, 0);
    return in;
}

/* The client has got so much of the body, and the same. */
static void expect_body(size_t got, size_t len, const char *path)
{
    const char *end = memmem(received, got, "\r\n\r\n", 4);

    ck_assert_ptr_nonnull(end);
    size_t head = (size_t)(end + 4 - received);
    ck_assert_msg(got - head == len, "%s: %zu", path, got - head);
    ck_assert_msg(memcmp(received + head, sent, len) == 0, "%s", path);
}

static void send_head(struct client *up)
{
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
}

static void begin(struct client *up)
{
    upstream_request(up, NULL);
    send_head(up);
}

/* Over one connection to the upstream: each leaves it as the next one needs it. */
START_TEST(large_bodies_arrive_as_they_are)
{
    static const size_t pieces[][2] = { { SIZE, SIZE }, { 1000000, 50000 }, { 30000, 1000000 } };
    struct server *server = server_start(passage_conf);
    int listening = upstream_listen(server, 2);
    struct client *client = client_open(server), *up = NULL;

    fill_body();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            client_send(client, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", paths[i]);
            if (up == NULL)
                up = upstream_accept(server, listening);
            begin(up);
            expect_body(pump(up, client, SIZE, pieces[k][0], pieces[k][1]), SIZE, paths[i]);
        }
    server_stop(server);
}
END_TEST

/* Whatever was sent arrives, and then the client is cut off, too. */
START_TEST(what_is_cut_is_not_whole)
{
    struct server *server = server_start(passage_conf);
    int listening = upstream_listen(server, 2);

    fill_body();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct client *client = client_open(server);
        client_send(client, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", paths[i]);
        struct client *up = upstream_accept(server, listening);
        begin(up);
        expect_body(pump(up, client, CUT, 100000, 100000), CUT, paths[i]);
        client_close(client);
    }
    server_stop(server);
}
END_TEST

/* In the middle of it, with bytes on their way. */
START_TEST(clients_leave)
{
    struct server *server = server_start(passage_conf);
    int listening = upstream_listen(server, 2);

    for (size_t i = 0; i < 3; i++) {
        struct client *client = client_open(server);
        client_send(client, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", paths[i]);
        struct client *up = upstream_accept(server, listening);
        begin(up);
        client_send_bytes(up, sent, CUT);
        client_read_bytes(client, CUT / 2);
        client_reset(client);
        client_expect_closed(up);
    }
    server_stop(server);
}
END_TEST

/* --- without a pipe --- */

/* What a descriptor of a process leads to: "pipe:[123]"; "": it is free. */
static const char *descriptor_of(pid_t pid, int fd, char target[64])
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
    ssize_t len = readlink(path, target, 63);
    target[len < 0 ? 0 : len] = '\0';
    return target;
}

static unsigned count_pipes(struct server *server)
{
    enum { MOST = 200 };
    struct workers workers = server_all_workers(server);
    unsigned count = 0;
    char target[64];

    for (size_t i = 0; i < worker_count(); i++)
        for (int fd = 0; fd < MOST; fd++)
            count += strncmp(descriptor_of(workers.pids[i], fd, target), "pipe:", 5) == 0;
    return count;
}

/* Nobody may set the limits of another user's processes: workers are to be the test's. */
static const char *our_user(void)
{
    return geteuid() == 0 ? "user root;" : "";
}

/* Leaves every worker so many descriptors. */
static void spare_descriptors(struct server *server, unsigned spare)
{
    struct workers workers = server_all_workers(server);
    char target[64];

    for (size_t i = 0; i < worker_count(); i++) {
        int fd = 0;
        for (unsigned free = 0; free <= spare; fd++)
            free += *descriptor_of(workers.pids[i], fd, target) == '\0';
        const struct rlimit files = { (rlim_t)fd - 1, (rlim_t)fd - 1 };
        ck_assert_int_eq(prlimit(workers.pids[i], RLIMIT_NOFILE, &files, NULL), 0);
    }
}

/* A request for a large body, whose head has left the upstream. */
static struct client *begin_passage(struct server *server, int listening, struct client **up)
{
    struct client *client = client_open(server);

    client_send(client, "GET /unbuffered HTTP/1.1\r\nHost: h\r\n\r\n");
    *up = upstream_accept(server, listening);
    upstream_request(*up, NULL);
    return client;
}

/* EMFILE, with none or one where two are needed: what would go through a pipe is read. */
START_TEST(a_body_for_which_there_is_no_pipe_is_read)
{
    fill_body();
    for (unsigned spare = 0; spare < 3; spare++) {
        struct server *server = server_new();
        server_run(server, &(struct setup){ .http = passage_conf, .main = our_user() });
        server_allow(server, "Too many open files"); /* of workers that accept */
        int listening = upstream_listen(server, 2);
        struct client *up, *client = begin_passage(server, listening, &up);
        unsigned pipes = count_pipes(server);
        spare_descriptors(server, spare);
        send_head(up);
        if (spare == 2) {
            client_send_bytes(up, sent, CUT);
            EVENTUALLY(count_pipes(server) == pipes + 2);
        } else {
            expect_body(pump(up, client, SIZE, 100000, 100000), SIZE, "/unbuffered");
        }
        server_stop(server);
    }
}
END_TEST

int main(void)
{
    return serve_main("proxy passage",
                      (const TTest *[]){ large_bodies_arrive_as_they_are, what_is_cut_is_not_whole,
                                         clients_leave, a_body_for_which_there_is_no_pipe_is_read,
                                         NULL });
}
