#include "common/prefix_tree.h"
#include "conf/values.h"
#include "worker/http/forwarded.h"
#include "worker/http/geo_ranges.h"
#include "worker/http/maps.h"
#include "worker/http/request.h"
#include "worker/http/variables.h"

#include <netinet/in.h>

struct geo {
    bool of_variable; /* the address is this one's value, not the client's */
    struct variable_use source;
    bool by_ranges; /* `ranges`: not by networks */
    bool begun;     /* a network or range was read */
    struct geo_ranges ranges;
    struct prefix_tree networks, networks6; /* -> const struct slice * */
    const struct slice *otherwise;
    struct array proxies; /* of struct cidr: X-Forwarded-For of these is believed */
    bool proxy_recursive;
};

/* --- finding --- */

static bool find_address(struct request *request, const struct geo *geo, struct ip_address *address)
{
    struct slice text;

    *address = *request->client;
    if (geo->of_variable &&
        (!variable_value(request, &geo->source, &text) || !ip_parse(text, address)))
        return false;
    if (geo->proxies.count > 0)
        forwarded_for(request, &geo->proxies, geo->proxy_recursive, address);
    *address = ip_unmapped(address);
    return true;
}

/* What has no address, or none of IP, is looked up as nginx does: as 255.255.255.255. */
static const struct ip_address nobody = { .family = AF_INET, .ip = { 255, 255, 255, 255 } };

