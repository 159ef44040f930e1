/* upstream { }: the block and what stands in it. */
#include "conf/values.h"
#include "worker/http/core.h"
#include "worker/status/tallies.h"
#include "worker/upstream/peer_table.h"
#include "worker/upstream/sticky.h"

/* --- balancers --- */

static const struct balancer balancers[] = {
    { "round robin", false, pick_round_robin }, { "least_conn", false, pick_least_connections },
    { "ip_hash", true, pick_by_address },       { "hash", true, pick_by_hash },
    { "random", true, pick_at_random },
};
enum { ROUND_ROBIN, LEAST_CONN, IP_HASH, HASH, RANDOM };

static struct upstream_group *choose_balancer(struct conf *conf, struct conf_scope *scope,
                                              const struct conf_node *node, size_t number)
{
    struct upstream_group *group = scope->owner;

    if (group->balancer != &balancers[ROUND_ROBIN])
        conf_warn(conf, node->words[0].at, "load balancing method redefined");
    group->balancer = &balancers[number];
    return group;
}

static void set_least_conn(struct conf *conf, struct conf_scope *scope,
                           const struct conf_node *node, const struct directive *directive,
                           void *value)
{
    (void)directive;
    (void)value;
    choose_balancer(conf, scope, node, LEAST_CONN);
}

static void set_ip_hash(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    (void)directive;
    (void)value;
    choose_balancer(conf, scope, node, IP_HASH);
}

static void invalid_parameter(struct conf *conf, const struct word *word)
{
    conf_error(conf, word->at, "invalid parameter \"%.*s\"", (int)word->text.len, word->text.at);
}

/* hash key [consistent] */
static void set_hash(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct upstream_group *group = choose_balancer(conf, scope, node, HASH);
    const struct word *key = &node->words[1];

    (void)directive;
    (void)value;
    template_compile(conf, scope, key->at, key->text, &group->hash_key);
    if (node->count == 3 && !slice_is(node->words[2].text, "consistent"))
        invalid_parameter(conf, &node->words[2]);
    group->consistent = node->count == 3;
}

/* random [two [least_conn]] */
static void set_random(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct upstream_group *group = choose_balancer(conf, scope, node, RANDOM);

    (void)directive;
    (void)value;
    group->random_choices = node->count > 1 ? 2 : 1;
    if (node->count > 1 && !slice_is(node->words[1].text, "two"))
        invalid_parameter(conf, &node->words[1]);
    if (node->count > 2 && !slice_is(node->words[2].text, "least_conn"))
        invalid_parameter(conf, &node->words[2]);
}

/* --- server --- */

enum { DEFAULT_PORT = 80, QUEUE_TIMEOUT = 60000 /* ms */ };

static bool read_number(struct slice text, uint64_t least, uint64_t *number)
{
    uint64_t read;

    if (!slice_to_number(text, INT32_MAX, &read) || read < least)
        return false;
    *number = read;
    return true;
}

static bool read_option(struct slice word, struct group_server *server)
{
    struct server_options *options = &server->options;
    struct slice value;

    if (value_option(word, "weight", &value))
        return read_number(value, 1, &options->weight);
    if (value_option(word, "max_conns", &value))
        return read_number(value, 0, &options->max_conns);
    if (value_option(word, "max_fails", &value))
        return read_number(value, 0, &options->max_fails);
    if (value_option(word, "fail_timeout", &value))
        return value_parse_time(value, &options->fail_timeout);
    if (value_option(word, "slow_start", &value))
        return value_parse_time(value, &options->slow_start);
    if (value_option(word, "service", &server->service))
        return server->service.len > 0;
    if (value_option(word, "route", &server->route))
        return server->route.len > 0;
    if (slice_is(word, "resolve"))
        return server->resolve = true;
    if (slice_is(word, "backup"))
        return options->backup = true;
    if (slice_is(word, "down"))
        return options->down = true;
    return false;
}

/* "_http._tcp.host" for service=http; what has a dot in it stands as it is. */
static bool name_service(struct arena *arena, struct group_server *server)
{
    const char *format = slice_find(server->service, '.') < 0 ? "_%.*s._tcp.%.*s" : "%.*s.%.*s";

    server->service = arena_printf(arena, format, (int)server->service.len, server->service.at,
                                   (int)server->host.len, server->host.at);
    return server->service.at != NULL;
}

/* The name is looked up when the worker runs: only its form is checked. */
static void prepare_resolve(struct conf *conf, const struct word *word, struct group_server *server)
{
    struct slice name = word->text;
    ptrdiff_t colon = slice_find_last(name, ':');
    uint64_t port = DEFAULT_PORT;

    server->host = colon < 0 ? name : slice_first(name, (size_t)colon);
    if (colon >= 0 &&
        (!slice_to_number(slice_from(name, (size_t)colon + 1), 65535, &port) || port == 0)) {
        conf_error(conf, word->at, "invalid port in upstream \"%.*s\"", (int)name.len, name.at);
        return;
    }
    server->port = (unsigned)port;
    if (server->host.len == 0)
        conf_error(conf, word->at, "no host in upstream \"%.*s\"", (int)name.len, name.at);
    if (server->service.len == 0)
        return;
    if (colon >= 0)
        conf_error(conf, word->at, "service upstream \"%.*s\" may not have port", (int)name.len,
                   name.at);
    if (!name_service(conf->arena, server))
        conf_error(conf, word->at, "no memory for this server");
}

