/* Values with $variables, compiled and put together without a server. */
#include "worker/http/template.h"

#include "tests/unit/unit.h"
#include "worker/http/core.h"
#include "worker/http/log_format.h"
#include "worker/http/variables.h"
#include "worker/net/connection.h"

static struct arena arena;
static struct conf conf;
static struct http http;
static struct conf_scope scope;
static struct server server;
static struct connection connection;
static struct request request;

static void setup(void)
{
    arena_init(&arena, NULL);
    conf = (struct conf){ .arena = &arena };
    conf_messages_init(&conf.messages, &arena);
    http = (struct http){ .names = variable_names_new(&arena),
                          .formats = { .item_size = sizeof(struct log_format *) } };
    ck_assert(log_formats_init(&arena, &http));
    scope = (struct conf_scope){ .context = IN_HTTP, .owner = &http };
    server = (struct server){ .http = &http, .name = SLICE_INIT("example.org") };
    memset(&request, 0, sizeof request);
    arena_init(&request.arena, NULL);
    request.server = &server;
    request.connection = &connection;
    request.uri = SLICE("/a/b");
    request.head.fields = request.head.inline_fields;
    request.head.in_fields = true;
}

static void teardown(void)
{
    arena_free(&request.arena);
    arena_free(&arena);
}

static void add_field(const char *name, const char *value, enum field_name known)
{
    struct head *head = &request.head;

    head->fields[head->field_count++] = (struct field){ slice_of(name), slice_of(value), known };
    if (head->known[known] == 0)
        head->known[known] = (uint16_t)head->field_count;
}

static bool compile(const char *text, struct template *template)
{
    return template_compile(&conf, &scope, (struct position){ 0 }, slice_of(text), template);
}

static const char *value_of(const char *text)
{
    struct template template;
    struct slice value;

    ck_assert_msg(compile(text, &template), "%s", text);
    ck_assert(template_eval(&request, &template, &value));
    return arena_cstr(&request.arena, value);
}

static const char *last_message(void)
{
    const struct conf_message *message = conf.messages.first;

    ck_assert_ptr_nonnull(message);
    while (message->next != NULL)
        message = message->next;
    return arena_cstr(&arena, message->text);
}

START_TEST(text_without_variables_is_itself)
{
    struct slice text = SLICE("html");
    struct template template;
    struct slice value;

    ck_assert(template_compile(&conf, NULL, (struct position){ 0 }, text, &template));
    ck_assert(template.constant);
    ck_assert(template_eval(&request, &template, &value));
    ck_assert_ptr_eq(value.at, text.at);
}
END_TEST

START_TEST(variables_are_replaced)
{
    ck_assert_str_eq(value_of("$uri"), "/a/b");
    ck_assert_str_eq(value_of("<$uri>"), "</a/b>");
    ck_assert_str_eq(value_of("${uri}_$URI-$is_args."), "/a/b_/a/b-.");
    ck_assert_str_eq(value_of("$host$scheme"), "example.orghttp");
    ck_assert_str_eq(value_of("[$http_none]"), "[]");
    ck_assert_uint_eq(conf.messages.errors, 0);
}
END_TEST

START_TEST(captures_are_single_digits)
{
    struct slice captures[REQUEST_CAPTURES_MAX] = {
        [1] = SLICE_INIT("one"), [9] = SLICE_INIT("nine")
    };

    ck_assert_str_eq(value_of("[$1$9]"), "[]");
    request.captures = captures;
    ck_assert_str_eq(value_of("$1"), "one");
    ck_assert_str_eq(value_of("$12$9$3."), "one2nine.");
}
END_TEST

START_TEST(captures_are_escaped_again)
{
    struct slice captures[REQUEST_CAPTURES_MAX] = { [1] = SLICE_INIT("a b&c") };
    struct template template;
    struct slice value;

    request.captures = captures;
    ck_assert(compile("$1 $uri", &template));
    request.head.path = SLICE("/a%20b");
    ck_assert(template_eval_escaped(&request, &template, &value));
    ck_assert(slice_is(value, "a%20b%26c /a/b"));
    ck_assert(template_eval(&request, &template, &value));
    ck_assert(slice_is(value, "a b&c /a/b"));
    request.head.path = SLICE("/ab");
    ck_assert(template_eval_escaped(&request, &template, &value));
    ck_assert(slice_is(value, "a b&c /a/b"));
}
END_TEST

START_TEST(user_variables_may_be_used_before_they_are_defined)
{
    struct template template;
    struct slice value;

    ck_assert(compile("<$name>", &template));
    unsigned index = variable_index(&conf, &scope, (struct position){ 0 }, SLICE("Name"), true);
    variables_check(&conf, &scope);
    ck_assert_uint_eq(conf.messages.errors, 0);
    ck_assert_uint_eq(variable_count(&request), 1);
    ck_assert(template_eval(&request, &template, &value));
    ck_assert(slice_is(value, "<>"));

    struct slice values[1] = { SLICE_INIT("x") };
    bool set[1] = { true };
    ck_assert_uint_eq(index, 0);
    request.user_values = values;
    request.user_set = set;
    ck_assert(template_eval(&request, &template, &value));
    ck_assert(slice_is(value, "<x>"));
    ck_assert(variable_get(&request, SLICE("NAME"), &value));
    ck_assert(slice_is(value, "x"));
}
END_TEST

START_TEST(unknown_variables_are_reported_once)
{
    struct template template;

    ck_assert(compile("$Nonsense $nonsense", &template));
    ck_assert(compile("$nonsense", &template));
    variables_check(&conf, &scope);
    ck_assert_uint_eq(conf.messages.errors, 1);
    ck_assert_str_eq(last_message(), "unknown \"nonsense\" variable");
}
END_TEST

