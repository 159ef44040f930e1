#include "common/matcher.h"
#include "tests/unit/unit.h"

#include <stdio.h>

/* What the streaming search finds, as text: "pattern@offset ...", with the text given in
 * pieces that end at each of `cuts`. */
static void find_all(const struct matcher *matcher, struct slice text, const size_t *cuts,
                     size_t cut_count, char *found)
{
    size_t start = 0, cut = 0;

    *found = '\0';
    while (start < text.len || cut < cut_count) {
        size_t end = cut < cut_count ? cuts[cut] : text.len;
        struct slice in = slice_make(text.at + start, end - start);
        size_t at, index;
        if (matcher_find(matcher, in, end == text.len, NULL, &at, &index)) {
            found += sprintf(found, "%zu@%zu ", index, start + at);
            start += at + matcher_length(matcher, index);
            continue;
        }
        ck_assert_uint_le(at, in.len);
        ck_assert_uint_lt(in.len - at, matcher_longest(matcher));
        start += at;
        if (end == text.len) {
            ck_assert_uint_eq(at, in.len);
            break;
        }
        cut++;
    }
}

/* The same by the definition: leftmost, then first named. */
static void find_plainly(const struct slice *patterns, size_t count, struct slice text, char *found)
{
    *found = '\0';
    for (size_t at = 0; at < text.len;) {
        size_t i = 0;
        while (i < count &&
               (patterns[i].len > text.len - at ||
                !slice_equal_nocase(patterns[i], slice_make(text.at + at, patterns[i].len))))
            i++;
        if (i < count)
            found += sprintf(found, "%zu@%zu ", i, at);
        at += i < count ? patterns[i].len : 1;
    }
}

/* Each way of cutting the text in two and in three. */
static void check(const char *const *words, const char *text_of)
{
    struct slice patterns[8], text = slice_of(text_of);
    char expected[4096], found[4096];
    size_t count = 0;
    struct arena arena;

    arena_init(&arena, NULL);
    for (; words[count] != NULL; count++)
        patterns[count] = slice_of(words[count]);
    struct matcher *matcher = matcher_new(&arena, patterns, count);
    ck_assert_ptr_nonnull(matcher);
    ck_assert_uint_eq(matcher_count(matcher), count);
    find_plainly(patterns, count, text, expected);
    for (size_t a = 0; a <= text.len; a++)
        for (size_t b = a; b <= text.len; b++) {
            find_all(matcher, text, (size_t[]){ a, b }, 2, found);
            ck_assert_msg(strcmp(found, expected) == 0, "\"%s\" cut at %zu, %zu: %s, not %s",
                          text_of, a, b, found, expected);
        }
    arena_free(&arena);
}

#define CHECK(text, ...) check((const char *const[]){ __VA_ARGS__, NULL }, text)

START_TEST(one_text)
{
    CHECK("", "a");
    CHECK("a", "a");
    CHECK("b", "a");
    CHECK("banana", "a");
    CHECK("banana", "ana");
    CHECK("banana", "banana");
    CHECK("banana", "bananas");
    CHECK("aaaaaaaaab", "aab");
    CHECK("<html><HEAD></head></hTmL></html", "</html>");
    CHECK("ABCabcAbC", "aBc");
    CHECK("[{@`", "{");
    CHECK("[{@`", "`");
}
END_TEST

START_TEST(several_texts)
{
    CHECK("he said she saw hers", "she", "hers", "he", "his");
    CHECK("abcde abce", "abcd", "bc");
    CHECK("abcde abce", "bc", "abcd");
    CHECK("abc abd ab", "abc", "ab"); /* the longer one was named first */
    CHECK("abc abd ab", "ab", "abc");
    CHECK("aaaa", "aaa", "aa", "a");
    CHECK("aaaaa", "aaa", "aa");
    CHECK("xaXbxcxabcx", "xabc", "xb", "c", "xab");
    CHECK("one two three", "zero", "four", "three");
}
END_TEST

