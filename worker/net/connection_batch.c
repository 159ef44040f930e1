#include "worker/net/connection_steps.h"

/* --- those that are read --- */

/* It has nothing else to do than to read a head. */
static bool awaits_head(const struct connection *connection)
{
    return (connection->state == CONNECTION_IDLE || connection->state == CONNECTION_HEAD) &&
           connection->watch.readable && connection->output == NULL && !connection->put_off &&
           !connection->received;
}

bool connection_read_in_batch(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (!awaits_head(connection) || !connection_make_room(connection))
        return false;
    switch (connection_read(connection)) {
    case READ_NOTHING:
        return false;
    case READ_END:
        connection_client_gone(connection);
        return true;
    case READ_SOME:
        break;
    }
    connection_idle_leave(connection);
    connection->received = true;
    worker->received[worker->received_count++] = connection;
    if (worker->received_count == BATCH_MAX)
        connections_answer(worker);
    return true;
}

void connections_answer(struct worker *worker)
{
    for (unsigned i = 0; i < worker->received_count; i++) {
        struct connection *connection = worker->received[i];
        if (connection == NULL)
            continue;
        connection->received = false;
        connection_drive(connection);
    }
    worker->received_count = 0;
}

/* --- those that are sent to --- */

bool connection_may_wait(const struct connection *connection)
{
    return connection->watched && !connection->watch.readable && connection->watch.writable &&
           !connection->worker->sending;
}

/* Its input buffer serves the next one meanwhile, while it is in the processor's cache. */
enum step connection_send_in_burst(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (connection->input != NULL && connection->input->start == connection->input->end) {
        buffer_give(&worker->buffers, connection->input);
        connection->input = NULL;
    }
    if (!connection->in_burst) {
        connection->in_burst = true;
        worker->burst[worker->burst_count++] = connection;
    }
    if (worker->burst_count == BATCH_MAX)
        connections_send(worker);
    return STEP_WAIT;
}

/* One that was driven on meanwhile has sent already, and may wait for something else. */
void connections_send(struct worker *worker)
{
    worker->sending = true;
    for (unsigned i = 0; i < worker->burst_count; i++) {
        struct connection *connection = worker->burst[i];
        if (connection == NULL)
            continue;
        connection->in_burst = false;
        if (connection->state == CONNECTION_SEND && connection->output != NULL)
            connection_drive(connection);
    }
    worker->burst_count = 0;
    worker->sending = false;
}

/* --- both --- */

static void leave(struct connection **batch, unsigned count, const struct connection *connection)
{
    for (unsigned i = 0; i < count; i++)
        if (batch[i] == connection)
            batch[i] = NULL;
}

void connection_batch_leave(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (connection->received)
        leave(worker->received, worker->received_count, connection);
    if (connection->in_burst)
        leave(worker->burst, worker->burst_count, connection);
    connection->received = connection->in_burst = false;
}
