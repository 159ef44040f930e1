#include "worker/handlers/rewrite.h"
#include "common/log.h"

#include "conf/values.h"
#include "worker/handlers/handlers.h"

#include <limits.h>

/* Adds a rule to the list of the block. */
static void add_rule(struct conf *conf, const struct conf_node *node, struct array *rules,
                     struct rule rule)
{
    rules->item_size = sizeof rule;
    struct rule *place = array_push(rules, conf->arena);
    if (place == NULL)
        conf_error(conf, node->words[0].at, "no memory for a rule");
    else
        *place = rule;
}

/* Zeroed memory; an error is reported when there is none. */
static void *new_value(struct conf *conf, const struct conf_node *node, size_t size)
{
    void *value = arena_zalloc(conf->arena, size);

    if (value == NULL)
        conf_error(conf, node->words[0].at, "no memory for a rule");
    return value;
}

/* --- rewrite, return, break --- */

static void set_rewrite(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    struct uri_rule *rule = new_value(conf, node, sizeof *rule);

    (void)directive;
    if (rule != NULL && uri_rule_read(conf, scope, node, rule))
        add_rule(conf, node, value, (struct rule){ RULE_REWRITE, .as.rewrite = rule });
}

static void set_return(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct return_value *answer = new_value(conf, node, sizeof *answer);

    (void)directive;
    if (answer != NULL && return_read(conf, scope, node, answer))
        add_rule(conf, node, value, (struct rule){ RULE_RETURN, .as.answer = answer });
}

static void set_break(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    (void)scope;
    (void)directive;
    add_rule(conf, node, value, (struct rule){ .kind = RULE_BREAK });
}

/* --- set --- */

/* The value of a variable that `set` names, before it was set. */
static bool uninitialized(struct request *request, const void *data, struct slice *value)
{
    const struct rewrite_settings *settings = request_settings(request, MODULE_REWRITE);
    const struct slice *name = data;

    if (settings->uninitialized_warn)
        request_log(request, LOG_LEVEL_WARN, 0, "using uninitialized \"%.*s\" variable",
                    (int)name->len, name->at);
    *value = SLICE("");
    return true;
}

static bool read_assignment(struct conf *conf, struct conf_scope *scope,
                            const struct conf_node *node, struct assignment *assignment)
{
    const struct word *text = &node->words[2];
    struct slice *name = new_value(conf, node, sizeof *name);

    if (name == NULL)
        return false;
    *name = variable_name_of(conf, &node->words[1]);
    if (name->at == NULL)
        return false;
    assignment->set = variable_find_setter(*name);
    if (assignment->set == NULL) {
        assignment->index =
            variable_settable(conf, scope, node->words[1].at, *name, uninitialized, name);
        if (assignment->index == UINT_MAX)
            return false;
    }
    return template_compile(conf, scope, text->at, text->text, &assignment->value);
}

static void set_set(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                    const struct directive *directive, void *value)
{
    struct assignment *assignment = new_value(conf, node, sizeof *assignment);

    (void)directive;
    if (assignment != NULL && read_assignment(conf, scope, node, assignment))
        add_rule(conf, node, value, (struct rule){ RULE_SET, .as.assignment = assignment });
}

/* --- if --- */

/* The nameless location that an `if` in a location is. NULL: memory is out. */
static struct location *inner_location(struct conf *conf, const struct conf_node *node,
                                       const struct location *outer)
{
    struct location *location = new_value(conf, node, sizeof *location);

    if (location != NULL)
        *location = (struct location){ .kind = outer->kind, .name = outer->name, .outer = outer };
    return location;
}

static void set_if(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                   const struct directive *directive, void *value)
{
    struct branch *branch = new_value(conf, node, sizeof *branch);
    enum conf_context context = scope->context == IN_SERVER ? IN_SERVER_IF : IN_LOCATION_IF;
    struct location *location = NULL;

    (void)directive;
    if (branch == NULL)
        return;
    if (context == IN_LOCATION_IF) {
        location = inner_location(conf, node, scope->owner);
        if (location == NULL)
            return;
    }
    condition_read(conf, scope, node, &branch->condition);
    struct conf_scope *own =
        conf_open_block(conf, scope, node, context, location != NULL ? location : scope->owner);
    if (own == NULL) {
        conf_error(conf, node->words[0].at, "no memory for this block");
        return;
    }
    branch->scope = own;
    if (location != NULL) {
        location->scope = own;
        location->settings = own->settings;
        branch->location = location;
    }
    add_rule(conf, node, value, (struct rule){ RULE_IF, .as.branch = branch });
}

/* --- the table --- */

#define FIELD(name) offsetof(struct rewrite_settings, name)

enum {
    IN_BLOCKS = IN_SERVER | IN_LOCATION,
    IN_RULES = IN_BLOCKS | IN_SERVER_IF | IN_LOCATION_IF,
    RULE = MANNER_REPEATED | MANNER_LOCAL,
};

static const struct value_type as_rewrite = { "regex replacement [last | break | redirect | "
                                              "permanent]",
                                              sizeof(struct array), set_rewrite };
static const struct value_type as_return = { "code [text] | code URL | URL", sizeof(struct array),
                                             set_return };
static const struct value_type as_break = { "", sizeof(struct array), set_break };
static const struct value_type as_set = { "$variable value", sizeof(struct array), set_set };
static const struct value_type as_if = { "(condition) { ... }", sizeof(struct array), set_if };

static const struct directive rewrite_directives[] = {
    { "rewrite",
      IN_RULES,
      { 2, 3, RULE },
      &as_rewrite,
      FIELD(rules),
      NULL,
      "change the URI of requests that match, or redirect them" },
    { "return",
      IN_RULES,
      { 1, 2, RULE },
      &as_return,
      FIELD(rules),
      NULL,
      "answer with a status and a text, or redirect; 444 closes without an answer" },
    { "break",
      IN_RULES,
      { 0, 0, RULE },
      &as_break,
      FIELD(rules),
      NULL,
      "run no further rules of this kind, and stay in the location" },
    { "set", IN_RULES, { 2, 2, RULE }, &as_set, FIELD(rules), NULL, "give a variable a value" },
    { "if",
      IN_BLOCKS,
      { 1, 255, MANNER_BLOCK | RULE },
      &as_if,
      FIELD(rules),
      NULL,
      "rules and settings for requests that a condition holds for" },
    { "rewrite_log", IN_HTTP | IN_RULES, ARGS(1), &as_flag, FIELD(log), "off",
      "write what the rules do to the error log, at level notice" },
    { "uninitialized_variable_warn", IN_HTTP | IN_RULES, ARGS(1), &as_flag,
      FIELD(uninitialized_warn), "on", "warn of variables that are used but were never set" },
    { 0 },
};

const struct conf_module rewrite_module = {
    .name = "rewrite",
    .id = MODULE_REWRITE,
    .size = sizeof(struct rewrite_settings),
    .directives = rewrite_directives,
};
