#include "common/regex_internal.h"

struct emitter {
    struct arena *arena;
    struct array program;
    uint16_t depth;
    const char *failure;
};

static struct instruction *code_at(const struct emitter *emitter, uint32_t at)
{
    return (struct instruction *)emitter->program.items + at;
}

static uint32_t here(const struct emitter *emitter)
{
    return (uint32_t)emitter->program.count;
}

/* Adds an instruction that goes on behind itself; false when there is no room. */
static bool emit(struct emitter *emitter, enum op op, uint8_t arg)
{
    struct instruction *code;

    if (emitter->program.count == REGEX_PROGRAM_MAX) {
        emitter->failure = "pattern too large";
        return false;
    }
    code = array_push(&emitter->program, emitter->arena);
    if (code == NULL) {
        emitter->failure = "out of memory";
        return false;
    }
    code->op = (uint8_t)op;
    code->arg = arg;
    code->depth = emitter->depth;
    code->next = here(emitter);
    return true;
}

/* Instructions whose `other` is not known yet form a chain through it. */
static void chain_last(struct emitter *emitter, uint32_t *chain)
{
    uint32_t last = here(emitter) - 1;

    code_at(emitter, last)->other = *chain;
    *chain = last;
}

static void chain_end(struct emitter *emitter, uint32_t chain)
{
    while (chain != REGEX_NONE) {
        struct instruction *code = code_at(emitter, chain);
        chain = code->other;
        code->other = here(emitter);
    }
}

static bool emit_node(struct emitter *, const struct node *);

static bool emit_set(struct emitter *emitter, uint32_t set)
{
    if (!emit(emitter, OP_SET, 0))
        return false;
    code_at(emitter, here(emitter) - 1)->other = set;
    return true;
}

static bool emit_byte(struct emitter *emitter, const struct node *node)
{
    return node->set == REGEX_NONE ? emit(emitter, OP_BYTE, node->byte)
                                   : emit_set(emitter, node->set);
}

static bool emit_concat(struct emitter *emitter, const struct node *node)
{
    for (const struct node *child = node->child; child != NULL; child = child->next)
        if (!emit_node(emitter, child))
            return false;
    return true;
}

static bool emit_alternate(struct emitter *emitter, const struct node *node)
{
    uint32_t ends = REGEX_NONE;

    for (const struct node *child = node->child; child != NULL; child = child->next) {
        uint32_t split = here(emitter);
        if (child->next == NULL) {
            if (!emit_node(emitter, child))
                return false;
            break;
        }
        if (!emit(emitter, OP_SPLIT, 0) || !emit_node(emitter, child) || !emit(emitter, OP_JUMP, 0))
            return false;
        chain_last(emitter, &ends);
        code_at(emitter, split)->other = here(emitter);
    }
    chain_end(emitter, ends);
    return true;
}

static bool emit_group(struct emitter *emitter, const struct node *node)
{
    return emit(emitter, OP_SAVE, (uint8_t)(node->group * 2)) && emit_node(emitter, node->child) &&
           emit(emitter, OP_SAVE, (uint8_t)(node->group * 2 + 1));
}

/* One iteration of the repeated child; where it took nothing and is `checked`,
 * a thread leaves to the end of the `exits`. */
static bool emit_iteration(struct emitter *emitter, const struct node *node, bool checked,
                           uint32_t *exits)
{
    if (!checked)
        return emit_node(emitter, node->child);
    if (!emit(emitter, OP_ENTER, 0))
        return false;
    emitter->depth++;
    if (!emit_node(emitter, node->child) || !emit(emitter, OP_CHECK, 0))
        return false;
    chain_last(emitter, exits);
    emitter->depth--;
    return true;
}

static enum op split_of(const struct node *node)
{
    return node->lazy ? OP_SPLIT_LAZY : OP_SPLIT;
}

