#include "worker/net/connection_steps.h"

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
    if (worker->burst_count == SEND_BURST)
        connections_send(worker);
    return STEP_WAIT;
}

void connection_burst_leave(struct connection *connection)
{
    struct worker *worker = connection->worker;

    for (unsigned i = 0; connection->in_burst && i < worker->burst_count; i++)
        if (worker->burst[i] == connection)
            worker->burst[i] = NULL;
    connection->in_burst = false;
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
