#include "common/log.h"
#include "worker/handlers/handlers.h"
#include "worker/http/satisfy.h"

#include <arpa/inet.h>

/* One allow or deny: a network, all addresses, or all unix sockets. */
struct access_rule {
    bool deny;
    uint8_t family;  /* AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC: all */
    uint8_t bits;    /* of the prefix */
    uint8_t net[16]; /* bits behind the prefix are zero */
};

struct access_settings {
    struct array rules; /* of struct access_rule, in the order of the text */
};

/* --- reading the configuration --- */

/* Clears what is behind the prefix; true when something was there. */
static bool clear_low_bits(uint8_t *net, size_t size, unsigned bits)
{
    bool cleared = false;

    for (size_t i = 0; i < size; i++) {
        unsigned kept = bits > i * 8 ? bits - (unsigned)i * 8 : 0;
        unsigned mask = kept >= 8 ? 0xff : 0xffU << (8 - kept) & 0xff;
        uint8_t high = (uint8_t)(net[i] & mask);
        cleared = cleared || high != net[i];
        net[i] = high;
    }
    return cleared;
}

enum network_result { NETWORK_OK, NETWORK_LOW_BITS, NETWORK_BAD };

/* "192.168.0.0/16", "::1" ... */
static enum network_result parse_network(struct slice text, struct access_rule *rule)
{
    char address[INET6_ADDRSTRLEN];
    ptrdiff_t slash = slice_find(text, '/');
    struct slice host = slash < 0 ? text : slice_first(text, (size_t)slash);
    uint64_t bits;

    if (host.len >= sizeof address || memchr(host.at, '\0', host.len) != NULL)
        return NETWORK_BAD;
    memcpy(address, host.at, host.len);
    address[host.len] = '\0';
    rule->family = slice_find(host, ':') < 0 ? AF_INET : AF_INET6;
    if (inet_pton(rule->family, address, rule->net) != 1)
        return NETWORK_BAD;
    size_t size = rule->family == AF_INET ? 4 : 16;
    bits = size * 8;
    if (slash >= 0 && !slice_to_number(slice_from(text, (size_t)slash + 1), size * 8, &bits))
        return NETWORK_BAD;
    rule->bits = (uint8_t)bits;
    return clear_low_bits(rule->net, size, rule->bits) ? NETWORK_LOW_BITS : NETWORK_OK;
}

static void set_rule(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct array *rules = value;
    struct access_rule own = { .deny = strcmp(directive->name, "deny") == 0 };
    const struct word *word = &node->words[1];
    enum network_result result = NETWORK_OK;

    (void)scope;
    if (slice_is(word->text, "unix:"))
        own.family = AF_UNIX;
    else if (!slice_is(word->text, "all"))
        result = parse_network(word->text, &own);
    if (result == NETWORK_BAD) {
        conf_error(conf, word->at, "invalid parameter \"%.*s\"", (int)word->text.len,
                   word->text.at);
        return;
    }
    if (result == NETWORK_LOW_BITS)
        conf_warn(conf, word->at, "low address bits of %.*s are meaningless", (int)word->text.len,
                  word->text.at);
    rules->item_size = sizeof own;
    struct access_rule *rule = array_push(rules, conf->arena);
    if (rule == NULL)
        conf_error(conf, word->at, "no memory for a rule");
    else
        *rule = own;
}

/* --- checking a client --- */

struct client_address {
    uint8_t family;
    const uint8_t *ip;
};

/* An IPv4 client of an IPv6 socket (::ffff:a.b.c.d) is an IPv4 client. */
static struct client_address client_address(const struct ip_address *address)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    struct client_address client = { address->family, address->ip };

    if (client.family == AF_INET6 && memcmp(client.ip, mapped, sizeof mapped) == 0)
        client = (struct client_address){ AF_INET, client.ip + sizeof mapped };
    return client;
}

static bool rule_matches(const struct access_rule *rule, struct client_address client)
{
    unsigned bytes = rule->bits / 8;
    unsigned rest = rule->bits % 8;

    if (rule->family == AF_UNSPEC)
        return true;
    if (rule->family != client.family)
        return false;
    if (rule->family == AF_UNIX)
        return true;
    return memcmp(rule->net, client.ip, bytes) == 0 &&
           (rest == 0 || (client.ip[bytes] & (0xff << (8 - rest)) & 0xff) == rule->net[bytes]);
}

int access_handler(struct request *request)
{
    const struct access_settings *settings = request_settings(request, MODULE_ACCESS);
    const struct access_rule *rules = settings->rules.items;

    if (settings->rules.count == 0)
        return DECLINED;
    struct client_address client = client_address(request->client);
    for (size_t i = 0; i < settings->rules.count; i++) {
        if (!rule_matches(&rules[i], client))
            continue;
        if (!rules[i].deny)
            return ALLOWED;
        if (!access_any(request))
            request_log(request, LOG_LEVEL_ERROR, 0, "access forbidden by rule");
        return 403;
    }
    return DECLINED;
}

/* --- the table --- */

static const struct value_type as_rules = { "address[/bits] | unix: | all", sizeof(struct array),
                                            set_rule };

static const struct directive access_directives[] = {
    { "allow", IN_HTTP_ALL | IN_LIMIT_EXCEPT, ARGS_REPEATED(1, 1), &as_rules,
      offsetof(struct access_settings, rules), NULL, "let clients of an address or network in" },
    { "deny", IN_HTTP_ALL | IN_LIMIT_EXCEPT, ARGS_REPEATED(1, 1), &as_rules,
      offsetof(struct access_settings, rules), NULL, "answer clients of an address with 403" },
    { 0 },
};

const struct conf_module access_module = {
    .name = "access",
    .id = MODULE_ACCESS,
    .size = sizeof(struct access_settings),
    .directives = access_directives,
};
