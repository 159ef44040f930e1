#include "worker/net/proxy_protocol.h"

#include "tests/unit/unit.h"

#include <netinet/in.h>
#include <stdio.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define IPV4 "\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x01\xbb" /* 192.0.2.1:1234 192.0.2.2:443 */

/* What a header says, as text. */
static const char *spell(const struct ip_address *address)
{
    static char texts[2][IP_TEXT_MAX + 8];
    static unsigned next;
    char *text = texts[next++ % 2];

    if (address->family == 0)
        return "none";
    snprintf(text + ip_text(address, text), 8, " %u", address->port);
    return text;
}

static void expect_read(struct slice in, size_t size, const char *source, const char *destination)
{
    struct proxy_header header;

    ck_assert_int_eq(proxy_protocol_read(in, &header), PROXY_DONE);
    ck_assert_uint_eq(header.size, size);
    ck_assert_str_eq(spell(&header.source), source);
    ck_assert_str_eq(spell(&header.destination), destination);
}

/* However much of it there is, less than all is not enough, and never wrong. */
static void expect_more_before(struct slice in, size_t size)
{
    struct proxy_header header;

    for (size_t len = 0; len < size; len++) {
        char *copy = malloc(len + 1); /* of its very size: a sanitizer sees reads behind it */
        memcpy(copy, in.at, len);
        ck_assert_msg(proxy_protocol_read(slice_make(copy, len), &header) == PROXY_MORE, "%zu",
                      len);
        free(copy);
    }
}

static void expect_bad(struct slice in)
{
    struct proxy_header header;

    ck_assert_msg(proxy_protocol_read(in, &header) == PROXY_BAD, "%.*s", (int)in.len, in.at);
}

