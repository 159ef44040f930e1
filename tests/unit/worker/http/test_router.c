/* Which location a path belongs to: nginx's order, exact, prefix and regex. */
#include "worker/http/router.h"

#include "worker/context.h"

#include "tests/unit/unit.h"

static struct arena arena;
static struct worker worker;
static struct server server;

/* Starts a server without locations. */
static void setup(void)
{
    arena_init(&arena, NULL);
    server = (struct server){ .locations = location_table_new(&arena) };
    ck_assert_ptr_nonnull(server.locations);
}

static void teardown(void)
{
    arena_free(&arena);
}

static struct location *location_new(enum location_kind kind, const char *name)
{
    struct location *location = arena_zalloc(&arena, sizeof *location);

    ck_assert_ptr_nonnull(location);
    location->kind = kind;
    location->name = slice_of(name);
    if (kind == LOCATION_REGEX) {
        struct regex_error error;
        location->pattern.regex = regex_compile(&arena, location->name, false, &error);
        ck_assert_ptr_nonnull(location->pattern.regex);
    }
    return location;
}

/* Adds a location to the server. */
static struct location *add(enum location_kind kind, const char *name)
{
    struct location *location = location_new(kind, name);

    ck_assert_int_eq(location_table_add(server.locations, &arena, location), LOCATION_ADDED);
    return location;
}

/* Adds a location inside another. */
static struct location *add_inner(struct location *outer, enum location_kind kind, const char *name)
{
    struct location *location = location_new(kind, name);

    if (outer->inner == NULL)
        outer->inner = location_table_new(&arena);
    ck_assert_int_eq(location_table_add(outer->inner, &arena, location), LOCATION_ADDED);
    return location;
}

/* The name of the path's location; "-" when it has none, "name/" behind a '>'
 * when the path is to be redirected there. */
static const char *route(const char *path)
{
    struct request request = { .worker = &worker, .server = &server, .uri = slice_of(path) };
    const struct location *location;

    arena_init(&request.arena, NULL);
    enum route found = http_find_location(&request, &location);
    arena_free(&request.arena);
    switch (found) {
    case ROUTE_FOUND:
        return location->name.at;
    case ROUTE_SLASH:
        return arena_printf(&arena, ">%s", location->name.at).at;
    case ROUTE_NONE:
        ck_assert_ptr_null(location);
        return "-";
    case ROUTE_NO_MEMORY:
        break;
    }
    return "no memory";
}

START_TEST(without_locations_there_is_none)
{
    ck_assert_str_eq(route("/"), "-");
    server.locations = NULL;
    ck_assert_str_eq(route("/"), "-");
    ck_assert_ptr_null(http_find_named(&server, SLICE("@a")));
}
END_TEST

