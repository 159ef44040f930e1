#include "conf/suggest.h"
#include "tests/unit/unit.h"

static const struct {
    const char *a, *b;
    unsigned limit, distance;
} pairs[] = {
    { "", "", 2, 0 },
    { "abc", "abc", 0, 0 },
    { "ABC", "abc", 0, 0 },
    { "", "ab", 2, 2 },
    { "ab", "", 2, 2 },
    { "abc", "abd", 2, 1 },
    { "abc", "ab", 2, 1 },
    { "abc", "xabc", 2, 1 },
    { "abcd", "abdc", 2, 1 },
    { "bacd", "abdc", 2, 2 },
    { "rooot", "root", 1, 1 },
    { "keepalive_timout", "keepalive_timeout", 4, 1 },
    { "worker_process", "worker_processes", 4, 2 },
    { "kitten", "sitting", 4, 3 },
    { "kitten", "sitting", 2, 3 },
    { "abcdef", "uvwxyz", 3, 4 },
    { "a", "abcdefgh", 3, 4 },
};

START_TEST(distances)
{
    struct slice a = slice_of(pairs[_i].a);
    struct slice b = slice_of(pairs[_i].b);

    ck_assert_uint_eq(suggest_distance(a, b, pairs[_i].limit), pairs[_i].distance);
    ck_assert_uint_eq(suggest_distance(b, a, pairs[_i].limit), pairs[_i].distance);
}
END_TEST

static struct slice word_at(const void *context, size_t index)
{
    return slice_of(((const char *const *)context)[index]);
}

static const char *const words[] = {
    "root", "listen", "listing", "server", "server_name", "", "on", "off",
};

static struct slice nearest(const char *word)
{
    return suggest_nearest(slice_of(word), sizeof(words) / sizeof(*words), word_at, words);
}

START_TEST(the_nearest_word_wins)
{
    ck_assert(slice_is(nearest("rooot"), "root"));
    ck_assert(slice_is(nearest("listne"), "listen"));
    ck_assert(slice_is(nearest("lisitng"), "listing"));
    ck_assert(slice_is(nearest("servername"), "server_name"));
    ck_assert(slice_is(nearest("Server"), "server"));
    ck_assert(slice_is(nearest("onn"), "on"));
}
END_TEST

START_TEST(far_words_are_not_suggested)
{
    ck_assert_uint_eq(nearest("nonsense").len, 0);
    ck_assert_uint_eq(nearest("rt").len, 0);
    ck_assert_uint_eq(nearest("").len, 0);
    ck_assert_uint_eq(suggest_nearest(SLICE("a"), 0, word_at, words).len, 0);
}
END_TEST

START_TEST(a_word_of_any_length_is_compared)
{
    static char text[100000];

    memset(text, 'a', sizeof(text));
    struct slice longest = { text, sizeof(text) };
    ck_assert_uint_eq(suggest_distance(longest, longest, 4), 5);
    ck_assert_uint_eq(suggest_nearest(longest, 1, word_at, words).len, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("suggest");
    TCase *tcase = tcase_create("suggest");

    tcase_add_loop_test(tcase, distances, 0, sizeof(pairs) / sizeof(*pairs));
    tcase_add_test(tcase, the_nearest_word_wins);
    tcase_add_test(tcase, far_words_are_not_suggested);
    tcase_add_test(tcase, a_word_of_any_length_is_compared);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
