#include "common/ip_address.h"

#include <arpa/inet.h>

_Static_assert(IP_TEXT_MAX >= INET6_ADDRSTRLEN, "every address fits");

enum { PORT_MAX = 65535 };

static size_t size_of(uint8_t family)
{
    return family == AF_INET ? 4 : 16;
}

/* --- addresses --- */

bool ip_parse(struct slice text, struct ip_address *address)
{
    char copy[IP_TEXT_MAX];

    if (text.len >= sizeof copy || slice_find(text, '\0') >= 0)
        return false;
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    *address = (struct ip_address){
        .family = slice_find(text, ':') < 0 ? AF_INET : AF_INET6,
    };
    return inet_pton(address->family, copy, address->ip) == 1;
}

bool ip_parse_with_port(struct slice text, struct ip_address *address)
{
    ptrdiff_t colon = slice_find_last(text, ':');
    uint64_t port;

    if (ip_parse(text, address))
        return true;
    if (colon < 0 || !slice_to_number(slice_from(text, (size_t)colon + 1), PORT_MAX, &port) ||
        port == 0)
        return false;
    struct slice host = slice_first(text, (size_t)colon);
    bool brackets = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    if (brackets)
        host = slice_make(host.at + 1, host.len - 2);
    if (!ip_parse(host, address) || brackets != (address->family == AF_INET6))
        return false;
    address->port = (uint16_t)port;
    return true;
}

/* printf(3) and inet_ntop(3) take longer than the rest of a log line. */
static size_t ipv4_text(const uint8_t ip[4], char *text)
{
    size_t len = 0;

    for (unsigned i = 0; i < 4; i++) {
        unsigned byte = ip[i];
        if (i > 0)
            text[len++] = '.';
        if (byte >= 100)
            text[len++] = (char)('0' + byte / 100);
        if (byte >= 10)
            text[len++] = (char)('0' + byte / 10 % 10);
        text[len++] = (char)('0' + byte % 10);
    }
    text[len] = '\0';
    return len;
}

size_t ip_text(const struct ip_address *address, char *text)
{
    static const char unix_text[] = "unix:";

    switch (address->family) {
    case AF_INET:
        return ipv4_text(address->ip, text);
    case AF_INET6:
        return inet_ntop(AF_INET6, address->ip, text, IP_TEXT_MAX) == NULL ? 0 : strlen(text);
    default:
        memcpy(text, unix_text, sizeof unix_text);
        return sizeof unix_text - 1;
    }
}

struct ip_address ip_unmapped(const struct ip_address *address)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    struct ip_address plain = { .family = AF_INET, .port = address->port };

    if (address->family != AF_INET6 || memcmp(address->ip, mapped, sizeof mapped) != 0)
        return *address;
    memcpy(plain.ip, address->ip + sizeof mapped, 4);
    return plain;
}

/* --- networks --- */

/* Clears what is behind the prefix; true when something was there. */
static bool clear_low_bits(struct cidr *cidr)
{
    bool cleared = false;

    for (size_t i = 0; i < sizeof cidr->net; i++) {
        unsigned kept = cidr->bits > i * 8 ? cidr->bits - (unsigned)i * 8 : 0;
        unsigned mask = kept >= 8 ? 0xff : 0xffU << (8 - kept) & 0xff;
        uint8_t high = (uint8_t)(cidr->net[i] & mask);
        cleared = cleared || high != cidr->net[i];
        cidr->net[i] = high;
    }
    return cleared;
}

enum cidr_result cidr_parse(struct slice text, struct cidr *cidr)
{
    ptrdiff_t slash = slice_find(text, '/');
    struct ip_address address;
    uint64_t bits;

    if (!ip_parse(slash < 0 ? text : slice_first(text, (size_t)slash), &address))
        return CIDR_BAD;
    *cidr = cidr_of(&address);
    if (slash < 0)
        return CIDR_OK;
    if (!slice_to_number(slice_from(text, (size_t)slash + 1), cidr->bits, &bits))
        return CIDR_BAD;
    cidr->bits = (uint8_t)bits;
    return clear_low_bits(cidr) ? CIDR_LOW_BITS : CIDR_OK;
}

struct cidr cidr_of(const struct ip_address *address)
{
    struct cidr cidr = { .family = address->family };

    if (address->family == AF_UNIX)
        return cidr;
    cidr.bits = (uint8_t)(size_of(address->family) * 8);
    memcpy(cidr.net, address->ip, sizeof cidr.net);
    return cidr;
}

static bool contains(const struct cidr *cidr, const struct ip_address *address)
{
    unsigned bytes = cidr->bits / 8;
    unsigned rest = cidr->bits % 8;

    if (cidr->family != address->family)
        return false;
    return memcmp(cidr->net, address->ip, bytes) == 0 &&
           (rest == 0 || (address->ip[bytes] & (0xff << (8 - rest)) & 0xff) == cidr->net[bytes]);
}

bool cidr_contains(const struct cidr *cidr, const struct ip_address *address)
{
    struct ip_address plain = ip_unmapped(address);

    return contains(cidr, &plain);
}

bool cidrs_contain(const struct array *array, const struct ip_address *address)
{
    struct ip_address plain = ip_unmapped(address);
    const struct cidr *cidrs = array->items;

    for (size_t i = 0; i < array->count; i++)
        if (contains(&cidrs[i], &plain))
            return true;
    return false;
}
