#include "common/regex_internal.h"

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

bool regex_analyse(struct regex *regex, const struct node *root, struct arena *scratch)
{
    regex->anchored = node_anchored(root);
    classify_bytes(regex);
    return find_first(regex, scratch);
}
