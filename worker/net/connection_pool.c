#include "worker/net/connection_steps.h"

#include <stdlib.h>

enum { BLOCK_CONNECTIONS = 63 };

/* A connection that begins where a line of the cache does. */
struct aligned_connection {
    _Alignas(CACHE_LINE) struct connection connection;
};

_Static_assert(sizeof(struct aligned_connection) == CONNECTION_LINES * CACHE_LINE ||
                   sizeof(void *) != 8,
               "a connection has grown: it costs another miss of the cache a request");

/* Connections are allocated many at a time: an idle one is little more than its struct,
 * and all of them can be found when the worker ends. */
struct connection_block {
    struct connection_block *next;
    struct aligned_connection slots[BLOCK_CONNECTIONS];
};

void connection_free(struct connection *connection)
{
    struct worker *worker = connection->worker;

    connection->watch.fd = -1; /* not in use */
    connection->older = worker->free_connections;
    worker->free_connections = connection;
}

struct connection *connection_alloc(struct worker *worker)
{
    if (worker->free_connections == NULL) {
        struct connection_block *block = aligned_alloc(CACHE_LINE, sizeof *block);
        if (block == NULL)
            return NULL;
        block->next = worker->connection_blocks;
        worker->connection_blocks = block;
        for (size_t i = BLOCK_CONNECTIONS; i-- > 0;) {
            block->slots[i].connection.worker = worker;
            connection_free(&block->slots[i].connection);
        }
    }
    struct connection *connection = worker->free_connections;
    worker->free_connections = connection->older;
    return connection;
}

/* --- the list of idle connections, oldest first --- */

void connection_idle_enter(struct connection *connection)
{
    struct worker *worker = connection->worker;

    connection->idle = true;
    worker->waiting_count++;
    connection->newer = NULL;
    connection->older = worker->newest_idle;
    if (worker->newest_idle != NULL)
        worker->newest_idle->newer = connection;
    else
        worker->oldest_idle = connection;
    worker->newest_idle = connection;
}

void connection_idle_leave(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (!connection->idle)
        return;
    connection->idle = false;
    worker->waiting_count--;
    if (connection->older != NULL)
        connection->older->newer = connection->newer;
    else
        worker->oldest_idle = connection->newer;
    if (connection->newer != NULL)
        connection->newer->older = connection->older;
    else
        worker->newest_idle = connection->older;
}

/* A new connection's request may be on its way. */
static bool is_fresh(const struct connection *connection)
{
    return connection->requests == 0 &&
           connection->worker->clock.now - connection->started < CONNECTION_FRESH;
}

size_t connection_close_idle(struct worker *worker, size_t count)
{
    struct connection *next;
    size_t closed = 0;

    for (struct connection *idle = worker->oldest_idle; idle != NULL && closed < count;
         idle = next) {
        next = idle->newer;
        if (is_fresh(idle))
            continue;
        connection_close(idle);
        closed++;
    }
    return closed;
}

/* --- all of them --- */

void connections_close(struct worker *worker)
{
    struct connection_block *block = worker->connection_blocks;

    while (block != NULL) {
        struct connection_block *next = block->next;
        for (size_t i = 0; i < BLOCK_CONNECTIONS; i++)
            if (block->slots[i].connection.watch.fd >= 0)
                connection_close(&block->slots[i].connection);
        block = next;
    }
}

void connection_pool_free(struct worker *worker)
{
    while (worker->connection_blocks != NULL) {
        struct connection_block *next = worker->connection_blocks->next;
        free(worker->connection_blocks);
        worker->connection_blocks = next;
    }
    worker->free_connections = NULL;
}

void connections_leave(struct worker *worker)
{
    uint64_t grace = worker->leaving_grace;

    for (struct connection *connection = worker->oldest_idle; connection != NULL;
         connection = connection->newer)
        if (connection->timer.due > worker->clock.now + grace)
            connection_deadline(connection, grace);
}
