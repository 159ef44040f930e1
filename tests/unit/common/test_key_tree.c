#include "common/key_tree.h"

#include "tests/unit/unit.h"

#include <stdio.h>

enum { NODES = 5000 };

struct entry {
    struct key_node node;
    char text[20];
};

static struct entry entries[NODES];

static struct slice text_of(unsigned i)
{
    static char text[20];

    return (struct slice){ text, (size_t)snprintf(text, sizeof text, "key-%u", i) };
}

static void fill(struct key_tree *tree, unsigned count)
{
    key_tree_init(tree, offsetof(struct entry, text));
    for (unsigned i = 0; i < count; i++)
        key_tree_add(tree, &entries[i].node, text_of(i));
}

/* How many are in the tree; -1 when they are out of order. */
static long count_in_order(const struct key_node *node, uint32_t least, uint32_t most)
{
    if (node == NULL)
        return 0;
    if (node->hash < least || node->hash > most)
        return -1;
    long left = count_in_order(node->left, least, node->hash);
    long right = count_in_order(node->right, node->hash, most);
    return left < 0 || right < 0 ? -1 : left + 1 + right;
}

static unsigned depth_of(const struct key_node *node)
{
    if (node == NULL)
        return 0;
    unsigned left = depth_of(node->left), right = depth_of(node->right);
    return 1 + (left > right ? left : right);
}

START_TEST(what_was_added_is_found)
{
    struct key_tree tree;

    fill(&tree, NODES);
    for (unsigned i = 0; i < NODES; i++)
        ck_assert_ptr_eq(key_tree_find(&tree, text_of(i)), &entries[i].node);
    ck_assert_ptr_null(key_tree_find(&tree, text_of(NODES)));
    ck_assert_ptr_null(key_tree_find(&tree, SLICE("")));
    ck_assert_int_eq(count_in_order(tree.root, 0, UINT32_MAX), NODES);
}
END_TEST

START_TEST(it_stays_flat)
{
    struct key_tree tree;

    fill(&tree, NODES);
    ck_assert_uint_lt(depth_of(tree.root), 60);
}
END_TEST

START_TEST(what_was_removed_is_gone)
{
    struct key_tree tree;

    fill(&tree, NODES);
    for (unsigned i = 0; i < NODES; i += 2)
        key_tree_remove(&tree, &entries[i].node);
    for (unsigned i = 0; i < NODES; i++)
        ck_assert(key_tree_find(&tree, text_of(i)) == (i % 2 == 0 ? NULL : &entries[i].node));
    ck_assert_int_eq(count_in_order(tree.root, 0, UINT32_MAX), NODES / 2);
    for (unsigned i = 1; i < NODES; i += 2)
        key_tree_remove(&tree, &entries[i].node);
    ck_assert_ptr_null(tree.root);
}
END_TEST

/* Texts of one hash (CRC-32 is linear: such are easily made) are told apart. */
START_TEST(texts_of_one_hash_are_apart)
{
    struct key_tree tree;

    key_tree_init(&tree, offsetof(struct entry, text));
    key_tree_add(&tree, &entries[0].node, SLICE("plumless"));
    key_tree_add(&tree, &entries[1].node, SLICE("buckeroo"));
    ck_assert_uint_eq(entries[0].node.hash, entries[1].node.hash);
    ck_assert_ptr_eq(key_tree_find(&tree, SLICE("plumless")), &entries[0].node);
    ck_assert_ptr_eq(key_tree_find(&tree, SLICE("buckeroo")), &entries[1].node);
    key_tree_remove(&tree, &entries[0].node);
    ck_assert_ptr_null(key_tree_find(&tree, SLICE("plumless")));
    ck_assert_ptr_eq(key_tree_find(&tree, SLICE("buckeroo")), &entries[1].node);
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("key_tree", (const TTest *[]){
                                                what_was_added_is_found,
                                                it_stays_flat,
                                                what_was_removed_is_gone,
                                                texts_of_one_hash_are_apart,
                                                NULL,
                                            }));
}
