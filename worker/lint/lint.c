#include "worker/lint/lint.h"

#include "worker/lint/checks.h"

#include <stdarg.h>

/* A line each. */
static const struct {
    uint32_t contexts; /* of the blocks that it looks at */
    lint_check *check;
} checks[] = {
    { IN_LOCATION, lint_shadowed },
    { IN_SERVER | IN_LOCATION, lint_repeated_regexes },
    { IN_LOCATION, lint_regex_ends },
    { IN_SERVER, lint_early_return },
    { IN_LOCATION, lint_alias },
    { IN_SERVER, lint_scattered_root },
    { IN_HTTP_ALL | IN_LOCATION_IF, lint_writable_root },
    { IN_SERVER | IN_LOCATION | IN_LOCATION_IF, lint_hidden_lists },
    { IN_LOCATION_IF, lint_if },
    { IN_SERVER | IN_LOCATION | IN_SERVER_IF | IN_LOCATION_IF, lint_redirects },
};

void lint_warn(struct conf *conf, struct position at, struct slice hint, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    conf_message_vadd(&conf->messages, CONF_WARN, at, hint, format, arguments);
    va_end(arguments);
}

const struct conf_node *lint_next(const struct conf_node *node, const char *name)
{
    while (node != NULL && !slice_is(node->words[0].text, name))
        node = node->next;
    return node;
}

const struct conf_node *lint_find(const struct conf_scope *scope, const char *name)
{
    return scope->node == NULL ? NULL : lint_next(scope->node->children, name);
}

const struct word *lint_name(const struct conf_scope *scope)
{
    return &scope->node->words[scope->node->count - 1];
}

/* Blocks nest CONF_BLOCK_DEPTH_MAX deep at most. */
static void look_at(struct conf *conf, const struct conf_scope *scope)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if ((checks[i].contexts & scope->context) != 0)
            checks[i].check(conf, scope);
    for (const struct conf_scope *child = scope->children; child != NULL; child = child->next)
        look_at(conf, child);
}

void lint_configuration(struct conf *conf)
{
    look_at(conf, conf->main);
    conf_messages_sort(&conf->messages);
}