START_TEST(version_1_is_a_line)
{
    static const struct {
        const char *line, *source, *destination;
    } cases[] = {
        { "PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n", "192.0.2.1 1234", "192.0.2.2 443" },
        { "PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0 0", "255.255.255.255 65535" },
        { "PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "2001:db8::1 1", "::1 2" },
        { "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535",
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535" },
        { "PROXY UNKNOWN\r\n", "none", "none" },
        { "PROXY UNKNOWN ::1 ::1 1 2\r\n", "none", "none" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        size_t size = strlen(cases[i].line);
        snprintf(text, sizeof text, "%sGET / HTTP/1.1\r\n", cases[i].line);
        expect_read(slice_of(text), size, cases[i].source, cases[i].destination);
        expect_read(slice_first(slice_of(text), size), size, cases[i].source, cases[i].destination);
        expect_more_before(slice_of(text), size);
    }
}
END_TEST

START_TEST(other_lines_are_refused)
{
    static const char *const lines[] = {
        "GET / HTTP/1.1\r\n",
        "PROXX",
        "proxy TCP4",
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY TCP5 192.0.2.1 192.0.2.2 1234 443\r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1234\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1234 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1234 443 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1234 443 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1234 65536\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 01234 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 443\r\n",
        "PROXY TCP4 192.0.2.1  192.0.2.2 1234 443\r\n",
        "PROXY TCP4 192.0.2.256 192.0.2.2 1234 443\r\n",
        "PROXY TCP4 192.0.2 192.0.2.2 1234 443\r\n",
        "PROXY TCP4 ::1 ::1 1234 443\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1234 443\r\n",
        "PROXY TCP6 ::1 192.0.2.2 1234 443\r\n",
        "PROXY TCP6 [::1] [::1] 1234 443\r\n",
        "PROXY TCP6 ::g ::1 1234 443\r\n",
    };
    char text[128];

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        expect_bad(slice_of(lines[i]));
    expect_bad(SLICE("PROXY TCP4 192.0.2.1\0 192.0.2.2 1234 443\r\n"));
    memset(text, 'x', sizeof text);
    memcpy(text, "PROXY UNKNOWN ", 14);
    expect_more_before(slice_make(text, sizeof text), 107);
    expect_bad(slice_make(text, 107));
    memcpy(text + 105, "\r\n", 2);
    expect_read(slice_make(text, sizeof text), 107, "none", "none");
    memcpy(text + 105, "x\r\n", 3);
    expect_bad(slice_make(text, sizeof text));
}
END_TEST

START_TEST(version_2_is_binary)
{
    static const struct {
        struct slice header;
        const char *source, *destination;
    } cases[] = {
        { SLICE_INIT(V2 "\x21\x11\0\x0c" IPV4), "192.0.2.1 1234", "192.0.2.2 443" },
        { SLICE_INIT(V2 "\x21\x11\0\x10" IPV4 "\x04\0\1x"), "192.0.2.1 1234", "192.0.2.2 443" },
        { SLICE_INIT(V2 "\x21\x21\0\x24"
                        "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
                        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x04\xd2\x01\xbb"),
          "2001:db8::1 1234", "::1 443" },
        { SLICE_INIT(V2 "\x20\0\0\0"), "none", "none" },          /* LOCAL */
        { SLICE_INIT(V2 "\x20\x11\0\x0c" IPV4), "none", "none" }, /* LOCAL with addresses */
        { SLICE_INIT(V2 "\x21\0\0\3abc"), "none", "none" },       /* UNSPEC */
        { SLICE_INIT(V2 "\x21\x12\0\x0c" IPV4), "none", "none" }, /* datagrams */
        { SLICE_INIT(V2 "\x21\x31\0\4path"), "none", "none" },    /* unix */
        { SLICE_INIT(V2 "\x21\xf1\0\4path"), "none", "none" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = cases[i].header.len;
        char text[128];
        memcpy(text, cases[i].header.at, size);
        memcpy(text + size, "GET /", 5);
        expect_read(slice_make(text, size + 5), size, cases[i].source, cases[i].destination);
        expect_more_before(cases[i].header, size);
    }
}
END_TEST

START_TEST(other_bytes_are_refused)
{
    static char large[PROXY_HEADER_MAX + 1] = V2 "\x20\0\x0f\xf0";

    expect_bad(SLICE(V2 "\x11\x11\0\x0c" IPV4)); /* version 1 in binary */
    expect_bad(SLICE(V2 "\x31\x11\0\x0c" IPV4));
    expect_bad(SLICE(V2 "\x22\x11\0\x0c" IPV4)); /* no command */
    expect_bad(SLICE(V2 "\x21\x11\0\x0b" IPV4)); /* too short for its addresses */
    expect_bad(SLICE(V2 "\x21\x11\0\0" IPV4));
    expect_bad(SLICE(V2 "\x21\x21\0\x0c" IPV4));
    expect_bad(SLICE(V2 "\x21\x11\0\x0d" IPV4 "\x04")); /* TLVs that are cut short */
    expect_bad(SLICE(V2 "\x21\x11\0\x0f" IPV4 "\x04\0\1"));
    expect_bad(SLICE(V2 "\x21\x11\0\x11" IPV4 "\x04\0\1xy"));
    expect_bad(SLICE(V2 "\x21\x11\0\x13" IPV4 "\x20\0\4\0\0\0\0"));       /* SSL cut short */
    expect_bad(SLICE(V2 "\x21\x11\0\x15" IPV4 "\x20\0\6\0\0\0\0\0\x21")); /* inside it too */
    expect_bad(SLICE(V2 "\x20\0\x0f\xf1"));
    ck_assert_int_eq(
        proxy_protocol_read(slice_make(large, PROXY_HEADER_MAX), &(struct proxy_header){ 0 }),
        PROXY_DONE);
}
END_TEST

/* Every byte of a sound header changed in every bit: any answer will do but a wrong read. */
START_TEST(damage_is_survived)
{
    static const struct slice sound =
        SLICE_INIT(V2 "\x21\x11\0\x24" IPV4 "\x20\0\x0d\1\0\0\0\0\x21\0\5TLSv1\x01\0\2h2");
    struct proxy_header header;
    struct slice value;

    for (size_t bit = 0; bit < sound.len * 8; bit++) {
        char *copy = malloc(sound.len);
        memcpy(copy, sound.at, sound.len);
        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        if (proxy_protocol_read(slice_make(copy, sound.len), &header) == PROXY_DONE)
            proxy_protocol_tlv(header.tlvs, SLICE("ssl_version"), &value);
        free(copy);
    }
}
END_TEST

START_TEST(tlvs_have_names)
{
    static const struct {
        const char *name, *value; /* NULL: none */
    } cases[] = {
        { "alpn", "h2" },
        { "authority", "example.org" },
        { "unique_id", "12345" },
        { "netns", "ns" },
        { "0x01", "h2" },
        { "0x1", "h2" },
        { "0xe0", "own" },
        { "0xE0", "own" },
        { "ssl_version", "TLS" },
        { "ssl_cn", "me" },
        { "ssl_cipher", "AES" },
        { "ssl_sig_alg", "RSA" },
        { "ssl_key_alg", "EC" },
        { "ssl_0x21", "TLS" },
        { "ssl_0x26", NULL },
        { "ssl_verify", NULL },
        { "0x0", NULL },
        { "0x", NULL },
        { "0x001", NULL },
        { "0xg", NULL },
        { "ssl_", NULL },
        { "ssl_alpn", NULL },
        { "", NULL },
        { "none", NULL },
        { "alp", NULL },
        { "alpns", NULL },
    };
    static const struct slice in =
        SLICE_INIT(V2 "\x21\x11\0\x5d" IPV4 "\x04\0\0\x01\0\2h2\x01\0\1x\x02\0\x0b"
                      "example.org\x05\0\5"
                      "12345\x30\0\2ns\xe0\0\3own"
                      "\x20\0\x21\1\0\0\0\7\x21\0\3TLS\x22\0\2me\x23\0\3AES\x24\0\3RSA\x25\0\2EC");
    struct proxy_header header;
    struct slice value;
    uint32_t verify;

    ck_assert_int_eq(proxy_protocol_read(in, &header), PROXY_DONE);
    ck_assert(header.tls);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool found = proxy_protocol_tlv(header.tlvs, slice_of(cases[i].name), &value);
        ck_assert_msg(found == (cases[i].value != NULL), "%s", cases[i].name);
        ck_assert_msg(!found || slice_is(value, cases[i].value), "%s", cases[i].name);
    }
    ck_assert(proxy_protocol_ssl_verify(header.tlvs, &verify));
    ck_assert_uint_eq(verify, 7);
    ck_assert(!proxy_protocol_ssl_verify(SLICE(""), &verify));
}
END_TEST

START_TEST(tls_is_told_by_its_flag)
{
    struct proxy_header header;

    ck_assert_int_eq(
        proxy_protocol_read(SLICE(V2 "\x21\x11\0\x14" IPV4 "\x20\0\5\1\0\0\0\0"), &header),
        PROXY_DONE);
    ck_assert(header.tls);
    ck_assert_int_eq(
        proxy_protocol_read(SLICE(V2 "\x21\x11\0\x14" IPV4 "\x20\0\5\6\0\0\0\0"), &header),
        PROXY_DONE);
    ck_assert(!header.tls);
}
END_TEST

/* As HAProxy's send-proxy-v2 with proxy-v2-options crc32c makes it. */
START_TEST(a_checksum_is_checked)
{
    static const struct slice sound =
        SLICE_INIT(V2 "\x21\x11\0\x13" IPV4 "\x03\0\4\xc9\x1d\x66\x93");
    char text[64];

    expect_read(sound, sound.len, "192.0.2.1 1234", "192.0.2.2 443");
    for (size_t i = 16; i < sound.len; i++) {
        memcpy(text, sound.at, sound.len);
        text[i] ^= 1;
        if (i < 28 || i > 30) /* a damaged type or length is another TLV, or none */
            expect_bad(slice_make(text, sound.len));
    }
    expect_bad(SLICE(V2 "\x21\x11\0\x12" IPV4 "\x03\0\3abc"));
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("proxy_protocol", (const TTest *[]){
                                                      version_1_is_a_line,
                                                      other_lines_are_refused,
                                                      version_2_is_binary,
                                                      other_bytes_are_refused,
                                                      damage_is_survived,
                                                      tlvs_have_names,
                                                      tls_is_told_by_its_flag,
                                                      a_checksum_is_checked,
                                                      NULL,
                                                  }));
}
