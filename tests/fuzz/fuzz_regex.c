/* Any pattern on any text: the matchers agree, captures lie inside the text,
 * and the steps are linear.
 *
 * The first byte says how long the pattern is and whether case counts; the
 * pattern follows, and what is left is the text. */
#include "common/regex_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEPS_FACTOR = 6 };

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static void check_steps(const struct regex *regex, struct regex_scratch *scratch, size_t len)
{
    expect(scratch->steps <= STEPS_FACTOR * (uint64_t)regex->count * (len + 1),
           "the steps are linear");
    scratch->steps = 0;
}

static void check_captures(struct slice text, const struct slice *captures, unsigned count)
{
    expect(captures[0].at != NULL, "a match has a place");
    for (unsigned i = 0; i < count; i++) {
        if (captures[i].at == NULL)
            continue;
        size_t start = (size_t)(captures[i].at - text.at);
        expect(start <= text.len && captures[i].len <= text.len - start,
               "a capture lies in the text");
    }
}

/* A DFA that starts anew, one that goes on, and the simulation: one answer. */
static void check_match(const struct regex *regex, struct regex_scratch *scratch, struct slice text)
{
    struct slice captures[REGEX_GROUPS_MAX];
    size_t found[REGEX_GROUPS_MAX * 2];
    unsigned groups = regex_groups(regex);
    bool matched = regex_match(regex, scratch, text, captures, groups);

    check_steps(regex, scratch, text.len);
    if (matched)
        check_captures(text, captures, groups);
    expect(regex_match(regex, scratch, text, NULL, 0) == matched, "yes and no agree");
    check_steps(regex, scratch, text.len);
    expect((regex_dfa_run(regex, scratch, text) == REGEX_YES) == matched, "the DFA agrees");
    check_steps(regex, scratch, text.len);
    expect((regex_simulate(regex, scratch, text, found, groups * 2) == REGEX_YES) == matched,
           "the simulation agrees");
    check_steps(regex, scratch, text.len);
    if (matched)
        expect(captures[0].at == text.at + found[0] && captures[0].len == found[1] - found[0],
               "the simulation finds the same place");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* One for all inputs, as a worker has: its cache fills up and is emptied. */
    static struct regex_scratch scratch;
    struct regex_error error;
    struct arena arena;

    if (size == 0)
        return 0;
    struct slice rest = { (const char *)data + 1, size - 1 };
    struct slice pattern = slice_first(rest, data[0] >> 1);
    struct slice text = slice_from(rest, pattern.len);
    arena_init(&arena, NULL);
    struct regex *regex = regex_compile(&arena, pattern, (data[0] & 1) != 0, &error);
    if (regex == NULL)
        expect(error.message != NULL && error.at <= pattern.len, "a refusal says where and why");
    else
        check_match(regex, &scratch, text);
    arena_free(&arena);
    return 0;
}