START_TEST(any_texts_of_two_letters)
{
    uint32_t random = 1;

    for (unsigned round = 0; round < 2000; round++) {
        char words[3][8] = { "", "", "" }, text[24] = "";
        for (unsigned i = 0; i < 4; i++) {
            char *word = i < 3 ? words[i] : text;
            size_t len = 1 + (random >> 16) % (i < 3 ? 6 : sizeof text - 1);
            for (size_t k = 0; k < len; k++) {
                random = random * 1103515245 + 12345;
                word[k] = "aAb"[(random >> 16) % 3];
            }
        }
        CHECK(text, words[0], words[1], words[2]);
    }
}
END_TEST

START_TEST(any_bytes)
{
    static const char bytes[] = "\0\x80\xff\xc0\xe0";
    struct slice texts[] = { { bytes, 2 }, { bytes + 2, 2 } };
    struct arena arena;
    size_t at, index;

    arena_init(&arena, NULL);
    struct matcher *matcher = matcher_new(&arena, texts, 2);
    ck_assert(matcher_find(matcher, slice_make(bytes, 5), true, NULL, &at, &index));
    ck_assert_uint_eq(at, 0);
    ck_assert(matcher_find(matcher, slice_make(bytes + 1, 4), true, NULL, &at, &index));
    ck_assert_uint_eq(index, 1);
    /* Only letters of ASCII have a case. */
    ck_assert(!matcher_find(matcher, slice_make("\xff\xe0\x20\x80", 4), true, NULL, &at, &index));
    arena_free(&arena);
}
END_TEST

START_TEST(those_done_are_passed_over)
{
    struct slice texts[] = { SLICE_INIT("ab"), SLICE_INIT("abc"), SLICE_INIT("c") };
    bool done[] = { true, false, false };
    struct arena arena;
    size_t at, index;

    arena_init(&arena, NULL);
    struct matcher *matcher = matcher_new(&arena, texts, 3);
    ck_assert(matcher_find(matcher, SLICE("xab abc"), true, done, &at, &index));
    ck_assert_uint_eq(at, 4);
    ck_assert_uint_eq(index, 1);
    ck_assert(!matcher_find(matcher, SLICE("xab"), false, done, &at, &index));
    ck_assert_uint_eq(at, 1);
    done[1] = true;
    ck_assert(!matcher_find(matcher, SLICE("xab"), false, done, &at, &index));
    ck_assert_uint_eq(at, 3);
    arena_free(&arena);
}
END_TEST

/* Nothing is kept back that cannot be the beginning of a match. */
START_TEST(only_beginnings_are_kept_back)
{
    struct slice texts[] = { SLICE_INIT("</body>"), SLICE_INIT("</html>") };
    struct arena arena;
    size_t at, index;

    arena_init(&arena, NULL);
    struct matcher *matcher = matcher_new(&arena, texts, 2);
    ck_assert(!matcher_find(matcher, SLICE("data: 1\n\n"), false, NULL, &at, &index));
    ck_assert_uint_eq(at, 9);
    ck_assert(!matcher_find(matcher, SLICE("text</BO"), false, NULL, &at, &index));
    ck_assert_uint_eq(at, 4);
    ck_assert(!matcher_find(matcher, SLICE("text</BO"), true, NULL, &at, &index));
    ck_assert_uint_eq(at, 8);
    ck_assert(!matcher_find(matcher, SLICE("</bo</"), false, NULL, &at, &index));
    ck_assert_uint_eq(at, 4);
    arena_free(&arena);
}
END_TEST

int main(void)
{
    return unit_main(
        unit_suite("matcher", (const TTest *[]){ one_text, several_texts, any_texts_of_two_letters,
                                                 any_bytes, those_done_are_passed_over,
                                                 only_beginnings_are_kept_back, NULL }));
}
