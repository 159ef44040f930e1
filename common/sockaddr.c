#include "common/sockaddr.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

enum {
    PORT_MAX = 65535,
    HOST_MAX = 256, /* a name of the DNS and a NUL */
};

/* Who an address is for: a port or '*' alone means every interface to listen on,
 * but is nobody to send to. */
enum purpose { TO_LISTEN, TO_CONNECT };

struct parse {
    struct slice host;
    unsigned port;
    enum purpose purpose;
    struct address *addresses;
    size_t *count;
};

static enum address_result add_in(const struct parse *parse, struct in_addr host)
{
    struct address *address = &parse->addresses[(*parse->count)++];

    *address = (struct address){ .len = sizeof address->name.in };
    address->name.in.sin_family = AF_INET;
    address->name.in.sin_addr = host;
    address->name.in.sin_port = htons((uint16_t)parse->port);
    return ADDRESS_OK;
}

static enum address_result add_in6(const struct parse *parse, const struct in6_addr *host,
                                   uint32_t scope)
{
    struct address *address = &parse->addresses[(*parse->count)++];

    *address = (struct address){ .len = sizeof address->name.in6 };
    address->name.in6.sin6_family = AF_INET6;
    address->name.in6.sin6_addr = *host;
    address->name.in6.sin6_scope_id = scope;
    address->name.in6.sin6_port = htons((uint16_t)parse->port);
    return ADDRESS_OK;
}

static enum address_result parse_unix(const struct parse *parse, struct slice path)
{
    struct address *address = &parse->addresses[0];

    if (path.len == 0)
        return ADDRESS_NO_PATH;
    if (path.len >= sizeof address->name.un.sun_path)
        return ADDRESS_PATH_TOO_LONG;
    if (slice_find(path, '\0') >= 0)
        return ADDRESS_BAD;
    *address = (struct address){
        .len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1),
    };
    address->name.un.sun_family = AF_UNIX;
    memcpy(address->name.un.sun_path, path.at, path.len);
    *parse->count = 1;
    return ADDRESS_OK;
}

static bool read_port(struct slice text, unsigned *port)
{
    uint64_t number;

    if (!slice_to_number(text, PORT_MAX, &number) || number == 0)
        return false;
    *port = (unsigned)number;
    return true;
}

static bool is_number(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.len > 0;
}

/* A NUL-terminated copy of the host; false when it is longer than any name or
 * holds a NUL. */
static bool copy_host(struct slice host, char copy[HOST_MAX])
{
    if (host.len >= HOST_MAX || slice_find(host, '\0') >= 0)
        return false;
    memcpy(copy, host.at, host.len);
    copy[host.len] = '\0';
    return true;
}

static enum address_result resolve(const struct parse *parse, const char *name)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *found;

    if (getaddrinfo(name, NULL, &hints, &found) != 0)
        return ADDRESS_UNKNOWN_HOST;
    for (const struct addrinfo *at = found; at != NULL && *parse->count < ADDRESSES_MAX;
         at = at->ai_next) {
        union socket_name host = { 0 };
        if (at->ai_addrlen > sizeof host)
            continue;
        memcpy(&host, at->ai_addr, at->ai_addrlen);
        if (at->ai_family == AF_INET)
            add_in(parse, host.in.sin_addr);
        else if (at->ai_family == AF_INET6)
            add_in6(parse, &host.in6.sin6_addr, host.in6.sin6_scope_id);
    }
    freeaddrinfo(found);
    return *parse->count == 0 ? ADDRESS_UNKNOWN_HOST : ADDRESS_OK;
}

/* "[::1]:8080": the text behind the bracket. */
static enum address_result parse_in6(struct parse *parse, struct slice text)
{
    ptrdiff_t end = slice_find(text, ']');
    struct in6_addr address;
    char host[HOST_MAX];

    if (end < 0)
        return ADDRESS_BAD;
    struct slice port = slice_from(text, (size_t)end + 1);
    if (port.len > 0 && *port.at != ':')
        return ADDRESS_BAD;
    if (port.len > 0 && !read_port(slice_from(port, 1), &parse->port))
        return ADDRESS_BAD_PORT;
    if (end == 0)
        return ADDRESS_NO_HOST;
    if (!copy_host(slice_first(text, (size_t)end), host) ||
        inet_pton(AF_INET6, host, &address) != 1)
        return ADDRESS_BAD_IPV6;
    return add_in6(parse, &address, 0);
}

static enum address_result parse_host(const struct parse *parse)
{
    struct in_addr address = { .s_addr = htonl(INADDR_ANY) };
    char host[HOST_MAX];

    if (parse->host.len == 0)
        return ADDRESS_NO_HOST;
    if (parse->purpose == TO_LISTEN && slice_is(parse->host, "*"))
        return add_in(parse, address);
    if (!copy_host(parse->host, host))
        return ADDRESS_UNKNOWN_HOST;
    if (inet_pton(AF_INET, host, &address) == 1)
        return add_in(parse, address);
    return resolve(parse, host);
}

/* The first colon ends the host, so that an IPv6 address needs its brackets. */
static enum address_result parse_in(struct parse *parse, struct slice text)
{
    ptrdiff_t colon = slice_find(text, ':');

