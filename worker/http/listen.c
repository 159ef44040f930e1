#include "worker/http/listen.h"

#include "common/sockaddr.h"
#include "conf/values.h"
#include "worker/http/name_map.h"

#include <arpa/inet.h>
#include <limits.h>
#include <unistd.h>

enum {
    BACKLOG_DEFAULT = 511, /* as nginx on Linux */
    PORT_DEFAULT = 80,
    PORT_UNPRIVILEGED = 8000,
    PORT_MAX = 65535,
};

/* One `listen` being read: what it says of the socket, and of the server. */
struct listen_line {
    struct listen_options options;
    bool default_server;
};

static const struct listen_options no_options = {
    .backlog = BACKLOG_DEFAULT,
    .rcvbuf = -1,
    .sndbuf = -1,
    .fastopen = -1,
    .ipv6only = true,
    .so_keepalive = -1,
};

/* --- parameters: each takes what follows its name; false: not valid --- */

static bool take_number(struct slice value, uint64_t least, int *number)
{
    uint64_t parsed;

    if (!slice_to_number(value, INT_MAX, &parsed) || parsed < least)
        return false;
    *number = (int)parsed;
    return true;
}

static bool take_backlog(struct listen_line *line, struct slice value)
{
    return take_number(value, 1, &line->options.backlog);
}

static bool take_fastopen(struct listen_line *line, struct slice value)
{
    return take_number(value, 0, &line->options.fastopen);
}

static bool take_bytes(struct slice value, int *bytes)
{
    uint64_t size;

    if (!value_parse_size(value, &size) || size > INT_MAX)
        return false;
    *bytes = (int)size;
    return true;
}

static bool take_rcvbuf(struct listen_line *line, struct slice value)
{
    return take_bytes(value, &line->options.rcvbuf);
}

static bool take_sndbuf(struct listen_line *line, struct slice value)
{
    return take_bytes(value, &line->options.sndbuf);
}

static bool take_ipv6only(struct listen_line *line, struct slice value)
{
    line->options.ipv6only = slice_is(value, "on");
    return slice_is(value, "on") || slice_is(value, "off");
}

static bool take_seconds(struct slice value, int *seconds)
{
    uint64_t milliseconds;

    if (value.len == 0)
        return true;
    if (!value_parse_time(value, &milliseconds) || milliseconds / 1000 > INT_MAX)
        return false;
    *seconds = (int)(milliseconds / 1000);
    return true;
}

/* The part up to the next ':', and *rest behind it. */
static struct slice next_part(struct slice *rest)
{
    ptrdiff_t colon = slice_find(*rest, ':');
    struct slice part = colon < 0 ? *rest : slice_first(*rest, (size_t)colon);

    *rest = colon < 0 ? slice_from(*rest, rest->len) : slice_from(*rest, (size_t)colon + 1);
    return part;
}

/* on | off | [idle]:[interval]:[count] */
static bool take_so_keepalive(struct listen_line *line, struct slice value)
{
    struct listen_options *options = &line->options;

    options->so_keepalive = !slice_is(value, "off");
    if (slice_is(value, "on") || slice_is(value, "off"))
        return true;
    if (!take_seconds(next_part(&value), &options->keepalive_idle) ||
        !take_seconds(next_part(&value), &options->keepalive_interval))
        return false;
    if (value.len > 0 && !take_number(value, 0, &options->keepalive_count))
        return false;
    return options->keepalive_idle + options->keepalive_interval + options->keepalive_count > 0;
}

static bool take_deferred(struct listen_line *line, struct slice value)
{
    (void)value;
    line->options.deferred = true;
    return true;
}

static bool take_reuseport(struct listen_line *line, struct slice value)
{
    (void)value;
    line->options.reuseport = true;
    return true;
}

static bool take_bind(struct listen_line *line, struct slice value)
{
    (void)line;
    (void)value;
    return true;
}

static bool take_default_server(struct listen_line *line, struct slice value)
{
    (void)value;
    line->default_server = true;
    return true;
}

static bool take_proxy_protocol(struct listen_line *line, struct slice value)
{
    (void)value;
    line->options.proxy_protocol = true;
    return true;
}

static bool take_tls_terminated(struct listen_line *line, struct slice value)
{
    (void)value;
    line->options.tls_terminated = true;
    return true;
}

struct parameter {
    const char *name;                                       /* with its '=' where it has a value */
    bool (*take)(struct listen_line *, struct slice value); /* NULL: not supported */
    const char *problem; /* what nginx says before the quoted text of a bad one */
    bool whole;          /* the quoted text is the whole word, not the value alone */
    bool server;         /* says something of the server, not of the socket */
    bool tls;            /* not supported because it wants TLS */
};

