/* One check of one peer: a connection, a request, and a look at the answer. */
#include "worker/context.h"
#include "worker/upstream/answer_body.h"
#include "worker/upstream/health.h"
#include "worker/upstream/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 * 1024 /* bytes of an answer that are looked at, head included */ };

struct health_probe {
    struct watch watch; /* first */
    struct timer timer;
    struct health_probe *next, **link;
    struct worker *worker;
    const struct health_check *check;
    struct peer *peer;
    void (*done)(struct worker *, const struct health_check *, struct peer *, const char *problem);
    bool connected;
    struct slice to_send;
    struct arena arena;
    struct answer_head head;
    bool has_head;
    struct answer_body body;
    size_t len; /* bytes of the answer, without the framing of its body */
    char answer[ANSWER_MAX];
};

static void end_probe(struct health_probe *probe)
{
    timer_disarm(&probe->worker->timers, &probe->timer);
    loop_remove(probe->worker->loop, &probe->watch);
    close(probe->watch.fd);
    *probe->link = probe->next;
    if (probe->next != NULL)
        probe->next->link = probe->link;
    arena_free(&probe->arena);
    peer_drop(probe->peer);
    free(probe);
}

/* Tells what has come of it, and ends. */
static void conclude(struct health_probe *probe, const char *problem)
{
    probe->done(probe->worker, probe->check, probe->peer, problem);
    end_probe(probe);
}

static void probe_timeout(struct timer *timer)
{
    struct health_probe *probe =
        (struct health_probe *)((char *)timer - offsetof(struct health_probe, timer));

    conclude(probe, probe->connected ? "no answer in time" : "no connection in time");
}

/* --- sending --- */

static bool finish_connect(struct health_probe *probe)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(probe->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0)
        return false;
    probe->connected = true;
    timer_arm(&probe->worker->timers, &probe->timer,
              probe->worker->clock.now + probe->check->read_timeout);
    return true;
}

static bool send_request(struct health_probe *probe)
{
    while (probe->to_send.len > 0 && probe->watch.writable) {
        ssize_t sent = send(probe->watch.fd, probe->to_send.at, probe->to_send.len, MSG_NOSIGNAL);
        if (sent >= 0)
            probe->to_send = slice_from(probe->to_send, (size_t)sent);
        else if (errno == EAGAIN)
            probe->watch.writable = false;
        else if (errno != EINTR)
            return false;
    }
    return true;
}

/* --- the answer --- */

enum reading { READ_ON, READ_WHOLE, READ_BAD };

static struct slice body_of(const struct health_probe *probe)
{
    return slice_make(probe->answer + probe->head.size, probe->len - probe->head.size);
}

/* Takes the newest `got` bytes out of the body's framing. */
static enum reading take_body(struct health_probe *probe, size_t got)
{
    size_t left = got;

    switch (answer_body_read(&probe->body, probe->answer + probe->len, &left)) {
    case ANSWER_BODY_MORE:
        probe->len += left;
        return READ_ON;
    case ANSWER_BODY_END:
    case ANSWER_BODY_EXTRA:
        probe->len += left;
        return READ_WHOLE;
    case ANSWER_BODY_BAD:
        break;
    }
    return READ_BAD;
}

static enum reading begin_body(struct health_probe *probe)
{
    uint64_t length;
    enum answer_framing framing = answer_framing(&probe->head, false, &length);
    size_t behind = probe->len - probe->head.size;

    probe->has_head = true;
    if (framing == ANSWER_BROKEN)
        return READ_BAD;
    if (!health_match_wants_body(probe->check->match))
        return READ_WHOLE;
    if (!answer_body_init(&probe->body, &probe->arena, framing, length))
        return READ_WHOLE;
    probe->len = probe->head.size;
    return behind > 0 ? take_body(probe, behind) : READ_ON;
}

