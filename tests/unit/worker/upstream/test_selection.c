/* Which peer is picked, and what becomes of it; the clock is the test's. */
#include "worker/upstream/selection.h"

#include "tests/unit/unit.h"
#include "worker/context.h"
#include "worker/error_log.h"
#include "worker/http/request.h"

#include <string.h>

enum { START = 1000000 };

static struct worker worker;
static struct request request;
static struct error_log quiet;
static struct error_log_settings log_settings;
static void *settings[WORKER_MODULES];
static struct arena arena;
static struct upstream_group *group;

static struct group_server *server_at(size_t number)
{
    return ((struct group_server **)group->servers.items)[number];
}

/* A group of `count` servers, A, B, C ... by their ports 1, 2, 3 ... */
static void make_group(size_t count)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    struct address address = { .len = sizeof address.name.in };

    address.name.in.sin_family = AF_INET;
    group = group_of_addresses(&arena, SLICE("group"), &address, 1);
    for (size_t i = 0; i < count; i++) {
        struct group_server **place =
            i == 0 ? group->servers.items : array_push(&group->servers, &arena);
        *place = arena_zalloc(&arena, sizeof **place);
        (*place)->text = slice_of(names[i]);
        (*place)->options = server_defaults;
        address_set_port(&address, (unsigned)i + 1);
        ck_assert(server_set_addresses(*place, &arena, &address, 1));
    }
}

static void make_set(void)
{
    group->set = peer_set_make(group, &arena, NULL);
    ck_assert_ptr_nonnull(group->set);
}

static void setup(void)
{
    arena_init(&arena, NULL);
    worker = (struct worker){ .clock.now = START };
    timers_init(&worker.timers, START);
    quiet.log.level = LOG_LEVEL_EMERG;
    log_settings.log = &quiet;
    settings[MODULE_ERROR_LOG] = &log_settings;
    request.worker = &worker;
    request.settings = settings;
    arena_init(&request.arena, NULL);
}

static void teardown(void)
{
    arena_free(&request.arena);
    arena_free(&arena);
}

static char letter(const struct peer *peer)
{
    return (char)('A' - 1 + address_port(&peer->address));
}

/* One request whose every attempt fails at the servers of `dead`: who was asked. */
static const char *ask(const char *dead)
{
    static char asked[8];
    struct selection selection;
    size_t count = 0;

    selection_begin(&selection, &request, group);
    for (bool failed = true; failed;) {
        struct peer *peer = selection_next(&selection);
        if (peer == NULL)
            break;
        asked[count++] = letter(peer);
        failed = strchr(dead, letter(peer)) != NULL;
        peer_release(&selection, peer, failed);
    }
    selection_end(&selection);
    asked[count] = '\0';
    return asked;
}

static void expect_turns(const char *turns)
{
    for (const char *turn = turns; *turn != '\0'; turn++)
        ck_assert_msg(*ask("") == *turn, "at %td of %s", turn - turns, turns);
}

START_TEST(turns_follow_weights)
{
    make_group(3);
    server_at(0)->options.weight = 5;
    make_set();
    expect_turns("AABACAAAABACAA");
    server_at(1)->options.down = true;
    make_set();
    expect_turns("AAACAAAAACAA");
}
END_TEST

START_TEST(who_fails_rests)
{
    make_group(2);
    server_at(0)->options.fail_timeout = 10000;
    make_set();
    ck_assert_str_eq(ask("A"), "AB");
    expect_turns("BBBB");
    worker.clock.now += 10000;
    expect_turns("BB");
    worker.clock.now += 1;
    ck_assert_ptr_nonnull(strchr("AB", *ask("A"))); /* one trial */
    for (int i = 0; i < 5; i++)
        ask("A");
    expect_turns("BBBB");
    worker.clock.now += 10001;
    unsigned tried = 0;
    for (int i = 0; i < 10; i++)
        tried += *ask("") == 'A';
    ck_assert_uint_ge(tried, 4); /* well again, and has its part */
}
END_TEST

