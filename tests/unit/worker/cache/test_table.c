#include "worker/cache/table.h"

#include "tests/unit/unit.h"

enum { NOW = 1000000, FOREVER = 0 };

static struct shared_memory *memory;
static struct cache_table *table;

static void setup(void)
{
    memory = shared_memory_map(32768);
    ck_assert_ptr_nonnull(memory);
    shared_memory_lock(memory);
    table = cache_table_new(memory);
    ck_assert_ptr_nonnull(table);
}

static void teardown(void)
{
    shared_memory_unlock(memory);
    shared_memory_unmap(memory);
}

static const unsigned char *digest(unsigned number)
{
    static unsigned char digests[4][CACHE_DIGEST];
    static unsigned next;
    unsigned char *own = digests[next++ % 4];

    memset(own, 0, CACHE_DIGEST);
    memcpy(own, &number, sizeof number);
    return own;
}

static struct cache_known use(unsigned number, uint64_t now)
{
    struct cache_known known;
    struct cache_evicted evicted;

    ck_assert(cache_table_use(table, digest(number), now, &known, &evicted));
    return known;
}

START_TEST(uses_are_counted)
{
    ck_assert_uint_eq(use(1, NOW).uses, 1);
    ck_assert_uint_eq(use(1, NOW).uses, 2);
    ck_assert_uint_eq(use(2, NOW).uses, 1);
    ck_assert_uint_eq(cache_table_figures(table).entries, 2);
}
END_TEST

START_TEST(sizes_add_up)
{
    use(1, NOW);
    ck_assert(cache_table_stored(table, digest(1), 100, NOW));
    ck_assert(cache_table_stored(table, digest(1), 70, NOW));
    ck_assert(cache_table_stored(table, digest(2), 5, NOW));
    ck_assert(use(1, NOW).exists);
    ck_assert_uint_eq(cache_table_figures(table).size, 75);
    cache_table_gone(table, digest(1));
    ck_assert(!use(1, NOW).exists);
    ck_assert_uint_eq(cache_table_figures(table).size, 5);
    ck_assert(cache_table_found(table, digest(2), 1000, NOW)); /* what is known is known better */
    ck_assert_uint_eq(cache_table_figures(table).size, 5);
}
END_TEST

START_TEST(one_claims_an_update)
{
    struct cache_known known;

    ck_assert_uint_eq(cache_table_claim(table, digest(1), 7, NOW, FOREVER), 0);
    use(1, NOW);
    uint64_t claim = cache_table_claim(table, digest(1), 7, NOW, FOREVER);
    ck_assert_uint_ne(claim, 0);
    ck_assert_uint_eq(cache_table_claim(table, digest(1), 8, NOW + 10, FOREVER), 0);
    ck_assert(cache_table_look(table, digest(1), &known));
    ck_assert_int_eq(known.claimed_by, 7);
    /* After its age another one may try, and the first one's end is no longer of interest. */
    uint64_t other = cache_table_claim(table, digest(1), 8, NOW + 10, NOW + 1);
    ck_assert_uint_ne(other, 0);
    cache_table_release(table, digest(1), claim);
    ck_assert_uint_eq(cache_table_claim(table, digest(1), 9, NOW + 10, FOREVER), 0);
    cache_table_release(table, digest(1), other);
    ck_assert_uint_ne(cache_table_claim(table, digest(1), 9, NOW + 10, FOREVER), 0);
}
END_TEST

START_TEST(failures_are_remembered_until_something_is_stored)
{
    use(1, NOW);
    cache_table_failed(table, digest(1), 502, 99);
    ck_assert_uint_eq(use(1, NOW).error, 502);
    ck_assert_int_eq(use(1, NOW).error_until, 99);
    cache_table_stored(table, digest(1), 1, NOW);
    ck_assert_uint_eq(use(1, NOW).error, 0);
}
END_TEST

