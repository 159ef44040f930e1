#include "common/regex_internal.h"

/* Because a thread may not go round a loop without taking a byte (Perl leaves
 * the loop there), instructions inside such loops are told apart by how many
 * of the loops around them have taken a byte in their present iteration. A
 * loop inside another one begins its iteration later, so these are always the
 * outermost ones, and a number, the level, says it all: a thread at depth d
 * has a level from 0 to d; taking a byte makes it d. In the program that comes
 * out, one instruction stands for each pair of instruction and level that can
 * be. */

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

const char *level_program(struct regex *regex, struct arena *arena, struct arena *scratch,
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
