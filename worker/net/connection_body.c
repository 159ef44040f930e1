#include "worker/http/body.h"
#include "worker/net/connection_steps.h"
#include "worker/net/turn.h"
#include "worker/upstream/exchange.h"

/* The bytes of a body that the input holds, then those the socket holds. The
 * head's buffer must stay as it is while the request lives: it is set aside
 * when it is used up. */
static enum step read_body(struct connection *connection, int *status)
{
    struct request *request = connection->request;

    for (;;) {
        struct buffer *input = connection->input;
        if (input != NULL && input->start < input->end) {
            struct slice in = { input->data + input->start, input->end - input->start };
            *status = body_take(request, &in);
            input->start = input->end - in.len;
            if (*status != 0 || request->body->whole)
                return STEP_ON;
        }
        if (body_is_full(request->body))
            return STEP_WAIT;
        if (input != NULL && request->head_buffer == NULL) {
            request->head_buffer = input;
            connection->input = input = NULL;
        }
        if (!connection->watch.readable || turn_is_over(connection))
            return STEP_WAIT;
        if (input == NULL && !connection_make_room(connection))
            return STEP_GONE;
        connection->input->start = connection->input->end = 0;
        if (connection_read(connection) == READ_END)
            return STEP_GONE;
        turn_count(connection, (uint32_t)connection->input->end);
    }
}

/* Waits for more of a body: at most `timeout` since the last byte. */
static enum step wait_for_body(struct connection *connection, uint64_t timeout)
{
    if (connection->watch.readable)
        connection_put_off(connection);
    else
        connection_deadline(connection, timeout);
    return STEP_WAIT;
}

/* The upstream has got what came of the body; more is read when there is room for it. */
static enum step stream_body(struct connection *connection, int status)
{
    struct request *request = connection->request;
    const struct body *body = request->body;

    if (status != 0) {
        exchange_drop(request);
        connection->state = CONNECTION_SEND;
        request->keep_alive = false;
        request_conclude(request, status);
        return STEP_GONE;
    }
    int outcome = exchange_upload(request);
    if (outcome != AGAIN) {
        request_conclude(request, outcome);
        return STEP_GONE;
    }
    if (body->whole) {
        connection_no_deadline(connection);
        connection->state = CONNECTION_WAIT;
        return STEP_ON;
    }
    if (!body_is_full(body)) {
        const struct buffer *input = connection->input;
        if (input != NULL && input->start < input->end) /* there was no room for all of it */
            return STEP_ON;
        return wait_for_body(connection, connection_settings(connection)->client_body_timeout);
    }
    connection_no_deadline(connection);
    return STEP_WAIT;
}

enum step connection_step_body(struct connection *connection)
{
    struct request *request = connection->request;
    int status = 0;

    if (connection->output != NULL) { /* 100 Continue goes out before its body is awaited */
        connection->state = CONNECTION_SEND;
        connection->resume_state = CONNECTION_BODY;
        connection->answered = false;
        return STEP_ON;
    }
    enum step step = read_body(connection, &status);
    if (step == STEP_GONE)
        return connection_client_gone(connection);
    if (request->body->streamed)
        return stream_body(connection, status);
    if (step == STEP_WAIT)
        return wait_for_body(connection, connection_settings(connection)->client_body_timeout);
    connection_no_deadline(connection);
    connection->state = CONNECTION_SEND;
    request_body_ready(request, status);
    return connection_after_request(connection);
}

enum step connection_step_discard(struct connection *connection)
{
    struct request *request = connection->request;
    struct body *body = request->body;
    int status = 0;

    if (body == NULL || body->whole || !request->keep_alive)
        return connection_end_request(connection);
    body_drop(body);
    if (body->drop_until == 0)
        body->drop_until =
            connection->worker->clock.now + connection_settings(connection)->lingering_time;
    enum step step = read_body(connection, &status);
    if (step == STEP_GONE)
        return connection_close_now(connection);
    if (status != 0)
        request->keep_alive = false;
    if (step == STEP_ON) {
        connection_no_deadline(connection);
        return connection_end_request(connection);
    }
    if (connection->output != NULL) { /* the client may wait for the answer before it sends on */
        connection->state = CONNECTION_SEND;
        return STEP_ON;
    }
    if (connection->worker->clock.now >= body->drop_until)
        request->keep_alive = false;
    return wait_for_body(connection, connection_settings(connection)->lingering_timeout);
}
