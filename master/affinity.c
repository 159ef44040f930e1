#include "master/affinity.h"

enum affinity_problem affinity_parse(struct slice text, cpu_set_t *mask, char *bad)
{
    size_t cpu = 0;

    CPU_ZERO(mask);
    if (text.len > CPU_SETSIZE)
        return AFFINITY_TOO_LONG;
    for (size_t left = text.len; left > 0; left--) {
        char digit = text.at[left - 1];
        if (digit == ' ')
            continue;
        if (digit != '0' && digit != '1') {
            *bad = digit;
            return AFFINITY_BAD_CHARACTER;
        }
        if (digit == '1')
            CPU_SET(cpu, mask);
        cpu++;
    }
    return AFFINITY_OK;
}

/* The processor of rank `rank` among those of the mask, round and round. */
static bool nth_processor(const cpu_set_t *mask, unsigned rank, cpu_set_t *one)
{
    unsigned count = (unsigned)CPU_COUNT(mask);

    if (count == 0)
        return false;
    rank %= count;
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, mask) || rank-- > 0)
            continue;
        CPU_ZERO(one);
        CPU_SET(i, one);
        return true;
    }
    return false;
}

bool affinity_of(const struct affinity *affinity, unsigned slot, cpu_set_t *mask)
{
    if (affinity->count == 0)
        return false;
    if (affinity->automatic)
        return nth_processor(&affinity->masks[0], slot, mask);
    *mask = affinity->masks[slot < affinity->count ? slot : affinity->count - 1];
    return CPU_COUNT(mask) > 0;
}
