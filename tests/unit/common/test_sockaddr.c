#include "common/sockaddr.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>

enum { DEFAULT_PORT = 80 };

/* The address as text, or what is wrong with it. */
static const char *parsed(const char *text, char *out)
{
    struct address addresses[ADDRESSES_MAX];
    size_t count = 99;
    enum address_result result = address_parse(slice_of(text), DEFAULT_PORT, addresses, &count);

    if (result != ADDRESS_OK)
        return address_problem(result);
    ck_assert_uint_eq(count, 1);
    size_t len = address_text(&addresses[0], out);
    ck_assert_uint_eq(len, strlen(out));
    ck_assert_uint_lt(len, ADDRESS_TEXT_MAX);
    return out;
}

/* Words and problems as `nginx -t` has them. */
START_TEST(what_listen_takes)
{
    static const struct {
        const char *text, *result;
    } rows[] = {
        { "8080", "0.0.0.0:8080" },
        { "1", "0.0.0.0:1" },
        { "65535", "0.0.0.0:65535" },
        { "*", "0.0.0.0:80" },
        { "*:8080", "0.0.0.0:8080" },
        { "127.0.0.1", "127.0.0.1:80" },
        { "127.0.0.1:8080", "127.0.0.1:8080" },
        { "0.0.0.0:81", "0.0.0.0:81" },
        { "[::1]", "[::1]:80" },
        { "[::1]:8080", "[::1]:8080" },
        { "[::]:8080", "[::]:8080" },
        { "[2001:DB8:0:0:0:0:0:1]:1", "[2001:db8::1]:1" },
        { "[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]:1" },
        { "unix:/run/muxd.sock", "unix:/run/muxd.sock" },
        { "UNIX:relative", "unix:relative" },
        { "unix:/a:80", "unix:/a:80" },
        { "", "no host" },
        { ":80", "no host" },
        { "[]:80", "no host" },
        { "0", "invalid port" },
        { "65536", "invalid port" },
        { "99999999999999999999999", "invalid port" },
        { "*:", "invalid port" },
        { "*:0", "invalid port" },
        { "*:+1", "invalid port" },
        { "host:", "invalid port" },
        { "127.0.0.1:8o80", "invalid port" },
        { "::1", "invalid port" },
        { "::", "invalid port" },
        { "2001:db8::1", "invalid port" },
        { "[::1]:", "invalid port" },
        { "[::1]:0", "invalid port" },
        { "[::1]:65536", "invalid port" },
        { "[::1", "invalid host" },
        { "[", "invalid host" },
        { "[::1]x", "invalid host" },
        { "80/x", "invalid host" },
        { "127.0.0.1:80/", "invalid host" },
        { "host?x", "invalid host" },
        { "[zz]:80", "invalid IPv6 address" },
        { "[127.0.0.1]:80", "invalid IPv6 address" },
        { "[::1%lo]:80", "invalid IPv6 address" },
        { "unix:", "no path in the unix domain socket" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[ADDRESS_TEXT_MAX];
        ck_assert_str_eq(parsed(rows[i].text, text), rows[i].result);
    }
}
END_TEST

START_TEST(the_longest_path)
{
    char text[200] = "unix:", out[ADDRESS_TEXT_MAX];

    memset(text + 5, 'p', 107);
    ck_assert_str_eq(parsed(text, out), text);
    text[5 + 107] = 'p';
    ck_assert_str_eq(parsed(text, out), "too long path in the unix domain socket");
}
END_TEST

START_TEST(names_are_resolved)
{
    struct address addresses[ADDRESSES_MAX];
    size_t count = 0;

    ck_assert_int_eq(address_parse(SLICE("localhost:81"), 80, addresses, &count), ADDRESS_OK);
    ck_assert_uint_ge(count, 1);
    for (size_t i = 0; i < count; i++) {
        char text[ADDRESS_TEXT_MAX];
        address_text(&addresses[i], text);
        ck_assert(strcmp(text, "127.0.0.1:81") == 0 || strcmp(text, "[::1]:81") == 0);
        for (size_t other = 0; other < i; other++)
            ck_assert(!address_equal(&addresses[i], &addresses[other]));
    }
}
END_TEST

START_TEST(names_that_cannot_be)
{
    struct address addresses[ADDRESSES_MAX];
    size_t count = 99;
    char name[300];

    memset(name, 'a', sizeof name);
    ck_assert_int_eq(address_parse(slice_make(name, sizeof name), 80, addresses, &count),
                     ADDRESS_UNKNOWN_HOST);
    ck_assert_int_eq(address_parse(SLICE("local\0host"), 80, addresses, &count),
                     ADDRESS_UNKNOWN_HOST);
    ck_assert_int_eq(address_parse(SLICE("[::1\0]"), 80, addresses, &count), ADDRESS_BAD_IPV6);
    ck_assert_int_eq(address_parse(SLICE("unix:/a\0b"), 80, addresses, &count), ADDRESS_BAD);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(a_peer_is_no_wildcard)
{
    struct address addresses[ADDRESSES_MAX];
    char text[ADDRESS_TEXT_MAX];
    size_t count;

    ck_assert_int_eq(address_parse_remote(SLICE("*:514"), 514, addresses, &count),
                     ADDRESS_UNKNOWN_HOST);
    ck_assert_int_eq(address_parse_remote(SLICE("127.0.0.1"), 514, addresses, &count), ADDRESS_OK);
    address_text(&addresses[0], text);
    ck_assert_str_eq(text, "127.0.0.1:514");
    /* A number is a host, in the old way of writing addresses as one. */
    ck_assert_int_eq(address_parse_remote(SLICE("2130706433"), 514, addresses, &count), ADDRESS_OK);
    address_text(&addresses[0], text);
    ck_assert_str_eq(text, "127.0.0.1:514");
}
END_TEST

static struct address one(const char *text)
{
    struct address addresses[ADDRESSES_MAX];
    size_t count;

    ck_assert_int_eq(address_parse(slice_of(text), DEFAULT_PORT, addresses, &count), ADDRESS_OK);
    return addresses[0];
}

START_TEST(hosts_without_port)
{
    static const char *const rows[][2] = {
        { "127.0.0.1:80", "127.0.0.1" },
        { "[2001:db8::1]:80", "[2001:db8::1]" },
        { "unix:/a", "unix:/a" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address address = one(rows[i][0]);
        char text[ADDRESS_TEXT_MAX];
        ck_assert_uint_eq(address_host_text(&address, text), strlen(rows[i][1]));
        ck_assert_str_eq(text, rows[i][1]);
    }
}
END_TEST

START_TEST(ports)
{
    struct address in = one("127.0.0.1:8080"), in6 = one("[::1]:443"), path = one("unix:/a");

    ck_assert_uint_eq(address_port(&in), 8080);
    ck_assert_uint_eq(address_port(&in6), 443);
    ck_assert_uint_eq(address_port(&path), 0);
}
END_TEST

START_TEST(equal_is_family_address_and_port)
{
    static const char *const texts[] = {
        "127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80", "*:80",    "[::1]:80",
        "[::1]:81",     "[::2]:80",     "[::]:80",      "unix:/a", "unix:/ab",
    };
    size_t count = sizeof texts / sizeof *texts;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            struct address a = one(texts[i]), b = one(texts[k]);
            ck_assert_int_eq(address_equal(&a, &b), i == k);
        }
}
END_TEST

/* What getsockname gives may be longer, or be padded otherwise. */
START_TEST(equal_ignores_what_is_behind_a_path)
{
    struct address a = one("unix:/a"), b = a;

    b.len = sizeof b.name.un;
    ck_assert(address_equal(&a, &b));
    b.len = offsetof(struct sockaddr_un, sun_path) + 2; /* without its NUL */
    ck_assert(address_equal(&a, &b));
}
END_TEST

START_TEST(a_socket_without_a_name)
{
    struct address address = { .len = sizeof(sa_family_t) };
    char text[ADDRESS_TEXT_MAX];

    address.name.any.sa_family = AF_UNIX;
    memset(address.name.un.sun_path, 'x', sizeof address.name.un.sun_path);
    ck_assert_uint_eq(address_text(&address, text), 5);
    ck_assert_str_eq(text, "unix:");
    address.len = sizeof address.name.un; /* all of it, no NUL */
    ck_assert_uint_eq(address_text(&address, text), 5 + sizeof address.name.un.sun_path);
}
END_TEST

START_TEST(wildcards)
{
    static const struct {
        const char *text;
        bool wildcard;
    } rows[] = {
        { "80", true },         { "0.0.0.0:80", true }, { "[::]:80", true },
        { "127.0.0.1", false }, { "[::1]:80", false },  { "unix:/a", false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address address = one(rows[i].text);
        ck_assert_int_eq(address_is_wildcard(&address), rows[i].wildcard);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_listen_takes,
        the_longest_path,
        names_are_resolved,
        names_that_cannot_be,
        a_peer_is_no_wildcard,
        hosts_without_port,
        ports,
        equal_is_family_address_and_port,
        equal_ignores_what_is_behind_a_path,
        a_socket_without_a_name,
        wildcards,
        NULL,
    };

    return unit_main(unit_suite("sockaddr", tests));
}
