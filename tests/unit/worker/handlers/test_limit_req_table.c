#include "worker/handlers/limit_req_table.h"

#include "tests/unit/unit.h"

#include <stdio.h>

enum { NOW = 1000000 };

static struct shared_memory *memory;
static struct limit_req_table *table;

static void setup(void)
{
    memory = shared_memory_map(32768);
    ck_assert_ptr_nonnull(memory);
    shared_memory_lock(memory);
    table = limit_req_table_new(memory);
    ck_assert_ptr_nonnull(table);
}

static void teardown(void)
{
    shared_memory_unlock(memory);
    shared_memory_unmap(memory);
}

/* The excess when it passes, -1 when it does not, -2 without room. */
static long ask(const char *key, uint64_t rate, uint64_t burst, uint64_t now)
{
    struct limit_req_ask own = { slice_of(key), rate, burst, now };
    uint64_t excess;

    switch (limit_req_ask(table, &own, true, &excess)) {
    case LIMIT_REQ_PASSED:
        return (long)excess;
    case LIMIT_REQ_BUSY:
        return -1;
    case LIMIT_REQ_NO_ROOM:
        break;
    }
    return -2;
}

/* nginx's numbers: 1 r/s, burst 2. */
START_TEST(the_bucket_leaks)
{
    ck_assert_int_eq(ask("a", 1000, 2000, NOW), 0);
    ck_assert_int_eq(ask("a", 1000, 2000, NOW), 1000);
    ck_assert_int_eq(ask("a", 1000, 2000, NOW), 2000);
    ck_assert_int_eq(ask("a", 1000, 2000, NOW), -1);
    ck_assert_int_eq(ask("a", 1000, 2000, NOW + 999), -1);
    ck_assert_int_eq(ask("a", 1000, 2000, NOW + 1000), 2000);
    ck_assert_int_eq(ask("a", 1000, 2000, NOW + 2500), 1500);
    ck_assert_int_eq(ask("b", 1000, 2000, NOW + 2500), 0);
    ck_assert_int_eq(ask("a", 1000, 2000, NOW + 100000), 0);
    ck_assert_int_eq(ask("a", 1000, 2000, NOW + 100000), 1000);
}
END_TEST

/* 10 requests a minute are 166 in 1000 seconds, as nginx rounds. */
START_TEST(a_refused_request_adds_nothing)
{
    ck_assert_int_eq(ask("a", 166, 0, NOW), 0);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(ask("a", 166, 0, NOW + 100 * i), -1);
    ck_assert_int_eq(ask("a", 166, 0, NOW + 6024), -1);
    ck_assert_int_eq(ask("a", 166, 0, NOW + 6025), 0);
}
END_TEST

/* Another worker's clock may be a moment behind; and nothing overflows. */
START_TEST(any_time_and_rate_will_do)
{
    ck_assert_int_eq(ask("a", 1000, 5000, NOW), 0);
    ck_assert_int_eq(ask("a", 1000, 5000, NOW - 100), 1000);
    ck_assert_int_eq(ask("a", 1000, 5000, NOW), 2000);
    ck_assert_int_eq(ask("b", 1000000000000, 1000000000000, 0), 0);
    ck_assert_int_eq(ask("b", 1000000000000, 1000000000000, 0), 1000);
    ck_assert_int_eq(ask("b", 1000000000000, 1000000000000, UINT64_MAX), 0);
    ck_assert_int_eq(ask("c", 16, 0, 1), 0);
    ck_assert_int_eq(ask("c", 16, 0, UINT64_MAX), 0);
}
END_TEST

/* With two zones, the first is asked, and charged when the second has let it pass. */
START_TEST(asking_does_not_charge)
{
    struct limit_req_ask own = { SLICE_INIT("a"), 1000, 0, NOW };
    uint64_t excess;

    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(limit_req_ask(table, &own, false, &excess), LIMIT_REQ_PASSED);
    ck_assert_uint_eq(limit_req_charge(table, &own), 0);
    ck_assert_int_eq(limit_req_ask(table, &own, false, &excess), LIMIT_REQ_BUSY);
    own.key = SLICE("never asked");
    limit_req_charge(table, &own);
    ck_assert_int_eq(limit_req_ask(table, &own, false, &excess), LIMIT_REQ_BUSY);
}
END_TEST

/* A full table forgets who was not seen for longest, and nobody else. */
START_TEST(the_oldest_makes_room)
{
    char key[32];

    ck_assert_int_eq(ask("kept", 16, 0, NOW), 0);
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "key %u", i);
        ck_assert_int_eq(ask(key, 16, 0, NOW), 0);
        ck_assert_int_eq(ask("kept", 16, 0, NOW), -1);
    }
    ck_assert_int_eq(ask(key, 16, 0, NOW), -1);
    ck_assert_int_eq(ask("key 0", 16, 0, NOW), 0);
}
END_TEST

START_TEST(a_key_that_can_have_no_room_is_refused)
{
    static char large[40000];

    memset(large, 'x', sizeof large - 1);
    ck_assert_int_eq(ask("a", 16, 0, NOW), 0);
    ck_assert_int_eq(ask(large, 16, 0, NOW), -2);
    ck_assert_int_eq(ask("b", 16, 0, NOW), 0);
}
END_TEST

/* Entries that mean nothing any more go two at a time: the table does not stay full. */
START_TEST(what_is_over_is_forgotten)
{
    char key[32];

    for (unsigned i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "key %u", i);
        ask(key, 1000, 0, NOW);
    }
    for (unsigned i = 0; i < 51; i++) {
        snprintf(key, sizeof key, "new %u", i);
        ask(key, 1000, 0, NOW + 60000);
    }
    /* One that was forgotten is let through as a new one: its excess is exactly 0. */
    ck_assert_int_eq(ask("key 99", 1000, 0, NOW + 100), 0);
    ck_assert_int_eq(ask("new 0", 1000, 0, NOW + 60100), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limit_req_table");
    TCase *all = tcase_create("limit_req_table");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, the_bucket_leaks);
    tcase_add_test(all, a_refused_request_adds_nothing);
    tcase_add_test(all, any_time_and_rate_will_do);
    tcase_add_test(all, asking_does_not_charge);
    tcase_add_test(all, the_oldest_makes_room);
    tcase_add_test(all, a_key_that_can_have_no_room_is_refused);
    tcase_add_test(all, what_is_over_is_forgotten);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
