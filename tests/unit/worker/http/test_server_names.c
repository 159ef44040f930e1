/* Which server a host belongs to: exact, wildcard in front, wildcard behind,
 * regex, default. */
#include "worker/http/server_names.h"

#include "worker/context.h"

#include "tests/unit/unit.h"

#include <unistd.h>

static struct arena arena;
static struct conf conf;
static struct worker worker;
static struct http_address address;

static void setup(void)
{
    arena_init(&arena, NULL);
    conf = (struct conf){ .arena = &arena };
    conf_messages_init(&conf.messages, &arena);
    address = (struct http_address){ .servers.item_size = sizeof(struct server *) };
    address_parse(SLICE("127.0.0.1:80"), 80, &address.options.address, &(size_t){ 1 });
}

static void teardown(void)
{
    arena_free(&arena);
}

static struct server *server_new(void)
{
    struct server *server = arena_zalloc(&arena, sizeof *server);
    const struct server **place = array_push(&address.servers, &arena);

    ck_assert(server != NULL && place != NULL);
    server->names.item_size = sizeof(struct server_name);
    *place = server;
    if (address.default_server == NULL)
        address.default_server = server;
    return server;
}

/* A server by its server_name directive, as it would be read; the first is the
 * address's default. */
static struct server *add(const char *names)
{
    struct server *server = server_new();
    struct conf_scope scope = { .context = IN_SERVER, .owner = server };
    struct conf_node node = { .words = (struct word[9]){ { .text = SLICE("server_name") } },
                              .count = 1 };

    for (struct slice rest = slice_of(names); rest.len > 0;) {
        ptrdiff_t space = slice_find(rest, ' ');
        size_t len = space < 0 ? rest.len : (size_t)space;
        node.words[node.count++].text = slice_first(rest, len);
        rest = slice_from(rest, len + 1);
    }
    as_server_names.set(&conf, &scope, &node, NULL, NULL);
    ck_assert(server_names_close(&conf, server));
    return server;
}

static void build(void)
{
    address.names = server_names_build(&conf, &address);
    ck_assert_ptr_nonnull(address.names);
}

static const struct server *find(const char *host)
{
    struct request request = { .worker = &worker };

    arena_init(&request.arena, NULL);
    const struct server *server = http_find_server(&address, &request, slice_of(host));
    arena_free(&request.arena);
    return server;
}

START_TEST(one_server_answers_everything)
{
    struct server *only = add("a");

    ck_assert(http_single_server(&address));
    ck_assert_ptr_eq(find("b"), only);
    ck_assert_ptr_eq(find(""), only);
    ck_assert_ptr_eq(http_default_server(&address), only);
}
END_TEST

START_TEST(exact_names)
{
    struct server *first = add("a.b");
    struct server *second = add("C.d e");

    build();
    ck_assert(!http_single_server(&address));
    ck_assert_ptr_eq(find("a.b"), first);
    ck_assert_ptr_eq(find("c.d"), second);
    ck_assert_ptr_eq(find("e"), second);
    ck_assert_ptr_eq(find("x"), first);
    ck_assert_ptr_eq(find("x.e"), first);
    ck_assert_ptr_eq(find(""), first);
    ck_assert_uint_eq(conf.messages.errors + conf.messages.warnings, 0);
}
END_TEST

START_TEST(wildcards_in_front)
{
    struct server *other = add("other");
    struct server *wide = add("*.org");
    struct server *narrow = add("*.a.org");
    struct server *both = add(".b.org");

    build();
    ck_assert_ptr_eq(find("x.org"), wide);
    ck_assert_ptr_eq(find("x.y.org"), wide);
    ck_assert_ptr_eq(find("org"), other);
    ck_assert_ptr_eq(find("a.org"), wide);
    ck_assert_ptr_eq(find("x.a.org"), narrow);
    ck_assert_ptr_eq(find("x.y.a.org"), narrow);
    ck_assert_ptr_eq(find("xa.org"), wide);
    ck_assert_ptr_eq(find("b.org"), both);
    ck_assert_ptr_eq(find("x.b.org"), both);
    ck_assert_ptr_eq(find("xb.org"), wide);
}
END_TEST

START_TEST(wildcards_behind)
{
    struct server *other = add("other");
    struct server *wide = add("www.*");
    struct server *narrow = add("www.a.*");

    build();
    ck_assert_ptr_eq(find("www.org"), wide);
    ck_assert_ptr_eq(find("www.x.org"), wide);
    ck_assert_ptr_eq(find("www.a"), wide);
    ck_assert_ptr_eq(find("www.a.org"), narrow);
    ck_assert_ptr_eq(find("www.ab.org"), wide);
    ck_assert_ptr_eq(find("www"), other);
    ck_assert_ptr_eq(find("wwww.org"), other);
}
END_TEST

