#include "worker/http/body.h"
#include "worker/net/accept.h"
#include "worker/net/connection_steps.h"
#include "worker/net/output.h"
#include "worker/net/turn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void connection_close(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (connection->request != NULL)
        request_finish(connection->request);
    connection_idle_leave(connection);
    connection_reading_leave(connection);
    connection_batch_leave(connection);
    connection_put_off_leave(connection);
    timer_disarm(&worker->timers, &connection->timer);
    if (connection->watched)
        loop_forget(worker->loop, &connection->watch);
    close(connection->watch.fd);
    output_drop(connection);
    buffer_give(&worker->buffers, connection->input);
    free(connection->proxied);
    connection_free(connection);
    worker->connection_count--;
    acceptors_resume(worker);
}

enum step connection_close_now(struct connection *connection)
{
    connection_close(connection);
    return STEP_GONE;
}

enum step connection_client_gone(struct connection *connection)
{
    if (connection->request != NULL) {
        request_log(connection->request, LOG_LEVEL_INFO, 0, "client prematurely closed connection");
        connection->request->response.status = 400;
    }
    return connection_close_now(connection);
}

void connection_close_timed_out(struct connection *connection)
{
    struct linger abort = { .l_onoff = 1, .l_linger = 0 };

    if (connection_settings(connection)->reset_timedout_connection)
        setsockopt(connection->watch.fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    connection_close(connection);
}

enum step connection_close_politely(struct connection *connection)
{
    const struct client_settings *settings = connection_settings(connection);
    bool unread = connection->input != NULL && connection->input->start < connection->input->end;
    bool linger = settings->lingering_close == LINGERING_ALWAYS ||
                  (settings->lingering_close == LINGERING_ON &&
                   (connection->lingering || unread || connection->watch.readable));

    /* What was held back for the FIN leaves with it; a close that finds unread bytes would
     * drop it. */
    bool ended = shutdown(connection->watch.fd, SHUT_WR) == 0;
    if (!ended || !linger || (connection->watch.hangup && !connection->watch.readable))
        return connection_close_now(connection);
    connection->linger_until = connection->worker->clock.now + settings->lingering_time;
    connection->state = CONNECTION_LINGER;
    connection_deadline(connection, settings->lingering_timeout);
    return STEP_ON;
}

enum step connection_step_linger(struct connection *connection)
{
    char sink[4096];

    while (connection->watch.readable) {
        ssize_t got = recv(connection->watch.fd, sink, sizeof sink, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return connection_close_now(connection);
        if (got < 0 && errno == EAGAIN) {
            connection->watch.readable = false;
            break;
        }
        turn_count(connection, got > 0 ? (uint32_t)got : 0);
        if (turn_is_over(connection))
            break;
    }
    uint64_t now = connection->worker->clock.now;
    if (now >= connection->linger_until)
        return connection_close_now(connection);
    uint64_t quiet = connection_settings(connection)->lingering_timeout;
    uint64_t left = connection->linger_until - now;
    if (connection->watch.readable)
        connection_put_off(connection);
    else
        connection_deadline(connection, quiet < left ? quiet : left);
    return STEP_WAIT;
}
