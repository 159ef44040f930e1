#include "common/ip_address.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <sys/socket.h>

static const char *text_of(const struct ip_address *address)
{
    static char text[IP_TEXT_MAX];

    ck_assert_uint_eq(ip_text(address, text), strlen(text));
    return text;
}

static void expect(const char *text, const char *host, unsigned port)
{
    struct ip_address address;

    ck_assert_msg(ip_parse_with_port(slice_of(text), &address), "%s", text);
    ck_assert_str_eq(text_of(&address), host);
    ck_assert_msg(address.port == port, "%s", text);
    ck_assert_msg(ip_parse(slice_of(text), &address) == (port == 0), "%s", text);
}

START_TEST(addresses_and_ports)
{
    expect("127.0.0.1", "127.0.0.1", 0);
    expect("0.0.0.0", "0.0.0.0", 0);
    expect("255.255.255.255", "255.255.255.255", 0);
    expect("10.20.30.40", "10.20.30.40", 0);
    expect("192.0.2.1:1", "192.0.2.1", 1);
    expect("192.0.2.1:65535", "192.0.2.1", 65535);
    expect("::", "::", 0);
    expect("2001:DB8::00ff", "2001:db8::ff", 0);
    expect("::ffff:1.2.3.4", "::ffff:1.2.3.4", 0);
    expect("[2001:db8::1]:443", "2001:db8::1", 443);
}
END_TEST

START_TEST(what_is_no_address)
{
    static const char *const bad[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:0",
        "1.2.3.4:65536",
        "1.2.3.4:8x",
        "1.2.3.4:-",
        "[::1]",
        "[::1]80",
        "[::1:80",
        "[1.2.3.4]:80",
        "::1]:80",
        "[]:80",
        "1::2::3",
        ":1",
        "12345::",
        "::1%lo",
        "localhost",
        "[::1]:0",
        "[::1]:99999",
        "0x7f.0.0.1",
        "1.2.3.4/8",
        "unix:",
        ":80",
        "::ffff:1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20",
    };
    struct ip_address address;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!ip_parse_with_port(slice_of(bad[i]), &address), "%s", bad[i]);
    ck_assert(!ip_parse(slice_make("1.2.3.4\0", 8), &address));
    ck_assert(!ip_parse((struct slice){ NULL, 0 }, &address));
}
END_TEST

START_TEST(mapped_addresses)
{
    struct ip_address address;

    ck_assert(ip_parse_with_port(SLICE("[::ffff:10.1.2.3]:7"), &address));
    address = ip_unmapped(&address);
    ck_assert_int_eq(address.family, AF_INET);
    ck_assert_uint_eq(address.port, 7);
    ck_assert_str_eq(text_of(&address), "10.1.2.3");
    ck_assert(ip_parse(SLICE("::fffe:10.1.2.3"), &address));
    ck_assert_int_eq(ip_unmapped(&address).family, AF_INET6);
    address = (struct ip_address){ .family = AF_UNIX };
    ck_assert_int_eq(ip_unmapped(&address).family, AF_UNIX);
    ck_assert_str_eq(text_of(&address), "unix:");
}
END_TEST

static bool in(const char *network, const char *text)
{
    struct ip_address address;
    struct cidr cidr;

    ck_assert_msg(cidr_parse(slice_of(network), &cidr) == CIDR_OK, "%s", network);
    ck_assert_msg(ip_parse(slice_of(text), &address), "%s", text);
    return cidr_contains(&cidr, &address);
}

START_TEST(networks_contain_addresses)
{
    ck_assert(in("10.0.0.0/8", "10.255.1.2"));
    ck_assert(!in("10.0.0.0/8", "11.0.0.0"));
    ck_assert(in("10.1.2.128/25", "10.1.2.129"));
    ck_assert(!in("10.1.2.128/25", "10.1.2.127"));
    ck_assert(in("10.1.2.3", "10.1.2.3"));
    ck_assert(!in("10.1.2.3/32", "10.1.2.2"));
    ck_assert(in("0.0.0.0/0", "255.1.2.3"));
    ck_assert(!in("0.0.0.0/0", "::1"));
    ck_assert(in("::/0", "::1"));
    ck_assert(!in("::/0", "1.2.3.4"));
    ck_assert(in("2001:db8::/33", "2001:db8:7fff::1"));
    ck_assert(!in("2001:db8::/33", "2001:db8:8000::1"));
    ck_assert(in("2001:db8::1/128", "2001:db8::1"));
    ck_assert(in("10.0.0.0/8", "::ffff:10.9.9.9"));
    ck_assert(!in("::/0", "::ffff:10.9.9.9"));
}
END_TEST

START_TEST(every_length_of_a_prefix)
{
    struct ip_address address, other;
    struct array none = { .item_size = sizeof(struct cidr) };

    ck_assert(ip_parse(SLICE("a5a5:a5a5:a5a5:a5a5:a5a5:a5a5:a5a5:a5a5"), &address));
    for (unsigned bits = 0; bits <= 128; bits++) {
        struct cidr cidr;
        char text[64];
        snprintf(text, sizeof text, "%s/%u", text_of(&address), bits);
        ck_assert_int_ne(cidr_parse(slice_of(text), &cidr), CIDR_BAD);
        struct array one = { .items = &cidr, .count = 1, .item_size = sizeof cidr };
        for (unsigned flipped = 0; flipped < 128; flipped++) {
            other = address;
            other.ip[flipped / 8] ^= (uint8_t)(0x80 >> flipped % 8);
            ck_assert(cidr_contains(&cidr, &other) == (flipped >= bits));
            ck_assert(cidrs_contain(&one, &other) == (flipped >= bits));
        }
        ck_assert(cidrs_contain(&one, &address));
    }
    ck_assert(!cidrs_contain(&none, &address));
}
END_TEST

START_TEST(networks_of_odd_forms)
{
    static const char *const bad[] = { "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x",  "::/129",
                                       "/8",          "10/8",      "10.0.0.0/8/", "10.0.0.0/-1" };
    struct cidr cidr;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(cidr_parse(slice_of(bad[i]), &cidr) == CIDR_BAD, "%s", bad[i]);
    ck_assert_int_eq(cidr_parse(SLICE("10.1.0.0/8"), &cidr), CIDR_LOW_BITS);
    ck_assert_uint_eq(cidr.net[1], 0);
    ck_assert_int_eq(cidr_parse(SLICE("::1/127"), &cidr), CIDR_LOW_BITS);
}
END_TEST

START_TEST(unix_sockets_are_a_network)
{
    struct ip_address local = { .family = AF_UNIX }, other;
    struct cidr cidr = cidr_of(&local);

    ck_assert(cidr_contains(&cidr, &local));
    ck_assert(ip_parse(SLICE("127.0.0.1"), &other));
    ck_assert(!cidr_contains(&cidr, &other));
    cidr = cidr_of(&other);
    ck_assert(!cidr_contains(&cidr, &local));
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("ip_address", (const TTest *[]){
                                                  addresses_and_ports,
                                                  what_is_no_address,
                                                  mapped_addresses,
                                                  networks_contain_addresses,
                                                  every_length_of_a_prefix,
                                                  networks_of_odd_forms,
                                                  unix_sockets_are_a_network,
                                                  NULL,
                                              }));
}