static const struct parameter parameters[] = {
    { "default_server", take_default_server, NULL, false, true, false },
    { "default", take_default_server, NULL, false, true, false },
    { "bind", take_bind, NULL, false, false, false },
    { "backlog=", take_backlog, "invalid backlog", true, false, false },
    { "fastopen=", take_fastopen, "invalid fastopen", true, false, false },
    { "rcvbuf=", take_rcvbuf, "invalid rcvbuf", true, false, false },
    { "sndbuf=", take_sndbuf, "invalid sndbuf", true, false, false },
    { "ipv6only=", take_ipv6only, "invalid ipv6only flags", false, false, false },
    { "so_keepalive=", take_so_keepalive, "invalid so_keepalive value:", false, false, false },
    { "deferred", take_deferred, NULL, false, false, false },
    { "reuseport", take_reuseport, NULL, false, false, false },
    { "ssl", NULL, NULL, false, false, true },
    { "http2", NULL, NULL, false, false, true },
    { "spdy", NULL, NULL, false, false, true },
    { "quic", NULL, NULL, false, false, true },
    { "http3", NULL, NULL, false, false, true },
    { "proxy_protocol", take_proxy_protocol, NULL, false, true, false },
    { "tls_terminated", take_tls_terminated, NULL, false, true, false },
    { "setfib=", NULL, NULL, false, false, false },
    { "accept_filter=", NULL, NULL, false, false, false },
};

static const struct parameter *parameter_find(struct slice word, struct slice *value)
{
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        struct slice name = slice_of(parameters[i].name);
        bool valued = name.at[name.len - 1] == '=';
        if (valued ? slice_starts(word, name) : slice_equal(word, name)) {
            *value = slice_from(word, name.len);
            return &parameters[i];
        }
    }
    return NULL;
}

static bool take_parameter(struct conf *conf, struct listen_line *line, const struct word *word)
{
    struct slice value;
    const struct parameter *parameter = parameter_find(word->text, &value);

    if (parameter == NULL) {
        conf_error(conf, word->at, "invalid parameter \"%.*s\"", (int)word->text.len,
                   word->text.at);
        return false;
    }
    if (parameter->take == NULL) {
        conf_message_add(&conf->messages, CONF_EMERG, word->at,
                         parameter->tls ? conf_tls_recipe() : SLICE(""),
                         "the \"%.*s\" parameter of \"listen\" is not supported",
                         (int)strcspn(parameter->name, "="), parameter->name);
        return false;
    }
    if (!parameter->take(line, value)) {
        struct slice shown = parameter->whole ? word->text : value;
        conf_error(conf, word->at, "%s \"%.*s\"", parameter->problem, (int)shown.len, shown.at);
        return false;
    }
    if (!parameter->server) {
        line->options.set = true;
        line->options.bind = true;
    }
    return true;
}

/* --- addresses and their servers --- */

static struct http_address *address_add(struct conf *conf, struct http *http,
                                        const struct listen_line *line, struct slice text)
{
    struct http_address *address = arena_zalloc(conf->arena, sizeof *address);
    struct http_address **place = array_push(&http->addresses, conf->arena);

    if (address == NULL || place == NULL)
        return NULL;
    text = arena_copy(conf->arena, text);
    if (text.at == NULL ||
        !name_map_put(http->by_address, conf->arena, name_hash(text), text, address))
        return NULL;
    address->options = line->options;
    address->servers.item_size = sizeof(struct server *);
    *place = address;
    return address;
}

/* The server joins those of the address; an error when it is there already. */
static bool address_join(struct conf *conf, struct http_address *address,
                         const struct server *server, struct position at, const char *text)
{
    const struct server **servers = address->servers.items;

    if (address->servers.count > 0 && servers[address->servers.count - 1] == server) {
        conf_error(conf, at, "a duplicate listen %s", text);
        return false;
    }
    const struct server **place = array_push(&address->servers, conf->arena);
    if (place == NULL)
        return false;
    *place = server;
    if (address->default_server == NULL)
        address->default_server = server;
    return true;
}

static void add_listen(struct conf *conf, const struct server *server,
                       const struct listen_line *line)
{
    struct http *http = server->http;
    struct position at = line->options.at;
    char text[ADDRESS_TEXT_MAX];
    struct slice key = slice_make(text, address_text(&line->options.address, text));
    struct http_address *address = name_map_get(http->by_address, name_hash(key), key);
    bool known = address != NULL;

    if (!known)
        address = address_add(conf, http, line, key);
    if (address == NULL || !address_join(conf, address, server, at, text))
        return;
    /* Said by one server, it goes for all: the header comes before the server is known. */
    bool proxied = address->options.proxy_protocol || line->options.proxy_protocol;
    bool terminated = address->options.tls_terminated || line->options.tls_terminated;
    if (known && line->options.set) {
        if (address->options.set) {
            conf_error(conf, at, "duplicate listen options for %s", text);
            return;
        }
        address->options = line->options;
    }
    address->options.proxy_protocol = proxied;
    address->options.tls_terminated = terminated;
    if (!line->default_server)
        return;
    if (address->default_said) {
        conf_error(conf, at, "a duplicate default server for %s", text);
        return;
    }
    address->default_said = true;
    address->default_server = server;
}

