#include "worker/http/geo_ranges.h"

#include "common/ip_address.h"

#include <netinet/in.h>

static uint32_t number_of(const struct ip_address *address)
{
    return (uint32_t)address->ip[0] << 24 | (uint32_t)address->ip[1] << 16 |
           (uint32_t)address->ip[2] << 8 | address->ip[3];
}

bool geo_range_read(struct slice text, struct geo_range *range)
{
    ptrdiff_t dash = slice_find(text, '-');
    struct ip_address first, last;

    if (dash < 0 || !ip_parse(slice_first(text, (size_t)dash), &first) ||
        !ip_parse(slice_from(text, (size_t)dash + 1), &last) || first.family != AF_INET ||
        last.family != AF_INET)
        return false;
    range->first = number_of(&first);
    range->last = number_of(&last);
    return range->first <= range->last;
}

/* Index of the first range that ends at the address or behind it; the count when none does. */
static size_t place_of(const struct geo_ranges *ranges, uint32_t address)
{
    const struct geo_range *list = ranges->list.items;
    size_t low = 0, high = ranges->list.count;

    if (high > 0 && list[high - 1].last < address)
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle].last < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Makes room for `count` ranges at the index. NULL: memory is out. */
static struct geo_range *open_gap(struct geo_ranges *ranges, struct arena *arena, size_t index,
                                  size_t count)
{
    size_t behind = ranges->list.count - index;

    for (size_t i = 0; i < count; i++)
        if (array_push(&ranges->list, arena) == NULL)
            return NULL;
    struct geo_range *list = ranges->list.items;
    memmove(&list[index + count], &list[index], behind * sizeof *list);
    return &list[index];
}

/* The range goes into a larger one, which is cut around it. */
static enum geo_added split(struct geo_ranges *ranges, struct arena *arena, size_t index,
                            const struct geo_range *range)
{
    struct geo_range outer = ((struct geo_range *)ranges->list.items)[index];
    bool before = outer.first < range->first, after = range->last < outer.last;
    struct geo_range *gap = open_gap(ranges, arena, index, (size_t)before + (size_t)after);

    if (gap == NULL)
        return GEO_NO_MEMORY;
    if (before)
        *gap++ = (struct geo_range){ outer.first, range->first - 1, outer.value };
    *gap++ = *range;
    if (after)
        *gap = (struct geo_range){ range->last + 1, outer.last, outer.value };
    return GEO_ADDED;
}

enum geo_added geo_ranges_add(struct geo_ranges *ranges, struct arena *arena,
                              const struct geo_range *range, struct geo_range *other)
{
    size_t index = place_of(ranges, range->first);
    struct geo_range *list = ranges->list.items;

    if (index == ranges->list.count || list[index].first > range->last) {
        struct geo_range *gap = open_gap(ranges, arena, index, 1);
        if (gap == NULL)
            return GEO_NO_MEMORY;
        *gap = *range;
        return GEO_ADDED;
    }
    *other = list[index];
    if (other->first == range->first && other->last == range->last) {
        list[index].value = range->value;
        return GEO_REPLACED;
    }
    if (other->first > range->first || other->last < range->last)
        return GEO_OVERLAPS;
    return split(ranges, arena, index, range);
}

bool geo_ranges_delete(struct geo_ranges *ranges, const struct geo_range *range)
{
    size_t index = place_of(ranges, range->first);
    struct geo_range *list = ranges->list.items;

    if (index == ranges->list.count || list[index].first != range->first ||
        list[index].last != range->last)
        return false;
    memmove(&list[index], &list[index + 1], (ranges->list.count - index - 1) * sizeof *list);
    ranges->list.count--;
    return true;
}

const struct slice *geo_ranges_find(const struct geo_ranges *ranges, uint32_t address)
{
    size_t index = place_of(ranges, address);
    const struct geo_range *list = ranges->list.items;

    return index < ranges->list.count && list[index].first <= address ? list[index].value : NULL;
}
