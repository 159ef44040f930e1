#include "worker/upstream/server_watch.h"

#include "worker/context.h"
#include "worker/net/resolver.h"
#include "worker/upstream/connection.h"
#include "worker/upstream/selection.h"

#include <stdlib.h>

enum {
    LEAST_WAIT = 1000, /* ms between two questions, however short the answer is good for */
    RETRY_WAIT = 5000, /* and after one that came to nothing */
    WEIGHT_MOST = 100, /* of a service's server; larger ones are scaled down with the others */
};

enum watch_state {
    WATCH_HOST,    /* asks for the host's addresses */
    WATCH_SERVICE, /* asks for the service's servers, */
    WATCH_TARGETS, /* and for the addresses of one after the other */
    WATCH_DONE,
};

/* One server of one worker. */
struct server_watch {
    struct lookup lookup; /* first */
    struct timer timer;   /* until it is asked again */
    struct worker *worker;
    struct upstream_group *group;
    struct group_server *server;
    struct resolver *resolver;
    uint64_t timeout;
    enum watch_state state;
    int error; /* of enum resolve_error */
    struct service services[RESOLVED_MAX];
    size_t service_count, service; /* the one whose addresses are asked for */
    struct server_address found[RESOLVED_MAX];
    size_t found_count;
    uint64_t expires; /* monotonic ms: the first of what was found */
    bool known;       /* there was an answer, or none came in time */
};

static bool renew_set(struct server_watch *watch)
{
    struct upstream_group *group = watch->group;
    struct peer_set *old = group->set;
    struct peer_set *set = peer_set_make(group, NULL, old);

    if (set == NULL)
        return false;
    group->set = set;
    group_attach(watch->worker, group);
    upstream_close_gone(group);
    peer_set_release(old);
    return true;
}

/* --- what was found --- */

static int compare_found(const void *a, const void *b)
{
    const struct server_address *left = a, *right = b;
    int order = memcmp(&left->address.name, &right->address.name, sizeof left->address.name.in6);

    return order != 0 ? order : (int)left->weight - (int)right->weight;
}

static bool is_as_before(const struct server_watch *watch)
{
    const struct group_server *server = watch->server;

    if (server->count != watch->found_count)
        return false;
    for (size_t i = 0; i < server->count; i++)
        if (!address_equal(&server->addresses[i].address, &watch->found[i].address) ||
            server->addresses[i].weight != watch->found[i].weight ||
            server->addresses[i].lesser != watch->found[i].lesser)
            return false;
    return true;
}

/* Name servers change the order of their answers; ip_hash and its kin go by it. */
static bool apply(struct server_watch *watch)
{
    struct group_server *server = watch->server;
    size_t size = watch->found_count * sizeof *server->addresses;

    qsort(watch->found, watch->found_count, sizeof *watch->found, compare_found);
    if (is_as_before(watch))
        return true;
    struct server_address *before = server->addresses, *after = malloc(size + 1);
    size_t count = server->count;
    if (after == NULL)
        return false;
    memcpy(after, watch->found, size);
    server->addresses = after;
    server->count = watch->found_count;
    if (renew_set(watch)) {
        free(before);
        return true;
    }
    server->addresses = before;
    server->count = count;
    free(after);
    return false;
}

static void log_failure(const struct server_watch *watch)
{
    const struct group_server *server = watch->server;
    struct slice name = server->service.len > 0 ? server->service : server->host;

    log_write(watch->worker->log, LOG_LEVEL_ERROR, 0, 0,
              "%.*s could not be resolved (%d: %s) in upstream \"%.*s\"", (int)name.len, name.at,
              watch->error, resolve_error_text(watch->error), (int)watch->group->name.len,
              watch->group->name.at);
}

static void conclude(struct server_watch *watch)
{
    uint64_t now = watch->worker->clock.now, again = now + LEAST_WAIT;
    bool certain = watch->error == RESOLVE_OK || watch->error == RESOLVE_NO_SUCH_NAME;

    if (watch->error != RESOLVE_OK)
        log_failure(watch);
    if (!certain || !apply(watch))
        again = now + RETRY_WAIT; /* with the addresses of before */
    else if (watch->expires > again)
        again = watch->expires;
    timer_arm(&watch->worker->timers, &watch->timer, again);
    if (!watch->known) {
        watch->known = true;
        watch->group->unresolved--;
        group_wake(watch->group);
    }
}

/* --- asking --- */

static void add_found(struct server_watch *watch, const struct resolution *resolution,
                      const struct server_address *like, unsigned port)
{
    for (size_t i = 0; i < resolution->count && watch->found_count < RESOLVED_MAX; i++) {
        struct server_address *found = &watch->found[watch->found_count++];
        *found = *like;
        found->address = resolution->addresses[i];
        address_set_port(&found->address, port);
    }
}

