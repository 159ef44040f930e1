#include "worker/net/stand_in.h"

#include "worker/context.h"
#include "worker/net/accept.h"

#include <errno.h>
#include <stdlib.h>

/* A socket of another slot that this worker accepts on for a while. */
struct stand_in {
    struct stand_in *next;
    unsigned socket;
    struct acceptor acceptor;
};

static void end_one(struct stand_in **link)
{
    struct stand_in *stand_in = *link;

    *link = stand_in->next;
    if (stand_in->acceptor.worker->leaving)
        acceptor_leave(&stand_in->acceptor);
    else
        acceptor_stop(&stand_in->acceptor);
    free(stand_in);
}

/* Nobody else reads this socket of the listener. */
static bool is_needed(const struct worker_setup *setup, const struct listener *listener,
                      unsigned socket)
{
    return is_unattended(setup->unattended, socket) &&
           !is_relieved(setup->reliefs, (size_t)(listener - setup->listeners), socket);
}

/* Its own worker reads the socket again, or one of a newer configuration. */
static void end_attended(struct worker *worker)
{
    struct stand_in **link = &worker->stand_ins;

    while (*link != NULL) {
        if (is_needed(worker->setup, (*link)->acceptor.listener, (*link)->socket))
            link = &(*link)->next;
        else
            end_one(link);
    }
}

static bool stands_in(const struct worker *worker, const struct acceptor *own, unsigned socket)
{
    const struct stand_in *known = worker->stand_ins;

    while (known != NULL && (known->socket != socket || known->acceptor.own != own))
        known = known->next;
    return known != NULL;
}

static bool begin_one(struct worker *worker, struct acceptor *own, unsigned socket)
{
    struct stand_in *stand_in = calloc(1, sizeof *stand_in);

    if (stand_in == NULL)
        return false;
    stand_in->socket = socket;
    stand_in->acceptor =
        (struct acceptor){ .worker = worker, .listener = own->listener, .own = own };
    if (!acceptor_start(&stand_in->acceptor, own->listener->sockets[socket])) {
        int error = errno;
        free(stand_in);
        errno = error;
        return false;
    }
    stand_in->next = worker->stand_ins;
    worker->stand_ins = stand_in;
    return true;
}

/* The sockets of one listener that nobody else reads. */
static bool begin_listener(struct worker *worker, struct acceptor *own)
{
    const struct listener *listener = own->listener;

    for (unsigned socket = 0; socket < listener->socket_total; socket++) {
        if (!is_needed(worker->setup, listener, socket) ||
            listener->sockets[socket] == own->watch.fd || stands_in(worker, own, socket))
            continue;
        if (!begin_one(worker, own, socket))
            return false;
    }
    return true;
}

void stand_in_update(struct worker *worker)
{
    const struct worker_setup *setup = worker->setup;

    if (worker->leaving || setup->unattended == NULL)
        return;
    end_attended(worker);
    for (size_t i = 0; i < setup->listener_count; i++)
        if (!begin_listener(worker, &worker->acceptors[i])) {
            log_write(worker->log, LOG_LEVEL_ALERT, errno, 0,
                      "another worker's listening socket cannot be watched");
            return;
        }
    acceptors_look(worker);
}

void stand_in_stop(struct worker *worker)
{
    while (worker->stand_ins != NULL)
        end_one(&worker->stand_ins);
}
