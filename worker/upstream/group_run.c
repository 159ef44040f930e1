/* Groups in a worker that runs: their part of a zone, and what goes on without requests. */
#include "worker/context.h"
#include "worker/http/core.h"
#include "worker/upstream/group.h"
#include "worker/upstream/health.h"
#include "worker/upstream/peer_table.h"
#include "worker/upstream/server_watch.h"

static void attach_peer(struct worker *worker, struct peer *peer)
{
    const struct slot_name name = { peer->group->name, peer->server, peer->name, peer->ordinal };

    peer->worker = worker;
    peer->slot = peer_table_take(worker, peer->group->zone, &name);
    peer->state = peer->slot != NULL ? &peer->slot->state : &peer->own_state;
    if (peer->slot != NULL)
        peer_slot_show(worker, peer->slot, peer->busy);
}

void group_attach(struct worker *worker, struct upstream_group *group)
{
    if (group->zone == NULL)
        return;
    bool lost = group->losses != shared_memory_losses(group->zone->memory);
    group->losses = shared_memory_losses(group->zone->memory);
    for (size_t i = 0; i < group->set->count; i++) {
        struct peer *peer = group->set->peers[i];
        if (peer->worker == NULL || lost)
            attach_peer(worker, peer);
    }
}

static struct upstream_group *groups_of(const struct worker *worker)
{
    const struct conf_scope *scope = worker->conf->main->children;

    while (scope != NULL && scope->context != IN_HTTP)
        scope = scope->next;
    return scope == NULL ? NULL : http_of(scope)->upstreams;
}

bool groups_start(struct worker *worker)
{
    for (struct upstream_group *group = groups_of(worker); group != NULL; group = group->next) {
        struct group_server *const *servers = group->servers.items;
        group_attach(worker, group);
        if (group->health != NULL && !health_start(worker, group))
            return false;
        for (size_t i = 0; i < group->servers.count; i++)
            if (servers[i]->resolve && !server_watch_start(worker, group, servers[i]))
                return false;
    }
    return true;
}

void groups_stop(struct worker *worker)
{
    for (struct upstream_group *group = groups_of(worker); group != NULL; group = group->next) {
        struct group_server *const *servers = group->servers.items;
        for (size_t i = 0; i < group->servers.count; i++)
            server_watch_stop(servers[i]);
        if (group->health != NULL)
            health_stop(group);
        peer_set_release(group->set);
    }
}
