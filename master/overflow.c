#include "master/overflow.h"

#include "master/listeners.h"
#include "worker/status/view.h"

/* A line about the address is due. */
static bool may_say(const struct overflow *overflow, uint64_t now)
{
    return overflow->said == 0 || now >= overflow->said + OVERFLOW_SAID_EVERY;
}

static void look_at_tcp(struct socket_group *group, const struct log *log, uint64_t now)
{
    struct overflow *overflow = &group->overflow;
    struct queue_view queue = { 0 };
    char text[ADDRESS_TEXT_MAX];
    uint64_t dropped = 0;

    for (unsigned i = 0; i < group->count; i++)
        if (queue_view(group->sockets[i], &queue))
            dropped += queue.dropped;
    /* Fewer when a socket was closed; those of a quiesced one are meant to be dropped. */
    if (overflow->begun && dropped > overflow->seen && !group->quiesced)
        overflow->unsaid += dropped - overflow->seen;
    overflow->begun = true;
    overflow->seen = dropped;
    if (overflow->unsaid == 0 || !may_say(overflow, now))
        return;
    address_text(&group->options.address, text);
    log_write(log, LOG_LEVEL_WARN, 0, 0,
              "the queue of %s was full (%u sockets, each with room for %u): %llu connection "
              "attempts were dropped",
              text, group->count, queue.room, (unsigned long long)overflow->unsaid);
    overflow->unsaid = 0;
    overflow->said = now;
}

static void look_at_unix(struct socket_group *group, const struct log *log, uint64_t now)
{
    struct overflow *overflow = &group->overflow;
    struct queue_view queue;
    char text[ADDRESS_TEXT_MAX];

    if (!may_say(overflow, now) || !queue_view(group->sockets[0], &queue) ||
        queue.waiting <= queue.room)
        return;
    address_text(&group->options.address, text);
    log_write(log, LOG_LEVEL_WARN, 0, 0,
              "the queue of %s is full: %u connections wait, with room for %u, and no more can be "
              "made",
              text, queue.waiting, queue.room);
    overflow->said = now;
}

void overflow_look(struct listeners *listeners, const struct log *log, uint64_t now)
{
    for (struct socket_group *group = listeners->first; group != NULL; group = group->next) {
        if (group->count == 0)
            continue;
        if (listening_is_unix(&group->options))
            look_at_unix(group, log, now);
        else
            look_at_tcp(group, log, now);
    }
}
