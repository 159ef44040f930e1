/* prefix_tree.h: from networks to values: the longest prefix of an address wins.
 *
 * A binary trie whose nodes stand only where prefixes part (Morrison's PATRICIA):
 * at most two nodes a network, and a search visits one node for each network
 * around the address. Filled at load; the nodes live in an arena. */
#ifndef MUXD_COMMON_PREFIX_TREE_H
#define MUXD_COMMON_PREFIX_TREE_H

#include "common/arena.h"

enum { PREFIX_BITS_MAX = 128 };

struct prefix_node;

/* Of one family: all keys have the same length. Zero-initialise. */
struct prefix_tree {
    struct prefix_node *root;
};

/* The place of the value of the prefix, the first `bits` bits of `key` (16 bytes, zero behind
 * the prefix): NULL is in it when it has none yet; put one there, or NULL to take it away.
 * NULL when memory is out. */
void **prefix_tree_place(struct prefix_tree *, struct arena *, const uint8_t key[16],
                         unsigned bits);

/* The place of a prefix that has a value; NULL when it has none. */
void **prefix_tree_exact(const struct prefix_tree *, const uint8_t key[16], unsigned bits);

/* The value of the longest prefix of `key` that has one; NULL when there is none. `bits`: of the
 * whole key, 32 or 128. */
void *prefix_tree_find(const struct prefix_tree *, const uint8_t key[16], unsigned bits);

#endif
