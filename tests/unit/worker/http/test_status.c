#include "worker/http/status.h"

#include "tests/unit/unit.h"

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, NULL);
}

static void tear_down(void)
{
    arena_free(&arena);
}

static void expect_line(unsigned status, const char *line)
{
    struct slice got = status_line(status, &arena);

    ck_assert_msg(slice_is(got, line), "%u: %.*s", status, (int)got.len, got.at);
}

START_TEST(lines_are_nginx_own)
{
    expect_line(200, "200 OK");
    expect_line(302, "302 Moved Temporarily");
    expect_line(401, "401 Unauthorized");
    expect_line(405, "405 Not Allowed");
    expect_line(408, "408 Request Time-out");
    expect_line(413, "413 Request Entity Too Large");
    expect_line(414, "414 Request-URI Too Large");
    expect_line(416, "416 Requested Range Not Satisfiable");
    expect_line(503, "503 Service Temporarily Unavailable");
    expect_line(507, "507 Insufficient Storage");
}
END_TEST

START_TEST(unknown_statuses_are_bare_numbers)
{
    expect_line(0, "000 ");
    expect_line(99, "099 ");
    expect_line(203, "203 ");
    expect_line(299, "299 ");
    expect_line(444, "444 ");
    expect_line(498, "498 ");
    expect_line(508, "508 ");
    expect_line(999, "999 ");
    expect_line(12345, "12345 ");
}
END_TEST

START_TEST(refusals_of_nginx_are_bad_requests)
{
    for (unsigned status = 494; status <= 497; status++)
        expect_line(status, "400 Bad Request");
}
END_TEST

static void expect_page(unsigned status, const char *page)
{
    struct slice got = status_page(status, SLICE("muxd"), false, &arena);

    ck_assert_msg(slice_is(got, page), "%u: %.*s", status, (int)got.len, got.at);
}

START_TEST(pages_are_nginx_own)
{
    expect_page(404, "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n"
                     "<center><h1>404 Not Found</h1></center>\r\n"
                     "<hr><center>muxd</center>\r\n</body>\r\n</html>\r\n");
    expect_page(302, "<html>\r\n<head><title>302 Found</title></head>\r\n<body>\r\n"
                     "<center><h1>302 Found</h1></center>\r\n"
                     "<hr><center>muxd</center>\r\n</body>\r\n</html>\r\n");
    expect_page(401, "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n"
                     "<body>\r\n<center><h1>401 Authorization Required</h1></center>\r\n"
                     "<hr><center>muxd</center>\r\n</body>\r\n</html>\r\n");
    expect_page(494, "<html>\r\n<head><title>400 Request Header Or Cookie Too Large</title></head>"
                     "\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n"
                     "<center>Request Header Or Cookie Too Large</center>\r\n"
                     "<hr><center>muxd</center>\r\n</body>\r\n</html>\r\n");
    expect_page(498, "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n"
                     "<center><h1>404 Not Found</h1></center>\r\n"
                     "<hr><center>muxd</center>\r\n</body>\r\n</html>\r\n");
}
END_TEST

START_TEST(some_statuses_have_no_page)
{
    static const unsigned none[] = { 0,   200, 204, 206, 300, 304, 305, 407,
                                     417, 420, 444, 499, 506, 508, 9999 };

    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        expect_page(none[i], "");
}
END_TEST

START_TEST(padding_makes_a_page_long)
{
    struct slice plain = status_page(404, SLICE("muxd"), false, &arena);
    struct slice padded = status_page(404, SLICE("muxd"), true, &arena);

    ck_assert_uint_eq(padded.len, plain.len + 6 * 67);
    ck_assert(slice_starts(padded, plain));
    ck_assert(slice_ends(
        padded, SLICE("<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status");
    TCase *tests = tcase_create("status");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, lines_are_nginx_own);
    tcase_add_test(tests, unknown_statuses_are_bare_numbers);
    tcase_add_test(tests, refusals_of_nginx_are_bad_requests);
    tcase_add_test(tests, pages_are_nginx_own);
    tcase_add_test(tests, some_statuses_have_no_page);
    tcase_add_test(tests, padding_makes_a_page_long);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
