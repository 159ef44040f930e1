#include "common/matcher.h"

/* A text looked for, in lower case. */
struct wanted {
    struct slice text;
    uint32_t next; /* 1 + index of the next one with the same pivot; 0: none */
};

/* The pivot of a text is its byte number shortest - 1: the last of those that all have. */
struct matcher {
    size_t count, shortest, longest;
    uint32_t first[256]; /* 1 + index of the first text with this byte as its pivot */
    uint32_t shift[256]; /* how far a byte is at least from the pivot place that it can fill */
    struct wanted wanted[];
};

enum compared { SAME, OTHER, CUT /* the same as far as it is there */ };

static char ascii_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

/* --- building --- */

static void set_both_cases(uint32_t table[256], char c, uint32_t value)
{
    table[(unsigned char)c] = value;
    table[(unsigned char)ascii_upper(c)] = value;
}

/* Shorter shifts are those of later bytes: they are set last. */
static void fill_shifts(struct matcher *matcher)
{
    size_t shortest = matcher->shortest;

    for (unsigned c = 0; c < 256; c++)
        matcher->shift[c] = (uint32_t)shortest;
    for (size_t place = 0; place < shortest; place++)
        for (size_t i = 0; i < matcher->count; i++)
            set_both_cases(matcher->shift, matcher->wanted[i].text.at[place],
                           (uint32_t)(shortest - 1 - place));
}

/* Each byte's list keeps the order in which the texts were named. */
static void fill_lists(struct matcher *matcher)
{
    for (size_t i = matcher->count; i-- > 0;) {
        char pivot = matcher->wanted[i].text.at[matcher->shortest - 1];
        matcher->wanted[i].next = matcher->first[(unsigned char)pivot];
        set_both_cases(matcher->first, pivot, (uint32_t)i + 1);
    }
}

static struct slice lower_copy(struct arena *arena, struct slice text)
{
    char *copy = arena_text(arena, text.len);

    for (size_t i = 0; copy != NULL && i < text.len; i++)
        copy[i] = ascii_lower(text.at[i]);
    return slice_make(copy, text.len);
}

struct matcher *matcher_new(struct arena *arena, const struct slice *texts, size_t count)
{
    struct matcher *matcher =
        arena_zalloc(arena, sizeof *matcher + count * sizeof *matcher->wanted);

    if (matcher == NULL)
        return NULL;
    matcher->count = count;
    matcher->shortest = texts[0].len;
    for (size_t i = 0; i < count; i++) {
        matcher->wanted[i].text = lower_copy(arena, texts[i]);
        if (matcher->wanted[i].text.at == NULL)
            return NULL;
        if (texts[i].len < matcher->shortest)
            matcher->shortest = texts[i].len;
        if (texts[i].len > matcher->longest)
            matcher->longest = texts[i].len;
    }
    if (matcher->shortest > UINT32_MAX)
        matcher->shortest = UINT32_MAX;
    fill_shifts(matcher);
    fill_lists(matcher);
    return matcher;
}

size_t matcher_count(const struct matcher *matcher)
{
    return matcher->count;
}

size_t matcher_length(const struct matcher *matcher, size_t index)
{
    return matcher->wanted[index].text.len;
}

size_t matcher_longest(const struct matcher *matcher)
{
    return matcher->longest;
}

/* --- searching --- */

static enum compared compare(struct slice in, struct slice text)
{
    size_t len = in.len < text.len ? in.len : text.len;

    for (size_t i = 0; i < len; i++)
        if (ascii_lower(in.at[i]) != text.at[i])
            return OTHER;
    return len == text.len ? SAME : CUT;
}

/* The text that begins where `in` does. A longer one that was named earlier goes before:
 * while it is not known whether it does, no other is taken. */
static enum compared try_pivot(const struct matcher *matcher, struct slice in, bool whole,
                               const bool *done, size_t *index)
{
    uint32_t next = matcher->first[(unsigned char)in.at[matcher->shortest - 1]];

    while (next != 0) {
        const struct wanted *wanted = &matcher->wanted[next - 1];
        enum compared compared = done != NULL && done[next - 1] ? OTHER : compare(in, wanted->text);
        *index = next - 1;
        if (compared == SAME || (compared == CUT && !whole))
            return compared;
        next = wanted->next;
    }
    return OTHER;
}

/* Some text begins with all of `in`. */
static bool is_beginning(const struct matcher *matcher, struct slice in, const bool *done)
{
    for (size_t i = 0; i < matcher->count; i++)
        if ((done == NULL || !done[i]) && compare(in, matcher->wanted[i].text) == CUT)
            return true;
    return false;
}

bool matcher_find(const struct matcher *matcher, struct slice in, bool whole, const bool *done,
                  size_t *at, size_t *index)
{
    size_t pivot = matcher->shortest - 1;

    while (pivot < in.len) {
        uint32_t shift = matcher->shift[(unsigned char)in.at[pivot]];
        pivot += shift;
        if (shift > 0)
            continue;
        *at = pivot - (matcher->shortest - 1);
        enum compared compared = try_pivot(matcher, slice_from(in, *at), whole, done, index);
        if (compared != OTHER)
            return compared == SAME;
        pivot++;
    }
    /* Fewer bytes than the shortest text has are left over. */
    *at = pivot - (matcher->shortest - 1);
    if (*at > in.len || whole)
        *at = in.len;
    while (*at < in.len && !is_beginning(matcher, slice_from(in, *at), done))
        (*at)++;
    return false;
}
