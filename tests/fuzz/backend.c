#include "tests/fuzz/backend.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool backend_open(struct backend *backend, const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };

    *backend = (struct backend){ .piece = SIZE_MAX, .closes = true };
    for (size_t i = 0; i < BACKEND_CONNECTIONS; i++)
        backend->connections[i].fd = -1;
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    backend->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return backend->listening >= 0 &&
           bind(backend->listening, (struct sockaddr *)&name, sizeof name) == 0 &&
           listen(backend->listening, BACKEND_CONNECTIONS) == 0;
}

static void drop(struct backend *backend, size_t i)
{
    if (backend->connections[i].fd >= 0)
        close(backend->connections[i].fd);
    backend->connections[i].fd = -1;
}

void backend_script(struct backend *backend, const uint8_t *answer, size_t len)
{
    for (size_t i = 0; i < BACKEND_CONNECTIONS; i++)
        drop(backend, i);
    backend->answer = answer;
    backend->len = len;
}

static void accept_one(struct backend *backend, size_t i)
{
    backend->connections[i].fd = accept4(backend->listening, NULL, NULL, SOCK_NONBLOCK);
    backend->connections[i].sent = 0;
    backend->connections[i].asked = backend->early;
}

/* False when the worker has closed, or nothing more will be said. */
static bool serve(struct backend *backend, size_t i)
{
    int fd = backend->connections[i].fd;
    char sink[4096];
    ssize_t got;

    while ((got = recv(fd, sink, sizeof sink, 0)) > 0)
        backend->connections[i].asked = true;
    if (got == 0 || errno != EAGAIN)
        return false;
    size_t left = backend->len - backend->connections[i].sent;
    size_t piece = left < backend->piece ? left : backend->piece;
    if (!backend->connections[i].asked)
        return true;
    if (piece > 0)
        got = send(fd, backend->answer + backend->connections[i].sent, piece, MSG_NOSIGNAL);
    if (piece > 0 && got < 0)
        return errno == EAGAIN;
    backend->connections[i].sent += piece > 0 ? (size_t)got : 0;
    if (backend->connections[i].sent < backend->len)
        return true;
    /* One that is kept answers the next request from the start. */
    backend->connections[i].sent = 0;
    backend->connections[i].asked = false;
    return !backend->closes;
}

void backend_turn(struct backend *backend)
{
    for (size_t i = 0; i < BACKEND_CONNECTIONS; i++) {
        if (backend->connections[i].fd < 0)
            accept_one(backend, i);
        if (backend->connections[i].fd >= 0 && !serve(backend, i))
            drop(backend, i);
    }
}

void backend_close(struct backend *backend)
{
    backend_script(backend, NULL, 0);
    close(backend->listening);
}
