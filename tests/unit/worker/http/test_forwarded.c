#include "worker/http/forwarded.h"

#include "tests/unit/unit.h"

/* Trusted are 10.0.0.0/8, fd00::/8 and unix sockets. */
static struct arena arena;
static struct array proxies = { .item_size = sizeof(struct cidr) };

static bool trust(const char *network)
{
    struct cidr *cidr = array_push(&proxies, &arena);

    return cidr != NULL && cidr_parse(slice_of(network), cidr) == CIDR_OK;
}

static void expect(const char *peer, const char *list, bool recursive, const char *client)
{
    struct ip_address address;
    char text[IP_TEXT_MAX];

    ck_assert(ip_parse(slice_of(peer), &address));
    bool found = forwarded_read(slice_of(list), &proxies, recursive, &address);
    ip_text(&address, text);
    ck_assert_msg(strcmp(text, client) == 0, "\"%s\" from %s: %s", list, peer, text);
    ck_assert_msg(found == (strcmp(peer, client) != 0), "\"%s\" from %s", list, peer);
}

START_TEST(the_last_address_of_a_trusted_peer_counts)
{
    expect("10.0.0.1", "192.0.2.1", false, "192.0.2.1");
    expect("10.0.0.1", "192.0.2.1, 192.0.2.2", false, "192.0.2.2");
    expect("10.0.0.1", "192.0.2.1,192.0.2.2 , ", false, "192.0.2.2");
    expect("10.0.0.1", "192.0.2.1 10.0.0.2", false, "10.0.0.2");
    expect("10.0.0.1", "2001:DB8:0::1", false, "2001:db8::1");
    expect("10.0.0.1", "192.0.2.1:80", false, "192.0.2.1");
    expect("10.0.0.1", "[2001:db8::1]:80", false, "2001:db8::1");
    expect("fd00::1", "192.0.2.1", false, "192.0.2.1");
    expect("::ffff:10.0.0.1", "192.0.2.1", false, "192.0.2.1");
    expect("192.0.2.9", "192.0.2.1", false, "192.0.2.9");
}
END_TEST

START_TEST(what_is_no_address_changes_nothing)
{
    static const char *const lists[] = { "",
                                         " ",
                                         ",",
                                         "unknown",
                                         "192.0.2.1, unknown",
                                         "_x",
                                         "192.0.2.1:0",
                                         "192.0.2.1:65536",
                                         "[::1]",
                                         "192.0.2.256",
                                         "192.0.2.1, 192.0.2",
                                         "\"192.0.2.1\"" };

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        expect("10.0.0.1", lists[i], false, "10.0.0.1");
        expect("10.0.0.1", lists[i], true, "10.0.0.1");
    }
}
END_TEST

START_TEST(recursion_ends_at_the_first_that_is_not_trusted)
{
    expect("10.0.0.1", "192.0.2.1, 192.0.2.2, 10.0.0.3, 10.0.0.2", true, "192.0.2.2");
    expect("10.0.0.1", "192.0.2.1,10.0.0.2", true, "192.0.2.1");
    expect("10.0.0.1", "10.0.0.3, 10.0.0.2", true, "10.0.0.3");
    expect("10.0.0.1", " 10.0.0.3, 10.0.0.2", true, "10.0.0.3");
    expect("10.0.0.1", "unknown, 10.0.0.2", true, "10.0.0.2");
    expect("10.0.0.1", "192.0.2.1, fd00::2, 10.0.0.2", true, "192.0.2.1");
    expect("192.0.2.9", "192.0.2.1, 10.0.0.2", true, "192.0.2.9");
}
END_TEST

int main(void)
{
    arena_init(&arena, NULL);
    if (!trust("10.0.0.0/8") || !trust("fd00::/8"))
        return EXIT_FAILURE;
    return unit_main(unit_suite("forwarded", (const TTest *[]){
                                                 the_last_address_of_a_trusted_peer_counts,
                                                 what_is_no_address_changes_nothing,
                                                 recursion_ends_at_the_first_that_is_not_trusted,
                                                 NULL,
                                             }));
}
