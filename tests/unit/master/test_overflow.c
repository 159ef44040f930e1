/* Real queues that overflow, and how often that is said. */
#include "master/overflow.h"

#include "master/listeners.h"
#include "tests/unit/hearing_log.h"
#include "tests/unit/master/addresses.h"
#include "tests/unit/unit.h"

enum { BACKLOG = 1, CLIENTS = 12, MINUTE = OVERFLOW_SAID_EVERY };

static struct listeners listeners;
static struct arena arena;
static struct hearing_log heard;

static void set_up(void)
{
    listeners = (struct listeners){ 0 };
    arena_init(&arena, NULL);
    hearing_log_init(&heard);
}

static void tear_down(void)
{
    listeners_close(&listeners, &log_stderr);
    arena_free(&arena);
}

static void put_in_force(struct listener *listener)
{
    listener->options.backlog = BACKLOG;
    ck_assert_int_eq(listeners_open(&listeners, &log_stderr, &arena, listener, 1, 1), LISTENING_OK);
    listeners_commit(&listeners, &log_stderr, listener, 1);
}

/* Nobody accepts: all but the first few are dropped at once. */
static void crowd(const struct listener *listener)
{
    for (int i = 0; i < CLIENTS; i++)
        begin_to_connect(listener);
}

/* How many the last line counts. */
static unsigned last_count(void)
{
    unsigned room = 0, sockets = 0, count = 0;
    const char *from = strstr(heard.last, " was full ");

    ck_assert_ptr_nonnull(from);
    ck_assert_int_eq(sscanf(from, " was full (%u sockets, each with room for %u): %u connection",
                            &sockets, &room, &count),
                     3);
    ck_assert_uint_eq(sockets, 1);
    ck_assert_uint_eq(room, BACKLOG);
    return count;
}

START_TEST(what_is_dropped_is_said_at_once)
{
    struct listener listener = listener_on_free_port();

    put_in_force(&listener);
    overflow_look(&listeners, &heard.log, 1000);
    ck_assert_uint_eq(heard.lines, 0);
    crowd(&listener);
    overflow_look(&listeners, &heard.log, 2000);
    ck_assert_uint_eq(heard.lines, 1);
    ck_assert_uint_ge(last_count(), CLIENTS - BACKLOG - 1);
}
END_TEST

START_TEST(then_once_a_minute)
{
    struct listener listener = listener_on_free_port();

    put_in_force(&listener);
    overflow_look(&listeners, &heard.log, 1000);
    crowd(&listener);
    overflow_look(&listeners, &heard.log, 2000);
    ck_assert_uint_eq(heard.lines, 1);
    for (uint64_t now = 3000; now < 2000 + MINUTE; now += 10000) {
        crowd(&listener);
        overflow_look(&listeners, &heard.log, now);
        ck_assert_uint_eq(heard.lines, 1);
    }
    overflow_look(&listeners, &heard.log, 2000 + MINUTE);
    ck_assert_uint_eq(heard.lines, 2);
    ck_assert_uint_ge(last_count(), 6 * CLIENTS);
}
END_TEST

/* What a socket that is taken over has dropped for another master was said by that one. */
START_TEST(what_was_before_is_not_counted)
{
    struct listener listener = listener_on_free_port();

    put_in_force(&listener);
    crowd(&listener);
    overflow_look(&listeners, &heard.log, 1000);
    ck_assert_uint_eq(heard.lines, 0);
}
END_TEST

START_TEST(an_address_that_goes_drops_on_purpose)
{
    struct listener listener = listener_on_free_port();

    put_in_force(&listener);
    overflow_look(&listeners, &heard.log, 1000);
    listeners_commit(&listeners, &log_stderr, NULL, 0);
    crowd(&listener);
    overflow_look(&listeners, &heard.log, 2000);
    listeners_commit(&listeners, &log_stderr, &listener, 1);
    overflow_look(&listeners, &heard.log, 3000);
    ck_assert_uint_eq(heard.lines, 0);
}
END_TEST

START_TEST(a_full_unix_socket_is_said)
{
    char text[64];

    snprintf(text, sizeof text, "unix:/tmp/muxd-test-overflow-%d", (int)getpid());
    struct listener listener = listener_on(text);
    put_in_force(&listener);
    begin_to_connect(&listener);
    overflow_look(&listeners, &heard.log, 1000);
    ck_assert_uint_eq(heard.lines, 0);
    crowd(&listener);
    overflow_look(&listeners, &heard.log, 2000);
    overflow_look(&listeners, &heard.log, 3000);
    ck_assert_uint_eq(heard.lines, 1);
    ck_assert_ptr_nonnull(strstr(heard.last, " is full: 2 connections wait, with room for 1, "));
    overflow_look(&listeners, &heard.log, 2000 + MINUTE);
    ck_assert_uint_eq(heard.lines, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("overflow");
    TCase *all = tcase_create("overflow");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, what_is_dropped_is_said_at_once);
    tcase_add_test(all, then_once_a_minute);
    tcase_add_test(all, what_was_before_is_not_counted);
    tcase_add_test(all, an_address_that_goes_drops_on_purpose);
    tcase_add_test(all, a_full_unix_socket_is_said);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
