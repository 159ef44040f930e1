/* Clients that are slow, or greedy, on purpose and together: they are gone after their time,
 * memory stays bounded, and others are served meanwhile. tests/soak/attackers has more of them. */
#include "tests/serve/harness.h"

#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: localhost\r\n"

/* MiB of freed memory that AddressSanitizer keeps back by default. */
#if defined(__SANITIZE_ADDRESS__)
enum { KEPT_BACK = 256 };
#else
enum { KEPT_BACK = 0 };
#endif

enum {
    EACH = 12,               /* attackers of a kind */
    LARGE = 64 << 20,        /* bytes of a file, of which no attacker reads any */
    GROWTH = KEPT_BACK + 48, /* MiB that all of them together may cost a worker */
};

static const char *const SERVER =
    "client_header_timeout 1s; client_body_timeout 1s; send_timeout 1s; keepalive_timeout 1s;\n"
    "lingering_timeout 1s; lingering_time 2s; large_client_header_buffers 4 8k;\n"
    "server { listen 127.0.0.1:@port@ backlog=4096; root @root@/html;\n"
    "  location = /status { stub_status; access_log off; }\n"
    "  location = /body { client_body_read on; return 200 $content_length; }\n"
    "  location = /text { return 200 \"abcdefghijklmnopqrstuvwxyz\"; } }";

struct attack {
    const char *name;
    const char *first; /* what it begins with */
    const char *again; /* what it says now and then, "": nothing */
    unsigned greedy;   /* so often at once, as far as the sockets take it */
};

#define RANGES "0-,1-,2-,3-,4-,5-,6-,7-,8-,9-,0-,1-,2-,3-,4-,5-,6-,7-,8-,9-,"

static const struct attack attacks[] = {
    { "a silent connection", "", "", 0 },
    { "slowloris", "GET /text HTTP/1.1\r\n" HOST "X: ", "x", 0 },
    { "slowloris by fields", "GET /text HTTP/1.1\r\n" HOST, "X: y\r\n", 0 },
    { "a slow body", "POST /body HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n", "", 0 },
    { "a slow chunked body", "POST /body HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5",
      "", 0 },
    { "a slow read", "GET /large HTTP/1.1\r\n" HOST "\r\n", "", 0 },
    { "a flood of ranges",
      "GET /large HTTP/1.1\r\n" HOST "Range: bytes=" RANGES RANGES RANGES "0-\r\n\r\n", "", 0 },
    { "a flood of fields", "GET /text HTTP/1.1\r\n" HOST, "A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
      500 },
    { "a pipeline that nobody reads", "", "GET /text HTTP/1.1\r\n" HOST "\r\n", 2000 },
    { "a pipeline of large files", "", "GET /large HTTP/1.1\r\n" HOST "\r\n", 500 },
};

enum { KINDS = sizeof attacks / sizeof *attacks };

/* KiB of memory that all workers together have. */
static unsigned long resident(struct server *server)
{
    unsigned long total = 0, kilobytes;
    char path[64], line[256];
    pid_t pids[16];
    size_t count = server_workers(server, pids, 16);

    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "/proc/%d/status", (int)pids[i]);
        FILE *file = fopen(path, "re");
        while (file != NULL && fgets(line, sizeof line, file) != NULL)
            if (sscanf(line, "VmRSS: %lu kB", &kilobytes) == 1)
                total += kilobytes;
        if (file != NULL)
            fclose(file);
    }
    return total;
}

/* Sends without waiting for room; a peer that has closed is no failure here. */
static void say(struct client *client, const char *text)
{
    if (*text != '\0' && send(client->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return;
}

static struct client *begin(struct server *server, const struct attack *attack)
{
    struct client *client = client_open(server);

    say(client, attack->first);
    for (unsigned i = 0; i < attack->greedy; i++)
        say(client, attack->again);
    return client;
}

static unsigned active_connections(struct server *server)
{
    unsigned active = 0;
    const char *body = get(server, "/status")->body;

    ck_assert_msg(sscanf(body, "Active connections: %u", &active) == 1, "%s", body);
    return active;
}

static struct server *start(void)
{
    struct server *server = server_new();

    server_file(server, "html/large", "");
    ck_assert_int_eq(truncate(server_path(server, "html/large"), LARGE), 0);
    server_run(server, &(struct setup){ .http = SERVER });
    return server;
}

START_TEST(attackers_are_gone_after_their_time)
{
    struct server *server = start();
    struct client *attackers[KINDS][EACH];
    unsigned long before = resident(server);

    for (size_t kind = 0; kind < KINDS; kind++)
        for (unsigned i = 0; i < EACH; i++)
            attackers[kind][i] = begin(server, &attacks[kind]);
    unsigned long most = 0;
    for (unsigned looks = 0; active_connections(server) > 1;) {
        for (size_t kind = 0; kind < KINDS; kind++)
            for (unsigned i = 0; i < EACH && attacks[kind].greedy == 0; i++)
                say(attackers[kind][i], attacks[kind].again);
        ck_assert_str_eq(get(server, "/text")->body, "abcdefghijklmnopqrstuvwxyz");
        unsigned long now = resident(server);
        most = now > most ? now : most;
        wait_a_little(&looks, "all attackers are gone", __FILE__, __LINE__);
    }
    ck_assert_msg(most < before + worker_count() * GROWTH * 1024, "%lu KiB, then %lu KiB", before,
                  most);
    server_stop(server);
}
END_TEST

START_TEST(a_storm_of_resets_leaves_nothing)
{
    struct server *server = start();

    for (size_t kind = 0; kind < KINDS; kind++)
        for (unsigned i = 0; i < 2 * EACH; i++)
            client_reset(begin(server, &attacks[kind]));
    ck_assert_str_eq(get(server, "/text")->body, "abcdefghijklmnopqrstuvwxyz");
    EVENTUALLY(active_connections(server) == 1);
    server_stop(server);
}
END_TEST

/* One byte of room at a time. */
START_TEST(a_window_of_one_byte_does_not_last)
{
    struct server *server = start();
    struct client *client = client_open(server);
    int least = 1;

    ck_assert_int_eq(setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least), 0);
    client_send(client, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    EVENTUALLY(active_connections(server) == 1);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("attackers", (const TTest *[]){ attackers_are_gone_after_their_time,
                                                      a_storm_of_resets_leaves_nothing,
                                                      a_window_of_one_byte_does_not_last, NULL });
}
