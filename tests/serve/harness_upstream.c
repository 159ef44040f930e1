#include "tests/serve/harness_upstream.h"

#include "tests/serve/harness_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_listening(void *argument)
{
    close((int)(intptr_t)argument);
}

int upstream_listen(struct server *server, unsigned n)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)server->ports[n - 1]),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 64) != 0)
        server_fail(server, "no upstream can listen: %s", strerror(errno));
    server_at_end(server, close_listening, (void *)(intptr_t)fd);
    return fd;
}

struct client *upstream_accept(struct server *server, int listening)
{
    struct pollfd ready = { .fd = listening, .events = POLLIN };
    struct client *client = calloc(1, sizeof(*client));

    ck_assert_ptr_nonnull(client);
    client->server = server;
    client->fd = -1;
    server_at_end(server, client_release, client);
    if (poll(&ready, 1, DEADLINE) == 1)
        client->fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (client->fd < 0)
        server_fail(server, "the server does not connect to its upstream");
    return client;
}

struct passing passing_start(const char *http, const char *request)
{
    struct passing passing = { .server = server_start(http) };

    passing.listening = upstream_listen(passing.server, 2);
    passing_next(&passing, request);
    return passing;
}

void passing_next(struct passing *passing, const char *request)
{
    passing->client = client_open(passing->server);
    client_send_bytes(passing->client, request, strlen(request));
    passing->up = upstream_accept(passing->server, passing->listening);
}

const char *upstream_request(struct client *client, const char *body)
{
    const char *end;
    size_t known = 0;

    for (;;) {
        const char *text = client_read_bytes(client, known + 1);
        if (client->len == known)
            server_fail(client->server, "no whole request came: \"%.2000s\"", text);
        known = client->len;
        const char *head = strstr(text, "\r\n\r\n");
        end = head == NULL ? NULL : head + 4;
        if (end != NULL && body != NULL) {
            const char *found = strstr(end, body);
            end = found == NULL ? NULL : found + strlen(body);
        }
        if (end != NULL)
            break;
    }
    size_t len = (size_t)(end - client->received);
    char *request = server_own(client->server, strndup(client->received, len));
    memmove(client->received, end, client->len - len + 1);
    client->len -= len;
    return request;
}

/* ---- one that answers by itself ---- */

struct upstream_player {
    pid_t pid;
};

/* Reads one request's head; false: none came. */
static bool read_head(int fd)
{
    char head[8192];
    size_t len = 0;
    ssize_t got;

    while (len < sizeof(head) - 1 && (got = recv(fd, head + len, sizeof(head) - 1 - len, 0)) > 0) {
        len += (size_t)got;
        head[len] = '\0';
        if (strstr(head, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static void play(int listening, const char *text)
{
    char *answer;
    int len =
        asprintf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                 strlen(text), text);

    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && len > 0 && read_head(fd))
            send(fd, answer, (size_t)len, MSG_NOSIGNAL); /* all of it: the socket blocks */
        close(fd);
    }
}

static int listen_on(struct server *server, const char *host, unsigned n)
{
    char port[] = "@portN@";
    struct sockaddr_in address = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    port[5] = (char)('0' + n);
    address.sin_port = htons((uint16_t)atoi(server_expand(server, port)));
    inet_pton(AF_INET, host, &address.sin_addr);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 64) != 0)
        server_fail(server, "no upstream can listen: %s", strerror(errno));
    return fd;
}

static void stop_player(void *player)
{
    upstream_leave(player);
    free(player);
}

struct upstream_player *upstream_play(struct server *server, const char *address, unsigned n,
                                      const char *text)
{
    struct upstream_player *player = calloc(1, sizeof(*player));
    int fd = listen_on(server, address, n);

    ck_assert_ptr_nonnull(player);
    player->pid = fork();
    ck_assert_int_ge(player->pid, 0);
    if (player->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        play(fd, text);
    }
    close(fd);
    server_at_end(server, stop_player, player);
    return player;
}

void upstream_leave(struct upstream_player *player)
{
    if (player->pid == 0)
        return;
    kill(player->pid, SIGKILL);
    waitpid(player->pid, NULL, 0);
    player->pid = 0;
}