static enum reading take_bytes(struct health_probe *probe, size_t got)
{
    if (probe->has_head)
        return take_body(probe, got);
    probe->len += got;
    switch (answer_head_read(&probe->head, slice_make(probe->answer, probe->len))) {
    case ANSWER_MORE:
        return READ_ON;
    case ANSWER_DONE:
        return begin_body(probe);
    default:
        return READ_BAD;
    }
}

/* What of the answer is there is all that will be. */
static enum reading at_end(const struct health_probe *probe)
{
    return probe->has_head && answer_body_may_end(&probe->body) ? READ_WHOLE : READ_BAD;
}

static enum reading receive(struct health_probe *probe)
{
    enum reading reading = READ_ON;

    while (reading == READ_ON && probe->watch.readable) {
        size_t room = ANSWER_MAX - probe->len;
        if (room == 0)
            return probe->has_head ? READ_WHOLE : READ_BAD;
        ssize_t got = recv(probe->watch.fd, probe->answer + probe->len, room, 0);
        if (got > 0)
            reading = take_bytes(probe, (size_t)got);
        else if (got == 0)
            reading = at_end(probe);
        else if (errno == EAGAIN)
            probe->watch.readable = false;
        else if (errno != EINTR)
            reading = READ_BAD;
    }
    return reading;
}

static void probe_ready(struct watch *watch)
{
    struct health_probe *probe = (struct health_probe *)watch;

    if (!probe->connected && !watch->writable && !watch->hangup)
        return;
    if (!probe->connected && !finish_connect(probe)) {
        conclude(probe, "connection refused");
        return;
    }
    if (!send_request(probe)) {
        conclude(probe, "connection closed");
        return;
    }
    switch (receive(probe)) {
    case READ_ON:
        return;
    case READ_BAD:
        conclude(probe, "no valid answer");
        return;
    case READ_WHOLE:
        conclude(probe, health_match_problem(probe->check->match, &probe->worker->regex,
                                             &probe->head, body_of(probe)));
        return;
    }
}

/* --- the beginning --- */

static bool open_socket(struct health_probe *probe)
{
    struct address to = probe->peer->address;

    if (probe->check->port != 0)
        address_set_port(&to, probe->check->port);
    int fd = socket(to.name.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    probe->watch = (struct watch){ .fd = fd, .on_ready = probe_ready };
    if ((connect(fd, &to.name.any, to.len) < 0 && errno != EINPROGRESS && errno != EINTR) ||
        loop_add(probe->worker->loop, &probe->watch, 0) < 0) {
        close(fd);
        return false;
    }
    probe->watch.writable = false;
    return true;
}

bool health_probe_start(struct worker *worker, const struct health_check *check, struct peer *peer,
                        struct health_probe_list *list,
                        void (*done)(struct worker *, const struct health_check *, struct peer *,
                                     const char *problem))
{
    struct health_probe *probe = calloc(1, sizeof *probe);

    if (probe == NULL)
        return false;
    probe->worker = worker;
    probe->check = check;
    probe->peer = peer;
    probe->done = done;
    probe->to_send = check->request;
    if (!open_socket(probe)) {
        free(probe);
        return false;
    }
    peer_hold(peer);
    arena_init(&probe->arena, &worker->arena_blocks);
    answer_head_init(&probe->head, &probe->arena, ANSWER_HTTP);
    probe->timer.fire = probe_timeout;
    timer_arm(&worker->timers, &probe->timer, worker->clock.now + check->connect_timeout);
    probe->next = list->first;
    probe->link = &list->first;
    if (probe->next != NULL)
        probe->next->link = &probe->next;
    list->first = probe;
    return true;
}

bool health_probe_runs(const struct health_probe_list *list, const struct peer *peer)
{
    const struct health_probe *probe = list->first;

    while (probe != NULL && probe->peer != peer)
        probe = probe->next;
    return probe != NULL;
}

void health_probes_stop(struct health_probe_list *list)
{
    while (list->first != NULL)
        end_probe(list->first);
}