    if (slice_find(text, '/') >= 0 || slice_find(text, '?') >= 0)
        return ADDRESS_BAD;
    if (colon < 0 && parse->purpose == TO_LISTEN && is_number(text)) {
        parse->host = SLICE("*");
        return read_port(text, &parse->port) ? parse_host(parse) : ADDRESS_BAD_PORT;
    }
    parse->host = colon < 0 ? text : slice_first(text, (size_t)colon);
    if (colon >= 0 && !read_port(slice_from(text, (size_t)colon + 1), &parse->port))
        return ADDRESS_BAD_PORT;
    return parse_host(parse);
}

static enum address_result parse_any(struct parse *parse, struct slice text)
{
    *parse->count = 0;
    if (text.len >= 5 && slice_equal_nocase(slice_first(text, 5), SLICE("unix:")))
        return parse_unix(parse, slice_from(text, 5));
    if (text.len > 0 && *text.at == '[')
        return parse_in6(parse, slice_from(text, 1));
    return parse_in(parse, text);
}

enum address_result address_parse(struct slice text, unsigned default_port,
                                  struct address *addresses, size_t *count)
{
    struct parse parse = {
        .port = default_port, .purpose = TO_LISTEN, .addresses = addresses, .count = count
    };

    return parse_any(&parse, text);
}

enum address_result address_parse_remote(struct slice text, unsigned default_port,
                                         struct address *addresses, size_t *count)
{
    struct parse parse = {
        .port = default_port, .purpose = TO_CONNECT, .addresses = addresses, .count = count
    };

    return parse_any(&parse, text);
}

enum address_result address_parse_bind(struct slice text, struct address *addresses, size_t *count)
{
    return address_parse_remote(text, 0, addresses, count);
}

const char *address_problem(enum address_result result)
{
    static const char *const problems[] = {
        [ADDRESS_OK] = "no problem",
        [ADDRESS_BAD] = "invalid host",
        [ADDRESS_BAD_IPV6] = "invalid IPv6 address",
        [ADDRESS_BAD_PORT] = "invalid port",
        [ADDRESS_NO_HOST] = "no host",
        [ADDRESS_UNKNOWN_HOST] = "host not found",
        [ADDRESS_NO_PATH] = "no path in the unix domain socket",
        [ADDRESS_PATH_TOO_LONG] = "too long path in the unix domain socket",
    };

    return problems[result];
}

/* The path; empty for a socket without a name, such as a client's. */
static struct slice unix_path(const struct address *address)
{
    size_t before = offsetof(struct sockaddr_un, sun_path);
    size_t room = address->len > before ? address->len - before : 0;
    const char *path = address->name.un.sun_path;

    if (room > sizeof address->name.un.sun_path)
        room = sizeof address->name.un.sun_path;
    return slice_make(path, strnlen(path, room));
}

size_t address_host_text(const struct address *address, char *text)
{
    char host[INET6_ADDRSTRLEN] = "";
    int len = 0;

    switch (address->name.any.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &address->name.in.sin_addr, host, sizeof host);
        len = snprintf(text, ADDRESS_TEXT_MAX, "%s", host);
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &address->name.in6.sin6_addr, host, sizeof host);
        len = snprintf(text, ADDRESS_TEXT_MAX, "[%s]", host);
        break;
    case AF_UNIX: {
        struct slice path = unix_path(address);
        len = snprintf(text, ADDRESS_TEXT_MAX, "unix:%.*s", (int)path.len, path.at);
        break;
    }
    default:
        text[0] = '\0';
        break;
    }
    return len < 0 ? 0 : (size_t)len;
}

size_t address_text(const struct address *address, char *text)
{
    size_t len = address_host_text(address, text);
    int family = address->name.any.sa_family;

    if (family != AF_INET && family != AF_INET6)
        return len;
    int more = snprintf(text + len, ADDRESS_TEXT_MAX - len, ":%u", address_port(address));
    return more < 0 ? len : len + (size_t)more;
}

unsigned address_port(const struct address *address)
{
    switch (address->name.any.sa_family) {
    case AF_INET:
        return ntohs(address->name.in.sin_port);
    case AF_INET6:
        return ntohs(address->name.in6.sin6_port);
    default:
        return 0;
    }
}

void address_set_port(struct address *address, unsigned port)
{
    if (address->name.any.sa_family == AF_INET)
        address->name.in.sin_port = htons((uint16_t)port);
    else if (address->name.any.sa_family == AF_INET6)
        address->name.in6.sin6_port = htons((uint16_t)port);
}

bool address_equal(const struct address *a, const struct address *b)
{
    if (a->name.any.sa_family != b->name.any.sa_family)
        return false;
    switch (a->name.any.sa_family) {
    case AF_INET:
        return a->name.in.sin_port == b->name.in.sin_port &&
               a->name.in.sin_addr.s_addr == b->name.in.sin_addr.s_addr;
    case AF_INET6:
        return a->name.in6.sin6_port == b->name.in6.sin6_port &&
               a->name.in6.sin6_scope_id == b->name.in6.sin6_scope_id &&
               memcmp(&a->name.in6.sin6_addr, &b->name.in6.sin6_addr, sizeof(struct in6_addr)) == 0;
    case AF_UNIX:
        return slice_equal(unix_path(a), unix_path(b));
    default:
        return false;
    }
}

bool address_is_wildcard(const struct address *address)
{
    switch (address->name.any.sa_family) {
    case AF_INET:
        return address->name.in.sin_addr.s_addr == htonl(INADDR_ANY);
    case AF_INET6:
        return IN6_IS_ADDR_UNSPECIFIED(&address->name.in6.sin6_addr);
    default:
        return false;
    }
}
