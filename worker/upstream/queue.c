/* Requests that wait for a peer: until one has room (queue), or until the names of a group are
 * known for the first time (server ... resolve). First come, first served. */
#include "worker/context.h"
#include "worker/http/request.h"
#include "worker/net/resolver.h"
#include "worker/upstream/selection.h"

/* ms between two looks: what other workers do, and what time does, is not told. */
enum { LOOK_EVERY = 50 };

static void enter(struct selection *selection)
{
    struct upstream_group *group = selection->group;
    bool first = selection->waited; /* it has been the first already */
    struct selection **place = first ? &group->waiting : group->last_waiting;

    if (group->waiting == NULL)
        place = &group->waiting;
    selection->next_waiting = *place;
    selection->waiting_link = place;
    if (*place != NULL)
        (*place)->waiting_link = &selection->next_waiting;
    else
        group->last_waiting = &selection->next_waiting;
    *place = selection;
    group->waiting_count++;
    selection->waited = true;
}

static void leave(struct selection *selection)
{
    struct upstream_group *group = selection->group;

    if (selection->waiting_link == NULL)
        return;
    timer_disarm(&selection->request->worker->timers, &selection->timer);
    *selection->waiting_link = selection->next_waiting;
    if (selection->next_waiting != NULL)
        selection->next_waiting->waiting_link = selection->waiting_link;
    else
        group->last_waiting = selection->waiting_link;
    selection->waiting_link = NULL;
    group->waiting_count--;
}

void group_wake(struct upstream_group *group)
{
    struct selection *first = group->waiting;

    if (first != NULL)
        timer_arm(&first->request->worker->timers, &first->timer,
                  first->request->worker->clock.now);
}

/* It may be gone after. When there was something for it, it is the next one's turn. */
static void try_again(struct selection *selection)
{
    struct upstream_group *group = selection->group;
    size_t before = group->waiting_count;

    leave(selection);
    if (selection->set->count == 0) {
        peer_set_release(selection->set);
        selection->set = peer_set_hold(group->set);
    }
    selection->resume(selection);
    if (group->waiting_count < before)
        group_wake(group);
}

static void look_later(struct selection *selection)
{
    struct worker *worker = selection->request->worker;
    uint64_t next = worker->clock.now + LOOK_EVERY;

    timer_arm(&worker->timers, &selection->timer,
              next < selection->deadline ? next : selection->deadline);
}

static void look(struct timer *timer)
{
    struct selection *selection =
        (struct selection *)((char *)timer - offsetof(struct selection, timer));

    if (selection == selection->group->waiting ||
        selection->request->worker->clock.now >= selection->deadline)
        try_again(selection);
    else
        look_later(selection);
}

/* How long it may wait; 0: not at all. */
static uint64_t patience(const struct upstream_group *group)
{
    const struct resolver_settings *resolver;

    if (group->scope == NULL)
        return 0;
    if (group->set->count == 0 && group->unresolved > 0) {
        resolver = conf_settings(group->scope, &resolver_module);
        return resolver->timeout;
    }
    return group_settings(group)->queue.timeout;
}

/* Those who wait for names are as many as there are clients. */
static bool is_full(const struct upstream_group *group)
{
    return group->unresolved == 0 && group->waiting_count >= group_settings(group)->queue.length;
}

enum queue_result selection_wait(struct selection *selection)
{
    uint64_t now = selection->request->worker->clock.now, longest = patience(selection->group);

    if (longest == 0 || selection->tried.count > 0)
        return QUEUE_NONE;
    if (!selection->waited) {
        if (is_full(selection->group))
            return QUEUE_FULL;
        selection->deadline = now + longest;
    }
    if (now >= selection->deadline)
        return QUEUE_TIMED_OUT;
    selection->timer.fire = look;
    look_later(selection);
    enter(selection);
    return QUEUE_WAITS;
}

void selection_leave_queue(struct selection *selection)
{
    leave(selection);
}
