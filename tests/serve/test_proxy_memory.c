/* Many requests at once, of which one side stands still: what a worker keeps for them stays
 * within what the configuration says, what it does not keep it does not read, and it goes on
 * when the other side does. */
#include "tests/serve/harness_upstream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#define PASS "proxy_pass http://127.0.0.1:@port2@; "

/* KiB of an idle worker; AddressSanitizer keeps back what was freed. */
#if defined(__SANITIZE_ADDRESS__)
enum { IDLE = 256 * 1024 };
#else
enum { IDLE = 768 };
#endif

enum {
    REQUESTS = 32,                 /* at once */
    OWN = 80,                      /* KiB of one beside that: two heads, 32 KiB on their way */
    SOCKET_BUFFER = 256 * 1024,    /* of the sockets that the test and the configuration can set */
    TAKEN_MOST = 32 * 1024 * 1024, /* bytes of a body that muxd and the kernel take */
    LENGTH = 1024 * 1024 * 1024,   /* that it would have */
    MORE = 1024 * 1024,            /* bytes moved once both sides go on */
    FILED = 2 * 1024 * 1024,       /* bytes of a body that waits in a file */
    QUIET = 100,                   /* ms in which nobody takes anything: they all stand */
};

static const char memory_conf[] =
    "map $http_upgrade $connection_upgrade { default upgrade; '' close; }\n"
    "client_max_body_size 0; client_body_buffer_size 16k;\n"
    "server { listen 127.0.0.1:@port@ backlog=1000 sndbuf=256k rcvbuf=256k; proxy_http_version "
    "1.1;\n"
    "proxy_buffers 4 4k; proxy_max_temp_file_size 0;\n"
    "location /memory { " PASS "}\n"
    "location /large { " PASS "proxy_buffers 32 8k; }\n"
    "location /file { " PASS "proxy_max_temp_file_size 256k; }\n"
    "location /unbuffered { " PASS "proxy_buffering off; }\n"
    "location /chunks { " PASS "proxy_buffering off; }\n"
    "location /upload { " PASS "proxy_request_buffering off; }\n"
    "location /tunnel { " PASS "proxy_set_header Upgrade $http_upgrade;\n"
    "  proxy_set_header Connection $connection_upgrade; } }";

/* A kind of request, and which way its bytes go. */
struct kind {
    const char *path, *request, *answer;
    bool up;             /* the client sends, and the upstream stands still */
    unsigned configured; /* KiB that one of them may have */
};

#define GET " HTTP/1.1\r\nHost: h\r\n\r\n"
#define UPGRADE " HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"
#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"

static const struct kind kinds[] = {
    { "GET /memory", GET, OK, false, 4 + 16 },
    { "GET /large", GET, OK, false, 4 + 256 },
    { "GET /large", GET, "HTTP/1.1 200 OK\r\nX-Accel-Buffering: no\r\n\r\n", false, 4 },
    { "GET /file", GET, OK, false, 4 + 16 },
    { "GET /unbuffered", GET, OK, false, 4 },
    { "GET /chunks", GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n",
      false, 4 },
    { "POST /upload", " HTTP/1.1\r\nHost: h\r\nContent-Length: 1073741824\r\n\r\n", NULL, true,
      16 },
    { "GET /tunnel", UPGRADE, SWITCHING, true, 16 },
    { "GET /tunnel", UPGRADE, SWITCHING, false, 16 },
};

/* One request's connections. */
struct pair {
    struct client *client, *up;
    size_t sent, received; /* bytes, by the side that sends, and by the other one */
};

static char piece[64 * 1024];

/* KiB of memory of their own that all workers together have. */
static unsigned long own_memory(struct server *server)
{
    unsigned long total = 0, kilobytes;
    char path[64], line[256];
    struct workers workers = server_all_workers(server);

    for (size_t i = 0; i < worker_count(); i++) {
        snprintf(path, sizeof path, "/proc/%d/status", (int)workers.pids[i]);
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof line, file) != NULL)
            if (sscanf(line, "RssAnon: %lu kB", &kilobytes) == 1)
                total += kilobytes;
        fclose(file);
    }
    return total;
}

/* Each of the requests costs no more than is configured. */
static void expect_memory(struct server *server, unsigned configured, const char *what)
{
    unsigned long all = own_memory(server);

    ck_assert_uint_gt(all, 0);
    ck_assert_msg(all < worker_count() * IDLE + REQUESTS * (configured + OWN), "%s: %lu KiB", what,
                  all);
}

static struct client *small_client(struct server *server)
{
    struct client *client = client_open(server);
    int size = SOCKET_BUFFER;

    setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(client->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    return client;
}

static struct pair begin(struct server *server, int listening, const struct kind *kind)
{
    struct pair pair = { .client = small_client(server) };
    int size = SOCKET_BUFFER;

    client_send(pair.client, "%s%s", kind->path, kind->request);
    pair.up = upstream_accept(server, listening);
    setsockopt(pair.up->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    upstream_request(pair.up, NULL);
    if (kind->answer != NULL) {
        client_send(pair.up, "%s", kind->answer);
        client_read_head(pair.client);
    }
    fcntl(pair.client->fd, F_SETFL, O_NONBLOCK);
    fcntl(pair.up->fd, F_SETFL, O_NONBLOCK);
    return pair;
}

/* Sends what the pair's sender can send. */
static void push(struct pair *pair, int from)
{
    ssize_t sent;

    while (pair->sent < LENGTH && (sent = send(from, piece, sizeof piece, MSG_NOSIGNAL)) > 0)
        pair->sent += (size_t)sent;
}

/* All send until nothing is taken of any. */
static void push_until_all_stand(struct pair *pairs, bool up)
{
    struct pollfd ready[REQUESTS];

    for (size_t i = 0; i < REQUESTS; i++)
        ready[i] =
            (struct pollfd){ .fd = up ? pairs[i].client->fd : pairs[i].up->fd, .events = POLLOUT };
    while (poll(ready, REQUESTS, QUIET) > 0)
        for (size_t i = 0; i < REQUESTS; i++) {
            ck_assert_msg((ready[i].revents & (POLLERR | POLLHUP)) == 0, "closed");
            if (ready[i].revents != 0)
                push(&pairs[i], ready[i].fd);
            ck_assert_uint_lt(pairs[i].sent, TAKEN_MOST);
        }
}

/* The other side goes on: so much more is moved. */
static void flow(struct pair *pair, bool up)
{
    struct pollfd ready[] = { { .fd = up ? pair->client->fd : pair->up->fd, .events = POLLOUT },
                              { .fd = up ? pair->up->fd : pair->client->fd, .events = POLLIN } };
    size_t until = pair->sent + MORE;

    while (pair->received < until) {
        ck_assert_int_gt(poll(ready, 2, DEADLINE), 0);
        push(pair, ready[0].fd);
        ssize_t got = recv(ready[1].fd, piece, sizeof piece, 0);
        if (got > 0)
            pair->received += (size_t)got;
        else
            ck_assert_msg(got < 0, "closed");
    }
}

/* In a server of its own: memory that others have given back would hide what it takes. */
static void stand_still(const struct kind *kind)
{
    struct server *server = server_start(memory_conf);
    int listening = upstream_listen(server, 2);
    static struct pair pairs[REQUESTS];

    for (size_t i = 0; i < REQUESTS; i++)
        pairs[i] = begin(server, listening, kind);
    push_until_all_stand(pairs, kind->up);
    expect_memory(server, kind->configured, kind->path);
    for (size_t i = 0; i < REQUESTS; i += REQUESTS / 4)
        flow(&pairs[i], kind->up);
    for (size_t i = 0; i < REQUESTS; i++) {
        client_close(pairs[i].client);
        client_close(pairs[i].up);
    }
    server_stop(server);
}

START_TEST(who_stands_still_costs_what_is_configured)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        stand_still(&kinds[i]);
}
END_TEST

/* Bodies that were read before the upstream is asked, which then takes nothing. */
START_TEST(bodies_wait_in_files)
{
    struct server *server = server_start(memory_conf);
    int listening = upstream_listen(server, 2);
    static struct client *clients[REQUESTS], *ups[REQUESTS];

    for (size_t i = 0; i < REQUESTS; i++) {
        clients[i] = client_open(server);
        client_send(clients[i], "POST /memory HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n",
                    FILED);
        for (size_t sent = 0; sent < FILED; sent += sizeof piece)
            ck_assert(client_send_bytes(clients[i], piece, sizeof piece));
        ups[i] = upstream_accept(server, listening);
    }
    expect_memory(server, 16, "POST /memory");
    for (size_t i = 0; i < REQUESTS; i++) {
        upstream_request(ups[i], NULL);
        client_read_bytes(ups[i], FILED);
        client_send(ups[i], "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        client_close(ups[i]);
        ck_assert_str_eq(client_read(clients[i])->body, "ok");
    }
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("proxy memory", (const TTest *[]){ who_stands_still_costs_what_is_configured,
                                                         bodies_wait_in_files, NULL });
}