static void resolve_now(struct conf *conf, const struct word *word, struct group_server *server)
{
    struct address addresses[ADDRESSES_MAX];
    size_t count = 0;
    enum address_result result = address_parse_remote(word->text, DEFAULT_PORT, addresses, &count);

    if (result != ADDRESS_OK)
        conf_error(conf, word->at, "%s in upstream \"%.*s\"", address_problem(result),
                   (int)word->text.len, word->text.at);
    else if (!server_set_addresses(server, conf->arena, addresses, count))
        conf_error(conf, word->at, "no memory for this server");
}

static void set_server(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct upstream_group *group = scope->owner;
    struct group_server *server = arena_zalloc(conf->arena, sizeof *server);
    struct group_server **place = array_push(&group->servers, conf->arena);
    const struct word *name = &node->words[1];

    (void)directive;
    (void)value;
    if (server == NULL || place == NULL) {
        conf_error(conf, name->at, "no memory for this server");
        return;
    }
    *place = server;
    server->text = name->text;
    server->tally = conf_tally(conf, TALLY_PEER, group->name, name->text);
    server->options = server_defaults;
    for (size_t i = 2; i < node->count; i++)
        if (!read_option(node->words[i].text, server))
            invalid_parameter(conf, &node->words[i]);
    if (server->service.len > 0 && !server->resolve)
        conf_error(conf, name->at, "service upstream \"%.*s\" requires \"resolve\" parameter",
                   (int)name->text.len, name->text.at);
    server->resolve = server->resolve && !group_address_is_literal(name->text);
    if (!server->resolve)
        resolve_now(conf, name, server);
    else if (conf_own(conf, scope, &upstream_module) != NULL) /* so that it is checked */
        prepare_resolve(conf, name, server);
}

/* zone name [size] */
static void set_zone(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct upstream_group *group = scope->owner;
    const struct word *name = &node->words[1], *size = &node->words[2];
    uint64_t bytes = 0;

    (void)directive;
    (void)value;
    if (name->text.len == 0) {
        conf_error(conf, name->at, "invalid zone name \"\"");
        return;
    }
    if (node->count == 3 && !value_parse_size(size->text, &bytes)) {
        conf_error(conf, size->at, "invalid zone size \"%.*s\"", (int)size->text.len,
                   size->text.at);
        return;
    }
    if (node->count == 3 && !zone_size_check(conf, name, bytes))
        return;
    group->zone = conf_zone(conf, name->at, name->text, bytes, &peer_zone_kind);
}

/* keepalive connections */
static void set_keepalive(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                          const struct directive *directive, void *value)
{
    const struct word *word = &node->words[1];

    (void)scope;
    (void)directive;
    if (!read_number(word->text, 1, value))
        conf_error(conf, word->at, "invalid value \"%.*s\" in \"keepalive\" directive",
                   (int)word->text.len, word->text.at);
}

/* queue number [timeout=time] */
static void set_queue(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    struct queue_value *queue = value;
    const struct word *words = node->words;
    struct slice time;

    (void)scope;
    (void)directive;
    queue->timeout = QUEUE_TIMEOUT;
    if (!read_number(words[1].text, 1, &queue->length))
        conf_error(conf, words[1].at, "invalid value \"%.*s\" in \"queue\" directive",
                   (int)words[1].text.len, words[1].text.at);
    if (node->count == 3 && (!value_option(words[2].text, "timeout", &time) ||
                             !value_parse_time(time, &queue->timeout) || queue->timeout == 0))
        invalid_parameter(conf, &words[2]);
}

/* --- the block --- */

static void check_group(struct conf *conf, const struct upstream_group *group)
{
    struct group_server *const *servers = group->servers.items;
    size_t backups = 0, slow = 0;

    for (size_t i = 0; i < group->servers.count; i++) {
        backups += servers[i]->options.backup;
        slow += servers[i]->options.slow_start > 0;
    }
    if (group->servers.count == 0)
        conf_error(conf, group->at, "no servers are inside upstream");
    else if (backups == group->servers.count)
        conf_error(conf, group->at, "no servers in upstream \"%.*s\"", (int)group->name.len,
                   group->name.at);
    if (group->balancer->is_fixed && backups + slow > 0)
        conf_error(conf, group->at, "balancing method \"%s\" does not support parameter \"%s\"",
                   group->balancer->name, backups > 0 ? "backup" : "slow_start");
}

