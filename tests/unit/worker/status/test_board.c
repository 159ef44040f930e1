#include "worker/status/board.h"

#include "tests/unit/unit.h"
#include "worker/status/tallies.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(a_lane_is_taken_and_given_back)
{
    struct board *board = board_open();

    ck_assert_ptr_nonnull(board);
    struct lane *first = board_take(board), *second = board_take(board);
    ck_assert_ptr_ne(first, second);
    ck_assert_uint_eq(board->used, 2);
    board_give(board, first);
    ck_assert_ptr_eq(board_take(board), first);
    ck_assert_uint_eq(board->used, 2);
    board_give(board, NULL);
    board_close(board);
}
END_TEST

START_TEST(a_tenant_lives_until_its_lane_is_given_back)
{
    struct board *board = board_open();
    struct lane *lane = board_take(board);
    uint32_t first = lane->owner.tenancy;

    ck_assert(board_tenant_lives(board, 0, first));
    board_give(board, lane);
    ck_assert(!board_tenant_lives(board, 0, first));
    ck_assert_ptr_eq(board_take(board), lane);
    ck_assert(!board_tenant_lives(board, 0, first));
    ck_assert(board_tenant_lives(board, 0, lane->owner.tenancy));
    board_close(board);
}
END_TEST

START_TEST(there_is_an_end_of_lanes)
{
    struct board *board = board_open();

    ck_assert_uint_eq(board->lanes, LANES_MAX);
    for (unsigned i = 0; i < board->lanes; i++)
        ck_assert_ptr_nonnull(board_take(board));
    ck_assert_ptr_null(board_take(board));
    board_give(board, &board->lane[17]);
    ck_assert_ptr_eq(board_take(board), &board->lane[17]);
    board_close(board);
}
END_TEST

/* Totals stay when a worker ends; its connections do not. */
START_TEST(who_comes_after_counts_on)
{
    struct board *board = board_open();
    struct connection_sum connections;
    struct series_sum sum;

    struct lane *lane = board_take(board);
    count_add(&lane->accepted, 5);
    count_add(&lane->requests, 7);
    count_add(&lane->busy, 1000);
    count_set(&lane->active, 3);
    count_set(&lane->waiting, 1);
    count_set(&lane->longest, 99);
    series_count(&lane->series[SERIES_ALL], 200, 10, 20, 3);
    count_add(&lane->series[SERIES_ALL].active, 2);
    board_connections(board, &connections);
    ck_assert_uint_eq(connections.active, 3);
    ck_assert_uint_eq(connections.writing, 2);
    board_give(board, lane);
    ck_assert_ptr_eq(board_take(board), lane);
    board_connections(board, &connections);
    ck_assert_uint_eq(connections.accepted, 5);
    ck_assert_uint_eq(connections.requests, 7);
    ck_assert_uint_eq(connections.active, 0);
    ck_assert_uint_eq(connections.waiting, 0);
    ck_assert_uint_eq(count_read(&lane->longest), 0);
    ck_assert_uint_eq(count_read(&lane->owner.accepted_before), 5);
    ck_assert_uint_eq(count_read(&lane->owner.requests_before), 7);
    ck_assert_uint_eq(count_read(&lane->owner.busy_before), 1000);
    board_sum(board, SERIES_ALL, &sum);
    ck_assert_uint_eq(sum.total, 1);
    ck_assert_uint_eq(sum.active, 0);
    board_close(board);
}
END_TEST

START_TEST(lanes_are_added_up)
{
    struct board *board = board_open();
    struct series_sum sum;
    uint64_t lag[HISTOGRAM_BUCKETS];

    for (unsigned i = 0; i < 3; i++) {
        struct lane *lane = board_take(board);
        series_count(&lane->series[5], 100 * (i + 2) + 4, 100, 1000, i);
        series_count(&lane->series[5], 0, 1, 0, 500000);
        count_add(&lane->series[5].failures, 1);
        count_add(&lane->lag[i], 10);
    }
    board_sum(board, 5, &sum);
    static const uint64_t requests[STATUS_CLASSES] = { 3, 0, 1, 1, 1, 0 };
    ck_assert_mem_eq(sum.requests, requests, sizeof requests);
    ck_assert_uint_eq(sum.total, 6);
    ck_assert_uint_eq(sum.received, 303);
    ck_assert_uint_eq(sum.sent, 3000);
    ck_assert_uint_eq(sum.milliseconds, 1500003);
    ck_assert_uint_eq(sum.failures, 3);
    ck_assert_uint_eq(sum.times[0] + sum.times[1] + sum.times[2], 3);
    ck_assert_uint_eq(sum.times[HISTOGRAM_BUCKETS - 1], 3);
    board_lag(board, lag);
    ck_assert_uint_eq(lag[0] + lag[1] + lag[2], 30);
    board_sum(board, 6, &sum);
    ck_assert_uint_eq(sum.total, 0);
    board_close(board);
}
END_TEST

/* A status that no class is known for is counted with those that were not answered. */
START_TEST(strange_statuses_do_no_harm)
{
    static const unsigned statuses[] = { 0, 99, 600, 999, UINT32_MAX };
    struct board *board = board_open();
    struct series *series = &board_take(board)->series[SERIES_ALL];

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        series_count(series, statuses[i], 0, 0, 0);
    ck_assert_uint_eq(count_read(&series->requests[0]), 5);
    board_close(board);
}
END_TEST

START_TEST(a_series_that_is_used_again_begins_at_zero)
{
    struct board *board = board_open();
    struct lane *lane = board_take(board);
    struct series_sum sum;

    board_begin(board, 3);
    ck_assert_uint_eq(board->series, 4);
    series_count(&lane->series[3], 200, 1, 1, 1);
    board_begin(board, 3);
    board_sum(board, 3, &sum);
    ck_assert_uint_eq(sum.total + sum.received, 0);
    board_close(board);
}
END_TEST

/* What a worker has counted up to the instant that it was killed is there. */
START_TEST(nothing_is_lost_with_a_killed_worker)
{
    struct board *board = board_open();
    struct series_sum sum = { 0 };
    uint64_t before = 0;

    for (unsigned round = 0; round < 20; round++) {
        struct lane *lane = board_take(board);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        while (pid == 0)
            series_count(&lane->series[SERIES_ALL], 200, 1, 1, 1);
        while (sum.total < before + 1000)
            board_sum(board, SERIES_ALL, &sum);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        board_give(board, lane);
        uint64_t seen = sum.total;
        board_sum(board, SERIES_ALL, &sum);
        ck_assert_uint_ge(sum.total, seen);
        before = sum.total;
    }
    ck_assert_uint_eq(board->used, 1);
    board_close(board);
}
END_TEST

/* A sanitizer's own memory does not fit below such a limit. */
START_TEST(little_address_space_means_fewer_lanes)
{
#if !defined(__SANITIZE_ADDRESS__)
    struct rlimit limit = { 200u << 20, 200u << 20 };

    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    struct board *board = board_open();
    ck_assert_ptr_nonnull(board);
    ck_assert_uint_lt(board->lanes, LANES_MAX);
    ck_assert_uint_gt(board->lanes, 8);
    board_close(board);
#endif
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_lane_is_taken_and_given_back,
        a_tenant_lives_until_its_lane_is_given_back,
        there_is_an_end_of_lanes,
        who_comes_after_counts_on,
        lanes_are_added_up,
        strange_statuses_do_no_harm,
        a_series_that_is_used_again_begins_at_zero,
        nothing_is_lost_with_a_killed_worker,
        little_address_space_means_fewer_lanes,
        NULL,
    };

    return unit_main(unit_suite("board", tests));
}
