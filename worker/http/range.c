#include "worker/http/range.h"

/* What one specifier of the list comes to. */
enum specifier {
    SPECIFIER_RANGE, /* a range that the representation has bytes of */
    SPECIFIER_EMPTY, /* none of its bytes exist */
    SPECIFIER_BAD,
};

static void skip_spaces(struct slice *in)
{
    while (in->len > 0 && *in->at == ' ')
        *in = slice_from(*in, 1);
}

/* Decimal digits, at least one, at most INT64_MAX; and the spaces behind. */
static bool read_number(struct slice *in, uint64_t *number)
{
    size_t digits = 0;

    while (digits < in->len && in->at[digits] >= '0' && in->at[digits] <= '9')
        digits++;
    if (!slice_to_number(slice_first(*in, digits), INT64_MAX, number))
        return false;
    *in = slice_from(*in, digits);
    skip_spaces(in);
    return true;
}

static bool take(struct slice *in, char c)
{
    if (in->len == 0 || *in->at != c)
        return false;
    *in = slice_from(*in, 1);
    return true;
}

/* "-" digits: the last bytes. */
static bool read_suffix(struct slice *in, uint64_t size, struct byte_range *range)
{
    uint64_t length;

    if (!read_number(in, &length))
        return false;
    range->first = length < size ? size - length : 0;
    range->end = size;
    return true;
}

/* digits "-" [ digits ] */
static bool read_first_last(struct slice *in, uint64_t size, struct byte_range *range)
{
    uint64_t last;

    if (!read_number(in, &range->first) || !take(in, '-'))
        return false;
    range->end = size;
    skip_spaces(in);
    if (in->len == 0 || *in->at == ',')
        return true;
    if (!read_number(in, &last))
        return false;
    if (last < size)
        range->end = last + 1;
    return true;
}

static enum specifier read_specifier(struct slice *in, uint64_t size, struct byte_range *range)
{
    skip_spaces(in);
    bool good = take(in, '-') ? read_suffix(in, size, range) : read_first_last(in, size, range);
    if (!good || (in->len > 0 && *in->at != ','))
        return SPECIFIER_BAD;
    return range->first < range->end ? SPECIFIER_RANGE : SPECIFIER_EMPTY;
}

static size_t specifiers_at_most(struct slice list)
{
    size_t count = 1;

    for (size_t i = 0; i < list.len; i++)
        count += list.at[i] == ',';
    return count;
}

/* nginx's order of checks: what stands first in the list decides. */
static enum range_result read_list(struct slice list, uint64_t size, unsigned max,
                                   struct byte_range *ranges, size_t *count)
{
    uint64_t sum = 0;

    do {
        struct byte_range range;
        switch (read_specifier(&list, size, &range)) {
        case SPECIFIER_BAD:
            return RANGE_UNSATISFIABLE;
        case SPECIFIER_EMPTY:
            if (range.first == 0)
                return RANGE_IGNORE;
            break;
        case SPECIFIER_RANGE:
            if (range.end - range.first > INT64_MAX - sum)
                return RANGE_UNSATISFIABLE;
            sum += range.end - range.first;
            if (*count == max)
                return RANGE_IGNORE;
            ranges[(*count)++] = range;
            break;
        }
    } while (take(&list, ','));
    if (*count == 0)
        return RANGE_UNSATISFIABLE;
    return sum > size ? RANGE_IGNORE : RANGE_SATISFIABLE;
}

enum range_result range_parse(struct arena *arena, struct slice value, uint64_t size, unsigned max,
                              struct byte_range **ranges, size_t *count)
{
    struct slice unit = SLICE("bytes=");

    *ranges = NULL;
    *count = 0;
    if (value.len <= unit.len || !slice_equal_nocase(slice_first(value, unit.len), unit))
        return RANGE_IGNORE;
    struct slice list = slice_from(value, unit.len);
    *ranges = arena_alloc(arena, specifiers_at_most(list) * sizeof **ranges);
    if (*ranges == NULL)
        return RANGE_NO_MEMORY;
    return read_list(list, size, max, *ranges, count);
}
