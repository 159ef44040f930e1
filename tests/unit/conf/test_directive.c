#include "conf/directive.h"
#include "conf/values.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <unistd.h>

/* --- modules of the test --- */

struct blocks_settings {
    uint64_t unused;
};

struct files_settings {
    struct slice path; /* root, alias: one setting */
    bool sendfile;
    bool internal; /* not inherited */
    uint64_t most;
    struct array rules; /* allow, deny: one repeated setting */
    unsigned checked;
};

static unsigned checks;
static bool check_fails;

static void set_block(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    static const struct {
        const char *name;
        enum conf_context context;
    } contexts[] = {
        { "events", IN_EVENTS },
        { "http", IN_HTTP },
        { "server", IN_SERVER },
        { "location", IN_LOCATION },
    };

    ck_assert_ptr_null(value);
    for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++)
        if (strcmp(directive->name, contexts[i].name) == 0)
            ck_assert_ptr_nonnull(conf_open_block(conf, scope, node, contexts[i].context, &checks));
}

static void add_rule(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct array *rules = value;

    (void)scope;
    (void)directive;
    rules->item_size = sizeof(struct slice);
    struct slice *rule = array_push(rules, conf->arena);
    ck_assert_ptr_nonnull(rule);
    *rule = node->words[1].text;
}

static const struct value_type as_block = { "{ ... }", 0, set_block };
static const struct value_type as_rule = { "address", sizeof(struct array), add_rule };

static const struct directive blocks_directives[] = {
    { "events", IN_MAIN, BLOCK_ONCE(0, 0), &as_block, 0, NULL, "how it waits" },
    { "http", IN_MAIN, BLOCK_ONCE(0, 0), &as_block, 0, NULL, "the server" },
    { "server", IN_HTTP, BLOCK(0, 0), &as_block, 0, NULL, "a virtual server" },
    { "location", IN_SERVER | IN_LOCATION, BLOCK(1, 2), &as_block, 0, NULL, "some paths" },
    { 0 },
};

#define FIELD(name) offsetof(struct files_settings, name)

static const struct directive files_directives[] = {
    { "root", IN_HTTP_ALL, ARGS(1), &as_text, FIELD(path), "html", "folder of files" },
    { "alias", IN_LOCATION, ARGS(1), &as_text, FIELD(path), NULL, "folder in place of a prefix" },
    { "sendfile", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(sendfile), "off", "use sendfile(2)" },
    { "internal", IN_SERVER | IN_LOCATION, ARGS_LOCAL(0, 0), &as_present, FIELD(internal), NULL,
      "not for clients" },
    { "most", IN_MAIN | IN_HTTP_ALL, ARGS(1), &as_number, FIELD(most), "7", "the most" },
    { "allow", IN_HTTP_ALL, ARGS_REPEATED(1, 1), &as_rule, FIELD(rules), NULL, "who may" },
    { "deny", IN_HTTP_ALL, ARGS_REPEATED(1, 1), &as_rule, FIELD(rules), NULL, "who may not" },
    { 0 },
};

static void check_files(struct conf *conf, struct conf_scope *scope, void *settings)
{
    struct files_settings *files = settings;

    checks++;
    files->checked++;
    if (scope->parent != NULL)
        ck_assert_uint_eq(((struct files_settings *)scope->parent->settings[1])->checked, 1);
    if (check_fails && scope->parent == NULL)
        conf_error(conf, (struct position){ 0 }, "checked");
}

static const struct conf_module blocks = { .name = "blocks",
                                           .id = 0,
                                           .size = sizeof(struct blocks_settings),
                                           .directives = blocks_directives };
static const struct conf_module files = { .name = "files",
                                          .id = 1,
                                          .size = sizeof(struct files_settings),
                                          .directives = files_directives,
                                          .check = check_files };
static const struct conf_module *const modules[] = { &blocks, &files };

/* --- loading --- */

static struct arena arena;
static char path[64];