START_TEST(the_oldest_goes_first)
{
    struct cache_evicted evicted;

    use(1, NOW);
    use(2, NOW + 1);
    cache_table_stored(table, digest(2), 10, NOW);
    use(1, NOW + 2);
    ck_assert(!cache_table_evict(table, NOW + 1, &evicted));
    ck_assert(cache_table_evict(table, NOW + 2, &evicted));
    ck_assert(evicted.exists);
    ck_assert_mem_eq(evicted.digest, digest(2), CACHE_DIGEST);
    ck_assert_uint_eq(cache_table_figures(table).size, 0);
    ck_assert(cache_table_evict(table, UINT64_MAX, &evicted));
    ck_assert(!evicted.exists);
    ck_assert(!cache_table_evict(table, UINT64_MAX, &evicted));
}
END_TEST

START_TEST(a_full_table_makes_room)
{
    struct cache_known known;
    struct cache_evicted evicted = { 0 };
    unsigned count = 0;

    while (!evicted.exists && count < 10000) {
        ck_assert(cache_table_use(table, digest(count), NOW, &known, &evicted));
        cache_table_stored(table, digest(count++), 1, NOW);
    }
    ck_assert_mem_eq(evicted.digest, digest(0), CACHE_DIGEST);
    ck_assert_uint_eq(cache_table_figures(table).entries, count - 1);
    ck_assert_uint_eq(cache_table_figures(table).size, count - 1);
}
END_TEST

START_TEST(purges_are_about_what_was_before)
{
    struct slice a = SLICE("/a"), ab = SLICE("/ab"), b = SLICE("/b");

    ck_assert(cache_table_purge(table, a, true, 100, NOW));
    ck_assert(cache_table_purge(table, b, false, 200, NOW + 1));
    ck_assert_uint_eq(cache_table_purges(table), 2);
    ck_assert(cache_table_is_purged(table, a, 100));
    ck_assert(cache_table_is_purged(table, ab, 99));
    ck_assert(!cache_table_is_purged(table, ab, 101));
    ck_assert(cache_table_is_purged(table, b, 200));
    ck_assert(!cache_table_is_purged(table, SLICE("/bb"), 1));
    cache_table_end_purges(table, NOW + 1);
    ck_assert_uint_eq(cache_table_purges(table), 1);
    ck_assert(!cache_table_is_purged(table, a, 100));
    ck_assert(cache_table_is_purged(table, b, 200));
}
END_TEST

START_TEST(purges_are_bounded)
{
    unsigned count = 0;

    while (cache_table_purge(table, SLICE("/a"), true, 1, NOW))
        count++;
    ck_assert_uint_le(count, CACHE_PURGES_MAX);
    ck_assert_uint_gt(count, 0);
    cache_table_end_purges(table, NOW + 1);
    ck_assert(cache_table_purge(table, SLICE("/a"), true, 1, NOW));
}
END_TEST

START_TEST(one_keeps_the_table)
{
    pid_t keeper;

    ck_assert(cache_table_is_cold(table));
    cache_table_is_loaded(table);
    ck_assert(!cache_table_is_cold(table));
    ck_assert(cache_table_keep(table, 7, NOW, 100, &keeper));
    ck_assert(!cache_table_keep(table, 8, NOW + 99, 100, &keeper));
    ck_assert_int_eq(keeper, 7);
    ck_assert(cache_table_keep(table, 7, NOW + 99, 100, &keeper));
    ck_assert(!cache_table_keep(table, 8, NOW + 198, 100, &keeper));
    ck_assert(cache_table_keep(table, 8, NOW + 199, 100, &keeper));
    cache_table_drop_keeper(table, 7);
    ck_assert(!cache_table_keep(table, 7, NOW + 200, 100, &keeper));
    cache_table_drop_keeper(table, 8);
    ck_assert(cache_table_keep(table, 7, NOW + 200, 100, &keeper));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache table");
    TCase *all = tcase_create("all");
    const TTest *const tests[] = {
        uses_are_counted,
        sizes_add_up,
        one_claims_an_update,
        failures_are_remembered_until_something_is_stored,
        the_oldest_goes_first,
        a_full_table_makes_room,
        purges_are_about_what_was_before,
        purges_are_bounded,
        one_keeps_the_table,
    };

    tcase_add_checked_fixture(all, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
