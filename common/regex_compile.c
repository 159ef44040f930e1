#include "common/regex_internal.h"

/* Two steps. Emission writes a program straight from the tree. Then, because
 * a thread may not go round a loop without taking a byte (Perl leaves the loop
 * there), instructions inside such loops are told apart by how many of the
 * loops around them have taken a byte in their present iteration. A loop
 * inside another one begins its iteration later, so these are always the
 * outermost ones, and a number, the level, says it all: a thread at depth d has
 * a level from 0 to d; taking a byte makes it d. In the program that comes out,
 * one instruction stands for each pair of instruction and level that can be. */

/* --- emission --- */

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

/* --- levels --- */

struct pair {
    uint32_t at;
    uint32_t level;
};

struct leveller {
    const struct instruction *source;
    struct arena *arena;
    uint32_t *offsets;  /* of an instruction's levels in `numbers` */
    uint32_t *numbers;  /* of the pairs in the new program, or REGEX_NONE */
    struct array pairs; /* of the new program's instructions */
    const char *failure;
};

/* Follows the instructions that only decide where to go. */
static struct pair resolve(const struct leveller *leveller, struct pair pair)
{
    while (true) {
        const struct instruction *code = &leveller->source[pair.at];
        if (code->op == OP_JUMP) {
            pair.at = code->other;
        } else if (code->op == OP_ENTER) {
            pair.at = code->next;
        } else if (code->op == OP_CHECK && pair.level == code->depth) {
            pair.at = code->next;
            pair.level--;
        } else if (code->op == OP_CHECK) {
            pair.at = code->other;
        } else {
            return pair;
        }
    }
}

/* The number of the pair in the new program: a new one at first sight. */
static uint32_t number_of(struct leveller *leveller, struct pair pair)
{
    pair = resolve(leveller, pair);
    uint32_t *number = &leveller->numbers[leveller->offsets[pair.at] + pair.level];
    if (*number != REGEX_NONE || leveller->failure != NULL)
        return *number;
    if (leveller->pairs.count == REGEX_PROGRAM_MAX) {
        leveller->failure = "pattern too large";
        return REGEX_NONE;
    }
    struct pair *added = array_push(&leveller->pairs, leveller->arena);
    if (added == NULL) {
        leveller->failure = "out of memory";
        return REGEX_NONE;
    }
    *added = pair;
    *number = (uint32_t)leveller->pairs.count - 1;
    return *number;
}

static struct instruction level_one(struct leveller *leveller, struct pair pair)
{
    struct instruction code = leveller->source[pair.at];

    switch (code.op) {
    case OP_BYTE:
    case OP_SET:
        code.next = number_of(leveller, (struct pair){ code.next, code.depth });
        break;
    case OP_SPLIT:
        code.next = number_of(leveller, (struct pair){ code.next, pair.level });
        code.other = number_of(leveller, (struct pair){ code.other, pair.level });
        break;
    case OP_SPLIT_LAZY: {
        uint32_t body = number_of(leveller, (struct pair){ code.next, pair.level });
        code.op = OP_SPLIT;
        code.next = number_of(leveller, (struct pair){ code.other, pair.level });
        code.other = body;
        break;
    }
    case OP_MATCH:
        break;
    default:
        code.next = number_of(leveller, (struct pair){ code.next, pair.level });
        break;
    }
    return code;
}

/* Every instruction needs a number for each level from 0 to its depth. */
static bool prepare_numbers(struct leveller *leveller, size_t count)
{
    size_t total = 0;

    leveller->offsets = arena_alloc(leveller->arena, count * sizeof *leveller->offsets);
    if (leveller->offsets == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        leveller->offsets[i] = (uint32_t)total;
        total += (size_t)leveller->source[i].depth + 1;
    }
    leveller->numbers = arena_alloc(leveller->arena, total * sizeof *leveller->numbers);
    if (leveller->numbers == NULL)
        return false;
    memset(leveller->numbers, 0xff, total * sizeof *leveller->numbers);
    return true;
}

/* The new program, in the order in which its instructions are met. */
static const char *level_program(struct regex *regex, struct arena *arena, struct arena *scratch,
                                 const struct array *source)
{
    struct leveller leveller = {
        .source = source->items,
        .arena = scratch,
        .pairs = { .item_size = sizeof(struct pair) },
    };
    struct array program = { .item_size = sizeof(struct instruction) };

    if (!prepare_numbers(&leveller, source->count))
        return "out of memory";
    number_of(&leveller, (struct pair){ 0, 0 });
    for (size_t i = 0; i < leveller.pairs.count && leveller.failure == NULL; i++) {
        struct pair pair = ((struct pair *)leveller.pairs.items)[i];
        struct instruction *code = array_push(&program, scratch);
        if (code == NULL)
            return "out of memory";
        *code = level_one(&leveller, pair);
    }
    if (leveller.failure != NULL)
        return leveller.failure;
    size_t size = program.count * sizeof(struct instruction);
    void *copy = arena_alloc(arena, size);
    if (copy == NULL)
        return "out of memory";
    regex->program = memcpy(copy, program.items, size);
    regex->count = (uint32_t)program.count;
    return NULL;
}

