/* list.h: a doubly linked list whose nodes are embedded in what is listed.
 *
 * It allocates nothing, and its pointers may stand in shared memory. The list is a ring: its
 * `next` is the first, its `previous` the last, and both itself when it is empty. A node that
 * is the first field of its struct is cast to it. */
#ifndef MUXD_COMMON_LIST_H
#define MUXD_COMMON_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *next, *previous;
};

/* Starts an empty list. */
static inline void list_init(struct list_node *list)
{
    list->next = list->previous = list;
}

/* Adds a node before all others. */
static inline void list_add_first(struct list_node *list, struct list_node *node)
{
    node->next = list->next;
    node->previous = list;
    node->next->previous = node;
    list->next = node;
}

/* Takes a node out of the list that it is in. */
static inline void list_remove(struct list_node *node)
{
    node->next->previous = node->previous;
    node->previous->next = node->next;
}

/* The first, the last, and the one behind a node; NULL: there is none. */
static inline struct list_node *list_first(const struct list_node *list)
{
    return list->next == list ? NULL : list->next;
}

static inline struct list_node *list_last(const struct list_node *list)
{
    return list->previous == list ? NULL : list->previous;
}

static inline struct list_node *list_next(const struct list_node *list,
                                          const struct list_node *node)
{
    return node->next == list ? NULL : node->next;
}

#endif
