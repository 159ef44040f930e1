#include "worker/net/proxy_protocol.h"

#include <arpa/inet.h>

enum {
    V1_MAX = 107, /* bytes of the longest line of version 1, its CRLF included */
    V2_FIXED = 16,
    V2_VERSION = 2,
    PORT_MAX = 65535,
};

enum command { COMMAND_LOCAL, COMMAND_PROXY };
enum transport { TRANSPORT_UNSPEC, TRANSPORT_STREAM };
enum family { FAMILY_UNSPEC, FAMILY_INET, FAMILY_INET6 };

enum tlv_type {
    TLV_ALPN = 0x01,
    TLV_AUTHORITY = 0x02,
    TLV_CRC32C = 0x03,
    TLV_UNIQUE_ID = 0x05,
    TLV_SSL = 0x20,
    TLV_SSL_VERSION = 0x21,
    TLV_SSL_CN = 0x22,
    TLV_SSL_CIPHER = 0x23,
    TLV_SSL_SIG_ALG = 0x24,
    TLV_SSL_KEY_ALG = 0x25,
    TLV_NETNS = 0x30,
};

enum {
    TLV_FIXED = 3,        /* type and length */
    SSL_FIXED = 5,        /* flags, and what the check of the client's certificate has given */
    SSL_FLAGS_TLS = 0x01, /* of the flags: the client connected over TLS */
    CRC32C_SIZE = 4,
};

static const char v1_signature[] = "PROXY ";
static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n";

static unsigned byte_at(struct slice text, size_t at)
{
    return (unsigned char)text.at[at];
}

static unsigned read_16(struct slice text, size_t at)
{
    return byte_at(text, at) << 8 | byte_at(text, at + 1);
}

static uint32_t read_32(struct slice text, size_t at)
{
    return (uint32_t)read_16(text, at) << 16 | read_16(text, at + 2);
}

/* --- version 1: a line of text --- */

/* The part up to the next space, or to the end; *rest behind the space. */
static struct slice next_word(struct slice *rest)
{
    ptrdiff_t space = slice_find(*rest, ' ');
    struct slice word = space < 0 ? *rest : slice_first(*rest, (size_t)space);

    *rest = space < 0 ? slice_from(*rest, rest->len) : slice_from(*rest, (size_t)space + 1);
    return word;
}

static bool read_port(struct slice text, uint16_t *port)
{
    uint64_t number;

    if ((text.len > 1 && *text.at == '0') || !slice_to_number(text, PORT_MAX, &number))
        return false;
    *port = (uint16_t)number;
    return true;
}

/* "TCP4 192.0.2.1 192.0.2.2 1234 80", or "UNKNOWN" and anything. */
static bool read_line(struct slice line, struct proxy_header *header)
{
    struct slice protocol = next_word(&line);
    bool ipv6 = slice_is(protocol, "TCP6");
    uint8_t family = ipv6 ? AF_INET6 : AF_INET;

    if (slice_is(protocol, "UNKNOWN"))
        return true;
    if (!ipv6 && !slice_is(protocol, "TCP4"))
        return false;
    if (!ip_parse(next_word(&line), &header->source) || header->source.family != family ||
        !ip_parse(next_word(&line), &header->destination) || header->destination.family != family)
        return false;
    if (!read_port(next_word(&line), &header->source.port))
        return false;
    return read_port(line, &header->destination.port);
}

static enum proxy_result read_v1(struct slice in, struct proxy_header *header)
{
    struct slice start = slice_first(in, V1_MAX);
    const char *end = slice_search(start, SLICE("\r\n"));

    if (end == NULL)
        return in.len < V1_MAX ? PROXY_MORE : PROXY_BAD;
    size_t len = (size_t)(end - in.at);
    header->size = len + strlen("\r\n");
    return read_line(slice_from(slice_first(in, len), strlen(v1_signature)), header) ? PROXY_DONE
                                                                                     : PROXY_BAD;
}

/* --- type, length, value --- */

/* Cuts the first TLV off. False when there is none, or it is cut short. */
static bool next_tlv(struct slice *tlvs, unsigned *type, struct slice *value)
{
    if (tlvs->len < TLV_FIXED || tlvs->len - TLV_FIXED < read_16(*tlvs, 1))
        return false;
    *type = byte_at(*tlvs, 0);
    *value = slice_make(tlvs->at + TLV_FIXED, read_16(*tlvs, 1));
    *tlvs = slice_from(*tlvs, TLV_FIXED + value->len);
    return true;
}

static bool find_tlv(struct slice tlvs, unsigned type, struct slice *value)
{
    unsigned found;

    while (next_tlv(&tlvs, &found, value))
        if (found == type)
            return true;
    return false;
}

static bool are_tlvs(struct slice tlvs)
{
    struct slice value;
    unsigned type;

    while (next_tlv(&tlvs, &type, &value))
        ;
    return tlvs.len == 0;
}

/* --- version 2: binary --- */

/* CRC-32C (Castagnoli; RFC 3720 B.4) of a few dozen bytes, a bit at a time. */
static uint32_t crc32c_add(uint32_t crc, unsigned byte)
{
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++)
        crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
    return crc;
}

/* The checksum, where there is one, is of the header with zeros in the checksum's place. */
static bool checksum_holds(struct slice whole, struct slice tlvs)
{
    struct slice given;
    uint32_t crc = UINT32_MAX;

    if (!find_tlv(tlvs, TLV_CRC32C, &given))
        return true;
    if (given.len != CRC32C_SIZE)
        return false;
    size_t place = (size_t)(given.at - whole.at);
    for (size_t i = 0; i < whole.len; i++)
        crc = crc32c_add(crc, i - place < CRC32C_SIZE ? 0 : byte_at(whole, i));
    return ~crc == read_32(given, 0);
}