/* --- what is known from the program --- */

/* Does every way from the start lead through ^ or \A? */
static bool node_anchored(const struct node *node)
{
    switch (node->kind) {
    case NODE_ASSERT:
        return node->assertion == ASSERT_TEXT_START;
    case NODE_GROUP:
    case NODE_CONCAT:
        return node_anchored(node->child);
    case NODE_REPEAT:
        return node->min > 0 && node_anchored(node->child);
    case NODE_ALTERNATE:
        for (const struct node *child = node->child; child != NULL; child = child->next)
            if (!node_anchored(child))
                return false;
        return true;
    default:
        return false;
    }
}

/* The bytes that a match can begin with; none are known when it may be empty. */
static bool find_first(struct regex *regex, struct arena *scratch)
{
    uint32_t *stack = arena_alloc(scratch, (regex->count + 1) * sizeof *stack);
    bool *seen = arena_zalloc(scratch, regex->count);
    size_t count = 0;

    if (stack == NULL || seen == NULL)
        return false;
    regex->has_first = true;
    stack[count++] = 0;
    seen[0] = true;
    while (count > 0) {
        const struct instruction *code = &regex->program[stack[--count]];
        if (code->op == OP_BYTE) {
            set_add(&regex->first, code->arg);
        } else if (code->op == OP_SET) {
            set_join(&regex->first, &regex->sets[code->other]);
        } else if (code->op == OP_MATCH) {
            regex->has_first = false;
        } else {
            if (code->op == OP_SPLIT && !seen[code->other]) {
                seen[code->other] = true;
                stack[count++] = code->other;
            }
            if (!seen[code->next]) {
                seen[code->next] = true;
                stack[count++] = code->next;
            }
        }
    }
    return true;
}

/* Splits the classes of bytes by membership in the set. */
static void refine(struct regex *regex, const struct byte_set *set)
{
    uint8_t split[256]; /* the new class of a class's members of the set; 0: none yet */
    bool outside[256] = { false };

    memset(split, 0, sizeof split);
    for (unsigned byte = 0; byte < 256; byte++)
        if (!set_has(set, (unsigned char)byte))
            outside[regex->class_of[byte]] = true;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t class = regex->class_of[byte];
        if (!set_has(set, (unsigned char)byte) || !outside[class])
            continue;
        if (split[class] == 0)
            split[class] = (uint8_t)regex->classes++;
        regex->class_of[byte] = split[class];
    }
}

static void refine_by_assertion(struct regex *regex, enum assertion assertion)
{
    struct byte_set words = { 0 };

    for (unsigned byte = 0; byte < 256; byte++)
        if (side_of((unsigned char)byte) == SIDE_WORD)
            set_add(&words, (unsigned char)byte);
    switch (assertion) {
    case ASSERT_TEXT_START:
        regex->sides |= SIDE_EDGE;
        break;
    case ASSERT_LINE_START:
        regex->sides |= SIDE_EDGE | SIDE_NEWLINE;
        break;
    case ASSERT_WORD_EDGE:
    case ASSERT_WORD_INSIDE:
        regex->sides |= SIDE_WORD;
        refine(regex, &words);
        break;
    case ASSERT_TEXT_END:
    case ASSERT_LAST_LINE_END:
    case ASSERT_LINE_END:
        break;
    }
}

static void classify_bytes(struct regex *regex)
{
    struct byte_set newline = { 0 };
    bool byte_done[256] = { false };
    bool assertion_done[ASSERT_WORD_INSIDE + 1] = { false };

    regex->classes = 1;
    set_add(&newline, '\n');
    refine(regex, &newline);
    for (uint32_t i = 0; i < regex->set_count; i++)
        refine(regex, &regex->sets[i]);
    for (uint32_t i = 0; i < regex->count; i++) {
        const struct instruction *code = &regex->program[i];
        if (code->op == OP_BYTE && !byte_done[code->arg]) {
            struct byte_set one = { 0 };
            set_add(&one, code->arg);
            refine(regex, &one);
            byte_done[code->arg] = true;
        } else if (code->op == OP_ASSERT && !assertion_done[code->arg]) {
            refine_by_assertion(regex, (enum assertion)code->arg);
            assertion_done[code->arg] = true;
        }
    }
    for (unsigned byte = 0; byte < 256; byte++)
        regex->sample[regex->class_of[byte]] = (uint8_t)byte;
}

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
    regex->anchored = node_anchored(parsed->root);
    if (!find_first(regex, scratch))
        return "out of memory";
    classify_bytes(regex);
    return NULL;
}

bool regex_build(struct regex *regex, struct arena *arena, const struct parsed *parsed,
                 struct arena *scratch, struct regex_error *error)
{
    const char *failure = build(regex, arena, parsed, scratch);

    if (failure != NULL)
        *error = (struct regex_error){ 0, failure };
    return failure == NULL;
}
