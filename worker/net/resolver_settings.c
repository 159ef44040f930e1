/* resolver and resolver_timeout. */
#include "conf/values.h"
#include "worker/modules.h"
#include "worker/net/dns_query.h"
#include "worker/net/resolver.h"

enum { DOMAIN_PORT = 53 };

static bool read_flag(struct slice text, bool *flag)
{
    *flag = slice_is(text, "on");
    return *flag || slice_is(text, "off");
}

/* A parameter, *known then; false: it has no such value. */
static bool read_parameter(struct slice word, struct resolver_servers *servers, bool *known)
{
    struct slice value;

    *known = true;
    if (value_option(word, "valid", &value))
        return value_parse_time(value, &servers->valid);
    if (value_option(word, "ipv4", &value))
        return read_flag(value, &servers->ipv4);
    if (value_option(word, "ipv6", &value))
        return read_flag(value, &servers->ipv6);
    *known = false;
    return true;
}

static void add_servers(struct conf *conf, const struct word *word, struct array *addresses)
{
    struct address found[ADDRESSES_MAX];
    size_t count = 0;
    enum address_result result = address_parse_remote(word->text, DOMAIN_PORT, found, &count);

    if (result == ADDRESS_OK && found[0].name.any.sa_family == AF_UNIX)
        result = ADDRESS_BAD;
    if (result != ADDRESS_OK) {
        conf_error(conf, word->at, "%s in resolver \"%.*s\"", address_problem(result),
                   (int)word->text.len, word->text.at);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct address *address = array_push(addresses, conf->arena);
        if (address == NULL || addresses->count > DNS_SERVERS_MAX) {
            conf_error(conf, word->at, "too many name servers");
            return;
        }
        *address = found[i];
    }
}

/* resolver address ... [valid=time] [ipv4=on|off] [ipv6=on|off] */
static void set_resolver(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                         const struct directive *directive, void *value)
{
    const struct resolver_servers **place = value;
    struct resolver_servers *servers = arena_alloc(conf->arena, sizeof *servers);
    struct array addresses = { .item_size = sizeof(struct address) };

    (void)scope;
    (void)directive;
    if (servers == NULL) {
        conf_error(conf, node->words[0].at, "no memory for a resolver");
        return;
    }
    *servers = (struct resolver_servers){ .valid = UINT64_MAX, .ipv4 = true, .ipv6 = true };
    for (size_t i = 1; i < node->count; i++) {
        const struct word *word = &node->words[i];
        bool known;
        if (!read_parameter(word->text, servers, &known))
            conf_error(conf, word->at, "invalid parameter: %.*s", (int)word->text.len,
                       word->text.at);
        else if (!known)
            add_servers(conf, word, &addresses);
    }
    if (addresses.count == 0 && conf->messages.errors == 0)
        conf_error(conf, node->words[0].at, "no name servers defined");
    if (!servers->ipv4 && !servers->ipv6)
        conf_error(conf, node->words[0].at, "\"ipv4\" and \"ipv6\" cannot both be \"off\"");
    servers->addresses = addresses.items;
    servers->count = addresses.count;
    *place = servers;
}

/* --- the table --- */

#define FIELD(name) offsetof(struct resolver_settings, name)

static const struct value_type as_resolver = {
    "address ... [valid=time] [ipv4=on|off] [ipv6=on|off]",
    sizeof(const struct resolver_servers *),
    set_resolver,
};

static const struct directive resolver_directives[] = {
    { "resolver", IN_HTTP_ALL | IN_UPSTREAM, ARGS_FROM(1), &as_resolver, FIELD(servers), NULL,
      "name servers that names of upstreams are looked up at while requests are answered" },
    { "resolver_timeout", IN_HTTP_ALL | IN_UPSTREAM, ARGS(1), &as_time, FIELD(timeout), "30s",
      "time that an answer of the name servers is waited for" },
    { 0 },
};

const struct conf_module resolver_module = {
    .name = "resolver",
    .id = MODULE_RESOLVER,
    .size = sizeof(struct resolver_settings),
    .directives = resolver_directives,
};