START_TEST(a_near_name_is_suggested)
{
    struct template template;

    ck_assert(compile("$remote_adr", &template));
    variables_check(&conf, &scope);
    ck_assert_msg(strstr(arena_cstr(&arena, conf.messages.first->hint), "remote_addr") != NULL,
                  "no suggestion");
}
END_TEST

START_TEST(bad_names_are_reported)
{
    struct template template;

    ck_assert(!compile("a$", &template));
    ck_assert_str_eq(last_message(), "invalid variable name");
    ck_assert(!compile("$-", &template));
    ck_assert_str_eq(last_message(), "invalid variable name");
    ck_assert(!compile("${", &template));
    ck_assert_str_eq(last_message(), "invalid variable name");
    ck_assert(!compile("${}", &template));
    ck_assert_str_eq(last_message(), "invalid variable name");
    ck_assert(!compile("x${uri-", &template));
    ck_assert_str_eq(last_message(), "the closing bracket in \"uri\" variable is missing");
}
END_TEST

START_TEST(built_in_names_cannot_be_defined)
{
    struct position nowhere = { 0 };

    variable_index(&conf, &scope, nowhere, SLICE("host"), true);
    ck_assert_str_eq(last_message(), "the duplicate \"host\" variable");
    ck_assert_uint_eq(conf.messages.errors, 1);
    variable_index(&conf, &scope, nowhere, SLICE("args"), true);
    ck_assert_uint_eq(conf.messages.errors, 1);
}
END_TEST

START_TEST(a_defined_name_goes_before_a_prefix)
{
    struct slice values[1] = { SLICE_INIT("captured") };
    bool set[1] = { true };

    add_field("Mine", "sent", FIELD_OTHER);
    ck_assert_str_eq(value_of("$http_mine"), "sent");
    variable_index(&conf, &scope, (struct position){ 0 }, SLICE("http_mine"), true);
    request.user_values = values;
    request.user_set = set;
    ck_assert_str_eq(value_of("$http_mine"), "captured");
}
END_TEST

START_TEST(header_fields_have_variables)
{
    add_field("User-Agent", "test", FIELD_USER_AGENT);
    add_field("X-Y_Z", "first", FIELD_OTHER);
    add_field("X-Y-Z", "second", FIELD_OTHER);
    add_field("Cookie", "a=1; b = 2 ;ab=3", FIELD_COOKIE);
    add_field("Cookie", "c=4,d=5;a=6", FIELD_COOKIE);
    add_field("X-Forwarded-For", "1.1.1.1", FIELD_X_FORWARDED_FOR);
    ck_assert_str_eq(value_of("$http_user_agent"), "test");
    ck_assert_str_eq(value_of("$http_x_y_z"), "first");
    ck_assert_str_eq(value_of("$http_cookie"), "a=1; b = 2 ;ab=3; c=4,d=5;a=6");
    ck_assert_str_eq(value_of("$http_x_forwarded_for"), "1.1.1.1");
    add_field("X-Forwarded-For", "2.2.2.2", FIELD_X_FORWARDED_FOR);
    ck_assert_str_eq(value_of("$http_x_forwarded_for"), "1.1.1.1, 2.2.2.2");
    ck_assert_str_eq(value_of("$cookie_a|$cookie_b|$cookie_AB|$cookie_d|$cookie_e"), "1|2 |3|5|");
}
END_TEST

START_TEST(remote_user_is_basic_authorizations)
{
    static const struct {
        const char *sent;
        const char *user;
    } cases[] = {
        { "Basic dXNlcjpwYXNz", "user" },
        { "basic   dXNlcjpwYXNz", "user" },
        { "Basic dXNlcjo=", "user" },
        { "Basic OnBhc3M=", "" },
        { "Basic dXNlcg==", "" },
        { "Basic d", "" },
        { "Basic ?!", "" },
        { "Basic ", "" },
        { "Bearer dXNlcjpwYXNz", "" },
        { "", "" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        request.head.field_count = 0;
        memset(request.head.known, 0, sizeof request.head.known);
        add_field("Authorization", cases[i].sent, FIELD_AUTHORIZATION);
        ck_assert_str_eq(value_of("$remote_user"), cases[i].user);
    }
}
END_TEST

START_TEST(template_uses_names)
{
    struct template template;

    ck_assert(compile("a$request_uri", &template));
    ck_assert(template_uses(&template, "request_uri"));
    ck_assert(!template_uses(&template, "uri"));
    ck_assert(compile("request_uri", &template));
    ck_assert(!template_uses(&template, "request_uri"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("template");
    TCase *cases = tcase_create("template");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, text_without_variables_is_itself);
    tcase_add_test(cases, variables_are_replaced);
    tcase_add_test(cases, captures_are_single_digits);
    tcase_add_test(cases, captures_are_escaped_again);
    tcase_add_test(cases, user_variables_may_be_used_before_they_are_defined);
    tcase_add_test(cases, unknown_variables_are_reported_once);
    tcase_add_test(cases, a_near_name_is_suggested);
    tcase_add_test(cases, bad_names_are_reported);
    tcase_add_test(cases, built_in_names_cannot_be_defined);
    tcase_add_test(cases, a_defined_name_goes_before_a_prefix);
    tcase_add_test(cases, header_fields_have_variables);
    tcase_add_test(cases, remote_user_is_basic_authorizations);
    tcase_add_test(cases, template_uses_names);
    suite_add_tcase(suite, cases);
    return unit_main(suite);
}
