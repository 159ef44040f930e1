#include "conf/suggest.h"

enum { WORD_MAX = 64 }; /* bytes; no known word is longer */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The best way to make the first i bytes of `a` the first j of `b`, from the
 * rows of i-1 (above) and i-2 (before). */
static unsigned step(struct slice a, struct slice b, size_t i, size_t j, const unsigned *row,
                     const unsigned *above, const unsigned *before)
{
    char left = ascii_lower(a.at[i - 1]);
    char right = ascii_lower(b.at[j - 1]);
    unsigned best = least(above[j] + 1, row[j - 1] + 1);

    best = least(best, above[j - 1] + (left == right ? 0 : 1));
    if (i > 1 && j > 1 && left == ascii_lower(b.at[j - 2]) && right == ascii_lower(a.at[i - 2]))
        best = least(best, before[j - 2] + 1);
    return best;
}

unsigned suggest_distance(struct slice a, struct slice b, unsigned limit)
{
    unsigned rows[3][WORD_MAX + 1];
    size_t difference = a.len > b.len ? a.len - b.len : b.len - a.len;

    if (difference > limit || a.len > WORD_MAX || b.len > WORD_MAX)
        return limit + 1;
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *before = rows[(i + 1) % 3];
        unsigned best = row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            row[j] = step(a, b, i, j, row, above, before);
            best = least(best, row[j]);
        }
        if (best > limit)
            return limit + 1;
    }
    return least(rows[a.len % 3][b.len], limit + 1);
}

struct slice suggest_nearest(struct slice word, size_t count,
                             struct slice (*words)(const void *context, size_t index),
                             const void *context)
{
    struct slice nearest = { "", 0 };
    unsigned limit = word.len < 6 ? 1 : word.len >= 12 ? 4 : (unsigned)word.len / 3;

    for (size_t i = 0; i < count; i++) {
        struct slice known = words(context, i);
        unsigned distance = suggest_distance(word, known, limit);
        if (distance > limit)
            continue;
        nearest = known;
        if (distance == 0)
            return nearest;
        limit = distance - 1;
    }
    return nearest;
}
