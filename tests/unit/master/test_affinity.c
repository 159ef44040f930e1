#include "master/affinity.h"

#include "tests/unit/unit.h"

/* The processors of a mask below 64, as bits. */
static uint64_t bits_of(const cpu_set_t *mask)
{
    uint64_t bits = 0;

    for (size_t cpu = 0; cpu < 64; cpu++)
        if (CPU_ISSET(cpu, mask))
            bits |= UINT64_C(1) << cpu;
    return bits;
}

static cpu_set_t mask_of(uint64_t bits)
{
    cpu_set_t mask;

    CPU_ZERO(&mask);
    for (size_t cpu = 0; cpu < 64; cpu++)
        if (bits >> cpu & 1)
            CPU_SET(cpu, &mask);
    return mask;
}

START_TEST(masks_are_read_from_their_end)
{
    static const struct {
        const char *text;
        uint64_t bits;
    } rows[] = {
        { "1", 1 },       { "0", 0 },   { "10", 2 },
        { "0101", 5 },    { "", 0 },    { "0000000000000000000000000000000000000001", 1 },
        { "10 10", 0xa }, { " 1 ", 1 }, { "11111111", 0xff },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cpu_set_t mask;
        char bad = 0;
        ck_assert_int_eq(affinity_parse(slice_of(rows[i].text), &mask, &bad), AFFINITY_OK);
        ck_assert_uint_eq(bits_of(&mask), rows[i].bits);
    }
}
END_TEST

START_TEST(other_characters)
{
    static const struct {
        const char *text;
        char bad;
    } rows[] = { { "1x", 'x' }, { "2", '2' }, { "abc", 'c' }, { "1\t1", '\t' }, { "-1", '-' } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cpu_set_t mask;
        char bad = 0;
        ck_assert_int_eq(affinity_parse(slice_of(rows[i].text), &mask, &bad),
                         AFFINITY_BAD_CHARACTER);
        ck_assert_int_eq(bad, rows[i].bad);
    }
}
END_TEST

START_TEST(the_longest_mask)
{
    char text[CPU_SETSIZE + 1];
    cpu_set_t mask;
    char bad;

    memset(text, '1', sizeof text);
    ck_assert_int_eq(affinity_parse(slice_make(text, CPU_SETSIZE), &mask, &bad), AFFINITY_OK);
    ck_assert_int_eq(CPU_COUNT(&mask), CPU_SETSIZE);
    ck_assert_int_eq(affinity_parse(slice_make(text, CPU_SETSIZE + 1), &mask, &bad),
                     AFFINITY_TOO_LONG);
}
END_TEST

START_TEST(no_directive)
{
    struct affinity affinity = { 0 };
    cpu_set_t mask;

    ck_assert(!affinity_of(&affinity, 0, &mask));
    ck_assert(!affinity_of(&affinity, 7, &mask));
}
END_TEST

START_TEST(the_last_mask_is_for_the_rest)
{
    cpu_set_t masks[] = { mask_of(1), mask_of(6), mask_of(8) }, mask;
    struct affinity affinity = { .count = 3, .masks = masks };
    static const uint64_t expected[] = { 1, 6, 8, 8, 8 };

    for (unsigned slot = 0; slot < 5; slot++) {
        ck_assert(affinity_of(&affinity, slot, &mask));
        ck_assert_uint_eq(bits_of(&mask), expected[slot]);
    }
}
END_TEST

START_TEST(a_mask_of_none_binds_nobody)
{
    cpu_set_t masks[] = { mask_of(0), mask_of(1) }, mask;
    struct affinity affinity = { .count = 2, .masks = masks };

    ck_assert(!affinity_of(&affinity, 0, &mask));
    ck_assert(affinity_of(&affinity, 1, &mask));
    affinity.automatic = true;
    affinity.count = 1;
    ck_assert(!affinity_of(&affinity, 0, &mask));
}
END_TEST

START_TEST(automatic_goes_round)
{
    cpu_set_t masks[] = { mask_of(0x8000000000000126) }, mask;
    struct affinity affinity = { .automatic = true, .count = 1, .masks = masks };
    static const unsigned expected[] = { 1, 2, 5, 8, 63, 1, 2 };

    for (unsigned slot = 0; slot < 7; slot++) {
        ck_assert(affinity_of(&affinity, slot, &mask));
        ck_assert_int_eq(CPU_COUNT(&mask), 1);
        ck_assert(CPU_ISSET(expected[slot], &mask));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        masks_are_read_from_their_end,
        other_characters,
        the_longest_mask,
        no_directive,
        the_last_mask_is_for_the_rest,
        a_mask_of_none_binds_nobody,
        automatic_goes_round,
        NULL,
    };

    return unit_main(unit_suite("affinity", tests));
}
