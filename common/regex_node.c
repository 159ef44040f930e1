#include "common/regex_internal.h"

struct node *node_refuse(struct parser *parser, size_t at, const char *message)
{
    parser_fail(parser, at, message);
    return NULL;
}

struct node *node_new(struct parser *parser, enum node_kind kind)
{
    struct node *node = arena_zalloc(parser->nodes, sizeof *node);

    if (node == NULL)
        return node_refuse(parser, parser->at, "out of memory");
    node->kind = kind;
    node->set = REGEX_NONE;
    node->nullable = kind == NODE_EMPTY || kind == NODE_FLAGS || kind == NODE_ASSERT;
    return node;
}

struct node *node_assert(struct parser *parser, enum assertion assertion)
{
    struct node *node = node_new(parser, NODE_ASSERT);

    if (node != NULL)
        node->assertion = assertion;
    return node;
}

/* The index of the set: that of an equal one among the last few, or a new one. */
static bool set_index(struct parser *parser, const struct byte_set *set, uint32_t *index)
{
    struct array *sets = &parser->parsed->sets;
    struct byte_set *items = sets->items;

    for (size_t i = sets->count, tries = 64; i > 0 && tries > 0; i--, tries--) {
        if (memcmp(&items[i - 1], set, sizeof *set) == 0) {
            *index = (uint32_t)(i - 1);
            return true;
        }
    }
    struct byte_set *added = array_push(sets, parser->nodes);
    if (added == NULL)
        return parser_fail(parser, parser->at, "out of memory");
    *added = *set;
    *index = (uint32_t)(sets->count - 1);
    return true;
}

struct node *node_set(struct parser *parser, const struct byte_set *set)
{
    struct node *node = node_new(parser, NODE_SET);

    return node != NULL && set_index(parser, set, &node->set) ? node : NULL;
}

struct node *node_byte(struct parser *parser, unsigned char byte)
{
    struct node *node = node_new(parser, NODE_BYTE);
    struct byte_set cases = { 0 };
    bool letter = ascii_letter((char)byte);

    if (node == NULL)
        return NULL;
    node->byte = byte;
    if (!letter || (parser->flags & FLAG_NOCASE) == 0)
        return node;
    set_add(&cases, byte);
    set_fold(&cases);
    return set_index(parser, &cases, &node->set) ? node : NULL;
}

struct node *node_repeat(struct parser *parser, struct node *atom, uint32_t min, uint32_t max,
                         bool lazy)
{
    if (max == 0 || atom->kind == NODE_EMPTY)
        return node_new(parser, NODE_EMPTY);
    if (min == 1 && max == 1)
        return atom;
    struct node *node = node_new(parser, NODE_REPEAT);
    if (node == NULL)
        return NULL;
    node->min = min;
    node->max = max;
    node->lazy = lazy;
    node->child = atom;
    node->nullable = min == 0 || atom->nullable;
    return node;
}

/* A node for `count` children, of which one may stand alone. */
struct node *node_join(struct parser *parser, enum node_kind kind, struct node *first, size_t count)
{
    if (count == 0)
        return node_new(parser, NODE_EMPTY);
    if (count == 1)
        return first;
    struct node *node = node_new(parser, kind);
    if (node == NULL)
        return NULL;
    node->child = first;
    node->nullable = kind == NODE_CONCAT;
    for (const struct node *child = first; child != NULL; child = child->next) {
        if (kind == NODE_CONCAT)
            node->nullable = node->nullable && child->nullable;
        else
            node->nullable = node->nullable || child->nullable;
    }
    return node;
}
