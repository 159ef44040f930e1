#include "worker/cache/freshness.h"

#include "tests/unit/unit.h"
#include "worker/upstream/exchange_settings.h"

#include <stdio.h>

enum { NOW = 1700000000 };

static struct arena arena;

/* What an answer with these fields says. */
static struct freshness read(const char *fields, uint32_t ignore)
{
    static char text[1024];
    struct answer_head head;
    struct freshness freshness;

    int len = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s\r\n", fields);
    answer_head_init(&head, &arena, ANSWER_HTTP);
    ck_assert_int_eq(answer_head_read(&head, slice_make(text, (size_t)len)), ANSWER_DONE);
    ck_assert(freshness_of(&head, ignore, NOW, &arena, &freshness));
    return freshness;
}

/* Seconds for which the answer is good; 0: nothing is said; -1: it is not to be kept. */
static long long seconds(const char *fields, uint32_t ignore)
{
    struct freshness freshness = read(fields, ignore);

    if (!freshness.storable)
        return -1;
    return freshness.valid_until == 0 ? 0 : (long long)freshness.valid_until - NOW;
}

START_TEST(fields_say_how_long)
{
    static const struct {
        const char *fields;
        long long seconds;
    } cases[] = {
        { "", 0 },
        { "Cache-Control: max-age=60\r\n", 60 },
        { "Cache-Control: public, MAX-AGE = \"60\"\r\n", 60 },
        { "Cache-Control: max-age=60, s-maxage=5\r\n", 5 },
        { "Cache-Control: s-maxage=5\r\nCache-Control: max-age=60\r\n", 5 },
        { "Cache-Control: max-age=0\r\n", -1 },
        { "Cache-Control: max-age=abc\r\n", -1 },
        { "Cache-Control: max-age=99999999999999999999\r\n", -1 },
        { "Cache-Control: no-cache\r\n", -1 },
        { "Cache-Control: no-store, max-age=60\r\n", -1 },
        { "Cache-Control: private=\"a, b\", max-age=60\r\n", -1 },
        { "Cache-Control: extension=\"no-store, private\", max-age=60\r\n", 60 },
        { "Cache-Control: notprivate\r\n", 0 },
        { "Cache-Control: ,, ,\r\n", 0 },
        { "Expires: Tue, 14 Nov 2023 22:14:20 GMT\r\n", 60 },
        { "Expires: Tue, 14 Nov 2023 22:12:20 GMT\r\n", -1 },
        { "Expires: 0\r\n", -1 },
        { "Expires: 0\r\nCache-Control: max-age=60\r\n", 60 },
        { "Cache-Control: public\r\nExpires: Tue, 14 Nov 2023 22:14:20 GMT\r\n", 60 },
        { "X-Accel-Expires: 30\r\nCache-Control: no-store\r\nExpires: 0\r\n", 30 },
        { "X-Accel-Expires: @1700000010\r\n", 10 },
        { "X-Accel-Expires: 0\r\n", -1 },
        { "X-Accel-Expires: soon\r\n", 0 },
        { "Set-Cookie: a=b\r\nCache-Control: max-age=60\r\n", -1 },
        { "Vary: *\r\n", -1 },
        { "Vary: Accept, *\r\n", -1 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(seconds(cases[i].fields, 0) == cases[i].seconds, "%s", cases[i].fields);
}
END_TEST

START_TEST(fields_may_be_ignored)
{
    ck_assert_int_eq(seconds("Cache-Control: no-store\r\n", IGNORE_CACHE_CONTROL), 0);
    ck_assert_int_eq(seconds("Expires: 0\r\n", IGNORE_EXPIRES), 0);
    ck_assert_int_eq(seconds("X-Accel-Expires: 0\r\n", IGNORE_X_ACCEL_EXPIRES), 0);
    ck_assert_int_eq(seconds("Set-Cookie: a\r\n", IGNORE_SET_COOKIE), 0);
    ck_assert_int_eq(seconds("Vary: *\r\n", IGNORE_VARY), 0);
}
END_TEST

START_TEST(stale_answers_may_be_used)
{
    struct freshness freshness = read("Cache-Control: stale-while-revalidate=30\r\n", 0);

    ck_assert_uint_eq(freshness.stale_updating, 30);
    ck_assert_uint_eq(freshness.stale_error, 30);
    freshness =
        read("Cache-Control: stale-while-revalidate=30, stale-if-error=60, max-age=1\r\n", 0);
    ck_assert_uint_eq(freshness.stale_updating, 30);
    ck_assert_uint_eq(freshness.stale_error, 60);
}
END_TEST

START_TEST(vary_is_one_list)
{
    ck_assert(slice_is(read("Vary: A\r\nX: y\r\nvary: B, C\r\n", 0).vary, "A, B, C"));
    ck_assert(slice_is(read("Vary:\r\n", 0).vary, ""));
}
END_TEST

int main(void)
{
    arena_init(&arena, NULL);
    int status = unit_main(unit_suite("freshness", (const TTest *[]){
                                                       fields_say_how_long,
                                                       fields_may_be_ignored,
                                                       stale_answers_may_be_used,
                                                       vary_is_one_list,
                                                       NULL,
                                                   }));
    arena_free(&arena);
    return status;
}
