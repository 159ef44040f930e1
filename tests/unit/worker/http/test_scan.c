/* Scanning many bytes at a time, and its portable twin. */
#include "worker/http/scan.h"

#include "tests/unit/unit.h"

typedef const char *scan(const char *at, const char *end);

/* Each byte at each place of a run: both ways of scanning stop at the same. */
static void assert_twins(scan *fast, scan *bytewise, const char *run)
{
    char text[40];

    for (size_t len = 0; len <= sizeof text; len++)
        for (size_t at = 0; at < len; at++)
            for (int c = 0; c < 256; c++) {
                for (size_t i = 0; i < len; i++)
                    text[i] = run[i % 3];
                text[at] = (char)c;
                if (at + 2 < len && c % 3 == 0)
                    text[at + 2] = '/';
                if (fast(text, text + len) != bytewise(text, text + len))
                    ck_abort_msg("byte %d at %zu of %zu", c, at, len);
            }
}

START_TEST(both_ways_of_scanning_agree)
{
    assert_twins(scan_name, scan_name_bytewise, "aZ9");
    assert_twins(scan_text, scan_text_bytewise, "a\t ");
    assert_twins(scan_visible, scan_visible_bytewise, "a/\xff");
    assert_twins(scan_query, scan_query_bytewise, "a?/");
    assert_twins(scan_path, scan_path_bytewise, "a/b");
    assert_twins(scan_path, scan_path_bytewise, "ab.");
}
END_TEST

/* Each byte at each place of a host. */
START_TEST(both_ways_of_looking_over_a_host_agree)
{
    char text[40];

    for (size_t len = 1; len <= sizeof text; len++)
        for (size_t at = 0; at < len; at++)
            for (int c = 0; c < 256; c++) {
                memset(text, 'a', sizeof text);
                text[at] = (char)c;
                text[(at + 1) % len] = c % 2 == 0 ? '.' : (char)c;
                struct host_marks fast = scan_host(text, len);
                struct host_marks slow = scan_host_bytewise(text, len);
                if (fast.colon != slow.colon || fast.capitals != slow.capitals ||
                    fast.bad != slow.bad)
                    ck_abort_msg("byte %d at %zu of %zu", c, at, len);
            }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        both_ways_of_scanning_agree,
        both_ways_of_looking_over_a_host_agree,
        NULL,
    };

    return unit_main(unit_suite("scan", tests));
}
