/* upstream { }: the block and what stands in it. */
#include "conf/values.h"
#include "worker/http/core.h"
#include "worker/upstream/group.h"

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

/* What is said of all addresses of one server directive. */
struct server_options {
    uint64_t weight, max_conns, max_fails, fail_timeout, slow_start;
    bool backup, down;
};

static bool read_number(struct slice text, uint64_t least, uint64_t *number)
{
    uint64_t read;

    if (!slice_to_number(text, INT32_MAX, &read) || read < least)
        return false;
    *number = read;
    return true;
}

static bool read_option(struct slice word, struct server_options *options)
{
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
    if (slice_is(word, "backup"))
        return options->backup = true;
    if (slice_is(word, "down"))
        return options->down = true;
    return false;
}

static bool add_peer(struct conf *conf, struct upstream_group *group, struct slice server,
                     const struct address *address, const struct server_options *options)
{
    struct peer *peer = arena_alloc(conf->arena, sizeof *peer);
    struct peer **place = array_push(&group->made, conf->arena);
    char text[ADDRESS_TEXT_MAX];

    if (peer == NULL || place == NULL)
        return false;
    *peer = (struct peer){
        .group = group,
        .address = *address,
        .name = arena_copy(conf->arena, slice_make(text, address_text(address, text))),
        .server = server,
        .weight = (unsigned)options->weight,
        .max_conns = options->max_conns,
        .max_fails = options->max_fails,
        .fail_timeout = options->fail_timeout,
        .slow_start = options->slow_start,
        .backup = options->backup,
        .down = options->down,
    };
    peer->state = &peer->own_state;
    peer->effective_weight = peer_weight(peer, 0);
    *place = peer;
    return peer->name.at != NULL;
}

static void set_server(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct server_options options = { .weight = 1, .max_fails = 1, .fail_timeout = 10000 };
    struct address addresses[ADDRESSES_MAX];
    const struct word *name = &node->words[1];
    size_t count = 0;

    (void)directive;
    (void)value;
    for (size_t i = 2; i < node->count; i++)
        if (!read_option(node->words[i].text, &options))
            invalid_parameter(conf, &node->words[i]);
    enum address_result result = address_parse_remote(name->text, 80, addresses, &count);
    if (result != ADDRESS_OK) {
        conf_error(conf, name->at, "%s in upstream \"%.*s\"", address_problem(result),
                   (int)name->text.len, name->text.at);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!add_peer(conf, scope->owner, name->text, &addresses[i], &options))
            conf_error(conf, name->at, "no memory for this server");
}

/* --- the block --- */

/* The peers in the order in which they are numbered: backups last. */
static bool order_peers(struct conf *conf, struct upstream_group *group)
{
    struct peer *const *made = group->made.items;

    group->peers = arena_alloc(conf->arena, group->made.count * sizeof *group->peers);
    if (group->peers == NULL)
        return false;
    for (int backup = 0; backup < 2; backup++) {
        for (size_t i = 0; i < group->made.count; i++)
            if (made[i]->backup == (backup == 1))
                group->peers[group->count++] = made[i];
        if (backup == 0)
            group->primaries = group->count;
    }
    for (size_t i = 0; i < group->count; i++) {
        group->peers[i]->index = (unsigned)i;
        group->total_weight += i < group->primaries ? group->peers[i]->weight : 0;
    }
    return true;
}

static void check_group(struct conf *conf, const struct upstream_group *group)
{
    bool no_backup = group->balancer->no_backup;

    if (group->made.count == 0)
        conf_error(conf, group->at, "no servers are inside upstream");
    else if (group->primaries == 0)
        conf_error(conf, group->at, "no servers are inside upstream but backup ones");
    if (no_backup && group->primaries < group->count)
        conf_error(conf, group->at, "balancing method \"%s\" does not support parameter \"backup\"",
                   group->balancer->name);
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
    group->made.item_size = sizeof(struct peer *);
    group->balancer = &balancers[ROUND_ROBIN];
    group->next = http->upstreams;
    http->upstreams = group;
    group->scope = conf_open_block(conf, scope, node, IN_UPSTREAM, group);
    if (group->scope == NULL || !order_peers(conf, group))
        goto no_memory;
    check_group(conf, group);
    if (group->consistent && group->primaries > 0 && !hash_ring_build(conf->arena, group))
        goto no_memory;
    return;

no_memory:
    conf_error(conf, node->words[0].at, "no memory for this block");
}

/* --- the table --- */

#define FIELD(name) offsetof(struct group_settings, name)

static const struct value_type as_upstream = { "name { ... }", 0, set_upstream };
static const struct value_type as_server = { "address [parameter ...]", 0, set_server };
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
    { "keepalive", IN_UPSTREAM, ARGS(1), &as_number, FIELD(keepalive), "0",
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
};
