/* How the proxy comes to its upstream: by which sockets, from which addresses, and for how long
 * it goes on trying. */
#include "tests/serve/harness_upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define PASS "proxy_pass http://127.0.0.1:@port2@; "
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct client *ask_for(struct server *server, const char *path)
{
    struct client *client = client_open(server);

    client_send(client, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    return client;
}

START_TEST(unix_sockets)
{
    struct server *server = server_start(
        "upstream group { server unix:@root@/behind; keepalive 2; }\n"
        "server { listen unix:@root@/behind; location / { return 200 \"$host $request_uri\"; } }\n"
        "server { " LISTEN "add_header X-Addr $upstream_addr;\n"
        "location / { proxy_pass http://unix:@root@/behind; }\n"
        "location /url/ { proxy_pass http://unix:@root@/behind:/base/; }\n"
        "location /variable { proxy_pass http://unix:@root@/behind:$request_uri; }\n"
        "location /group { proxy_pass http://group; } }");
    static const char *const rows[][2] = {
        { "/a?b", "localhost /a?b" },
        { "/url/a%20b?c", "localhost /base/a%20b?c" },
        { "/variable?a", "localhost /variable?a" },
        { "/group", "group /group" },
        { "/group", "group /group" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct response *response = get(server, rows[i][0]);
        ck_assert_str_eq(response->body, rows[i][1]);
        ck_assert_str_eq(header(response, "X-Addr"), server_expand(server, "unix:@root@/behind"));
    }
    server_stop(server);
}
END_TEST

/* The kernel's timer of the server's connection to the port (proc(5), net/tcp): 0: none, 1: it
 * sends again, 2: it probes; -1: there is no such connection. */
static int timer_of(unsigned port)
{
    FILE *file = fopen("/proc/net/tcp", "re");
    char line[256];
    unsigned to, state, timer;
    int found = -1;

    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "%*d: %*x:%*x %*x:%x %x %*x:%*x %x:", &to, &state, &timer) == 3 &&
            to == port && state == 1)
            found = (int)timer;
    fclose(file);
    return found;
}

START_TEST(idle_connections_are_probed)
{
    struct server *server =
        server_start("server { " LISTEN "location / { " PASS "}\n"
                     "location /probed { " PASS "proxy_socket_keepalive on; } }");
    int listening = upstream_listen(server, 2);
    static const char *const paths[] = { "/", "/probed" };

    for (int probed = 0; probed < 2; probed++) {
        struct client *client = ask_for(server, paths[probed]);
        struct client *up = upstream_accept(server, listening);
        upstream_request(up, NULL);
        EVENTUALLY(timer_of((unsigned)server->ports[1]) == (probed ? 2 : 0));
        client_send(up, OK);
        ck_assert_str_eq(client_read(client)->body, "ok");
        client_close(up);
        EVENTUALLY(timer_of((unsigned)server->ports[1]) == -1);
    }
    server_stop(server);
}
END_TEST

/* What a worker may do that others may not. */
static unsigned long long capabilities(struct server *server)
{
    char path[64], line[256];
    unsigned long long mask = ~0ULL;

    snprintf(path, sizeof path, "/proc/%d/status", (int)server_all_workers(server).pids[0]);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "CapPrm: %llx", &mask) == 1)
            break;
    fclose(file);
    return mask;
}

/* The address is this machine's: that one may be another's needs rights all the same. */
START_TEST(addresses_of_others)
{
    enum { NET_RAW = 1 << 13 };
    struct server *server = server_start("server { " LISTEN "location / { " PASS
                                         "proxy_bind 127.0.0.77 transparent; } }");
    int listening = upstream_listen(server, 2), on = 1;
    struct client *client = ask_for(server, "/");

    if (geteuid() != 0 || setsockopt(listening, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof on) < 0) {
        server_allow(server, "Operation not permitted");
        ck_assert_int_eq(client_read(client)->status, 502);
        server_stop(server);
        return;
    }
    struct client *up = upstream_accept(server, listening);
    struct sockaddr_in peer;
    socklen_t len = sizeof peer;
    ck_assert_int_eq(getpeername(up->fd, (struct sockaddr *)&peer, &len), 0);
    ck_assert_uint_eq(ntohl(peer.sin_addr.s_addr), INADDR_LOOPBACK + 76);
    upstream_request(up, NULL);
    client_send(up, OK);
    ck_assert_str_eq(client_read(client)->body, "ok");
    EVENTUALLY(capabilities(server) == NET_RAW);
    server_stop(server);
}
END_TEST

/* A server that fails late is the last one. */
START_TEST(others_are_asked_in_time)
{
    struct server *server = server_start(
        "upstream two { server 127.0.0.1:@port2@ max_fails=0;\n"
        "  server 127.0.0.1:@port3@ backup; }\n"
        "server { " LISTEN "location / { proxy_pass http://two; proxy_next_upstream_timeout 1h; }\n"
        "location /late { proxy_pass http://two; proxy_next_upstream_timeout 5ms; } }");
    int first = upstream_listen(server, 2), second = upstream_listen(server, 3);
    struct pollfd asked = { .fd = second, .events = POLLIN };
    static const char *const paths[] = { "/", "/late" };

    for (int late = 0; late < 2; late++) {
        struct client *client = ask_for(server, paths[late]);
        struct client *up = upstream_accept(server, first);
        upstream_request(up, NULL);
        long long began = clock_now();
        EVENTUALLY(clock_now() > began + 10);
        client_close(up);
        if (!late) {
            up = upstream_accept(server, second);
            upstream_request(up, NULL);
            client_send(up, OK);
        }
        ck_assert_int_eq(client_read(client)->status, late ? 502 : 200);
        ck_assert_int_eq(poll(&asked, 1, 0), 0);
    }
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("proxy connecting",
                      (const TTest *[]){ unix_sockets, idle_connections_are_probed,
                                         addresses_of_others, others_are_asked_in_time, NULL });
}
