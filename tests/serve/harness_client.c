/* Connections to a server, and the responses that come over them. */
#include "tests/serve/harness_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- opening and closing ---- */

void client_close(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

void client_reset(struct client *client)
{
    struct linger none = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    client_close(client);
}

void client_finish(struct client *client)
{
    shutdown(client->fd, SHUT_WR);
}

void client_release(void *argument)
{
    struct client *client = argument;

    client_close(client);
    free(client->received);
    free(client);
}

static struct client *open_to(struct server *server, const struct sockaddr *address, socklen_t len)
{
    struct client *client = calloc(1, sizeof(*client));
    struct timeval patience = { .tv_sec = DEADLINE / 1000 };

    ck_assert_ptr_nonnull(client);
    client->server = server;
    client->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    server_at_end(server, client_release, client);
    if (client->fd < 0 || connect(client->fd, address, len) != 0)
        server_fail(server, "cannot connect: %s", strerror(errno));
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (address->sa_family != AF_UNIX)
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    return client;
}

struct client *client_open_port(struct server *server, unsigned n)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)server->ports[n - 1]),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    return open_to(server, (struct sockaddr *)&address, sizeof(address));
}

struct client *client_open(struct server *server)
{
    return client_open_port(server, 1);
}

struct client *client_open_ipv6(struct server *server, unsigned n)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6,
                                    .sin6_port = htons((uint16_t)server->ports[n - 1]),
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT };

    return open_to(server, (struct sockaddr *)&address, sizeof(address));
}

struct client *client_open_unix(struct server *server, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", server->root, path);
    return open_to(server, (struct sockaddr *)&address, sizeof(address));
}

/* ---- sending ---- */

