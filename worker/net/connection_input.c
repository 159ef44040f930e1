#include "worker/net/connection_steps.h"
#include "worker/net/proxy_protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* --- reading --- */

enum read_result connection_read(struct connection *connection)
{
    struct buffer *input = connection->input;
    size_t room = input->size - input->end;
    ssize_t got;

    do
        got = recv(connection->watch.fd, input->data + input->end, room, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        worker_heard(connection->worker);
        input->end += (size_t)got;
        if ((size_t)got < room && !connection->watch.hangup)
            connection->watch.readable = false;
        return READ_SOME;
    }
    if (got < 0 && errno == EAGAIN) {
        connection->watch.readable = false;
        return READ_NOTHING;
    }
    return READ_END;
}

bool connection_move_input(struct connection *connection, size_t size)
{
    struct buffer *old = connection->input;
    size_t len = old->end - old->start;
    const char *from = old->data + old->start;

    if (size == old->size) {
        memmove(old->data, from, len);
        if (connection->request != NULL)
            head_rebase(&connection->request->head, from, old->data);
        old->start = 0;
        old->end = len;
        return true;
    }
    struct buffer *larger = buffer_take_sized(&connection->worker->buffers, size);
    if (larger == NULL)
        return false;
    memcpy(larger->data, from, len);
    larger->end = len;
    if (connection->request != NULL)
        head_rebase(&connection->request->head, from, larger->data);
    connection->input = larger;
    buffer_give(&connection->worker->buffers, old);
    return true;
}

bool connection_make_room(struct connection *connection)
{
    struct buffer *input = connection->input;

    if (input == NULL) {
        connection->input = buffer_take(&connection->worker->buffers);
        return connection->input != NULL;
    }
    if (input->start == input->end && connection->request == NULL)
        input->start = input->end = 0;
    if (input->end < input->size)
        return true;
    return connection_move_input(connection, input->start > 0 ? input->size : input->size * 2);
}

/* --- the PROXY protocol --- */

/* The header is kept for the connection's life, its TLVs behind the struct. */
static bool keep_proxied(struct connection *connection, const struct proxy_header *header)
{
    struct proxied *proxied = malloc(sizeof *proxied + header->tlvs.len);

    if (proxied == NULL)
        return false;
    *proxied = (struct proxied){ header->source,
                                 header->destination,
                                 { (char *)(proxied + 1), header->tlvs.len },
                                 header->tls };
    memcpy(proxied + 1, header->tlvs.at, header->tlvs.len);
    connection->proxied = proxied;
    return true;
}

static enum step refuse_proxy(struct connection *connection)
{
    char peer[IP_TEXT_MAX];

    ip_text(&connection->peer, peer);
    log_write(connection->worker->log, LOG_LEVEL_ERROR, 0, connection->number,
              "broken header while reading PROXY protocol, client: %s", peer);
    return connection_close_now(connection);
}

/* A silent client holds no buffer. */
static void give_empty_input(struct connection *connection)
{
    if (connection->input == NULL || connection->input->start < connection->input->end)
        return;
    buffer_give(&connection->worker->buffers, connection->input);
    connection->input = NULL;
}

enum step connection_step_proxy(struct connection *connection)
{
    struct proxy_header header;

    for (;;) {
        struct buffer *input = connection->input;
        struct slice bytes = SLICE("");
        if (input != NULL)
            bytes = slice_make(input->data + input->start, input->end - input->start);
        switch (proxy_protocol_read(bytes, &header)) {
        case PROXY_BAD:
            return refuse_proxy(connection);
        case PROXY_DONE:
            connection->input->start += header.size;
            connection->state = CONNECTION_IDLE;
            return keep_proxied(connection, &header) ? STEP_ON : connection_close_now(connection);
        case PROXY_MORE:
            break;
        }
        if (!connection->watch.readable) {
            give_empty_input(connection);
            return STEP_WAIT;
        }
        if (!connection_make_room(connection))
            return connection_close_now(connection);
        enum read_result got = connection_read(connection);
        if (got == READ_END)
            return connection_close_now(connection);
        if (got == READ_SOME)
            connection_idle_leave(connection);
    }
}
