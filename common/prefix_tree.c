#include "common/prefix_tree.h"

struct prefix_node {
    struct prefix_node *child[2]; /* by the bit behind the prefix */
    void *value;                  /* NULL: only parts others */
    uint8_t key[16];
    uint8_t bits;
};

static unsigned bit_at(const uint8_t *key, unsigned bit)
{
    return key[bit / 8] >> (7 - bit % 8) & 1;
}

/* How many of the first `most` bits are the same. */
static unsigned common_bits(const uint8_t *a, const uint8_t *b, unsigned most)
{
    for (unsigned byte = 0; byte * 8 < most; byte++) {
        unsigned differ = (unsigned)a[byte] ^ b[byte];
        if (differ == 0)
            continue;
        unsigned same = byte * 8 + (unsigned)__builtin_clz(differ) - 24;
        return same < most ? same : most;
    }
    return most;
}

static struct prefix_node *node_new(struct arena *arena, const uint8_t *key, unsigned bits)
{
    struct prefix_node *node = arena_zalloc(arena, sizeof *node);

    if (node == NULL)
        return NULL;
    memcpy(node->key, key, sizeof node->key);
    node->bits = (uint8_t)bits;
    return node;
}

/* A node for the first `bits` bits of the key, above the node that is at `place`. */
static struct prefix_node *insert_above(struct prefix_node **place, struct arena *arena,
                                        const uint8_t *key, unsigned bits)
{
    struct prefix_node *node = node_new(arena, key, bits);

    if (node == NULL)
        return NULL;
    node->child[bit_at((*place)->key, bits)] = *place;
    *place = node;
    return node;
}

void **prefix_tree_place(struct prefix_tree *tree, struct arena *arena, const uint8_t key[16],
                         unsigned bits)
{
    struct prefix_node **place = &tree->root;

    while (*place != NULL) {
        struct prefix_node *node = *place;
        unsigned most = node->bits < bits ? node->bits : bits;
        unsigned same = common_bits(node->key, key, most);
        if (same < node->bits)
            node = insert_above(place, arena, key, same);
        if (node == NULL)
            return NULL;
        if (node->bits == bits)
            return &node->value;
        place = &node->child[bit_at(key, node->bits)];
    }
    *place = node_new(arena, key, bits);
    return *place == NULL ? NULL : &(*place)->value;
}

static bool is_prefix(const struct prefix_node *node, const uint8_t *key, unsigned bits)
{
    return node->bits <= bits && common_bits(node->key, key, node->bits) == node->bits;
}

void **prefix_tree_exact(const struct prefix_tree *tree, const uint8_t key[16], unsigned bits)
{
    struct prefix_node *node = tree->root;

    while (node != NULL && is_prefix(node, key, bits)) {
        if (node->bits == bits)
            return node->value == NULL ? NULL : &node->value;
        node = node->child[bit_at(key, node->bits)];
    }
    return NULL;
}

void *prefix_tree_find(const struct prefix_tree *tree, const uint8_t key[16], unsigned bits)
{
    const struct prefix_node *node = tree->root;
    void *longest = NULL;

    while (node != NULL && is_prefix(node, key, bits)) {
        if (node->value != NULL)
            longest = node->value;
        if (node->bits == bits)
            break;
        node = node->child[bit_at(key, node->bits)];
    }
    return longest;
}