START_TEST(the_longest_prefix_wins_in_any_order)
{
    static const char *const names[] = { "/a/b", "/", "/a", "/a/b/c", "/ab", "/b/", "/a/bc" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add(LOCATION_PREFIX, names[i]);
    ck_assert_str_eq(route("/"), "/");
    ck_assert_str_eq(route("/x"), "/");
    ck_assert_str_eq(route("/a"), "/a");
    ck_assert_str_eq(route("/a/"), "/a");
    ck_assert_str_eq(route("/a/x"), "/a");
    ck_assert_str_eq(route("/ax"), "/a");
    ck_assert_str_eq(route("/ab"), "/ab");
    ck_assert_str_eq(route("/a/b"), "/a/b");
    ck_assert_str_eq(route("/a/bb"), "/a/b");
    ck_assert_str_eq(route("/a/b/"), "/a/b");
    ck_assert_str_eq(route("/a/b/c/d"), "/a/b/c");
    ck_assert_str_eq(route("/a/bcd"), "/a/bc");
    ck_assert_str_eq(route("/b"), "/");
    ck_assert_str_eq(route("/b/"), "/b/");
    ck_assert_str_eq(route("/A"), "/");
    ck_assert_str_eq(route("*"), "-");
}
END_TEST

START_TEST(a_path_that_no_prefix_covers_has_no_location)
{
    add(LOCATION_PREFIX, "/abc");
    ck_assert_str_eq(route("/"), "-");
    ck_assert_str_eq(route("/ab"), "-");
    ck_assert_str_eq(route("/abd"), "-");
    ck_assert_str_eq(route("/abcd"), "/abc");
}
END_TEST

START_TEST(exact_is_for_the_path_alone_and_final)
{
    add(LOCATION_PREFIX, "/");
    struct location *exact = add(LOCATION_EXACT, "/a");
    struct location *prefix = add(LOCATION_PREFIX, "/a");
    add(LOCATION_REGEX, "^/a");
    const struct location *found;

    ck_assert_int_eq(location_table_find(server.locations, SLICE("/a"), &found), MATCH_FINAL);
    ck_assert_ptr_eq(found, exact);
    ck_assert_int_eq(location_table_find(server.locations, SLICE("/ab"), &found), MATCH_PREFIX);
    ck_assert_ptr_eq(found, prefix);
    ck_assert_str_eq(route("/a"), "/a");
    ck_assert_str_eq(route("/ab"), "^/a");
}
END_TEST

START_TEST(the_first_regex_wins_over_prefixes)
{
    add(LOCATION_PREFIX, "/a/");
    add(LOCATION_REGEX, "\\.b$");
    add(LOCATION_REGEX, "\\.[bc]$");
    ck_assert_str_eq(route("/a/x"), "/a/");
    ck_assert_str_eq(route("/a/x.b"), "\\.b$");
    ck_assert_str_eq(route("/a/x.c"), "\\.[bc]$");
    ck_assert_str_eq(route("/x.b"), "\\.b$");
    ck_assert_str_eq(route("/x"), "-");
}
END_TEST

START_TEST(a_final_prefix_forbids_regexes)
{
    add(LOCATION_PREFIX_FINAL, "/a");
    add(LOCATION_PREFIX, "/a/b");
    add(LOCATION_REGEX, "x");
    ck_assert_str_eq(route("/ax"), "/a");
    ck_assert_str_eq(route("/a/bx"), "x");
    ck_assert_str_eq(route("/x"), "x");
}
END_TEST

START_TEST(inner_locations_are_searched_first)
{
    struct location *outer = add(LOCATION_PREFIX, "/a/");
    struct location *middle = add_inner(outer, LOCATION_PREFIX, "/a/b/");
    add_inner(middle, LOCATION_REGEX, "\\.x$");
    add_inner(outer, LOCATION_EXACT, "/a/e.y");
    add_inner(outer, LOCATION_REGEX, "\\.z$");
    add(LOCATION_REGEX, "\\.[xyz]$");
    ck_assert_str_eq(route("/a/"), "/a/");
    ck_assert_str_eq(route("/a/c"), "/a/");
    ck_assert_str_eq(route("/a/b/c"), "/a/b/");
    ck_assert_str_eq(route("/a/b/c.x"), "\\.x$");
    ck_assert_str_eq(route("/a/e.y"), "/a/e.y");
    ck_assert_str_eq(route("/a/c.z"), "\\.z$");
    ck_assert_str_eq(route("/a/b/c.z"), "\\.z$");
    ck_assert_str_eq(route("/a/c.x"), "\\.[xyz]$");
    ck_assert_str_eq(route("/a/b/c.y"), "\\.[xyz]$");
}
END_TEST

START_TEST(an_inner_final_prefix_forbids_the_inner_regexes_only)
{
    struct location *outer = add(LOCATION_PREFIX, "/a/");

    add_inner(outer, LOCATION_PREFIX_FINAL, "/a/b/");
    add_inner(outer, LOCATION_REGEX, "x$");
    add(LOCATION_REGEX, "[xy]$");
    ck_assert_str_eq(route("/a/x"), "x$");
    ck_assert_str_eq(route("/a/b/x"), "[xy]$");
    ck_assert_str_eq(route("/a/b/z"), "/a/b/");
}
END_TEST

START_TEST(a_final_prefix_lets_its_own_regexes_match)
{
    struct location *outer = add(LOCATION_PREFIX_FINAL, "/a/");

    add_inner(outer, LOCATION_REGEX, "x$");
    add(LOCATION_REGEX, "[xy]$");
    ck_assert_str_eq(route("/a/x"), "x$");
    ck_assert_str_eq(route("/a/y"), "/a/");
}
END_TEST

START_TEST(a_regex_has_inner_locations_too)
{
    struct location *outer = add(LOCATION_REGEX, "^/a");

    add_inner(outer, LOCATION_REGEX, "b$");
    add(LOCATION_REGEX, "c$");
    ck_assert_str_eq(route("/ab"), "b$");
    ck_assert_str_eq(route("/ac"), "^/a");
    ck_assert_str_eq(route("/c"), "c$");
}
END_TEST

START_TEST(a_missing_slash_redirects)
{
    add(LOCATION_PREFIX, "/");
    add(LOCATION_PREFIX, "/a/")->auto_redirect = true;
    add(LOCATION_PREFIX, "/b/");
    add(LOCATION_PREFIX, "/a/c");
    add(LOCATION_PREFIX, "/d/")->auto_redirect = true;
    add(LOCATION_EXACT, "/d");
    add(LOCATION_PREFIX, "/ab");
    ck_assert_str_eq(route("/a"), ">/a/");
    ck_assert_str_eq(route("/a/"), "/a/");
    ck_assert_str_eq(route("/b"), "/");
    ck_assert_str_eq(route("/d"), "/d");
    ck_assert_str_eq(route("/d/x"), "/d/");
    ck_assert_str_eq(route("/ab"), "/ab");
}
END_TEST

START_TEST(regexes_leave_captures)
{
    struct request request = { .worker = &worker, .server = &server, .uri = SLICE("/a/b.c") };
    const struct location *location;

    arena_init(&request.arena, NULL);
    add(LOCATION_REGEX, "/([a-z])\\.(.)$");
    ck_assert_int_eq(http_find_location(&request, &location), ROUTE_FOUND);
    ck_assert_ptr_nonnull(request.captures);
    ck_assert(slice_is(request.captures[1], "b"));
    ck_assert(slice_is(request.captures[2], "c"));
    ck_assert_uint_eq(request.captures[3].len, 0);
    arena_free(&request.arena);
}
END_TEST

START_TEST(named_locations_are_found_by_name_only)
{
    struct location *first = add(LOCATION_NAMED, "@a");

    add(LOCATION_NAMED, "@a");
    add(LOCATION_NAMED, "@b");
    ck_assert_ptr_eq(http_find_named(&server, SLICE("@a")), first);
    ck_assert_ptr_null(http_find_named(&server, SLICE("@c")));
    ck_assert_ptr_null(http_find_named(&server, SLICE("a")));
    ck_assert_str_eq(route("@a"), "-");
}
END_TEST

START_TEST(duplicates_are_told)
{
    add(LOCATION_PREFIX, "/a");
    add(LOCATION_EXACT, "/a");
    add(LOCATION_REGEX, "/a");
    add(LOCATION_REGEX, "/a");
    ck_assert_int_eq(
        location_table_add(server.locations, &arena, location_new(LOCATION_PREFIX, "/a")),
        LOCATION_DUPLICATE);
    ck_assert_int_eq(
        location_table_add(server.locations, &arena, location_new(LOCATION_PREFIX_FINAL, "/a")),
        LOCATION_DUPLICATE);
    ck_assert_int_eq(
        location_table_add(server.locations, &arena, location_new(LOCATION_EXACT, "/a")),
        LOCATION_DUPLICATE);
}
END_TEST

/* The tree against the plain meaning: the longest name that the path begins with. */
static const char *longest_prefix(char names[][8], size_t count, const char *path)
{
    const char *longest = "-";

    for (size_t i = 0; i < count; i++)
        if (strncmp(path, names[i], strlen(names[i])) == 0 &&
            (longest[0] == '-' || strlen(names[i]) > strlen(longest)))
            longest = names[i];
    return longest;
}

/* A path of up to seven bytes of a small alphabet, that many collide; the same
 * in every run. */
static void random_path(uint64_t *state, char path[8])
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t bits = *state >> 24;
    size_t len = 1 + bits % 7;

    path[0] = '/';
    for (size_t i = 1; i < len; i++) {
        bits >>= 3;
        path[i] = "/ab"[bits % 3];
    }
    path[len] = '\0';
}

