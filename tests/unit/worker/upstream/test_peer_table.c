/* Slots of peers that several workers share, some of which die. */
#include "worker/upstream/peer_table.h"

#include "tests/unit/unit.h"
#include "worker/context.h"
#include "worker/status/board.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 3, SIZE = 64 * 1024 };

static struct arena arena;
static struct conf *conf;
static struct zone *zone;
static struct board *board;
static struct worker_setup setups[WORKERS];
static struct worker workers[WORKERS];
static struct log quiet;

static void open_worker(int number, uint32_t pid)
{
    struct lane *lane = board_take(board);

    ck_assert_ptr_nonnull(lane);
    lane->owner.pid = (int32_t)pid;
    setups[number] = (struct worker_setup){ .board = board, .lane = lane };
    workers[number] =
        (struct worker){ .setup = &setups[number], .lane = lane, .pid = pid, .log = &quiet };
}

static void setup(void)
{
    arena_init(&arena, NULL);
    conf = arena_zalloc(&arena, sizeof *conf);
    conf->arena = &arena;
    conf_messages_init(&conf->messages, &arena);
    zone = conf_zone(conf, (struct position){ 0 }, SLICE("peers"), SIZE, &peer_zone_kind);
    ck_assert_ptr_nonnull(zone);
    ck_assert(worker_open_zones(conf, NULL));
    board = board_open();
    ck_assert_ptr_nonnull(board);
    quiet = log_stderr;
    quiet.level = LOG_LEVEL_EMERG;
    for (int i = 0; i < WORKERS; i++)
        open_worker(i, 100 + (uint32_t)i);
}

static void teardown(void)
{
    worker_conf_release(conf, NULL);
    board_close(board);
    arena_free(&arena);
}

static struct peer_slot *take(int worker, const char *address)
{
    const struct slot_name name = { SLICE("group"), SLICE("server"), slice_of(address), 0 };

    return peer_table_take(&workers[worker], zone, &name);
}

static void die(int worker)
{
    board_give(board, setups[worker].lane);
}

START_TEST(all_find_the_same_slot)
{
    struct peer_slot *slot = take(0, "one");

    ck_assert_ptr_nonnull(slot);
    ck_assert_ptr_eq(take(1, "one"), slot);
    ck_assert_ptr_ne(take(0, "two"), slot);
    slot->state.fails = 7;
    peer_slot_leave(&workers[0], slot);
    peer_slot_leave(&workers[1], slot);
    ck_assert_ptr_eq(take(2, "one"), slot);
    ck_assert_uint_eq(slot->state.fails, 7);
}
END_TEST

START_TEST(the_dead_have_no_connections)
{
    struct peer_slot *slot = take(0, "one");

    take(1, "one");
    peer_slot_show(&workers[0], slot, 3);
    peer_slot_show(&workers[1], slot, 4);
    ck_assert_uint_eq(peer_slot_connections(&workers[0], zone, slot), 7);
    die(1);
    ck_assert_uint_eq(peer_slot_connections(&workers[0], zone, slot), 3);
    open_worker(1, 999); /* in its lane, and has not looked at the slot yet */
    ck_assert_uint_eq(peer_slot_connections(&workers[0], zone, slot), 3);
    ck_assert_ptr_eq(take(1, "one"), slot);
    ck_assert_uint_eq(peer_slot_connections(&workers[0], zone, slot), 3);
}
END_TEST

/* A full table gives away only what nobody uses. */
START_TEST(slots_are_used_again)
{
    struct peer_slot *slot, *last = NULL;
    unsigned count = 0;
    char name[32];

    do {
        snprintf(name, sizeof name, "%u", count++);
        slot = take(0, name);
        last = slot != NULL ? slot : last;
    } while (slot != NULL);
    ck_assert_uint_gt(count, 16);
    ck_assert_ptr_null(take(1, "more"));
    last->state.fails = 9;
    peer_slot_leave(&workers[0], last);
    slot = take(1, "more");
    ck_assert_ptr_eq(slot, last);
    ck_assert_uint_eq(slot->state.fails, 0);
    die(0);
    ck_assert_ptr_nonnull(take(2, "even more"));
}
END_TEST

/* One that dies while it looks for a slot leaves an empty table in the same place. */
START_TEST(a_torn_table_is_emptied)
{
    struct peer_slot *slot = take(0, "one");
    unsigned losses = shared_memory_losses(zone->memory);
    pid_t pid = fork();

    slot->state.fails = 5;
    if (pid == 0) {
        zone_lock(zone, &quiet);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    ck_assert_ptr_eq(take(0, "one"), slot);
    ck_assert_uint_eq(slot->state.fails, 0);
    ck_assert_uint_ne(shared_memory_losses(zone->memory), losses);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peer table");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, all_find_the_same_slot);
    tcase_add_test(all, the_dead_have_no_connections);
    tcase_add_test(all, slots_are_used_again);
    tcase_add_test(all, a_torn_table_is_emptied);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
