#include "common/key_tree.h"

#include "common/clock.h"
#include "common/crc32.h"

#include <sys/random.h>

static char *text_of(const struct key_tree *tree, const struct key_node *node)
{
    return (char *)(uintptr_t)node + tree->text_at;
}

/* As memcmp: where a text of this hash stands, seen from the node. */
static int compare(const struct key_tree *tree, uint32_t hash, struct slice text,
                   const struct key_node *node)
{
    if (hash != node->hash)
        return hash < node->hash ? -1 : 1;
    if (text.len != node->len)
        return text.len < node->len ? -1 : 1;
    return memcmp(text.at, text_of(tree, node), text.len);
}

static uint32_t hash_of(struct slice text)
{
    return crc32_add(0, text.at, text.len);
}

/* xorshift: the seed is not 0. */
static uint32_t next_random(struct key_tree *tree)
{
    uint32_t x = tree->random;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return tree->random = x;
}

void key_tree_init(struct key_tree *tree, size_t text_at)
{
    *tree = (struct key_tree){ .text_at = text_at };
    /* Without entropy, early at boot, nobody can know the time so well either. */
    if (getrandom(&tree->random, sizeof tree->random, GRND_NONBLOCK) < 0)
        tree->random = (uint32_t)clock_monotonic();
    tree->random |= 1;
}

struct key_node *key_tree_find(const struct key_tree *tree, struct slice text)
{
    uint32_t hash = hash_of(text);
    struct key_node *node = tree->root;

    while (node != NULL) {
        int order = compare(tree, hash, text, node);
        if (order == 0)
            break;
        node = order < 0 ? node->left : node->right;
    }
    return node;
}

/* Takes `at` apart: what is below the new node becomes its left side, the rest its right. */
static void split(const struct key_tree *tree, struct key_node *at, struct key_node *node,
                  struct slice text)
{
    struct key_node **left = &node->left;
    struct key_node **right = &node->right;

    while (at != NULL) {
        if (compare(tree, node->hash, text, at) < 0) {
            *right = at;
            right = &at->left;
            at = at->left;
        } else {
            *left = at;
            left = &at->right;
            at = at->right;
        }
    }
    *left = NULL;
    *right = NULL;
}

void key_tree_add(struct key_tree *tree, struct key_node *node, struct slice text)
{
    struct key_node **link = &tree->root;

    node->hash = hash_of(text);
    node->len = (uint16_t)text.len;
    node->priority = next_random(tree);
    if (text.len > 0)
        memcpy(text_of(tree, node), text.at, text.len);
    while (*link != NULL && (*link)->priority >= node->priority)
        link = compare(tree, node->hash, text, *link) < 0 ? &(*link)->left : &(*link)->right;
    split(tree, *link, node, text);
    *link = node;
}

void key_tree_remove(struct key_tree *tree, struct key_node *node)
{
    struct slice text = { text_of(tree, node), node->len };
    struct key_node **link = &tree->root;
    struct key_node *left = node->left;
    struct key_node *right = node->right;

    while (*link != node)
        link = compare(tree, node->hash, text, *link) < 0 ? &(*link)->left : &(*link)->right;
    /* Both sides are joined in its place, the higher priority on top. */
    while (left != NULL && right != NULL) {
        if (left->priority >= right->priority) {
            *link = left;
            link = &left->right;
            left = left->right;
        } else {
            *link = right;
            link = &right->left;
            right = right->left;
        }
    }
    *link = left != NULL ? left : right;
}
