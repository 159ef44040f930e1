/* Groups that are made for one request: proxy_pass with variables. */
#include "worker/context.h"
#include "worker/http/core.h"
#include "worker/http/request.h"
#include "worker/http/spans.h"
#include "worker/net/resolver.h"
#include "worker/status/board.h"
#include "worker/upstream/group.h"

#include <stdlib.h>

/* The last name that was looked up for the request. */
struct host_lookup {
    struct lookup lookup; /* first */
    struct request *request;
    struct slice host;
    int error; /* of enum resolve_error, or: */
    struct address *addresses;
    size_t count;
};
enum { PENDING = -1 };

static void log_problem(struct request *request, const char *problem, struct slice address)
{
    request_log(request, LOG_LEVEL_ERROR, 0, "%s in upstream \"%.*s\"", problem, (int)address.len,
                address.at);
}

static int take_literal(struct request *request, struct slice address, unsigned default_port,
                        struct upstream_group **group)
{
    struct address addresses[ADDRESSES_MAX];
    size_t count = 0;
    enum address_result result = address_parse_remote(address, default_port, addresses, &count);

    if (result != ADDRESS_OK) {
        log_problem(request, address_problem(result), address);
        return 500;
    }
    *group = group_of_addresses(&request->arena, address, addresses, count);
    return *group == NULL ? 500 : 0;
}

/* --- names --- */

/* "host" or "host:port". */
static bool split_port(struct slice address, unsigned default_port, struct slice *host,
                       unsigned *port)
{
    ptrdiff_t colon = slice_find_last(address, ':');
    uint64_t number = default_port;

    *host = colon < 0 ? address : slice_first(address, (size_t)colon);
    if (colon >= 0 &&
        (!slice_to_number(slice_from(address, (size_t)colon + 1), 65535, &number) || number == 0))
        return false;
    *port = (unsigned)number;
    return true;
}

static void keep_answer(struct host_lookup *lookup, const struct resolution *resolution)
{
    size_t size = resolution->count * sizeof *lookup->addresses;

    lookup->error = resolution->error;
    if (resolution->error != RESOLVE_OK)
        return;
    lookup->addresses = arena_alloc(&lookup->request->arena, size);
    if (lookup->addresses == NULL) {
        lookup->error = RESOLVE_NO_MEMORY;
        return;
    }
    memcpy(lookup->addresses, resolution->addresses, size);
    lookup->count = resolution->count;
}

static void answered(struct lookup *lookup, const struct resolution *resolution)
{
    struct host_lookup *own = (struct host_lookup *)lookup;

    keep_answer(own, resolution);
    request_spend(own->request, SPAN_HANDLE);
    request_resume(own->request);
}

static void drop_lookup(struct request *request, void *lookup)
{
    (void)request;
    lookup_cancel(lookup);
}

/* 0: request->host_lookup is of this host. */
static int ask(struct request *request, struct slice host)
{
    const struct resolver_settings *settings = request->settings[MODULE_RESOLVER];
    struct host_lookup *lookup = arena_zalloc(&request->arena, sizeof *lookup);
    struct resolver *resolver;

    if (settings->servers == NULL) {
        request_log(request, LOG_LEVEL_ERROR, 0, "no resolver defined to resolve %.*s",
                    (int)host.len, host.at);
        return 502;
    }
    resolver = resolver_of(request->worker, settings->servers);
    if (resolver == NULL || lookup == NULL || !request_at_end(request, drop_lookup, lookup))
        return 500;
    *lookup = (struct host_lookup){
        .lookup.done = answered,
        .request = request,
        .host = host,
        .error = PENDING,
    };
    request->host_lookup = lookup;
    const struct resolution *known =
        resolver_ask(resolver, &lookup->lookup, RESOLVE_HOST, host, settings->timeout);
    if (known != NULL)
        keep_answer(lookup, known);
    else
        request_spend(request, SPAN_UPSTREAM_CONNECT);
    return 0;
}

/* Requests take turns in which of the addresses is the first. */
static struct upstream_group *group_of_lookup(const struct host_lookup *lookup, struct slice name,
                                              unsigned port)
{
    struct request *request = lookup->request;
    struct address addresses[RESOLVED_MAX];
    size_t first = (size_t)(count_read(&request->worker->lane->requests) % lookup->count);

    for (size_t i = 0; i < lookup->count; i++) {
        addresses[i] = lookup->addresses[(first + i) % lookup->count];
        address_set_port(&addresses[i], port);
    }
    return group_of_addresses(&request->arena, name, addresses, lookup->count);
}

static int take_name(struct request *request, struct slice address, unsigned default_port,
                     struct upstream_group **group)
{
    struct slice host;
    unsigned port;

    if (!split_port(address, default_port, &host, &port)) {
        log_problem(request, "invalid port", address);
        return 500;
    }
    const struct host_lookup *lookup = request->host_lookup;
    if (lookup == NULL || !slice_equal(lookup->host, host)) {
        int status = ask(request, host);
        if (status != 0)
            return status;
        lookup = request->host_lookup;
    }
    if (lookup->error == PENDING)
        return AGAIN;
    request->host_lookup = NULL; /* good for this once */
    if (lookup->error == RESOLVE_NO_MEMORY)
        return 500;
    if (lookup->error != RESOLVE_OK) {
        request_log(request, LOG_LEVEL_ERROR, 0, "%.*s could not be resolved (%d: %s)",
                    (int)host.len, host.at, lookup->error, resolve_error_text(lookup->error));
        return 502;
    }
    *group = group_of_lookup(lookup, address, port);
    return *group == NULL ? 500 : 0;
}

int group_for_request(struct request *request, struct slice address, unsigned default_port,
                      struct upstream_group **group)
{
    struct upstream_group *groups = request->server->http->upstreams;

    if ((*group = group_find(groups, address)) != NULL ||
        (*group = group_find_implicit(groups, address, default_port)) != NULL)
        return 0;
    return group_address_is_literal(address) ? take_literal(request, address, default_port, group)
                                             : take_name(request, address, default_port, group);
}