static void take_services(struct server_watch *watch, const struct resolution *resolution)
{
    if (resolution->error != RESOLVE_OK) {
        watch->error = resolution->error;
        watch->state = WATCH_DONE;
        return;
    }
    memcpy(watch->services, resolution->services, resolution->count * sizeof *watch->services);
    watch->service_count = resolution->count;
    watch->service = 0;
    watch->state = WATCH_TARGETS;
}

/* RFC 2782's weights go up to 65535, and 0 is the least. */
static uint32_t scale_weight(const struct server_watch *watch, uint16_t weight)
{
    uint32_t most = 0;

    for (size_t i = 0; i < watch->service_count; i++)
        if (watch->services[i].weight > most)
            most = watch->services[i].weight;
    uint32_t scaled = most <= WEIGHT_MOST ? weight : (uint32_t)weight * WEIGHT_MOST / most;
    return scaled > 0 ? scaled : 1;
}

static void take_target(struct server_watch *watch, const struct resolution *resolution)
{
    const struct service *service = &watch->services[watch->service];
    struct server_address like = { .weight = scale_weight(watch, service->weight) };

    for (size_t i = 0; i < watch->service_count; i++)
        like.lesser |= watch->services[i].priority < service->priority;
    if (resolution->error == RESOLVE_OK)
        add_found(watch, resolution, &like, service->port);
    else
        watch->error = resolution->error;
    if (++watch->service < watch->service_count)
        return;
    if (watch->found_count > 0) /* as good as it gets */
        watch->error = RESOLVE_OK;
    watch->state = WATCH_DONE;
}

static void take(struct server_watch *watch, const struct resolution *resolution)
{
    static const struct server_address plain = { .weight = 1 };

    if (resolution->expires < watch->expires)
        watch->expires = resolution->expires;
    switch (watch->state) {
    case WATCH_HOST:
        watch->error = resolution->error;
        add_found(watch, resolution, &plain, watch->server->port);
        watch->state = WATCH_DONE;
        break;
    case WATCH_SERVICE:
        take_services(watch, resolution);
        break;
    case WATCH_TARGETS:
        take_target(watch, resolution);
        break;
    case WATCH_DONE:
        break;
    }
}

static struct slice asked_name(const struct server_watch *watch)
{
    switch (watch->state) {
    case WATCH_SERVICE:
        return watch->server->service;
    case WATCH_TARGETS:
        return dns_name_text(&watch->services[watch->service].target);
    default:
        return watch->server->host;
    }
}

static void proceed(struct server_watch *watch)
{
    while (watch->state != WATCH_DONE) {
        enum resolve_kind kind = watch->state == WATCH_SERVICE ? RESOLVE_SERVICE : RESOLVE_HOST;
        const struct resolution *known =
            resolver_ask(watch->resolver, &watch->lookup, kind, asked_name(watch), watch->timeout);
        if (known == NULL)
            return;
        take(watch, known);
    }
    conclude(watch);
}

static void answered(struct lookup *lookup, const struct resolution *resolution)
{
    struct server_watch *watch = (struct server_watch *)lookup;

    take(watch, resolution);
    proceed(watch);
}

static void ask(struct server_watch *watch)
{
    watch->state = watch->server->service.len > 0 ? WATCH_SERVICE : WATCH_HOST;
    watch->error = RESOLVE_OK;
    watch->found_count = 0;
    watch->expires = UINT64_MAX;
    proceed(watch);
}

static void ask_again(struct timer *timer)
{
    ask((struct server_watch *)((char *)timer - offsetof(struct server_watch, timer)));
}

/* --- beginning and end --- */

bool server_watch_start(struct worker *worker, struct upstream_group *group,
                        struct group_server *server)
{
    const struct resolver_settings *settings = conf_settings(group->scope, &resolver_module);
    struct server_watch *watch = calloc(1, sizeof *watch);

    server->watch = watch;
    if (watch == NULL)
        return false;
    watch->lookup.done = answered;
    watch->timer.fire = ask_again;
    watch->worker = worker;
    watch->group = group;
    watch->server = server;
    watch->timeout = settings->timeout;
    watch->resolver = resolver_of(worker, settings->servers);
    if (watch->resolver == NULL)
        return false;
    group->unresolved++;
    ask(watch);
    return true;
}

void server_watch_stop(struct group_server *server)
{
    if (server->watch == NULL)
        return;
    lookup_cancel(&server->watch->lookup);
    timer_disarm(&server->watch->worker->timers, &server->watch->timer);
    free(server->watch);
    server->watch = NULL;
    free(server->addresses);
    server->addresses = NULL;
}