/* --- the directive --- */

static size_t count_digits_before(struct slice text, size_t end)
{
    size_t count = 0;

    while (count < end && text.at[end - count - 1] >= '0' && text.at[end - count - 1] <= '9')
        count++;
    return count;
}

/* Cuts the end of a range of ports off: "127.0.0.1:8080-8090". False when it is one
 * and not valid; *last is 0 when there is none. */
static bool cut_range(struct slice *text, unsigned *last)
{
    size_t high = count_digits_before(*text, text->len);
    uint64_t port;

    *last = 0;
    if (high == 0 || high + 1 >= text->len || text->at[text->len - high - 1] != '-' ||
        slice_starts(*text, SLICE("unix:")))
        return true;
    size_t dash = text->len - high - 1;
    size_t low = count_digits_before(*text, dash);
    if (low == 0 || (low < dash && text->at[dash - low - 1] != ':'))
        return true;
    if (!slice_to_number(slice_from(*text, dash + 1), PORT_MAX, &port) || port == 0)
        return false;
    *last = (unsigned)port;
    *text = slice_first(*text, dash);
    return true;
}

static void set_port(struct address *address, unsigned port)
{
    if (address->name.any.sa_family == AF_INET)
        address->name.in.sin_port = htons((uint16_t)port);
    else if (address->name.any.sa_family == AF_INET6)
        address->name.in6.sin6_port = htons((uint16_t)port);
}

/* Every address that the word stands for: a name may have several, a range of
 * ports has many. A name that resolves twice to the same address counts once. */
static void add_addresses(struct conf *conf, const struct server *server, struct listen_line *line,
                          const struct address *addresses, size_t count, unsigned last)
{
    for (size_t i = 0; i < count; i++) {
        bool seen = false;
        for (size_t before = 0; before < i; before++)
            seen |= address_equal(&addresses[before], &addresses[i]);
        if (seen)
            continue;
        unsigned first = address_port(&addresses[i]);
        line->options.address = addresses[i];
        for (unsigned port = first; port <= (last == 0 ? first : last); port++) {
            set_port(&line->options.address, port);
            add_listen(conf, server, line);
        }
    }
}

static void bad_address(struct conf *conf, const struct word *word, const char *problem)
{
    conf_error(conf, word->at, "%s in \"%.*s\" of the \"listen\" directive", problem,
               (int)word->text.len, word->text.at);
}

static void set_listen(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct server *server = scope->owner;
    struct listen_line line = { .options = no_options };
    struct address addresses[ADDRESSES_MAX];
    const struct word *word = &node->words[1];
    struct slice text = word->text;
    size_t count = 0;
    unsigned last;

    (void)directive;
    (void)value;
    server->has_listen = true;
    line.options.at = word->at;
    if (!cut_range(&text, &last)) {
        bad_address(conf, word, "invalid port");
        return;
    }
    enum address_result result = address_parse(text, PORT_DEFAULT, addresses, &count);
    if (result != ADDRESS_OK) {
        bad_address(conf, word, address_problem(result));
        return;
    }
    if (last != 0 && address_port(&addresses[0]) > last) {
        bad_address(conf, word, "invalid port range");
        return;
    }
    for (size_t i = 2; i < node->count; i++)
        if (!take_parameter(conf, &line, &node->words[i]))
            return;
    add_addresses(conf, server, &line, addresses, count, last);
}

const struct value_type as_listen = { "address[:port] | port | unix:path [parameter ...]", 0,
                                      set_listen };

void listen_close(struct conf *conf, struct server *server)
{
    struct listen_line line = { .options = no_options };

    if (server->has_listen)
        return;
    line.options.address = (struct address){ .len = sizeof(struct sockaddr_in) };
    line.options.address.name.in = (struct sockaddr_in){ .sin_family = AF_INET };
    set_port(&line.options.address, getuid() == 0 ? PORT_DEFAULT : PORT_UNPRIVILEGED);
    line.options.at = server->scope->node->words[0].at;
    add_listen(conf, server, &line);
}

static struct conf_scope *http_scope(struct conf *conf)
{
    struct conf_scope *scope = conf->main == NULL ? NULL : conf->main->children;

    while (scope != NULL && scope->context != IN_HTTP)
        scope = scope->next;
    return scope;
}

struct listener *http_listeners(struct conf *conf, size_t *count)
{
    struct conf_scope *scope = http_scope(conf);
    const struct http *http = scope == NULL ? NULL : scope->owner;

    *count = 0;
    if (http == NULL || http->addresses.count == 0)
        return NULL;
    struct http_address *const *addresses = http->addresses.items;
    struct listener *listeners =
        arena_zalloc(conf->arena, http->addresses.count * sizeof *listeners);
    if (listeners == NULL)
        return NULL;
    for (size_t i = 0; i < http->addresses.count; i++)
        listeners[i] =
            (struct listener){ .options = addresses[i]->options, .servers = addresses[i] };
    *count = http->addresses.count;
    return listeners;
}
