/* EXCHANGE_CONNECT and EXCHANGE_SEND: until the request is with the upstream. */
#include "worker/context.h"
#include "worker/http/spans.h"
#include "worker/upstream/exchange_steps.h"

#include <errno.h>
#include <sys/socket.h>

int exchange_step_connect(struct exchange *x)
{
    struct upstream_connection *connection = x->connection;
    int error = 0;
    socklen_t len = sizeof error;

    if (!connection->watch.writable)
        return AGAIN;
    if (!connection->reused) {
        if (getsockopt(connection->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
            error = errno;
        if (error != 0) {
            exchange_log(x, LOG_LEVEL_ERROR, error, "connect() failed");
            return exchange_fail_over(x, NEXT_ERROR);
        }
        x->attempt->connect_time = (int64_t)(x->request->worker->clock.now - x->attempt->began);
    }
    request_spend(x->request, SPAN_UPSTREAM_HEADER);
    x->state = EXCHANGE_SEND;
    x->action = "sending request to upstream";
    return GO_ON;
}

/* The upstream takes nothing more for now, or nothing at all; it may have answered already. */
static int send_waits(struct exchange *x, enum upload_result result)
{
    int error = errno;

    if (x->connection->watch.readable) {
        int outcome = exchange_receive_head(x);
        if (outcome != AGAIN)
            return outcome;
    }
    if (result == UPLOAD_FAILED) {
        exchange_log(x, LOG_LEVEL_ERROR, error, "send() failed");
        return exchange_fail_over(x, NEXT_ERROR);
    }
    if (result == UPLOAD_BLOCKED)
        exchange_wait(x, x->settings->send_timeout);
    else /* the client has a deadline of its own */
        timer_disarm(&x->request->worker->timers, &x->connection->timer);
    return AGAIN;
}

int exchange_step_send(struct exchange *x)
{
    enum upload_result result = upload_send(x);

    if (result == UPLOAD_NO_MEMORY)
        return 500;
    if (result != UPLOAD_DONE)
        return send_waits(x, result);
    x->state = EXCHANGE_HEAD;
    x->action = "reading response header from upstream";
    exchange_wait(x, x->settings->read_timeout);
    return GO_ON;
}
