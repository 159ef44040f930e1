#include "worker/upstream/connection.h"

#include "worker/context.h"
#include "worker/net/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the list of all --- */

static void enter(struct upstream_connection *connection)
{
    struct worker *worker = connection->worker;

    connection->previous = NULL;
    connection->next = worker->upstreams;
    if (worker->upstreams != NULL)
        worker->upstreams->previous = connection;
    worker->upstreams = connection;
}

static void leave(struct upstream_connection *connection)
{
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        connection->worker->upstreams = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
}

/* --- the idle ones of a group --- */

static void idle_enter(struct upstream_connection *connection)
{
    struct upstream_group *group = connection->peer->group;

    connection->newer = NULL;
    connection->older = group->newest;
    if (group->newest != NULL)
        group->newest->newer = connection;
    else
        group->oldest = connection;
    group->newest = connection;
    group->idle_count++;
}

static void idle_leave(struct upstream_connection *connection)
{
    struct upstream_group *group = connection->peer->group;

    if (connection->older != NULL)
        connection->older->newer = connection->newer;
    else
        group->oldest = connection->newer;
    if (connection->newer != NULL)
        connection->newer->older = connection->older;
    else
        group->newest = connection->older;
    group->idle_count--;
}

/* --- opening --- */

/* The socket may be bound to an address that is not this machine's. */
static int make_transparent(int fd, int family)
{
    int on = 1;

    return family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof on)
                              : setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof on);
}

static int set_options(int fd, const struct address *to, const struct connect_options *options)
{
    int on = 1;

    if (to->name.any.sa_family == AF_UNIX)
        return 0;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
        (options->keepalive && setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) < 0))
        return -1;
    if (options->from == NULL)
        return 0;
    if (options->transparent && make_transparent(fd, to->name.any.sa_family) < 0)
        return -1;
    /* The port is chosen at connect(2), when it need differ only from those to the same end. */
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 &&
        errno != ENOPROTOOPT)
        return -1;
    return bind(fd, &options->from->name.any, options->from->len);
}

/* Where descriptors have run out, the client that has been idle for longest makes room. */
static int new_socket(struct worker *worker, int family)
{
    enum { TYPE = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC };
    int fd = socket(family, TYPE, 0);
    int error = errno;

    if (fd >= 0 || (error != EMFILE && error != ENFILE))
        return fd;
    if (connection_close_idle(worker, 1) > 0)
        return socket(family, TYPE, 0);
    errno = error;
    return -1;
}

/* A socket on its way to the address; *waits: it is not through yet. -1: errno. */
static int open_socket(struct worker *worker, const struct address *to,
                       const struct connect_options *options, bool *waits)
{
    int fd = new_socket(worker, to->name.any.sa_family);

    if (fd < 0)
        return -1;
    if (set_options(fd, to, options) < 0)
        goto fail;
    *waits = connect(fd, &to->name.any, to->len) < 0;
    if (!*waits || errno == EINPROGRESS || errno == EINTR)
        return fd;

fail:;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

struct upstream_connection *upstream_connect(struct worker *worker, struct peer *peer,
                                             const struct connect_options *options)
{
    struct upstream_connection *connection = calloc(1, sizeof *connection);
    bool waits = false;

    if (connection == NULL)
        return NULL;
    connection->worker = worker;
    connection->peer = peer_hold(peer);
    connection->started = worker->clock.now;
    connection->watch.fd = open_socket(worker, &peer->address, options, &waits);
    if (connection->watch.fd < 0)
        goto fail;
    if (loop_add(worker->loop, &connection->watch, 0) < 0)
        goto fail;
    connection->watch.writable = !waits;
    enter(connection);
    return connection;

fail:;
    int error = errno;
    if (connection->watch.fd >= 0)
        close(connection->watch.fd);
    peer_drop(peer);
    free(connection);
    errno = error;
    return NULL;
}

/* --- closing --- */

static void free_connection(struct upstream_connection *connection)
{
    struct worker *worker = connection->worker;

    timer_disarm(&worker->timers, &connection->timer);
    loop_remove(worker->loop, &connection->watch);
    close(connection->watch.fd);
    leave(connection);
    peer_drop(connection->peer);
    free(connection);
}

void upstream_close(struct upstream_connection *connection)
{
    if (connection != NULL)
        free_connection(connection);
}

static void close_idle(struct upstream_connection *connection)
{
    idle_leave(connection);
    free_connection(connection);
}

static bool is_member(const struct peer_set *set, const struct peer *peer)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->peers[i] == peer)
            return true;
    return false;
}

void upstream_close_gone(struct upstream_group *group)
{
    struct upstream_connection *connection = group->newest;

    while (connection != NULL) {
        struct upstream_connection *older = connection->older;
        if (!is_member(group->set, connection->peer))
            close_idle(connection);
        connection = older;
    }
}

void upstream_close_all(struct worker *worker)
{
    while (worker->upstreams != NULL)
        free_connection(worker->upstreams);
}

/* --- keeping --- */

static void idle_ready(struct watch *watch)
{
    if (watch->readable || watch->hangup)
        close_idle((struct upstream_connection *)watch);
}

static void idle_timeout(struct timer *timer)
{
    close_idle((struct upstream_connection *)((char *)timer -
                                              offsetof(struct upstream_connection, timer)));
}

/* Nothing has come that nobody has asked for. The last read may have ended right where the
 * answer did: then it is not known yet. */
static bool is_silent(struct upstream_connection *connection)
{
    char byte;

    if (connection->watch.readable && !connection->watch.hangup &&
        recv(connection->watch.fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN)
        connection->watch.readable = false;
    return !connection->watch.readable && !connection->watch.hangup;
}

void upstream_keep(struct upstream_connection *connection)
{
    struct worker *worker = connection->worker;
    struct upstream_group *group = connection->peer->group;
    const struct group_settings *settings = group_settings(group);

    connection->requests++;
    if (settings->keepalive == 0 || worker->leaving ||
        connection->requests >= settings->keepalive_requests ||
        worker->clock.now - connection->started >= settings->keepalive_time ||
        !is_silent(connection)) {
        free_connection(connection);
        return;
    }
    if (group->idle_count >= settings->keepalive)
        close_idle(group->oldest);
    connection->exchange = NULL;
    connection->watch.on_ready = idle_ready;
    connection->timer.fire = idle_timeout;
    timer_arm(&worker->timers, &connection->timer, worker->clock.now + settings->keepalive_timeout);
    idle_enter(connection);
}

struct upstream_connection *upstream_take_idle(struct peer *peer)
{
    struct upstream_connection *connection = peer->group->newest;

    while (connection != NULL && connection->peer != peer)
        connection = connection->older;
    if (connection == NULL)
        return NULL;
    idle_leave(connection);
    connection->reused = true;
    return connection;
}
