#include "tests/serve/harness_upstream.h"

#include "tests/serve/harness_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
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
