#include "worker/net/turn.h"

#include "tests/unit/unit.h"

#include <string.h>

enum { MANY = 100 };

static struct worker worker;
static struct connection connections[MANY];

static void begin(uint32_t busy)
{
    memset(&worker, 0, sizeof worker);
    memset(connections, 0, sizeof connections);
    timers_init(&worker.timers, 0);
    worker.connection_count = busy;
    for (int i = 0; i < MANY; i++)
        connections[i].worker = &worker;
}

START_TEST(the_more_are_busy_the_less_is_a_share)
{
    static const struct {
        uint32_t open, waiting, share;
    } rows[] = { { 0, 0, SHARE_MOST },     { 1, 0, SHARE_MOST },          { 1000, 999, SHARE_MOST },
                 { 2, 0, SHARE_MOST / 2 }, { 16, 0, SHARE_MOST / 16 },    { 17, 0, SHARE_LEAST },
                 { 5000, 0, SHARE_LEAST }, { UINT32_MAX, 0, SHARE_LEAST } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(rows[i].open);
        worker.waiting_count = rows[i].waiting;
        ck_assert_uint_eq(turn_share(&worker), rows[i].share);
    }
}
END_TEST

/* However many come in one turn: files are sent for TURN_WORK and one share, and no more. */
START_TEST(a_turn_ends)
{
    begin(5000);
    for (int i = 0; i < MANY; i++)
        for (uint64_t most; (most = turn_bytes(&connections[i])) > 0;)
            turn_count(&connections[i], (uint32_t)most);
    ck_assert_uint_ge(worker.work, TURN_WORK);
    ck_assert_uint_lt(worker.work, TURN_WORK + SHARE_LEAST);
}
END_TEST

START_TEST(pipelined_requests_have_their_share)
{
    begin(5000);
    int requests = 0;
    while (!turn_is_over(&connections[0])) {
        turn_count(&connections[0], REQUEST_WORK);
        requests++;
    }
    ck_assert_int_eq(requests, SHARE_LEAST / REQUEST_WORK);
    begin(1);
    connections[0].work = SHARE_LEAST;
    ck_assert(!turn_is_over(&connections[0]));
    connections[0].work = SHARE_MOST;
    ck_assert(turn_is_over(&connections[0]));
}
END_TEST

START_TEST(who_is_put_off_stands_last_and_once)
{
    begin(3);
    for (int i = 0; i < 3; i++)
        connection_put_off(&connections[i]);
    connection_put_off(&connections[0]);
    ck_assert_ptr_eq(worker.first_put_off, &connections[0]);
    ck_assert_ptr_eq(worker.last_put_off, &connections[2]);
    connection_put_off_leave(&connections[1]);
    connection_put_off_leave(&connections[1]);
    ck_assert_ptr_eq(connections[0].newer, &connections[2]);
    connection_put_off_leave(&connections[0]);
    connection_put_off_leave(&connections[2]);
    ck_assert_ptr_null(worker.first_put_off);
    ck_assert_ptr_null(worker.last_put_off);
}
END_TEST

int main(void)
{
    return unit_main(
        unit_suite("turn", (const TTest *[]){ the_more_are_busy_the_less_is_a_share, a_turn_ends,
                                              pipelined_requests_have_their_share,
                                              who_is_put_off_stands_last_and_once, NULL }));
}
