#include "common/regex_internal.h"

#include <stdlib.h>

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
        !literal_find(&regex->literal, arena, parsed.root, pattern.len)) {
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

bool regex_scratch_reserve(struct regex_scratch *scratch, size_t size)
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
        if (!literal_match(&regex->literal, text, &start))
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