START_TEST(the_tree_means_what_a_list_would)
{
    enum { NAMES = 60, PATHS = 2000 };
    char names[NAMES][8], path[8];
    uint64_t state = 1;
    size_t count = 0;

    while (count < NAMES) {
        random_path(&state, names[count]);
        struct location *location = location_new(LOCATION_PREFIX, names[count]);
        if (location_table_add(server.locations, &arena, location) == LOCATION_ADDED)
            count++;
    }
    for (int i = 0; i < PATHS; i++) {
        random_path(&state, path);
        ck_assert_str_eq(route(path), longest_prefix(names, count, path));
    }
}
END_TEST

static Suite *router_suite(void)
{
    const TTest *const tests[] = {
        without_locations_there_is_none,
        the_longest_prefix_wins_in_any_order,
        a_path_that_no_prefix_covers_has_no_location,
        exact_is_for_the_path_alone_and_final,
        the_first_regex_wins_over_prefixes,
        a_final_prefix_forbids_regexes,
        inner_locations_are_searched_first,
        an_inner_final_prefix_forbids_the_inner_regexes_only,
        a_final_prefix_lets_its_own_regexes_match,
        a_regex_has_inner_locations_too,
        a_missing_slash_redirects,
        regexes_leave_captures,
        named_locations_are_found_by_name_only,
        duplicates_are_told,
        the_tree_means_what_a_list_would,
    };
    Suite *suite = suite_create("router");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(router_suite());
}
