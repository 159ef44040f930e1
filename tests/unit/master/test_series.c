#include "master/series.h"

#include "tests/unit/unit.h"

#include <stdio.h>

static struct series_owners owners;

/* A configuration with nothing but an arena, for tallies. */
static struct conf *conf_new(void)
{
    struct conf *conf = calloc(1, sizeof *conf);

    ck_assert_ptr_nonnull(conf);
    conf->arena = calloc(1, sizeof *conf->arena);
    ck_assert_ptr_nonnull(conf->arena);
    return conf;
}

static void conf_free(struct conf *conf)
{
    arena_free(conf->arena);
    free(conf->arena);
    free(conf);
}

static struct tally *add(struct conf *conf, enum tally_kind kind, const char *group,
                         const char *name)
{
    struct tally *tally = conf_tally(conf, kind, slice_of(group), slice_of(name));

    ck_assert_ptr_nonnull(tally);
    return tally;
}

static struct series_use assign(struct board *board, struct conf *conf)
{
    struct series_use use = { 0 };

    series_assign(&owners, board, conf, &use, &log_stderr);
    return use;
}

START_TEST(one_name_is_one_tally)
{
    struct conf *conf = conf_new();

    struct tally *site = add(conf, TALLY_SERVER, "", "site");
    ck_assert_ptr_eq(add(conf, TALLY_SERVER, "", "site"), site);
    ck_assert_ptr_ne(add(conf, TALLY_LOCATION, "", "site"), site);
    ck_assert_ptr_ne(add(conf, TALLY_PEER, "a", "site"), add(conf, TALLY_PEER, "b", "site"));
    ck_assert_uint_eq(conf->tallies->count, 4);
    ck_assert_ptr_eq(tally_next(site->next, TALLY_SERVER), NULL);
    ck_assert_uint_eq(site->series, SERIES_NOBODY);
    conf_free(conf);
}
END_TEST

START_TEST(the_next_configuration_counts_on)
{
    struct board *board = board_open();
    struct conf *first = conf_new(), *second = conf_new();

    struct tally *kept = add(first, TALLY_SERVER, "", "kept");
    struct tally *gone = add(first, TALLY_SERVER, "", "gone");
    struct series_use first_use = assign(board, first);
    ck_assert_uint_ne(kept->series, gone->series);
    ck_assert_uint_ne(kept->series, SERIES_ALL);

    struct tally *new = add(second, TALLY_SERVER, "", "new");
    struct tally *again = add(second, TALLY_SERVER, "", "kept");
    struct series_use second_use = assign(board, second);
    ck_assert_uint_eq(again->series, kept->series);
    ck_assert_uint_ne(new->series, gone->series);
    series_release(&first_use);
    series_release(&first_use); /* of nothing */

    struct conf *third = conf_new();
    struct tally *other = add(third, TALLY_LOCATION, "", "other");
    struct series_use third_use = assign(board, third);
    ck_assert_uint_eq(other->series, gone->series);
    series_release(&second_use);
    series_release(&third_use);
    conf_free(first);
    conf_free(second);
    conf_free(third);
    board_close(board);
}
END_TEST

START_TEST(a_series_that_changes_hands_begins_at_zero)
{
    struct board *board = board_open();
    struct lane *lane = board_take(board);
    struct conf *first = conf_new(), *second = conf_new();
    struct series_sum sum;

    struct tally *gone = add(first, TALLY_PEER, "up", "gone");
    struct series_use use = assign(board, first);
    series_count(&lane->series[gone->series], 200, 1, 1, 1);
    series_release(&use);
    struct tally *new = add(second, TALLY_PEER, "up", "new");
    use = assign(board, second);
    ck_assert_uint_eq(new->series, gone->series);
    board_sum(board, new->series, &sum);
    ck_assert_uint_eq(sum.total, 0);
    series_release(&use);
    conf_free(first);
    conf_free(second);
    board_close(board);
}
END_TEST

START_TEST(too_many_are_not_counted)
{
    struct board *board = board_open();
    struct conf *conf = conf_new();
    unsigned counted = 0;

    for (unsigned i = 0; i < SERIES_MAX + 10; i++)
        add(conf, TALLY_PEER, "up", arena_printf(conf->arena, "peer%u", i).at);
    struct series_use use = assign(board, conf);
    for (const struct tally *tally = conf->tallies->first; tally != NULL; tally = tally->next)
        counted += tally->series != SERIES_NOBODY;
    ck_assert_uint_eq(counted, SERIES_MAX - 2);
    ck_assert_uint_eq(use.count, counted);
    series_release(&use);
    conf_free(conf);
    board_close(board);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_name_is_one_tally,
        the_next_configuration_counts_on,
        a_series_that_changes_hands_begins_at_zero,
        too_many_are_not_counted,
        NULL,
    };

    return unit_main(unit_suite("series", tests));
}
