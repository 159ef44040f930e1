/* Clients that are slow, or greedy, on purpose and together: they are gone after their time,
 * memory stays bounded, and others are served meanwhile. tests/soak/attackers has more of them. */
#include "tests/serve/harness.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
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
    ck_assert_int_eq(setsockopt(client->fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &least, sizeof least),
                     0);
    client_send(client, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    EVENTUALLY(active_connections(server) == 2); /* it has come, */
    EVENTUALLY(active_connections(server) == 1); /* and is gone after send_timeout */
    server_stop(server);
}
END_TEST

/* --- turns of the loop --- */

enum {
    PIPELINED = 1500,
    COMPRESSING = 6,
    COMPRESSED = 512 * 1024, /* bytes of a file, which is all zeros */
};

static const char *const TURNS =
    "access_log @root@/logs/access.log; gzip_types *;\n"
    "server { listen 127.0.0.1:@port@; root @root@/html; keepalive_requests 100000;\n"
    "  location = /status { stub_status; access_log off; }\n"
    "  location = /text { return 200 abc; }\n"
    "  location = /zeros { gzip on; gzip_comp_level 1; } }";

/* A worker that does nothing until `workers_go_on`, and finds then what has come meanwhile. */
static struct server *start_turns(void)
{
    struct server *server = server_new();

    server_file(server, "html/zeros", "");
    ck_assert_int_eq(truncate(server_path(server, "html/zeros"), COMPRESSED), 0);
    server_run(server, &(struct setup){ .main = "worker_processes 1;", .http = TURNS });
    return server;
}

static void signal_worker(struct server *server, int number)
{
    pid_t pids[16];

    ck_assert_uint_eq(server_workers(server, pids, 16), 1);
    ck_assert_int_eq(kill(pids[0], number), 0);
}

/* Its answer says how many requests were begun up to it. */
static unsigned requests_before(struct client *client)
{
    unsigned requests = 0;
    const char *body = client_read(client)->body;
    const char *counts = strstr(body, "requests\n");

    ck_assert_msg(counts != NULL && sscanf(counts, "requests %*u %*u %u", &requests) == 1, "%s",
                  body);
    return requests;
}

/* A connection that the worker knows. */
static struct client *known(struct server *server)
{
    struct client *client = client_open(server);

    client_send(client, "GET /text HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_str_eq(client_read(client)->body, "abc");
    return client;
}

/* By count and not by time: of a long pipeline that came first, no more than a share is answered
 * before the one request of another client. */
START_TEST(a_pipeline_lets_others_pass)
{
    struct server *server = start_turns();
    struct client *greedy = known(server), *other = known(server);

    signal_worker(server, SIGSTOP);
    for (unsigned i = 0; i < PIPELINED; i++)
        client_send(greedy, "GET /text HTTP/1.1\r\n" HOST "\r\n");
    client_send(other, "GET /status HTTP/1.1\r\n" HOST "\r\n");
    signal_worker(server, SIGCONT);
    unsigned before = requests_before(other);
    ck_assert_msg(before < PIPELINED / 2, "%u of %u requests were answered before", before,
                  PIPELINED);
    for (unsigned i = 0; i < PIPELINED; i++)
        ck_assert_str_eq(client_read(greedy)->body, "abc");
    server_stop(server);
}
END_TEST

/* What is compressed to a thousandth is work without bytes that are sent. */
START_TEST(what_is_compressed_lets_others_pass)
{
    struct server *server = start_turns();
    struct client *compressing[COMPRESSING], *other = known(server);

    for (size_t i = 0; i < COMPRESSING; i++)
        compressing[i] = known(server);
    signal_worker(server, SIGSTOP);
    for (size_t i = 0; i < COMPRESSING; i++)
        client_send(compressing[i], "GET /zeros HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
    client_send(other, "GET /text?other HTTP/1.1\r\n" HOST "\r\n");
    signal_worker(server, SIGCONT);
    ck_assert_str_eq(client_read(other)->body, "abc");
    server_wait_file(server, "logs/access.log", "/text?other");
    const char *log = server_read(server, "logs/access.log");
    const char *first = strstr(log, "/zeros");
    ck_assert_msg(first == NULL || first > strstr(log, "/text?other"), "%s", log);
    for (size_t i = 0; i < COMPRESSING; i++)
        ck_assert_str_eq(header(client_read(compressing[i]), "Content-Encoding"), "gzip");
    server_stop(server);
}
END_TEST

/* --- what is counted --- */

/* Of what there is just now. */
static const char *const levels[] = {
    "muxd_connections{state=\"reading\"}",
    "muxd_connections{state=\"writing\"}",
    "muxd_connections{state=\"waiting\"}",
    "muxd_tunnels",
    "muxd_peer_requests{upstream=\"behind\",peer=\"127.0.0.1:@port2@\"}",
};

enum { LEVELS = sizeof levels / sizeof *levels };

static bool are_level(struct server *server)
{
    const char *status = server_status(server);
    bool level = true;

    for (size_t i = 0; i < LEVELS; i++)
        level &= metric_in(status, server_expand(server, levels[i])) == 0;
    return level;
}

/* The attackers of above, at locations that have something of their own for each. */
START_TEST(counters_come_back_to_level)
{
    static const char *const all =
        "client_header_timeout 1s; client_body_timeout 1s; send_timeout 1s;\n"
        "keepalive_timeout 1s; lingering_timeout 1s; proxy_read_timeout 1s;\n"
        "upstream behind { zone behind 256k; server 127.0.0.1:@port2@; keepalive 2; }\n"
        "server { listen 127.0.0.1:@port@ backlog=4096; root @root@/html;\n"
        "  location /text { proxy_pass http://behind; }\n"
        "  location /body { proxy_pass http://behind; proxy_request_buffering off; }\n"
        "  location /large { proxy_pass http://behind; proxy_max_temp_file_size 0; } }\n"
        "server { listen 127.0.0.1:@port2@ backlog=4096; root @root@/html;\n"
        "  location /text { return 200 abc; }\n"
        "  location /body { client_body_read on; return 200; } }";
    struct server *server = server_new();

    server_file(server, "html/large", "");
    ck_assert_int_eq(truncate(server_path(server, "html/large"), LARGE), 0);
    server_run(server, &(struct setup){ .http = all });
    server_allow(server, "upstream timed out");
    server_allow(server, "prematurely closed");
    ck_assert_str_eq(get(server, "/text")->body, "abc");
    for (size_t kind = 0; kind < KINDS; kind++)
        for (unsigned i = 0; i < EACH; i++) {
            struct client *attacker = begin(server, &attacks[kind]);
            if (i % 3 == 0)
                client_reset(attacker);
            else if (i % 3 == 1)
                client_finish(attacker);
        }
    EVENTUALLY(are_level(server));
    ck_assert_str_eq(get(server, "/text")->body, "abc");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("attackers",
                      (const TTest *[]){
                          attackers_are_gone_after_their_time, a_storm_of_resets_leaves_nothing,
                          a_window_of_one_byte_does_not_last, a_pipeline_lets_others_pass,
                          what_is_compressed_lets_others_pass, counters_come_back_to_level, NULL });
}
