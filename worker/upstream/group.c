#include "worker/upstream/group.h"

#include "common/ip_address.h"
#include "worker/context.h"
#include "worker/http/core.h"
#include "worker/upstream/selection.h"

const struct group_settings *group_settings(const struct upstream_group *group)
{
    static const struct group_settings none;

    return group->scope == NULL ? &none : conf_settings(group->scope, &upstream_module);
}

struct upstream_group *group_find(struct upstream_group *groups, struct slice name)
{
    for (struct upstream_group *group = groups; group != NULL; group = group->next)
        if (!group->implicit && slice_equal_nocase(group->name, name))
            return group;
    return NULL;
}

bool group_address_is_literal(struct slice address)
{
    struct ip_address ip;
    ptrdiff_t colon = slice_find_last(address, ':');

    return slice_starts(address, SLICE("unix:")) || slice_starts(address, SLICE("[")) ||
           ip_parse(colon < 0 ? address : slice_first(address, (size_t)colon), &ip);
}

/* --- implicit groups --- */

struct upstream_group *group_find_implicit(struct upstream_group *groups, struct slice name,
                                           unsigned default_port)
{
    for (struct upstream_group *group = groups; group != NULL; group = group->next)
        if (group->implicit && group->default_port == default_port &&
            slice_equal_nocase(group->name, name))
            return group;
    return NULL;
}

struct upstream_group *group_of_addresses(struct arena *arena, struct slice name,
                                          const struct address *addresses, size_t count)
{
    static const struct balancer round_robin = { "round robin", false, pick_round_robin };
    struct upstream_group *group = arena_zalloc(arena, sizeof *group);
    struct group_server *server = arena_zalloc(arena, sizeof *server);

    if (group == NULL || server == NULL)
        return NULL;
    group->name = name;
    group->implicit = true;
    group->balancer = &round_robin;
    group->servers.item_size = sizeof(struct group_server *);
    server->text = name;
    server->options = server_defaults;
    struct group_server **place = array_push(&group->servers, arena);
    if (place == NULL || !server_set_addresses(server, arena, addresses, count))
        return NULL;
    *place = server;
    group->set = peer_set_make(group, arena, NULL);
    return group->set == NULL ? NULL : group;
}

struct upstream_group *group_of_address(struct conf *conf, struct conf_scope *scope,
                                        struct position at, struct slice address,
                                        unsigned default_port)
{
    struct http *http = http_of(scope);
    struct address addresses[ADDRESSES_MAX];
    size_t count = 0;
    struct upstream_group *group = group_find_implicit(http->upstreams, address, default_port);

    if (group != NULL)
        return group;
    enum address_result result = address_parse_remote(address, default_port, addresses, &count);
    if (result != ADDRESS_OK) {
        conf_error(conf, at, "%s in upstream \"%.*s\"", address_problem(result), (int)address.len,
                   address.at);
        return NULL;
    }
    group = group_of_addresses(conf->arena, address, addresses, count);
    if (group == NULL) {
        conf_error(conf, at, "no memory for this upstream");
        return NULL;
    }
    group->default_port = default_port;
    group->at = at;
    group->next = http->upstreams;
    http->upstreams = group;
    return group;
}