START_TEST(the_order_of_the_search)
{
    struct server *regex = add("~^(www)\\.a\\.org$");
    struct server *behind = add("www.a.*");
    struct server *front = add("*.a.org");

    build();
    ck_assert_ptr_eq(find("www.a.org"), front);
    ck_assert_ptr_eq(find("www.a.net"), behind);
    struct server *exact = add("www.a.org");
    build();
    ck_assert_ptr_eq(find("www.a.org"), exact);
    ck_assert_ptr_ne(find("www.a.org"), regex);
}
END_TEST

START_TEST(regexes_in_the_order_of_the_text)
{
    struct server *other = add("other");
    struct server *first = add("~^(?:x|y)\\.");
    struct server *second = add("~y");
    struct request request = { .worker = &worker };

    build();
    ck_assert_ptr_eq(find("x.org"), first);
    ck_assert_ptr_eq(find("y.org"), first);
    ck_assert_ptr_eq(find("ay"), second);
    ck_assert_ptr_eq(find("a"), other);
    struct server *capital = add("~^(A+)$");
    build();
    ck_assert(capital->name_captures && !first->name_captures);
    arena_init(&request.arena, NULL);
    ck_assert_ptr_eq(http_find_server(&address, &request, SLICE("aa")), capital);
    ck_assert(slice_is(request.captures[1], "aa"));
    arena_free(&request.arena);
}
END_TEST

START_TEST(the_empty_name_is_for_requests_without_a_host)
{
    struct server *other = add("a");
    struct server *nameless = add("");

    build();
    ck_assert_ptr_eq(find(""), nameless);
    ck_assert_ptr_eq(find("x"), other);
}
END_TEST

START_TEST(a_conflict_is_a_warning_and_the_first_wins)
{
    struct server *first = add("a.b *.c .d x.*");
    struct server *second = add("a.b *.c .d x.* e");

    build();
    ck_assert_ptr_eq(find("a.b"), first);
    ck_assert_ptr_eq(find("x.c"), first);
    ck_assert_ptr_eq(find("d"), first);
    ck_assert_ptr_eq(find("x.y"), first);
    ck_assert_ptr_eq(find("e"), second);
    ck_assert_uint_eq(conf.messages.warnings, 4);
    ck_assert_uint_eq(conf.messages.errors, 0);
    ck_assert(slice_is(conf.messages.first->text,
                       "conflicting server name \"a.b\" on 127.0.0.1:80, ignored"));
}
END_TEST

START_TEST(names_that_are_none_are_errors)
{
    static const char *const read[] = { "*", "*a.b", "**", "*.", ".", "~" };
    static const char *const built[] = { "a*b", "a..b", "*.a.*", "a.*.b", "www.*a" };

    for (size_t i = 0; i < sizeof read / sizeof *read; i++) {
        unsigned before = conf.messages.errors;
        add(read[i]);
        ck_assert_msg(conf.messages.errors == before + 1, "%s", read[i]);
    }
    for (size_t i = 0; i < sizeof built / sizeof *built; i++) {
        unsigned before = conf.messages.errors;
        address.servers.count = 0;
        add(built[i]);
        build();
        ck_assert_msg(conf.messages.errors == before + 1, "%s", built[i]);
    }
}
END_TEST

START_TEST(the_name_that_is_shown)
{
    static const struct {
        const char *names, *name;
    } rows[] = {
        { "a b", "a" }, { ".a", "a" }, { "*.A", "*.a" }, { "~^a", "~^a" }, { "", "" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(slice_is(add(rows[i].names)->name, rows[i].name), "%s", rows[i].names);
}
END_TEST

START_TEST(hostname_is_the_machines)
{
    char name[256] = "";

    ck_assert_int_eq(gethostname(name, sizeof name - 1), 0);
    struct server *server = add("$hostname");
    ck_assert(slice_is_nocase(server->name, name));
}
END_TEST

static Suite *server_names_suite(void)
{
    const TTest *const tests[] = {
        one_server_answers_everything,
        exact_names,
        wildcards_in_front,
        wildcards_behind,
        the_order_of_the_search,
        regexes_in_the_order_of_the_text,
        the_empty_name_is_for_requests_without_a_host,
        a_conflict_is_a_warning_and_the_first_wins,
        names_that_are_none_are_errors,
        the_name_that_is_shown,
        hostname_is_the_machines,
    };
    Suite *suite = suite_create("server_names");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(server_names_suite());
}
