#include "worker/handlers/limit_conn_table.h"

#include "tests/unit/unit.h"

#include <stdio.h>

enum { WORKERS = 3 };

static struct shared_memory *memory;
static struct limit_conn_table *table;
static struct board *board;
static struct lane *lanes[WORKERS];

static void setup(void)
{
    memory = shared_memory_map(32768);
    ck_assert_ptr_nonnull(memory);
    shared_memory_lock(memory);
    table = limit_conn_table_new(memory);
    ck_assert_ptr_nonnull(table);
    board = board_open();
    ck_assert_ptr_nonnull(board);
    for (unsigned i = 0; i < WORKERS; i++)
        lanes[i] = board_take(board);
}

static void teardown(void)
{
    board_close(board);
    shared_memory_unlock(memory);
    shared_memory_unmap(memory);
}

static enum limit_conn_result ask(unsigned lane, const char *key, uint64_t most,
                                  struct limit_conn_share **share)
{
    return limit_conn_take(table, &(struct limit_conn_ask){ slice_of(key), most, board, lane },
                           share);
}

/* NULL when it may not pass. */
static struct limit_conn_share *take(unsigned lane, const char *key, uint64_t most)
{
    struct limit_conn_share *share = NULL;

    return ask(lane, key, most, &share) == LIMIT_CONN_PASSED ? share : NULL;
}

START_TEST(connections_come_and_go)
{
    struct limit_conn_share *first = take(0, "a", 2), *second = take(0, "a", 2);

    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_eq(first, second);
    ck_assert_ptr_null(take(0, "a", 2));
    ck_assert_ptr_nonnull(take(0, "b", 2));
    limit_conn_give(table, first);
    first = take(0, "a", 2);
    ck_assert_ptr_nonnull(first);
    limit_conn_give(table, first);
    limit_conn_give(table, second);
    ck_assert_ptr_nonnull(take(0, "a", 1));
}
END_TEST

START_TEST(workers_count_together)
{
    struct limit_conn_share *first = take(0, "a", 3), *second = take(1, "a", 3);

    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_ne(first, second);
    ck_assert_ptr_nonnull(take(2, "a", 3));
    ck_assert_ptr_null(take(0, "a", 3));
    limit_conn_give(table, second);
    ck_assert_ptr_nonnull(take(0, "a", 3));
    ck_assert_ptr_null(take(1, "a", 3));
}
END_TEST

START_TEST(the_dead_have_no_connections)
{
    struct limit_conn_share *mine = take(0, "a", 3);

    take(1, "a", 3);
    take(1, "a", 3);
    take(1, "b", 1);
    ck_assert_ptr_null(take(0, "a", 3));
    board_give(board, lanes[1]);
    ck_assert_ptr_nonnull(take(0, "b", 1));
    ck_assert_ptr_nonnull(take(0, "a", 3));
    ck_assert_ptr_nonnull(take(2, "a", 3));
    ck_assert_ptr_null(take(2, "a", 3));
    limit_conn_give(table, mine);
    ck_assert_ptr_nonnull(take(2, "a", 3));
}
END_TEST

/* The next worker of the lane is another one. */
START_TEST(who_comes_after_has_none)
{
    ck_assert_ptr_nonnull(take(1, "a", 1));
    board_give(board, lanes[1]);
    ck_assert_ptr_eq(board_take(board), lanes[1]);
    struct limit_conn_share *own = take(1, "a", 1);
    ck_assert_ptr_nonnull(own);
    ck_assert_ptr_null(take(1, "a", 1));
    limit_conn_give(table, own);
    ck_assert_ptr_nonnull(take(0, "a", 1));
}
END_TEST

/* Counts keys of a worker until there is no room. */
static unsigned fill(unsigned lane)
{
    struct limit_conn_share *share;
    unsigned count = 0;
    char key[16];

    for (;; count++) {
        snprintf(key, sizeof key, "%u-%u", lane, count);
        enum limit_conn_result result = ask(lane, key, 1, &share);
        if (result == LIMIT_CONN_NO_ROOM)
            return count;
        ck_assert_int_eq(result, LIMIT_CONN_PASSED);
    }
}

START_TEST(a_full_table_has_no_room)
{
    struct limit_conn_share *share;

    unsigned count = fill(0);
    ck_assert_uint_gt(count, 50);
    ck_assert_int_eq(ask(0, "0-0", 1, &share), LIMIT_CONN_BUSY);
    ck_assert_int_eq(ask(0, "0-0", 2, &share), LIMIT_CONN_PASSED); /* it has room there */
    ck_assert_int_eq(ask(1, "x", 1, &share), LIMIT_CONN_NO_ROOM);
    board_give(board, lanes[0]);
    ck_assert_uint_eq(fill(1), count);
}
END_TEST

/* Nothing is left behind: as many keys fit as at first, however often. */
START_TEST(room_comes_back)
{
    struct limit_conn_share *shares[100];
    char key[16];

    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 100; i++) {
            snprintf(key, sizeof key, "%u", round * 100 + i);
            shares[i] = take(i % WORKERS, key, 1);
            ck_assert_ptr_nonnull(shares[i]);
        }
        for (unsigned i = 0; i < 100; i++)
            limit_conn_give(table, shares[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limit_conn_table");
    TCase *cases = tcase_create("table");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, connections_come_and_go);
    tcase_add_test(cases, workers_count_together);
    tcase_add_test(cases, the_dead_have_no_connections);
    tcase_add_test(cases, who_comes_after_has_none);
    tcase_add_test(cases, a_full_table_has_no_room);
    tcase_add_test(cases, room_comes_back);
    suite_add_tcase(suite, cases);
    return unit_main(suite);
}
