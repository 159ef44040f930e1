/* key_tree.h: an ordered tree of nodes that are found by a text.
 *
 * A treap: a search tree by hash and text that random priorities keep flat, so that
 * texts which a client chooses cannot make it slow. It allocates nothing: a node
 * is embedded in what it belongs to, which is in one piece with its text, so
 * that all of it may stand in shared memory. */
#ifndef MUXD_COMMON_KEY_TREE_H
#define MUXD_COMMON_KEY_TREE_H

#include "common/slice.h"

#include <stdint.h>

enum { KEY_MAX = 65535 }; /* bytes of a text */

struct key_node {
    struct key_node *left, *right;
    uint32_t hash;
    uint32_t priority;
    uint16_t len; /* of the text */
};

struct key_tree {
    struct key_node *root;
    size_t text_at; /* where a node's text begins, in bytes from the node */
    uint32_t random;
};

/* Starts an empty tree. */
void key_tree_init(struct key_tree *, size_t text_at);

/* The node of this text; NULL when there is none. */
struct key_node *key_tree_find(const struct key_tree *, struct slice text);

/* Adds a node whose memory has room for the text (at most KEY_MAX bytes), which is copied. The
 * tree must not have the text yet. */
void key_tree_add(struct key_tree *, struct key_node *, struct slice text);

/* Takes a node out that is in the tree. */
void key_tree_remove(struct key_tree *, struct key_node *);

#endif