bool client_send_bytes(struct client *client, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t sent = send(client->fd, at, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return false;
        if (sent < 0)
            server_fail(client->server, "cannot send: %s", strerror(errno));
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool client_send(struct client *client, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    ck_assert_int_ge(len, 0);
    bool sent = client_send_bytes(client, text, (size_t)len);
    free(text);
    return sent;
}

bool client_send_slowly(struct client *client, const char *text)
{
    for (; *text != '\0'; text++)
        if (!client_send_bytes(client, text, 1))
            return false;
    return true;
}

/* ---- receiving ---- */

/* Receives what has come, waiting for it until the deadline. False when the server
 * has closed the connection. */
static bool receive(struct client *client, long long deadline)
{
    enum { ROOM = 16384 };
    struct pollfd ready = { .fd = client->fd, .events = POLLIN };

    if (client->capacity - client->len < ROOM + 1) {
        client->capacity = client->capacity * 2 + ROOM + 1;
        client->received = realloc(client->received, client->capacity);
        ck_assert_ptr_nonnull(client->received);
    }
    client->received[client->len] = '\0';
    for (;;) {
        long long left = deadline - clock_now();
        if (left <= 0 || poll(&ready, 1, (int)left) == 0)
            server_fail(client->server, "nothing more comes; so far: \"%.2000s\"",
                        client->received);
        ssize_t got = recv(client->fd, client->received + client->len, ROOM, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        client->len += (size_t)got;
        client->received[client->len] = '\0';
        return true;
    }
}

const char *client_read_bytes(struct client *client, size_t len)
{
    long long deadline = clock_now() + DEADLINE;

    while (client->len < len && receive(client, deadline))
        continue;
    return client->received == NULL ? "" : client->received;
}

const char *client_read_all(struct client *client)
{
    long long deadline = clock_now() + DEADLINE;

    while (receive(client, deadline))
        continue;
    return client->received;
}

void client_expect_closed(struct client *client)
{
    if (client_read_all(client)[0] != '\0')
        server_fail(client->server, "not closed: \"%.2000s\"", client->received);
}

bool client_is_silent(struct client *client)
{
    char byte;

    return client->len == 0 && recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* ---- responses ---- */

/* A response that is being read: `at` is how much of what the client received it has
 * taken. */
struct reading {
    struct client *client;
    size_t at;
    long long deadline;
    struct response *response;
};

static void must_receive(struct reading *reading, const char *what)
{
    struct client *client = reading->client;

    if (!receive(client, reading->deadline))
        server_fail(client->server, "closed in %s: \"%.2000s\"", what,
                    client->received + reading->at);
}

/* Takes all up to and with `end`; an owned copy. */
static const char *take_until(struct reading *reading, const char *end, const char *what)
{
    struct client *client = reading->client;
    const char *found;

    while (client->len == 0 ||
           (found = memmem(client->received + reading->at, client->len - reading->at, end,
                           strlen(end))) == NULL)
        must_receive(reading, what);
    const char *start = client->received + reading->at;
    size_t len = (size_t)(found - start) + strlen(end);
    reading->at += len;
    return server_own(client->server, strndup(start, len));
}

static void take_bytes(struct reading *reading, FILE *out, size_t len)
{
    struct client *client = reading->client;

    while (client->len - reading->at < len)
        must_receive(reading, "a body");
    fwrite(client->received + reading->at, 1, len, out);
    reading->at += len;
}

static void take_chunks(struct reading *reading, FILE *out)
{
    struct server *server = reading->client->server;
    size_t size;

    do {
        const char *line = take_until(reading, "\r\n", "a chunk's size");
        if (sscanf(line, "%zx", &size) != 1)
            server_fail(server, "not a chunk's size: %s", line);
        take_bytes(reading, out, size);
        if (strcmp(take_until(reading, "\r\n", "a chunk's end"), "\r\n") != 0)
            server_fail(server, "a chunk of %zu bytes does not end there", size);
    } while (size > 0);
}

static void take_rest(struct reading *reading, FILE *out)
{
    struct client *client = reading->client;

    while (receive(client, reading->deadline))
        continue;
    take_bytes(reading, out, client->len - reading->at);
    reading->response->to_close = true;
}

static void read_body(struct reading *reading)
{
    struct response *response = reading->response;
    const char *length = header(response, "Content-Length");
    const char *encoding = header(response, "Transfer-Encoding");
    char *body = NULL;
    FILE *out = open_memstream(&body, &response->body_len);

    ck_assert_ptr_nonnull(out);
    response->chunked = encoding != NULL && strcasecmp(encoding, "chunked") == 0;
    if (response->chunked && length != NULL)
        server_fail(reading->client->server, "chunked and sized: %s", response->head);
    if (response->chunked)
        take_chunks(reading, out);
    else if (length != NULL)
        take_bytes(reading, out, strtoul(length, NULL, 10));
    else
        take_rest(reading, out);
    fclose(out);
    response->body = server_own(reading->client->server, body);
}

static struct response *read_response(struct client *client, bool to_head)
{
    struct server *server = client->server;
    struct response *response = server_own(server, calloc(1, sizeof(*response)));
    struct reading reading = { client, 0, clock_now() + DEADLINE, response };

    *response = (struct response){ .server = server, .status_line = "", .head = "", .body = "" };
    if (client->len == 0 && !receive(client, reading.deadline))
        return response;
    response->head = take_until(&reading, "\r\n\r\n", "a response's head");
    response->status_line =
        server_own(server, strndup(response->head, strcspn(response->head, "\r")));
    if (sscanf(response->head, "HTTP/1.1 %3d ", &response->status) != 1)
        server_fail(server, "not a response: %s", response->head);
    bool has_body = response->status >= 200 && response->status != 204 && response->status != 304;
    if (has_body && !to_head)
        read_body(&reading);
    client->len -= reading.at;
    memmove(client->received, client->received + reading.at, client->len + 1);
    return response;
}

struct response *client_read(struct client *client)
{
    return read_response(client, false);
}

struct response *client_read_head(struct client *client)
{
    return read_response(client, true);
}

/* The n-th header of this name, from 0; its line in *len bytes. */
static const char *find_header(const struct response *response, const char *name, unsigned n,
                               size_t *len)
{
    size_t name_len = strlen(name);

    for (const char *line = strstr(response->head, "\r\n"); line != NULL;
         line = strstr(line + 2, "\r\n")) {
        const char *value = line + 2 + name_len;
        if (strncasecmp(line + 2, name, name_len) != 0 || *value != ':' || n-- > 0)
            continue;
        value += 1 + strspn(value + 1, " ");
        *len = strcspn(value, "\r");
        return value;
    }
    return NULL;
}

const char *header(const struct response *response, const char *name)
{
    size_t len;
    const char *found = find_header(response, name, 0, &len);

    return found == NULL ? NULL : server_own(response->server, strndup(found, len));
}

unsigned header_count(const struct response *response, const char *name)
{
    unsigned count = 0;
    size_t len;

    while (find_header(response, name, count, &len) != NULL)
        count++;
    return count;
}

/* ---- one request, one response ---- */

static struct response *ask_bytes(struct server *server, const char *text, size_t len)
{
    struct client *client = client_open(server);

    client_send_bytes(client, text, len);
    struct response *response =
        strncmp(text, "HEAD ", 5) == 0 ? client_read_head(client) : client_read(client);
    client_close(client);
    return response;
}

struct response *ask(struct server *server, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    ck_assert_int_ge(len, 0);
    return ask_bytes(server, server_own(server, text), (size_t)len);
}

int ask_status(struct server *server, const char *text)
{
    return ask_bytes(server, text, strlen(text))->status;
}

struct response *get_with(struct server *server, const char *path, const char *more)
{
    return ask(server, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", path,
               more);
}

struct response *get(struct server *server, const char *path)
{
    return get_with(server, path, "");
}
