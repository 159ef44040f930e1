/* Paths, escapes, query arguments and hosts, as nginx takes them. */
#include "worker/http/uri.h"

#include "tests/unit/unit.h"

static struct arena arena;

/* --- paths --- */

/* The path, or "bad". */
static const char *normalized(const char *path, bool merge_slashes)
{
    struct slice result;

    switch (uri_normalize(&arena, slice_of(path), merge_slashes, &result)) {
    case URI_OK:
        return arena_cstr(&arena, result);
    case URI_NO_MEMORY:
        return "no memory";
    case URI_BAD:
        break;
    }
    return "bad";
}

START_TEST(paths_are_normalised)
{
    static const struct {
        const char *path, *result;
    } rows[] = {
        { "/", "/" },
        { "/a/b", "/a/b" },
        { "/a b\xc3\xa9", "/a b\xc3\xa9" },
        { "/a//b", "/a/b" },
        { "///a///", "/a/" },
        { "/a/./b", "/a/b" },
        { "/./", "/" },
        { "/.", "/" },
        { "/a/.", "/a/" },
        { "/a/..", "/" },
        { "/a/../", "/" },
        { "/a/../b", "/b" },
        { "/a/b/../../c", "/c" },
        { "/a//../b", "/b" },
        { "/a/b/..", "/a/" },
        { "/a/./../b/.", "/b/" },
        { "/...", "/..." },
        { "/a/.../b", "/a/.../b" },
        { "/.a", "/.a" },
        { "/..a", "/..a" },
        { "/a./b../c", "/a./b../c" },
        { "/a..", "/a.." },
        { "/%41%62", "/Ab" },
        { "/%c3%A9", "/\xc3\xa9" },
        { "/a%2fb", "/a/b" },
        { "/a%2F%2fb", "/a/b" },
        { "/a/%2e%2E/b", "/b" },
        { "/a/.%2e/b", "/b" },
        { "/a/%2e", "/a/" },
        { "/a%2f..%2fb", "/b" },
        { "/%2525", "/%25" },
        { "/%25%32%65", "/%2e" },
        { "/%252e%252e/a", "/%2e%2e/a" },
        { "/a%3fb", "/a?b" },
        { "/a%23b", "/a#b" },
        { "/a/%3f/../b", "/a/b" },
        { "/a/.%3f/b", "/a/.?/b" },
        { "/a+b%2Bc", "/a+b+c" },
        { "/%01%7f", "/\x01\x7f" },
        { "/a#b/../..", "/a" },
        { "/a/..#b", "/" },
        { "/a/.#b", "/a/" },
        { "/a%20b#%zz", "/a b" },
        { "/..", "bad" },
        { "/../", "bad" },
        { "/../a", "bad" },
        { "/a/../..", "bad" },
        { "/a/../../b", "bad" },
        { "/./..", "bad" },
        { "//..", "bad" },
        { "/%2e%2e", "bad" },
        { "/..#", "bad" },
        { "/%", "bad" },
        { "/%4", "bad" },
        { "/a%", "bad" },
        { "/%zz", "bad" },
        { "/%4z", "bad" },
        { "/%z4", "bad" },
        { "/%%41", "bad" },
        { "/%00", "bad" },
        { "/a%00b", "bad" },
        { "/%-1", "bad" },
        { "/%4#", "bad" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *result = normalized(rows[i].path, true);
        ck_assert_msg(strcmp(result, rows[i].result) == 0, "%s: %s", rows[i].path, result);
    }
}
END_TEST

START_TEST(a_nul_is_bad)
{
    struct slice result;

    ck_assert_int_eq(uri_normalize(&arena, SLICE("/a\0b"), true, &result), URI_BAD);
}
END_TEST

START_TEST(slashes_may_stay)
{
    ck_assert_str_eq(normalized("//a///b", false), "//a///b");
    ck_assert_str_eq(normalized("/a//.", false), "/a//");
    ck_assert_str_eq(normalized("/a//..", false), "/a/");
    ck_assert_str_eq(normalized("/a//../b", false), "/a/b");
    ck_assert_str_eq(normalized("//..", false), "/");
    ck_assert_str_eq(normalized("//../..", false), "bad");
    ck_assert_str_eq(normalized("/a%2f/b", false), "/a//b");
}
END_TEST

START_TEST(a_path_with_nothing_to_do_is_not_copied)
{
    struct slice path = SLICE("/a/b.c/d-e~f"), result;

    ck_assert_int_eq(uri_normalize(&arena, path, true, &result), URI_OK);
    ck_assert_ptr_eq(result.at, path.at);
    ck_assert_uint_eq(result.len, path.len);
}
END_TEST

/* --- escapes --- */

START_TEST(escapes_are_those_of_nginx)
{
    static const char text[] = " !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~\x7f\x80\xff\x01";
    static const struct {
        enum uri_escape kind;
        const char *result;
    } rows[] = {
        { ESCAPE_URI, "%20!%22%23$%25&'()*+,-./09:;%3C=%3E%3F@AZ[%5C]%5E_%60az%7B%7C%7D~"
                      "%7F%80%FF%01" },
        { ESCAPE_ARGUMENTS, "%20!%22%23$%25%26'()*%2B,-./09:%3B%3C=%3E%3F@AZ[%5C]%5E_%60az"
                            "%7B%7C%7D~%7F%80%FF%01" },
        { ESCAPE_COMPONENT, "%20%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F09%3A%3B%3C%3D%3E%3F"
                            "%40AZ%5B%5C%5D%5E_%60az%7B%7C%7D~%7F%80%FF%01" },
        { ESCAPE_HTML, " !&quot;#$%&amp;'()*+,-./09:;&lt;=&gt;?@AZ[\\]^_`az{|}~\x7f\x80\xff\x01" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice result = uri_escape(&arena, slice_of(text), rows[i].kind);
        ck_assert_str_eq(arena_cstr(&arena, result), rows[i].result);
    }
}
END_TEST

START_TEST(a_text_with_nothing_to_escape_is_not_copied)
{
    struct slice text = SLICE("abc-DEF_0.9~");

    for (enum uri_escape kind = ESCAPE_URI; kind <= ESCAPE_HTML; kind++)
        ck_assert_ptr_eq(uri_escape(&arena, text, kind).at, text.at);
    ck_assert_uint_eq(uri_escape(&arena, SLICE(""), ESCAPE_URI).len, 0);
}
END_TEST

/* --- query arguments --- */

START_TEST(arguments_are_found)
{
    static const struct {
        const char *query, *name, *value;
    } rows[] = {
        { "a=1", "a", "1" },     { "a=1&b=2", "b", "2" },     { "A=1", "a", "1" },
        { "a=1", "A", "1" },     { "a=1&a=2", "a", "1" },     { "xa=1&a=2", "a", "2" },
        { "a&a=2", "a", "2" },   { "a=", "a", "" },           { "a=&b", "a", "" },
        { "a=b=c", "a", "b=c" }, { "a=%41+b", "a", "%41+b" }, { "&&a=1&&", "a", "1" },
        { "b=a=1", "a", NULL },  { "a", "a", NULL },          { "ab=1", "a", NULL },
        { "", "a", NULL },       { "=1", "a", NULL },         { "=1", "", NULL },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice value = { NULL, 0 };
        bool found = query_argument(slice_of(rows[i].query), slice_of(rows[i].name), &value);
        ck_assert_msg(found == (rows[i].value != NULL), "%s", rows[i].query);
        if (found)
            ck_assert_msg(slice_is(value, rows[i].value), "%s", rows[i].query);
    }
}
END_TEST

START_TEST(ways_up_are_found)
{
    static const struct {
        const char *path;
        bool up;
    } rows[] = {
        { "", false },       { ".", false },      { "..", true },       { "../", true },
        { "/..", true },     { "/../", true },    { "/a/../b", true },  { "a/..", true },
        { "a/b/../", true }, { "...", false },    { "/.../a", false },  { "a../b", false },
        { "..a/b", false },  { "/a/..b", false }, { "/a/b/c", false },  { "/.", false },
        { "//..", true },    { "./..", true },    { "/a/./b/", false }, { "/..a/..b/..", true },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(uri_goes_up(slice_of(rows[i].path)) == rows[i].up, "%s", rows[i].path);
}
END_TEST

/* --- hosts --- */

static const char *validated_known(struct known_host *known, struct slice host)
{
    struct slice name;

    return host_validate_known(known, &arena, host, &name) ? arena_cstr(&arena, name) : "bad";
}

/* The name, or "bad"; the same whatever host was there before, and when it was this one. */
static const char *validated(struct slice host)
{
    static struct known_host known;
    struct known_host other = { .text = "a.b.", .len = 4, .name_len = 3 };
    struct slice name;
    const char *result = host_validate(&arena, host, &name) ? arena_cstr(&arena, name) : "bad";

    ck_assert_str_eq(validated_known(&known, host), result);
    ck_assert_str_eq(validated_known(&known, host), result);
    ck_assert_str_eq(validated_known(&other, host), result);
    return result;
}

START_TEST(hosts_are_reduced)
{
    static const struct {
        const char *host, *name;
    } rows[] = {
        { "a", "a" },
        { "A.B.:80", "a.b" },
        { "a.b.", "a.b" },
        { "a:", "a" },
        { ".a", ".a" },
        { "\xc3\xa9", "\xc3\xa9" },
        { "a_b-c", "a_b-c" },
        { "[::1]", "[::1]" },
        { "[::A]:80", "[::a]" },
        { "127.0.0.1:80", "127.0.0.1" },
        { "a]", "a]" },
        { "", "bad" },
        { ".", "bad" },
        { ":80", "bad" },
        { ".:80", "bad" },
        { "a..b", "bad" },
        { "a..", "bad" },
        { "..", "bad" },
        { "a/b", "bad" },
        { "a:/", "bad" },
        { "a b", "bad" },
        { "a\tb", "bad" },
        { "a\x7f", "bad" },
        { "[::1", "bad" },
        { "[", "bad" },
        { "[::1]x", "bad" },
        { "[::1]:x", "bad" },
        { "a:b", "bad" },
        { "a:80:90", "bad" },
        { "a@b", "bad" },
        { "a?b", "bad" },
        { "a#b", "bad" },
        { "a\\b", "bad" },
        { "a.host.of.which.the.name.is.longer.than.what.is.kept.of.the.last.one:80",
          "a.host.of.which.the.name.is.longer.than.what.is.kept.of.the.last.one" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(strcmp(validated(slice_of(rows[i].host)), rows[i].name) == 0, "%s: %s",
                      rows[i].host, validated(slice_of(rows[i].host)));
    ck_assert_str_eq(validated(SLICE("a\0b")), "bad");
}
END_TEST

START_TEST(a_host_without_capitals_is_not_copied)
{
    struct slice host = SLICE("example.org:8080"), name;

    ck_assert(host_validate(&arena, host, &name));
    ck_assert_ptr_eq(name.at, host.at);
}
END_TEST

START_TEST(redirects_are_unescaped_as_far_as_they_may)
{
    static const char *const rows[][2] = {
        { "http://h/a", "http://h/a" },
        { "", "" },
        { "%41%5f", "A_" },
        { "%20%0d%22%25%7F%c3%A9", "%20%0d%22%25%7F%c3%A9" },
        { "%2F%3a", "/:" },
        { "a%3Fb%41", "a?b%41" }, /* a query is left alone */
        { "a?b%41", "a?b%41" },
        { "%zz", "zz" }, /* what is no %XX is dropped */
        { "%4z%", "" },
        { "a%", "a" },
        { "a%4", "a" },
        { "%%41", "%41" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice result = uri_unescape_redirect(&arena, slice_of(rows[i][0]));
        ck_assert_msg(slice_is(result, rows[i][1]), "%s: %.*s", rows[i][0], (int)result.len,
                      result.at);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        paths_are_normalised,
        a_nul_is_bad,
        slashes_may_stay,
        a_path_with_nothing_to_do_is_not_copied,
        escapes_are_those_of_nginx,
        a_text_with_nothing_to_escape_is_not_copied,
        redirects_are_unescaped_as_far_as_they_may,
        arguments_are_found,
        ways_up_are_found,
        hosts_are_reduced,
        a_host_without_capitals_is_not_copied,
        NULL,
    };

    return unit_main(unit_suite("uri", tests));
}