/* Source address, destination address, source port, destination port. */
static void read_addresses(struct slice in, uint8_t family, size_t size,
                           struct proxy_header *header)
{
    header->source.family = header->destination.family = family;
    memcpy(header->source.ip, in.at, size);
    memcpy(header->destination.ip, in.at + size, size);
    header->source.port = (uint16_t)read_16(in, 2 * size);
    header->destination.port = (uint16_t)read_16(in, 2 * size + 2);
}

/* What stands behind the fixed part of a header with the command PROXY. */
static bool read_proxied(struct slice whole, unsigned family, struct proxy_header *header)
{
    struct slice in = slice_from(whole, V2_FIXED);
    size_t size = family == FAMILY_INET ? 4 : 16;
    struct slice ssl;

    if (family != FAMILY_INET && family != FAMILY_INET6)
        return true;
    if (in.len < 2 * size + 4)
        return false;
    read_addresses(in, family == FAMILY_INET ? AF_INET : AF_INET6, size, header);
    header->tlvs = slice_from(in, 2 * size + 4);
    if (!are_tlvs(header->tlvs) || !checksum_holds(whole, header->tlvs))
        return false;
    if (find_tlv(header->tlvs, TLV_SSL, &ssl)) {
        if (ssl.len < SSL_FIXED || !are_tlvs(slice_from(ssl, SSL_FIXED)))
            return false;
        header->tls = (byte_at(ssl, 0) & SSL_FLAGS_TLS) != 0;
    }
    return true;
}

static enum proxy_result read_v2(struct slice in, struct proxy_header *header)
{
    if (in.len < V2_FIXED)
        return PROXY_MORE;
    unsigned version = byte_at(in, 12) >> 4;
    unsigned command = byte_at(in, 12) & 15;
    unsigned family = byte_at(in, 13) >> 4;
    unsigned transport = byte_at(in, 13) & 15;
    header->size = V2_FIXED + read_16(in, 14);
    if (version != V2_VERSION || command > COMMAND_PROXY || header->size > PROXY_HEADER_MAX)
        return PROXY_BAD;
    if (in.len < header->size)
        return PROXY_MORE;
    if (command == COMMAND_LOCAL || transport != TRANSPORT_STREAM)
        return PROXY_DONE;
    return read_proxied(slice_first(in, header->size), family, header) ? PROXY_DONE : PROXY_BAD;
}

/* --- the face --- */

/* The bytes that there are are those of the signature. */
static bool may_be(struct slice in, const char *signature, size_t len)
{
    return slice_equal(slice_first(in, len), slice_make(signature, in.len < len ? in.len : len));
}

enum proxy_result proxy_protocol_read(struct slice in, struct proxy_header *header)
{
    size_t v1 = strlen(v1_signature), v2 = sizeof v2_signature - 1;

    *header = (struct proxy_header){ .tlvs = SLICE("") };
    if (may_be(in, v1_signature, v1))
        return in.len < v1 ? PROXY_MORE : read_v1(in, header);
    if (may_be(in, v2_signature, v2))
        return in.len < v2 ? PROXY_MORE : read_v2(in, header);
    return PROXY_BAD;
}

struct tlv_name {
    const char *name;
    unsigned type;
};

static const struct tlv_name names[] = {
    { "alpn", TLV_ALPN }, { "authority", TLV_AUTHORITY }, { "unique_id", TLV_UNIQUE_ID },
    { "ssl", TLV_SSL },   { "netns", TLV_NETNS },         { NULL, 0 },
};
static const struct tlv_name ssl_names[] = {
    { "version", TLV_SSL_VERSION }, { "cn", TLV_SSL_CN },           { "cipher", TLV_SSL_CIPHER },
    { "sig_alg", TLV_SSL_SIG_ALG }, { "key_alg", TLV_SSL_KEY_ALG }, { NULL, 0 },
};

/* "0x21", at most two digits. */
static bool read_type(struct slice name, unsigned *type)
{
    struct slice digits = slice_from(name, strlen("0x"));

    if (!slice_starts(name, SLICE("0x")) || digits.len == 0 || digits.len > 2)
        return false;
    *type = 0;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = hex_digit(digits.at[i]);
        if (digit < 0)
            return false;
        *type = *type << 4 | (unsigned)digit;
    }
    return true;
}

static bool find_type(const struct tlv_name *known, struct slice name, unsigned *type)
{
    for (; known->name != NULL; known++)
        if (slice_is(name, known->name)) {
            *type = known->type;
            return true;
        }
    return read_type(name, type);
}

bool proxy_protocol_tlv(struct slice tlvs, struct slice name, struct slice *value)
{
    bool inner = slice_starts(name, SLICE("ssl_"));
    struct slice ssl;
    unsigned type;

    if (!inner)
        return find_type(names, name, &type) && find_tlv(tlvs, type, value);
    return find_type(ssl_names, slice_from(name, strlen("ssl_")), &type) &&
           find_tlv(tlvs, TLV_SSL, &ssl) && ssl.len >= SSL_FIXED &&
           find_tlv(slice_from(ssl, SSL_FIXED), type, value);
}

bool proxy_protocol_ssl_verify(struct slice tlvs, uint32_t *verify)
{
    struct slice ssl;

    if (!find_tlv(tlvs, TLV_SSL, &ssl) || ssl.len < SSL_FIXED)
        return false;
    *verify = read_32(ssl, 1);
    return true;
}
