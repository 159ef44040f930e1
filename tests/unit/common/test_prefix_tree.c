/* The longest prefix wins; compared with a search through all of them. */
#include "common/prefix_tree.h"

#include "tests/unit/unit.h"

enum { RANDOM_NETWORKS = 2000, LOOKUPS = 20000 };

static struct arena arena;
static struct prefix_tree tree;

static void set_up(void)
{
    arena_init(&arena, NULL);
    tree = (struct prefix_tree){ 0 };
}

static void tear_down(void)
{
    arena_free(&arena);
}

struct network {
    uint8_t key[16];
    unsigned bits;
    bool removed;
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 32;
}

static void clear_behind(uint8_t key[16], unsigned bits)
{
    for (unsigned bit = bits; bit < 128; bit++)
        key[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static bool is_in(const struct network *network, const uint8_t key[16])
{
    uint8_t copy[16];

    memcpy(copy, key, sizeof copy);
    clear_behind(copy, network->bits);
    return memcmp(copy, network->key, sizeof copy) == 0;
}

static const struct network *longest(const struct network *networks, size_t count,
                                     const uint8_t key[16])
{
    const struct network *found = NULL;

    for (size_t i = 0; i < count; i++)
        if (!networks[i].removed && is_in(&networks[i], key) &&
            (found == NULL || networks[i].bits > found->bits))
            found = &networks[i];
    return found;
}

/* Bytes of few values, so that networks lie in each other and share prefixes. */
static void random_key(uint64_t *state, uint8_t key[16], unsigned width)
{
    memset(key, 0, 16);
    for (unsigned i = 0; i < width / 8; i++)
        key[i] = (uint8_t)(next_random(state) % 3 * 85);
}

/* Adds a network unless it is there already; its value is itself. */
static void add(struct network *network)
{
    void **place = prefix_tree_place(&tree, &arena, network->key, network->bits);

    ck_assert_ptr_nonnull(place);
    network->removed = *place != NULL;
    if (*place == NULL)
        *place = network;
}

static void agree(unsigned width)
{
    static struct network networks[RANDOM_NETWORKS];
    uint64_t state = width;
    uint8_t key[16];

    for (size_t i = 0; i < RANDOM_NETWORKS; i++) {
        networks[i] = (struct network){ .bits = (unsigned)(next_random(&state) % (width + 1)) };
        random_key(&state, networks[i].key, width);
        clear_behind(networks[i].key, networks[i].bits);
        add(&networks[i]);
    }
    for (size_t i = 0; i < RANDOM_NETWORKS; i += 3) {
        void **place = prefix_tree_exact(&tree, networks[i].key, networks[i].bits);
        ck_assert(networks[i].removed || (place != NULL && *place == &networks[i]));
        if (networks[i].removed)
            continue;
        *place = NULL;
        networks[i].removed = true;
        ck_assert_ptr_null(prefix_tree_exact(&tree, networks[i].key, networks[i].bits));
    }
    for (unsigned i = 0; i < LOOKUPS; i++) {
        random_key(&state, key, width);
        ck_assert_ptr_eq(prefix_tree_find(&tree, key, width),
                         longest(networks, RANDOM_NETWORKS, key));
    }
}

START_TEST(ipv4_agrees_with_a_search_through_all)
{
    agree(32);
}
END_TEST

START_TEST(ipv6_agrees_with_a_search_through_all)
{
    agree(128);
}
END_TEST

START_TEST(an_empty_tree)
{
    uint8_t key[16] = { 0 };

    ck_assert_ptr_null(prefix_tree_find(&tree, key, 32));
    ck_assert_ptr_null(prefix_tree_exact(&tree, key, 0));
}
END_TEST

START_TEST(nothing_but_everything)
{
    struct network all = { .bits = 0 };
    uint8_t key[16] = { 0xff };

    add(&all);
    ck_assert_ptr_eq(prefix_tree_find(&tree, key, 32), &all);
    ck_assert_ptr_eq(prefix_tree_find(&tree, key, 128), &all);
    ck_assert_ptr_null(prefix_tree_exact(&tree, key, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prefix_tree");
    TCase *cases = tcase_create("prefixes");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, an_empty_tree);
    tcase_add_test(cases, nothing_but_everything);
    tcase_add_test(cases, ipv4_agrees_with_a_search_through_all);
    tcase_add_test(cases, ipv6_agrees_with_a_search_through_all);
    suite_add_tcase(suite, cases);
    return unit_main(suite);
}
