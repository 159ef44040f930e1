#include "common/sockaddr.h"
#include "conf/values.h"
#include "worker/handlers/handlers.h"
#include "worker/http/forwarded.h"
#include "worker/http/request.h"
#include "worker/net/connection.h"

enum realip_kind { SOURCE_FIELD, SOURCE_FORWARDED_FOR, SOURCE_PROXY_PROTOCOL };

/* real_ip_header */
struct realip_source {
    int kind;          /* enum realip_kind */
    struct slice name; /* SOURCE_FIELD */
};

struct realip_settings {
    struct array proxies; /* of struct cidr */
    struct realip_source source;
    bool recursive;
};

/* --- reading the configuration --- */

static void add_proxy(struct conf *conf, struct array *proxies, struct position at,
                      struct cidr proxy)
{
    proxies->item_size = sizeof proxy;
    struct cidr *place = array_push(proxies, conf->arena);
    if (place == NULL)
        conf_error(conf, at, "no memory for an address");
    else
        *place = proxy;
}

static struct ip_address ip_of(const struct address *address)
{
    struct ip_address ip = { .family = (uint8_t)address->name.any.sa_family };

    if (ip.family == AF_INET)
        memcpy(ip.ip, &address->name.in.sin_addr, 4);
    else
        memcpy(ip.ip, &address->name.in6.sin6_addr, 16);
    return ip;
}

/* All addresses of a host's name. */
static void add_host(struct conf *conf, struct array *proxies, const struct word *word)
{
    struct address addresses[ADDRESSES_MAX];
    size_t count = 0;

    if (slice_find(word->text, '/') >= 0 || slice_find(word->text, ':') >= 0) {
        conf_error(conf, word->at, "invalid parameter \"%.*s\"", (int)word->text.len,
                   word->text.at);
        return;
    }
    if (address_parse_remote(word->text, 1, addresses, &count) != ADDRESS_OK) {
        conf_error(conf, word->at, "host not found in set_real_ip_from \"%.*s\"",
                   (int)word->text.len, word->text.at);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct ip_address ip = ip_of(&addresses[i]);
        add_proxy(conf, proxies, word->at, cidr_of(&ip));
    }
}

static void set_proxies(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    const struct word *word = &node->words[1];
    struct cidr proxy = { .family = AF_UNIX };

    (void)scope;
    (void)directive;
    if (slice_is(word->text, "unix:") || value_network(conf, word, &proxy))
        add_proxy(conf, value, word->at, proxy);
    else
        add_host(conf, value, word);
}

static void set_source(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct realip_source *source = value;
    struct slice name = node->words[1].text;

    (void)conf;
    (void)scope;
    (void)directive;
    *source = (struct realip_source){ SOURCE_FIELD, name };
    if (slice_is_nocase(name, "X-Forwarded-For"))
        source->kind = SOURCE_FORWARDED_FOR;
    else if (slice_is(name, "proxy_protocol"))
        source->kind = SOURCE_PROXY_PROTOCOL;
}

/* --- finding the client --- */

static bool by_field(const struct request *request, const struct realip_settings *settings,
                     struct ip_address *client)
{
    const struct field *field = head_find(&request->head, settings->source.name);

    return field != NULL &&
           forwarded_read(field->value, &settings->proxies, settings->recursive, client);
}

static bool by_proxy_protocol(const struct request *request, const struct realip_settings *settings,
                              struct ip_address *client)
{
    const struct proxied *proxied = request->connection->proxied;

    if (proxied == NULL || proxied->source.family == 0 ||
        !cidrs_contain(&settings->proxies, client))
        return false;
    *client = proxied->source;
    return true;
}

static bool find_client(const struct request *request, const struct realip_settings *settings,
                        struct ip_address *client)
{
    switch ((enum realip_kind)settings->source.kind) {
    case SOURCE_FORWARDED_FOR:
        return forwarded_for(request, &settings->proxies, settings->recursive, client);
    case SOURCE_PROXY_PROTOCOL:
        return by_proxy_protocol(request, settings, client);
    case SOURCE_FIELD:
        break;
    }
    return by_field(request, settings, client);
}

/* Done once a request, by the first settings that find somebody. */
int realip_handler(struct request *request)
{
    const struct realip_settings *settings = request_settings(request, MODULE_REALIP);
    struct ip_address client = request->connection->peer;

    if (settings->proxies.count == 0 || request->client != &request->connection->peer ||
        !find_client(request, settings, &client))
        return DECLINED;
    struct ip_address *found = arena_alloc(&request->arena, sizeof *found);
    if (found == NULL)
        return 500;
    *found = client;
    request->client = found;
    return DECLINED;
}

/* --- the table --- */

#define FIELD(name) offsetof(struct realip_settings, name)

static const struct value_type as_proxies = { "address[/bits] | host | unix:", sizeof(struct array),
                                              set_proxies };
static const struct value_type as_source = { "field | X-Forwarded-For | proxy_protocol",
                                             sizeof(struct realip_source), set_source };

static const struct directive realip_directives[] = {
    { "set_real_ip_from", IN_HTTP_ALL, ARGS_REPEATED(1, 1), &as_proxies, FIELD(proxies), NULL,
      "a proxy that is believed when it names the client's address" },
    { "real_ip_header", IN_HTTP_ALL, ARGS(1), &as_source, FIELD(source), "X-Real-IP",
      "where such a proxy names the client" },
    { "real_ip_recursive", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(recursive), "off",
      "take the last address of a list that is not a trusted proxy's, not just the last" },
    { 0 },
};

const struct conf_module realip_module = {
    .name = "realip",
    .id = MODULE_REALIP,
    .size = sizeof(struct realip_settings),
    .directives = realip_directives,
};