/* x{0,} is "split to x or out, x, jump back". */
static bool emit_star(struct emitter *emitter, const struct node *node, uint32_t *exits)
{
    uint32_t split = here(emitter);

    if (!emit(emitter, split_of(node), 0))
        return false;
    chain_last(emitter, exits);
    if (!emit_iteration(emitter, node, node->child->nullable, exits) || !emit(emitter, OP_JUMP, 0))
        return false;
    code_at(emitter, here(emitter) - 1)->other = split;
    return true;
}

/* x{1,} is "x, split back to x or out". */
static bool emit_plus(struct emitter *emitter, const struct node *node, uint32_t *exits)
{
    uint32_t start = here(emitter);

    if (!emit_iteration(emitter, node, node->child->nullable, exits) ||
        !emit(emitter, split_of(node), 0))
        return false;
    code_at(emitter, here(emitter) - 1)->next = start;
    chain_last(emitter, exits);
    return true;
}

static bool emit_optional(struct emitter *emitter, const struct node *node, uint32_t *exits)
{
    if (!emit(emitter, split_of(node), 0))
        return false;
    chain_last(emitter, exits);
    return emit_iteration(emitter, node, node->child->nullable, exits);
}

/* Perl asks whether an iteration took a byte from the min-th on. */
static bool emit_repeat(struct emitter *emitter, const struct node *node)
{
    bool endless = node->max == REGEX_FOREVER;
    uint32_t plain = endless && node->min > 0 ? node->min - 1 : node->min;
    uint32_t exits = REGEX_NONE;

    for (uint32_t i = 1; i <= plain; i++) {
        bool checked = node->child->nullable && i == node->min && node->max > node->min;
        if (!emit_iteration(emitter, node, checked, &exits))
            return false;
    }
    if (endless) {
        bool done =
            node->min == 0 ? emit_star(emitter, node, &exits) : emit_plus(emitter, node, &exits);
        if (!done)
            return false;
    }
    for (uint32_t i = node->min; !endless && i < node->max; i++)
        if (!emit_optional(emitter, node, &exits))
            return false;
    chain_end(emitter, exits);
    return true;
}

static bool emit_node(struct emitter *emitter, const struct node *node)
{
    switch (node->kind) {
    case NODE_EMPTY:
    case NODE_FLAGS:
        return true;
    case NODE_BYTE:
        return emit_byte(emitter, node);
    case NODE_SET:
        return emit_set(emitter, node->set);
    case NODE_ASSERT:
        return emit(emitter, OP_ASSERT, (uint8_t)node->assertion);
    case NODE_CONCAT:
        return emit_concat(emitter, node);
    case NODE_ALTERNATE:
        return emit_alternate(emitter, node);
    case NODE_REPEAT:
        return emit_repeat(emitter, node);
    case NODE_GROUP:
        return emit_group(emitter, node);
    }
    return false;
}

/* --- the whole --- */

static const char *build(struct regex *regex, struct arena *arena, const struct parsed *parsed,
                         struct arena *scratch)
{
    struct emitter emitter = {
        .arena = scratch,
        .program = { .item_size = sizeof(struct instruction) },
    };

    if (!emit_node(&emitter, parsed->root) || !emit(&emitter, OP_MATCH, 0))
        return emitter.failure;
    const char *failure = level_program(regex, arena, scratch, &emitter.program);
    if (failure != NULL)
        return failure;

    size_t size = parsed->sets.count * sizeof(struct byte_set);
    void *sets = arena_alloc(arena, size);
    if (sets == NULL)
        return "out of memory";
    if (size > 0)
        memcpy(sets, parsed->sets.items, size);
    regex->sets = sets;
    regex->set_count = (uint32_t)parsed->sets.count;
    return regex_analyse(regex, parsed->root, scratch) ? NULL : "out of memory";
}

bool regex_build(struct regex *regex, struct arena *arena, const struct parsed *parsed,
                 struct arena *scratch, struct regex_error *error)
{
    const char *failure = build(regex, arena, parsed, scratch);

    if (failure != NULL)
        *error = (struct regex_error){ 0, failure };
    return failure == NULL;
}