static void set_up(void)
{
    checks = 0;
    check_fails = false;
    arena_init(&arena, NULL);
    strcpy(path, "/tmp/muxd-directive-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void tear_down(void)
{
    unlink(path);
    arena_free(&arena);
}

static struct conf *load_with(const char *text, const char *global)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    struct conf *conf = conf_load(&arena, &(struct conf_request){ .path = path,
                                                                  .prefix = "/prefix/",
                                                                  .global = global,
                                                                  .modules = modules,
                                                                  .module_count = 2 });
    ck_assert_ptr_nonnull(conf);
    return conf;
}

static struct conf *load(const char *text)
{
    return load_with(text, NULL);
}

/* A configuration without errors. */
static struct conf *load_good(const char *text)
{
    struct conf *conf = load(text);

    for (const struct conf_message *message = conf->messages.first; message != NULL;
         message = message->next)
        ck_abort_msg("%.*s", (int)message->text.len, message->text.at);
    return conf;
}

static const struct files_settings *files_of(const struct conf_scope *scope)
{
    return conf_settings(scope, &files);
}

/* "LINE:message (hint)", a line each. */
static const char *said(const struct conf *conf)
{
    struct slice text = { "", 0 };

    for (const struct conf_message *message = conf->messages.first; message != NULL;
         message = message->next)
        text = arena_printf(&arena, "%.*s%u:%.*s%s%.*s%s\n", (int)text.len, text.at,
                            message->at.line, (int)message->text.len, message->text.at,
                            message->hint.len > 0 ? " (" : "", (int)message->hint.len,
                            message->hint.at, message->hint.len > 0 ? ")" : "");
    return arena_cstr(&arena, text);
}

/* --- errors --- */

static const struct {
    const char *text, *messages;
} mistakes[] = {
    { "nonsense 1;", "1:unknown directive \"nonsense\"\n" },
    { "\nhttp { sendfil on; }", "2:unknown directive \"sendfil\" (did you mean \"sendfile\"?)\n" },
    { "http { evnts; }", "1:unknown directive \"evnts\" (did you mean \"events\"?)\n" },
    { "http { serve { nothing; } }", "1:unknown directive \"serve\" (did you mean \"server\"?)\n" },
    { "server { x; }", "1:\"server\" directive is not allowed here (it belongs in http)\n" },
    { "root x;",
      "1:\"root\" directive is not allowed here (it belongs in http, server, location)\n" },
    { "server;", "1:\"server\" directive is not allowed here (it belongs in http)\n" },
    { "most { }", "1:directive \"most\" is not terminated by \";\"\n" },
    { "most 1 2 { }", "1:directive \"most\" is not terminated by \";\"\n" },
    { "http 1;", "1:directive \"http\" has no opening \"{\"\n" },
    { "most;", "1:invalid number of arguments in \"most\" directive\n" },
    { "most 1 2;", "1:invalid number of arguments in \"most\" directive\n" },
    { "http x { }", "1:invalid number of arguments in \"http\" directive\n" },
    { "most 1;\nmost 2;", "2:\"most\" directive is duplicate\n" },
    { "events { }\nevents { }", "2:\"events\" directive is duplicate\n" },
    { "http { server { location / { root a;\nalias b; } } }",
      "2:\"alias\" directive is duplicate, \"root\" directive was specified earlier\n" },
    { "most x;\nmost y z;\nhttp { sendfile a; }\n",
      "1:\"most\" directive invalid number\n"
      "2:invalid number of arguments in \"most\" directive\n"
      "3:invalid value \"a\" in \"sendfile\" directive, it must be \"on\" or \"off\"\n" },
    { "most 1\nhttp { nothing; }\nwhat;",
      "1:directive \"most\" is not terminated by \";\" (is \";\" missing before \"http\"?)\n"
      "2:unknown directive \"nothing\"\n"
      "3:unknown directive \"what\"\n" },
    { "http { most 1\nsendfile maybe;\nroot a b; }",
      "1:invalid number of arguments in \"most\" directive (is \";\" missing before "
      "\"sendfile\"?)\n"
      "2:invalid value \"maybe\" in \"sendfile\" directive, it must be \"on\" or \"off\"\n"
      "3:invalid number of arguments in \"root\" directive\n" },
    { "nonsense;\n; http {\nsendfile on }", "1:unknown directive \"nonsense\"\n"
                                            "2:unexpected \";\"\n"
                                            "3:unexpected \"}\" (is \";\" missing before it?)\n" },
};

START_TEST(mistakes_are_named_all_at_once)
{
    ck_assert_str_eq(said(load(mistakes[_i].text)), mistakes[_i].messages);
}
END_TEST

START_TEST(blocks_may_be_repeated_or_not)
{
    load_good("http { server { location a { } location b { } } server { allow a; deny b; } }");
}
END_TEST

START_TEST(the_command_line_comes_first)
{
    const struct conf *conf = load_with("most 2;", "most 1;");

    ck_assert_str_eq(said(conf), "1:\"most\" directive is duplicate\n");
    ck_assert_str_eq(conf->messages.first->at.source->name, path);
    conf = load_with("", "most 3;");
    ck_assert_uint_eq(conf->messages.errors, 0);
    ck_assert_uint_eq(files_of(conf->main)->most, 3);
}
END_TEST

START_TEST(mistakes_on_the_command_line)
{
    ck_assert_str_eq(said(load_with("most 2;", "nothing;")), "1:unknown directive \"nothing\"\n");
    ck_assert_str_eq(said(load_with("events { }", "http { } events { }")),
                     "1:block directives are not supported in -g option\n"
                     "1:block directives are not supported in -g option\n");
    ck_assert_str_eq(said(load_with("", "most 1")),
                     "1:unexpected end of parameter, expecting \";\"\n");
    const struct conf *conf = load_with("", "nothing;");
    struct slice text = conf_message_text(&arena, conf->messages.first);
    ck_assert(slice_starts(text, SLICE("[emerg] unknown directive \"nothing\" in command line\n")));
}
END_TEST

/* --- inheritance --- */

START_TEST(defaults_reach_every_scope)
{
    const struct conf *conf = load_good("events { } http { server { location / { } } }");
    const struct conf_scope *http = conf->main->children->next;

    ck_assert_int_eq(http->context, IN_HTTP);
    ck_assert(slice_is(files_of(conf->main)->path, "html"));
    ck_assert_uint_eq(files_of(conf->main)->most, 7);
    ck_assert_ptr_eq(files_of(http), files_of(conf->main)); /* shared: nothing is set */
    ck_assert_ptr_eq(files_of(http->children->children), files_of(conf->main));
    ck_assert_ptr_eq(http->children->parent, http);
    ck_assert(slice_is(http->children->node->words[0].text, "server"));
    ck_assert_ptr_eq(http->owner, &checks);
}
END_TEST

START_TEST(values_are_inherited_and_replaced)
{
    const struct conf *conf =
        load_good("http { root /a; server { sendfile on; location / { most 9; } } most 8; }"
                  "most 1;");
    const struct conf_scope *http = conf->main->children;
    const struct files_settings *location = files_of(http->children->children);

    ck_assert_uint_eq(files_of(conf->main)->most, 1);
    ck_assert_uint_eq(files_of(http)->most, 8);
    ck_assert_uint_eq(files_of(http->children)->most, 8);
    ck_assert(files_of(http->children)->sendfile && !files_of(http)->sendfile);
    ck_assert(slice_is(location->path, "/a") && location->sendfile && location->most == 9);
}
END_TEST

START_TEST(directives_of_one_field_are_one_setting)
{
    const struct conf *conf =
        load_good("http { root /a; server { location / { alias /b; location /c { } } } }");
    const struct conf_scope *outer = conf->main->children->children->children;

    ck_assert(slice_is(files_of(outer)->path, "/b"));
    ck_assert_ptr_eq(files_of(outer->children), files_of(outer));
}
END_TEST

START_TEST(local_directives_are_not_inherited)
{
    const struct conf *conf =
        load_good("http { server { location /a { internal; most 2; location /b { location /c { "
                  "} } location /d { internal; } } } }");
    const struct conf_scope *a = conf->main->children->children->children;
    const struct conf_scope *b = a->children;

    ck_assert(files_of(a)->internal && !files_of(b)->internal);
    ck_assert_uint_eq(files_of(b)->most, 2);
    ck_assert_ptr_eq(files_of(b->children), files_of(b));
    ck_assert(files_of(b->next)->internal);
    ck_assert(!files_of(a->parent)->internal);
}
END_TEST

START_TEST(repeated_directives_replace_the_parents)
{
    const struct conf *conf =
        load_good("http { allow a; deny b; server { location / { } } server { deny c; } }");
    const struct conf_scope *http = conf->main->children;

    ck_assert_uint_eq(files_of(http)->rules.count, 2);
    ck_assert_uint_eq(files_of(http->children->children)->rules.count, 2);
    ck_assert_uint_eq(files_of(http->children->next)->rules.count, 1);
}
END_TEST

START_TEST(a_scope_knows_its_own_directives)
{
    const struct conf *conf = load_good("http { most 1; server { } }");
    const struct conf_scope *http = conf->main->children;

    ck_assert(conf_has_own(conf, conf->main, "http"));
    ck_assert(!conf_has_own(conf, conf->main, "events"));
    ck_assert(!conf_has_own(conf, conf->main, "most"));
    ck_assert(conf_has_own(conf, http, "most"));
    ck_assert(!conf_has_own(conf, http->children, "most"));
    ck_assert(!conf_has_own(conf, http, "nonsense"));
}
END_TEST

/* --- checks --- */

START_TEST(each_instance_is_checked_once_parents_first)
{
    const struct conf *conf =
        load_good("http { server { most 1; location / { } } server { location / { most 2; } } }");

    ck_assert_uint_eq(checks, 3); /* main, the first server, the second's location */
    ck_assert_uint_eq(files_of(conf->main)->checked, 1);
}
END_TEST

START_TEST(checks_do_not_follow_errors_of_their_module)
{
    check_fails = true;
    ck_assert_str_eq(said(load("")), "0:checked\n");
    ck_assert_str_eq(said(load("nonsense;")), "1:unknown directive \"nonsense\"\n0:checked\n");
    ck_assert_str_eq(said(load("most x;")), "1:\"most\" directive invalid number\n");
    ck_assert_str_eq(said(load("mos 1;")),
                     "1:unknown directive \"mos\" (did you mean \"most\"?)\n");
    ck_assert_str_eq(said(load(";")), "1:unexpected \";\"\n");
}
END_TEST

/* --- paths, help --- */

START_TEST(paths_start_at_the_prefixes)
{
    struct conf *conf = load("");

    ck_assert_str_eq(conf->path, path);
    ck_assert_str_eq(conf->prefix, "/prefix/");
    ck_assert_str_eq(conf->conf_prefix, "/tmp/");
    ck_assert_str_eq(conf_absolute(conf, conf->prefix, SLICE("a/b")), "/prefix/a/b");
    ck_assert_str_eq(conf_absolute(conf, conf->prefix, SLICE("/a")), "/a");
    ck_assert_str_eq(conf_absolute(conf, conf->prefix, SLICE("")), "/prefix/");
    conf = conf_load(&arena, &(struct conf_request){ .path = "none/x.conf",
                                                     .prefix = "/prefix/",
                                                     .modules = modules,
                                                     .module_count = 2 });
    ck_assert_str_eq(conf->path, "/prefix/none/x.conf");
    ck_assert_str_eq(conf->conf_prefix, "/prefix/none/");
    ck_assert_str_eq(said(conf),
                     "0:open() \"/prefix/none/x.conf\" failed (2: No such file or directory)\n");
}
END_TEST

START_TEST(directives_are_explained)
{
    const struct conf_module *module = NULL;
    const struct directive *directive = directive_find(modules, 2, SLICE("sendfile"), &module);

    ck_assert_ptr_eq(directive, &files_directives[2]);
    ck_assert_ptr_eq(module, &files);
    struct slice help = directive_help(&arena, directive, module);
    ck_assert_str_eq(arena_cstr(&arena, help), "Syntax:   sendfile on | off;\n"
                                               "Default:  sendfile off;\n"
                                               "Context:  http, server, location\n"
                                               "Module:   files\n"
                                               "\n"
                                               "use sendfile(2)\n");
    help = directive_help(&arena, &blocks_directives[0], &blocks);
    ck_assert(slice_starts(help, SLICE("Syntax:   events { ... }\nDefault:  none\n")));
    help = directive_help(&arena, &files_directives[3], &files);
    ck_assert(slice_starts(help, SLICE("Syntax:   internal;\n")));
    ck_assert_ptr_null(directive_find(modules, 2, SLICE("sendfil"), &module));
    ck_assert(slice_is(context_names(&arena, IN_MAIN | IN_LIMIT_EXCEPT), "main, limit_except"));
}
END_TEST

START_TEST(many_servers_cost_what_they_set)
{
    enum { SERVERS = 2000, LOCATIONS = 10 };
    struct slice text = { NULL, 0 };
    char *at = arena_text(&arena, SERVERS * (LOCATIONS * 40 + 40) + 32);

    text.at = at;
    at += sprintf(at, "http {");
    for (int i = 0; i < SERVERS; i++) {
        at += sprintf(at, "server { most %d;\n", i);
        for (int j = 0; j < LOCATIONS; j++)
            at += sprintf(at, "location /%d { %s }\n", j, j == 0 ? "sendfile on;" : "");
        at += sprintf(at, "}\n");
    }
    strcpy(at, "}");
    load_good(text.at);
    ck_assert_uint_eq(checks, 1 + SERVERS * 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        blocks_may_be_repeated_or_not,
        the_command_line_comes_first,
        mistakes_on_the_command_line,
        defaults_reach_every_scope,
        values_are_inherited_and_replaced,
        directives_of_one_field_are_one_setting,
        local_directives_are_not_inherited,
        repeated_directives_replace_the_parents,
        a_scope_knows_its_own_directives,
        each_instance_is_checked_once_parents_first,
        checks_do_not_follow_errors_of_their_module,
        paths_start_at_the_prefixes,
        directives_are_explained,
        many_servers_cost_what_they_set,
    };
    Suite *suite = suite_create("directive");
    TCase *tcase = tcase_create("directive");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, mistakes_are_named_all_at_once, 0,
                        sizeof(mistakes) / sizeof(*mistakes));
    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
