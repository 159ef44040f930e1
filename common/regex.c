#include "common/regex_internal.h"

#include <stdlib.h>

/* --- patterns that are plain text --- */

/* Adds the text of a node; false when it is more than text. Letters must all
 * be of one mind about case: `cased` and `folded` say which minds were met. */
static bool add_text(const struct node *node, char *text, size_t *len, bool *cased, bool *folded)
{
    char lower = ascii_lower((char)node->byte);

    if (node->kind != NODE_BYTE)
        return false;
    if (node->set != REGEX_NONE)
        *folded = true;
    else if (lower >= 'a' && lower <= 'z')
        *cased = true;
    text[(*len)++] = node->set != REGEX_NONE ? lower : (char)node->byte;
    return !(*cased && *folded);
}

static bool is_end(const struct node *node)
{
    return node->kind == NODE_ASSERT && node->next == NULL &&
           (node->assertion == ASSERT_TEXT_END || node->assertion == ASSERT_LAST_LINE_END);
}

/* Finds out whether the pattern is [anchor] text [anchor]. False: no memory. */
static bool find_literal(struct literal *literal, struct arena *arena, const struct node *root,
                         size_t longest)
{
    const struct node *node = root->kind == NODE_CONCAT ? root->child : root;
    char *text = arena_text(arena, longest);
    bool cased = false, folded = false;
    size_t len = 0;

    if (text == NULL)
        return false;
    if (node->kind == NODE_ASSERT && node->assertion == ASSERT_TEXT_START) {
        literal->at_start = true;
        node = node->next;
    }
    for (; node != NULL && !is_end(node); node = node->next)
        if (node->kind != NODE_EMPTY && !add_text(node, text, &len, &cased, &folded))
            return true;
    literal->at_end = node != NULL;
    literal->before_newline = node != NULL && node->assertion == ASSERT_LAST_LINE_END;
    literal->nocase = folded;
    literal->text = slice_make(text, len);
    literal->usable = !folded || literal->at_start || literal->at_end;
    return true;
}

static bool same_text(const struct literal *literal, struct slice text)
{
    return literal->nocase ? slice_equal_nocase(literal->text, text)
                           : slice_equal(literal->text, text);
}

/* The literal is at the end of the first `end` bytes, and at their start when
 * it has to be. */
static bool ends_at(const struct literal *literal, struct slice text, size_t end, size_t *start)
{
    if (end < literal->text.len || (literal->at_start && end > literal->text.len))
        return false;
    *start = end - literal->text.len;
    return same_text(literal, slice_make(text.at + *start, literal->text.len));
}

/* Where the literal begins in the text. */
static bool match_literal(const struct literal *literal, struct slice text, size_t *start)
{
    size_t len = literal->text.len;

    *start = 0;
    if (literal->at_end) {
        bool newline = literal->before_newline && text.len > 0 && text.at[text.len - 1] == '\n';
        return (newline && ends_at(literal, text, text.len - 1, start)) ||
               ends_at(literal, text, text.len, start);
    }
    if (len == 0)
        return true;
    if (literal->at_start)
        return text.len >= len && same_text(literal, slice_first(text, len));
    const char *found = text.len == 0 ? NULL : memmem(text.at, text.len, literal->text.at, len);
    *start = found == NULL ? 0 : (size_t)(found - text.at);
    return found != NULL;
}

/* --- the face --- */

/* FNV-1a. */
static uint64_t fingerprint_of(struct slice pattern, bool nocase)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ nocase;

    for (size_t i = 0; i < pattern.len; i++)
        hash = (hash ^ (unsigned char)pattern.at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static struct regex *compile(struct arena *arena, struct arena *scratch, struct slice pattern,
                             bool nocase, struct regex_error *error)
{
    struct parsed parsed;
    struct regex *regex = arena_zalloc(arena, sizeof *regex);

    if (!regex_parse(&parsed, scratch, arena, pattern, nocase, error))
        return NULL;
    struct slice *names = arena_alloc(arena, parsed.names.count * sizeof *names);
    if (regex == NULL || names == NULL ||
        !find_literal(&regex->literal, arena, parsed.root, pattern.len)) {
        *error = (struct regex_error){ 0, "out of memory" };
        return NULL;
    }
    memcpy(names, parsed.names.items, parsed.names.count * sizeof *names);
    regex->names = names;
    regex->groups = (unsigned)parsed.names.count;
    regex->fingerprint = fingerprint_of(pattern, nocase);
    return regex_build(regex, arena, &parsed, scratch, error) ? regex : NULL;
}

struct regex *regex_compile(struct arena *arena, struct slice pattern, bool nocase,
                            struct regex_error *error)
{
    struct arena scratch;

    *error = (struct regex_error){ 0 };
    arena_init(&scratch, NULL);
    struct regex *regex = compile(arena, &scratch, pattern, nocase, error);
    arena_free(&scratch);
    return regex;
}

unsigned regex_groups(const struct regex *regex)
{
    return regex->groups;
}

struct slice regex_group_name(const struct regex *regex, unsigned group)
{
    return group < regex->groups ? regex->names[group] : (struct slice){ NULL, 0 };
}

bool scratch_reserve(struct regex_scratch *scratch, size_t size)
{
    if (scratch->size >= size)
        return true;
    void *memory = malloc(size);
    if (memory == NULL)
        return false;
    free(scratch->memory);
    scratch->memory = memory;
    scratch->size = size;
    return true;
}

static struct slice part(struct slice text, size_t start, size_t end)
{
    return start == SIZE_MAX || end == SIZE_MAX ? (struct slice){ NULL, 0 }
                                                : slice_make(text.at + start, end - start);
}

/* The captures from the simulation, once it is known that there is a match. */
static bool match_captures(const struct regex *regex, struct regex_scratch *scratch,
                           struct slice text, struct slice *captures, unsigned count)
{
    size_t found[REGEX_GROUPS_MAX * 2];
    unsigned groups = count < regex->groups ? count : regex->groups;

    if (regex_simulate(regex, scratch, text, found, groups * 2) != REGEX_YES)
        return false;
    for (unsigned i = 0; i < groups; i++)
        captures[i] = part(text, found[i * 2], found[i * 2 + 1]);
    return true;
}

bool regex_match(const struct regex *regex, struct regex_scratch *scratch, struct slice text,
                 struct slice *captures, unsigned count)
{
    size_t start;

    if (captures == NULL)
        count = 0;
    for (unsigned i = 0; i < count; i++)
        captures[i] = (struct slice){ NULL, 0 };
    if (text.at == NULL)
        text = SLICE("");
    if (regex->literal.usable) {
        scratch->steps += text.len;
        if (!match_literal(&regex->literal, text, &start))
            return false;
        if (count > 0)
            captures[0] = slice_make(text.at + start, regex->literal.text.len);
        return true;
    }
    enum regex_answer answer = regex_dfa_run(regex, scratch, text);
    if (answer == REGEX_NO_MEMORY)
        answer = regex_simulate(regex, scratch, text, NULL, 0);
    if (answer != REGEX_YES || count == 0)
        return answer == REGEX_YES;
    return match_captures(regex, scratch, text, captures, count);
}

void regex_scratch_free(struct regex_scratch *scratch)
{
    regex_dfa_free(scratch->states);
    free(scratch->memory);
    scratch->states = NULL;
    scratch->memory = NULL;
    scratch->size = 0;
}