/* Once all is inherited: what is resolved at run time needs somebody to ask. */
static void check_resolver(struct conf *conf, struct conf_scope *scope, void *settings)
{
    const struct upstream_group *group = scope->owner;
    const struct resolver_settings *resolver = conf_settings(scope, &resolver_module);
    struct group_server *const *servers;

    (void)settings;
    if (scope->context != IN_UPSTREAM || resolver->servers != NULL)
        return;
    servers = group->servers.items;
    for (size_t i = 0; i < group->servers.count; i++)
        if (servers[i]->resolve) {
            conf_error(conf, group->at,
                       "no resolver defined to resolve names at run time in upstream \"%.*s\"",
                       (int)group->name.len, group->name.at);
            return;
        }
}

static void set_upstream(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                         const struct directive *directive, void *value)
{
    struct http *http = http_of(scope);
    struct upstream_group *group = arena_zalloc(conf->arena, sizeof *group);
    const struct word *name = &node->words[1];

    (void)directive;
    (void)value;
    if (group == NULL)
        goto no_memory;
    if (group_find(http->upstreams, name->text) != NULL)
        conf_error(conf, name->at, "duplicate upstream \"%.*s\"", (int)name->text.len,
                   name->text.at);
    group->name = name->text;
    group->at = name->at;
    group->servers.item_size = sizeof(struct group_server *);
    group->balancer = &balancers[ROUND_ROBIN];
    group->next = http->upstreams;
    http->upstreams = group;
    group->scope = conf_open_block(conf, scope, node, IN_UPSTREAM, group);
    if (group->scope == NULL)
        goto no_memory;
    check_group(conf, group);
    group->set = peer_set_make(group, conf->arena, NULL);
    if (group->set == NULL)
        goto no_memory;
    return;

no_memory:
    conf_error(conf, node->words[0].at, "no memory for this block");
}

/* --- the table --- */

#define FIELD(name) offsetof(struct group_settings, name)

static const struct value_type as_upstream = { "name { ... }", 0, set_upstream };
static const struct value_type as_server = { "address [parameter ...]", 0, set_server };
static const struct value_type as_zone = { "name [size]", 0, set_zone };
static const struct value_type as_keepalive = { "connections", sizeof(uint64_t), set_keepalive };
static const struct value_type as_queue = { "number [timeout=time]", sizeof(struct queue_value),
                                            set_queue };
static const struct value_type as_least_conn = { "", 0, set_least_conn };
static const struct value_type as_ip_hash = { "", 0, set_ip_hash };
static const struct value_type as_hash = { "key [consistent]", 0, set_hash };
static const struct value_type as_random = { "[two [least_conn]]", 0, set_random };

static const struct directive upstream_directives[] = {
    { "upstream", IN_HTTP, BLOCK(1, 1), &as_upstream, 0, NULL,
      "a group of servers that requests are handed to" },
    { "server", IN_UPSTREAM, ARGS_REPEATED(1, 255), &as_server, 0, NULL, "a server of the group" },
    { "least_conn", IN_UPSTREAM, ARGS(0), &as_least_conn, 0, NULL,
      "hand each request to the server that is busy with the fewest" },
    { "ip_hash", IN_UPSTREAM, ARGS(0), &as_ip_hash, 0, NULL,
      "hand the requests of a client's network to the same server" },
    { "hash", IN_UPSTREAM, ARGS_BETWEEN(1, 2), &as_hash, 0, NULL,
      "hand requests with the same key to the same server" },
    { "random", IN_UPSTREAM, ARGS_BETWEEN(0, 2), &as_random, 0, NULL,
      "hand requests to servers at random, or to the less busy of two" },
    { "zone", IN_UPSTREAM, ARGS_BETWEEN(1, 2), &as_zone, 0, NULL,
      "shared memory in which all workers keep what they know of the group's servers" },
    { "sticky", IN_UPSTREAM, ARGS_BETWEEN(2, 255), &as_sticky, 0, NULL,
      "have a client's requests go to the server that its first one went to" },
    { "queue", IN_UPSTREAM, ARGS_BETWEEN(1, 2), &as_queue, FIELD(queue), NULL,
      "requests that may wait, in each worker, while no server has room" },
    { "keepalive", IN_UPSTREAM, ARGS(1), &as_keepalive, FIELD(keepalive), NULL,
      "idle connections to the group that each worker keeps open" },
    { "keepalive_requests", IN_UPSTREAM, ARGS(1), &as_number, FIELD(keepalive_requests), "1000",
      "requests made over one connection" },
    { "keepalive_time", IN_UPSTREAM, ARGS(1), &as_time, FIELD(keepalive_time), "1h",
      "age at which a connection is closed after its request" },
    { "keepalive_timeout", IN_UPSTREAM, ARGS(1), &as_time, FIELD(keepalive_timeout), "60s",
      "time an idle connection is kept open" },
    { 0 },
};

const struct conf_module upstream_module = {
    .name = "upstream",
    .id = MODULE_UPSTREAM,
    .size = sizeof(struct group_settings),
    .directives = upstream_directives,
    .check = check_resolver,
};