START_TEST(several_failures_may_be_allowed)
{
    make_group(2);
    server_at(0)->options.max_fails = 3;
    server_at(1)->options.max_fails = 0;
    make_set();
    unsigned tried = 0;
    for (int i = 0; i < 40; i++)
        tried += strchr(ask("A"), 'A') != NULL;
    ck_assert_uint_eq(tried, 3);
    worker.clock.now += 60000;
    ck_assert_str_eq(ask("AB") + 1, "A"); /* B is never left alone, and both were tried */
}
END_TEST

START_TEST(who_comes_back_starts_slowly)
{
    make_group(2);
    server_at(0)->options.slow_start = 10000;
    make_set();
    const struct peer *peer = group->set->peers[0];
    ck_assert_int_eq(peer_weight(peer, START), WEIGHT_SCALE);
    ask("A");
    worker.clock.now += 10001;
    while (*ask("") != 'A')
        ;
    uint64_t back = worker.clock.now;
    ck_assert_int_eq(peer_weight(peer, back), 1);
    ck_assert_int_eq(peer_weight(peer, back + 5000), WEIGHT_SCALE / 2);
    ck_assert_int_eq(peer_weight(peer, back + 10000), WEIGHT_SCALE);
    worker.clock.now = back + 2500;
    unsigned tried = 0;
    for (int i = 0; i < 50; i++)
        tried += *ask("") == 'A';
    ck_assert_uint_ge(tried, 9);
    ck_assert_uint_le(tried, 11); /* a quarter of the weight of B */
}
END_TEST

START_TEST(full_servers_are_passed_over)
{
    struct selection first, second, third;

    make_group(2);
    server_at(0)->options.max_conns = 1;
    server_at(1)->options.max_conns = 1;
    server_at(1)->options.backup = true;
    make_set();
    selection_begin(&first, &request, group);
    selection_begin(&second, &request, group);
    selection_begin(&third, &request, group);
    struct peer *a = selection_next(&first), *b = selection_next(&second);
    ck_assert_int_eq(letter(a), 'A');
    ck_assert_int_eq(letter(b), 'B');
    ck_assert_ptr_null(selection_next(&third));
    peer_release(&first, a, false);
    ck_assert_ptr_eq(selection_next(&third), a);
    peer_release(&third, a, false);
    selection_forget(&third, a);
    ck_assert_ptr_eq(selection_next(&third), a);
    peer_release(&third, a, false);
    peer_release(&second, b, false);
    selection_end(&first);
    selection_end(&second);
    selection_end(&third);
}
END_TEST

/* A set that somebody has chosen from stays until that one is done. */
START_TEST(sets_are_replaced)
{
    struct selection selection;

    make_group(2);
    group->set = peer_set_make(group, NULL, NULL);
    selection_begin(&selection, &request, group);
    struct peer *a = selection_next(&selection);
    struct peer_set *old = group->set;
    server_at(1)->count = 0; /* B has gone */
    group->set = peer_set_make(group, NULL, old);
    peer_set_release(old);
    ck_assert_uint_eq(group->set->count, 1);
    ck_assert_ptr_eq(group->set->peers[0], a);
    struct peer *b = selection_next(&selection);
    ck_assert_int_eq(letter(b), 'B');
    peer_release(&selection, a, false);
    peer_release(&selection, b, true);
    selection_end(&selection);
    ck_assert_str_eq(ask(""), "A");
    peer_set_release(group->set);
}
END_TEST

START_TEST(the_same_address_twice)
{
    make_group(2);
    server_at(1)->text = server_at(0)->text;
    server_at(1)->addresses[0] = server_at(0)->addresses[0];
    make_set();
    ck_assert_uint_eq(group->set->peers[0]->ordinal, 0);
    ck_assert_uint_eq(group->set->peers[1]->ordinal, 1);
    struct peer_set *again = peer_set_make(group, &arena, group->set);
    ck_assert_ptr_eq(again->peers[0], group->set->peers[0]);
    ck_assert_ptr_eq(again->peers[1], group->set->peers[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("selection");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, turns_follow_weights);
    tcase_add_test(all, who_fails_rests);
    tcase_add_test(all, several_failures_may_be_allowed);
    tcase_add_test(all, who_comes_back_starts_slowly);
    tcase_add_test(all, full_servers_are_passed_over);
    tcase_add_test(all, sets_are_replaced);
    tcase_add_test(all, the_same_address_twice);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
