#include "worker/net/turn.h"

#include "worker/net/connection_steps.h"

uint32_t turn_share(const struct worker *worker)
{
    uint32_t busy = worker->connection_count - worker->waiting_count;
    uint32_t share = busy > 0 ? SHARE_MOST / busy : SHARE_MOST;

    return share > SHARE_LEAST ? share : SHARE_LEAST;
}

uint64_t turn_bytes(const struct connection *connection)
{
    const struct worker *worker = connection->worker;
    uint32_t share = turn_share(worker);
    uint32_t most = share > TURN_WORK ? share : TURN_WORK;

    return connection->work < share && worker->work < most ? share : 0;
}

void connection_put_off(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (connection->put_off)
        return;
    connection_no_deadline(connection);
    connection->put_off = true;
    connection->newer = NULL;
    connection->older = worker->last_put_off;
    if (worker->last_put_off != NULL)
        worker->last_put_off->newer = connection;
    else
        worker->first_put_off = connection;
    worker->last_put_off = connection;
}

void connection_put_off_leave(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (!connection->put_off)
        return;
    connection->put_off = false;
    if (connection->older != NULL)
        connection->older->newer = connection->newer;
    else
        worker->first_put_off = connection->newer;
    if (connection->newer != NULL)
        connection->newer->older = connection->older;
    else
        worker->last_put_off = connection->older;
}

void connections_go_on(struct worker *worker, const struct connection *last)
{
    struct connection *connection = worker->first_put_off;

    worker->work = 0;
    while (connection != NULL) {
        bool was_last = connection == last;
        connection_put_off_leave(connection);
        connection->work = 0;
        connection_go_on(connection);
        bool goes_on = !was_last && worker->work < TURN_WORK;
        connection = goes_on ? worker->first_put_off : NULL;
    }
}