static const struct slice *find(const struct geo *geo, const struct ip_address *address)
{
    if (geo->by_ranges && address->family != AF_INET)
        address = &nobody;
    const uint8_t *ip = address->ip;
    if (geo->by_ranges)
        return geo_ranges_find(&geo->ranges, (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 |
                                                 (uint32_t)ip[2] << 8 | ip[3]);
    return address->family == AF_INET6 ? prefix_tree_find(&geo->networks6, ip, 128)
                                       : prefix_tree_find(&geo->networks, ip, 32);
}

static bool compute(struct request *request, const void *data, struct slice *value)
{
    const struct geo *geo = data;
    struct ip_address address;

    if (!find_address(request, geo, &address) || address.family == AF_UNIX)
        address = nobody;
    const struct slice *found = find(geo, &address);
    if (found == NULL)
        found = geo->otherwise;
    *value = found == NULL ? SLICE("") : *found;
    return true;
}

/* --- reading --- */

static void no_memory(struct conf *conf, const struct conf_node *line)
{
    conf_error(conf, line->words[0].at, "no memory for this value");
}

/* The value of a line; its words live as long as the configuration. */
static const struct slice *value_of(const struct conf_node *line)
{
    return &line->words[1].text;
}

static void warn_duplicate(struct conf *conf, const struct word *word, const char *what,
                           const struct slice *value, const struct slice *old)
{
    conf_warn(conf, word->at, "duplicate %s \"%.*s\", value: \"%.*s\", old value: \"%.*s\"", what,
              (int)word->text.len, word->text.at, (int)value->len, value->at, (int)old->len,
              old->at);
}

static bool read_network(struct conf *conf, const struct word *word, struct cidr *network)
{
    if (value_network(conf, word, network))
        return true;
    conf_error(conf, word->at, "invalid network \"%.*s\"", (int)word->text.len, word->text.at);
    return false;
}

static struct prefix_tree *tree_of(struct geo *geo, const struct cidr *network)
{
    return network->family == AF_INET6 ? &geo->networks6 : &geo->networks;
}

static void add_network(struct conf *conf, const struct conf_node *line, struct geo *geo)
{
    const struct slice *value = value_of(line);
    struct cidr network;

    if (!read_network(conf, &line->words[0], &network))
        return;
    void **place =
        prefix_tree_place(tree_of(geo, &network), conf->arena, network.net, network.bits);
    if (place == NULL) {
        no_memory(conf, line);
        return;
    }
    if (*place != NULL)
        warn_duplicate(conf, &line->words[0], "network", value, *place);
    *place = (void *)(uintptr_t)value;
}

static void delete_network(struct conf *conf, const struct conf_node *line, struct geo *geo)
{
    const struct word *word = &line->words[1];
    struct cidr network;

    if (!read_network(conf, word, &network))
        return;
    void **place = prefix_tree_exact(tree_of(geo, &network), network.net, network.bits);
    if (place != NULL)
        *place = NULL;
    else
        conf_warn(conf, word->at, "no network \"%.*s\" to delete", (int)word->text.len,
                  word->text.at);
}

static bool read_range(struct conf *conf, const struct word *word, struct geo_range *range)
{
    if (geo_range_read(word->text, range))
        return true;
    conf_error(conf, word->at, "invalid range \"%.*s\"", (int)word->text.len, word->text.at);
    return false;
}

static void add_range(struct conf *conf, const struct conf_node *line, struct geo *geo)
{
    const struct word *word = &line->words[0];
    struct geo_range range = { .value = value_of(line) }, other;

    if (!read_range(conf, word, &range))
        return;
    switch (geo_ranges_add(&geo->ranges, conf->arena, &range, &other)) {
    case GEO_ADDED:
        return;
    case GEO_REPLACED:
        warn_duplicate(conf, word, "range", range.value, other.value);
        return;
    case GEO_OVERLAPS:
        conf_error(conf, word->at, "range \"%.*s\" overlaps \"%u.%u.%u.%u-%u.%u.%u.%u\"",
                   (int)word->text.len, word->text.at, other.first >> 24, other.first >> 16 & 0xff,
                   other.first >> 8 & 0xff, other.first & 0xff, other.last >> 24,
                   other.last >> 16 & 0xff, other.last >> 8 & 0xff, other.last & 0xff);
        return;
    case GEO_NO_MEMORY:
        no_memory(conf, line);
        return;
    }
}

static void delete_range(struct conf *conf, const struct conf_node *line, struct geo *geo)
{
    const struct word *word = &line->words[1];
    struct geo_range range;

    if (read_range(conf, word, &range) && !geo_ranges_delete(&geo->ranges, &range))
        conf_warn(conf, word->at, "no address range \"%.*s\" to delete", (int)word->text.len,
                  word->text.at);
}

static void set_default(struct conf *conf, const struct conf_node *line, struct geo *geo)
{
    if (geo->otherwise != NULL)
        warn_duplicate(conf, &line->words[0], geo->by_ranges ? "range" : "network", value_of(line),
                       geo->otherwise);
    geo->otherwise = value_of(line);
}

static void add_proxy(struct conf *conf, const struct conf_node *line, struct geo *geo)
{
    struct cidr network;

    if (!read_network(conf, &line->words[1], &network))
        return;
    struct cidr *proxy = array_push(&geo->proxies, conf->arena);
    if (proxy == NULL)
        no_memory(conf, line);
    else
        *proxy = network;
}

static void read_pair(struct conf *conf, const struct conf_node *line, struct geo *geo)
{
    struct slice key = line->words[0].text;

    if (slice_is(key, "proxy")) {
        add_proxy(conf, line, geo);
        return;
    }
    geo->begun = true;
    if (slice_is(key, "default"))
        set_default(conf, line, geo);
    else if (slice_is(key, "delete"))
        (geo->by_ranges ? delete_range : delete_network)(conf, line, geo);
    else
        (geo->by_ranges ? add_range : add_network)(conf, line, geo);
}

static void read_line(struct conf *conf, const struct conf_node *line, struct geo *geo)
{
    struct slice key = line->words[0].text;
    bool alone = line->count == 1 && !line->block;

    if (alone && slice_is(key, "proxy_recursive")) {
        geo->proxy_recursive = true;
    } else if (alone && slice_is(key, "ranges")) {
        if (geo->begun)
            conf_error(conf, line->words[0].at,
                       "the \"ranges\" directive must be the first directive inside \"geo\" block");
        geo->by_ranges = true;
    } else if (map_line_check(conf, line, 2, 2, "geo")) {
        read_pair(conf, line, geo);
    }
}

/* geo [$address] $variable { network value; ... } */
static void set_geo(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                    const struct directive *directive, void *unused)
{
    const struct word *target = &node->words[node->count - 1];
    struct geo *geo = arena_zalloc(conf->arena, sizeof *geo);

    (void)directive;
    (void)unused;
    if (geo == NULL) {
        no_memory(conf, node);
        return;
    }
    geo->ranges.list.item_size = sizeof(struct geo_range);
    geo->proxies.item_size = sizeof(struct cidr);
    geo->of_variable = node->count == 3;
    if (geo->of_variable) {
        struct slice source = variable_name_of(conf, &node->words[1]);
        if (source.at == NULL ||
            !variable_resolve(conf, scope, node->words[1].at, source, &geo->source))
            return;
    }
    struct slice name = variable_name_of(conf, target);
    if (name.at == NULL)
        return;
    for (const struct conf_node *line = node->children; line != NULL; line = line->next)
        read_line(conf, line, geo);
    variable_define(conf, scope, target->at, name, compute, geo, false);
}

static const struct value_type as_geo = { "[$address] $variable { network value; ... }", 0,
                                          set_geo };

static const struct directive geo_directives[] = {
    { "geo", IN_HTTP, BLOCK(1, 2), &as_geo, 0, NULL,
      "a variable whose value depends on the client's address" },
    { 0 },
};

const struct conf_module geo_module = {
    .name = "geo",
    .id = MODULE_GEO,
    .size = 0,
    .directives = geo_directives,
};
