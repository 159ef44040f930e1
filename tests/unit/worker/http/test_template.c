/* Values with $variables, compiled and put together without a server. */
#include "worker/http/template.h"

#include "tests/unit/worker/http/lone_request.h"

static struct lone_request lone;

static void setup(void)
{
    lone_request_init(&lone, SLICE("/a/b"));
}

static void teardown(void)
{
    lone_request_free(&lone);
}

static void add_field(const char *name, const char *value, enum field_name known)
{
    struct head *head = &lone.request.head;

    head->fields[head->field_count++] = (struct field){ slice_of(name), slice_of(value), known };
    if (head->known[known] == 0)
        head->known[known] = (uint16_t)head->field_count;
}

static bool compile(const char *text, struct template *template)
{
    return template_compile(&lone.conf, &lone.scope, (struct position){ 0 }, slice_of(text),
                            template);
}

static const char *value_of(const char *text)
{
    struct template template;
    struct slice value;

    ck_assert_msg(compile(text, &template), "%s", text);
    ck_assert(template_eval(&lone.request, &template, &value));
    return arena_cstr(&lone.request.arena, value);
}

static const char *last_message(void)
{
    const struct conf_message *message = lone.conf.messages.first;

    ck_assert_ptr_nonnull(message);
    while (message->next != NULL)
        message = message->next;
    return arena_cstr(&lone.arena, message->text);
}

START_TEST(text_without_variables_is_itself)
{
    struct slice text = SLICE("html");
    struct template template;
    struct slice value;

    ck_assert(template_compile(&lone.conf, NULL, (struct position){ 0 }, text, &template));
    ck_assert(template.constant);
    ck_assert(template_eval(&lone.request, &template, &value));
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
    ck_assert_uint_eq(lone.conf.messages.errors, 0);
}
END_TEST

START_TEST(captures_are_single_digits)
{
    struct slice captures[REQUEST_CAPTURES_MAX] = {
        [1] = SLICE_INIT("one"), [9] = SLICE_INIT("nine")
    };

    ck_assert_str_eq(value_of("[$1$9]"), "[]");
    lone.request.captures = captures;
    ck_assert_str_eq(value_of("$1"), "one");
    ck_assert_str_eq(value_of("$12$9$3."), "one2nine.");
}
END_TEST

START_TEST(captures_are_escaped_again)
{
    struct slice captures[REQUEST_CAPTURES_MAX] = { [1] = SLICE_INIT("a b&c") };
    struct template template;
    struct slice value;

    lone.request.captures = captures;
    ck_assert(compile("$1 $uri", &template));
    lone.request.head.path = SLICE("/a%20b");
    ck_assert(template_eval_escaped(&lone.request, &template, &value));
    ck_assert(slice_is(value, "a%20b%26c /a/b"));
    ck_assert(template_eval(&lone.request, &template, &value));
    ck_assert(slice_is(value, "a b&c /a/b"));
    lone.request.head.path = SLICE("/ab");
    ck_assert(template_eval_escaped(&lone.request, &template, &value));
    ck_assert(slice_is(value, "a b&c /a/b"));
}
END_TEST

START_TEST(user_variables_may_be_used_before_they_are_defined)
{
    struct template template;
    struct slice value;

    ck_assert(compile("<$name>", &template));
    unsigned index =
        variable_index(&lone.conf, &lone.scope, (struct position){ 0 }, SLICE("Name"), true);
    variables_check(&lone.conf, &lone.scope);
    ck_assert_uint_eq(lone.conf.messages.errors, 0);
    ck_assert_uint_eq(variable_count(&lone.request), 1);
    ck_assert(template_eval(&lone.request, &template, &value));
    ck_assert(slice_is(value, "<>"));

    struct slice values[1] = { SLICE_INIT("x") };
    bool set[1] = { true };
    ck_assert_uint_eq(index, 0);
    lone.request.user_values = values;
    lone.request.user_set = set;
    ck_assert(template_eval(&lone.request, &template, &value));
    ck_assert(slice_is(value, "<x>"));
    ck_assert(variable_get(&lone.request, SLICE("NAME"), &value));
    ck_assert(slice_is(value, "x"));
}
END_TEST

START_TEST(unknown_variables_are_reported_once)
{
    struct template template;

    ck_assert(compile("$Nonsense $nonsense", &template));
    ck_assert(compile("$nonsense", &template));
    variables_check(&lone.conf, &lone.scope);
    ck_assert_uint_eq(lone.conf.messages.errors, 1);
    ck_assert_str_eq(last_message(), "unknown \"nonsense\" variable");
}
END_TEST

START_TEST(a_near_name_is_suggested)
{
    struct template template;

    ck_assert(compile("$remote_adr", &template));
    variables_check(&lone.conf, &lone.scope);
    ck_assert_msg(strstr(arena_cstr(&lone.arena, lone.conf.messages.first->hint), "remote_addr") !=
                      NULL,
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

    variable_index(&lone.conf, &lone.scope, nowhere, SLICE("host"), true);
    ck_assert_str_eq(last_message(), "the duplicate \"host\" variable");
    ck_assert_uint_eq(lone.conf.messages.errors, 1);
    variable_index(&lone.conf, &lone.scope, nowhere, SLICE("args"), true);
    ck_assert_uint_eq(lone.conf.messages.errors, 1);
}
END_TEST

START_TEST(a_defined_name_goes_before_a_prefix)
{
    struct slice values[1] = { SLICE_INIT("captured") };
    bool set[1] = { true };

    add_field("Mine", "sent", FIELD_OTHER);
    ck_assert_str_eq(value_of("$http_mine"), "sent");
    variable_index(&lone.conf, &lone.scope, (struct position){ 0 }, SLICE("http_mine"), true);
    lone.request.user_values = values;
    lone.request.user_set = set;
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
        lone.request.head.field_count = 0;
        memset(lone.request.head.known, 0, sizeof lone.request.head.known);
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
