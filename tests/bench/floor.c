/* floor.c: the least that an HTTP server on epoll can do: recv, send a constant.
 *
 * It parses nothing and answers each recv with the same bytes: what a server
 * costs above it is that server's own. Usage: floor PORT [BYTES]: the answer has a body of
 * so many bytes, for those that stand in front of it. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BACKLOG = 511, INPUT = 16384, PIECE = 256 * 1024, CONNECTIONS = 65536 };

/* As long as nginx's answer to the same request. */
static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Server: floor/0.0.0\r\n"
                             "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                             "Content-Type: text/plain\r\n"
                             "Content-Length: 7\r\n"
                             "Connection: keep-alive\r\n"
                             "\r\n"
                             "200 OK\n";

/* A large answer: its head, its body in pieces, and what is left of it by connection. */
static char head[256], piece[PIECE];
static size_t body_len, left[CONNECTIONS];

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int on = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&name, sizeof name) < 0 || listen(fd, BACKLOG) < 0)
        die("listen");
    return fd;
}

static void watch(int loop, int fd)
{
    uint32_t ready = body_len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN;
    struct epoll_event event = { .events = ready | EPOLLET, .data.fd = fd };

    if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

static void accept_all(int loop, int listening)
{
    int fd;

    while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0)
        watch(loop, fd);
}

static void send_body(int fd)
{
    while (left[fd] > 0) {
        size_t len = left[fd] < PIECE ? left[fd] : PIECE;
        ssize_t sent = send(fd, piece, len, MSG_NOSIGNAL);
        if (sent < 0)
            return;
        left[fd] -= (size_t)sent;
    }
}

static void serve_large(int fd)
{
    char input[INPUT];
    ssize_t got = recv(fd, input, sizeof input, 0);

    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        left[fd] = 0;
        close(fd);
        return;
    }
    if (got > 0) {
        send(fd, head, strlen(head), MSG_NOSIGNAL | MSG_MORE);
        left[fd] = body_len;
    }
    send_body(fd);
}

static void serve(int fd)
{
    char input[INPUT];
    ssize_t got = recv(fd, input, sizeof input, 0);

    if (got > 0)
        send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    else if (got == 0 || errno != EAGAIN)
        close(fd);
}

int main(int argc, char *argv[])
{
    struct epoll_event events[EVENTS];
    int loop = epoll_create1(0);

    if (argc < 2 || argc > 3 || loop < 0)
        die("usage: floor PORT [BYTES]");
    if (argc == 3) {
        body_len = strtoull(argv[2], NULL, 10);
        memset(piece, 'x', sizeof piece);
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
                 body_len);
    }
    int listening = listen_on((uint16_t)atoi(argv[1]));
    watch(loop, listening);
    for (;;) {
        int count = epoll_wait(loop, events, EVENTS, -1);
        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listening)
                accept_all(loop, listening);
            else if (body_len > 0)
                serve_large(events[i].data.fd);
            else
                serve(events[i].data.fd);
    }
}
