/* Where files are looked for: not always where it seems. */
#include "worker/handlers/static.h"
#include "worker/lint/checks.h"

#include <sys/stat.h>

/* --- alias --- */

/* "/files" and "/srv/files/": /files../secret is /srv/files/../secret. "/files/" and
 * "/srv/files": /files/x is /srv/filesx. */
void lint_alias(struct conf *conf, const struct conf_scope *scope)
{
    const struct location *location = lint_location(scope);
    const struct conf_node *alias = lint_find(scope, "alias");

    if (alias == NULL ||
        (location->kind != LOCATION_PREFIX && location->kind != LOCATION_PREFIX_FINAL))
        return;
    struct slice name = location->name, path = alias->words[1].text;
    bool name_ends = slice_ends(name, SLICE("/")), path_ends = slice_ends(path, SLICE("/"));
    if (name_ends == path_ends || slice_find(path, '$') >= 0)
        return;
    if (path_ends)
        lint_warn(conf, lint_name(scope)->at,
                  arena_printf(conf->arena, "write \"%.*s/\"", (int)name.len, name.at),
                  "\"%.*s../\" leads out of the alias: the location does not end in \"/\"",
                  (int)name.len, name.at);
    else
        lint_warn(conf, alias->words[1].at,
                  arena_printf(conf->arena, "write \"%.*s/\"", (int)path.len, path.at),
                  "\"%.*sx\" is looked for in \"%.*sx\": the alias does not end in \"/\"",
                  (int)name.len, name.at, (int)path.len, path.at);
}

/* --- root in location / --- */

static struct slice root_of(const struct conf_scope *scope)
{
    const struct static_settings *settings = conf_settings(scope, &static_module);

    return settings->root.path.literal;
}

/* Nothing but a file can be its answer. */
static bool wants_files(const struct conf_scope *scope)
{
    static const char *const others[] = {
        "root", "alias", "return", "rewrite", "deny", "internal"
    };

    if (scope->context != IN_LOCATION || lint_location(scope)->handler != NULL ||
        lint_location(scope)->kind == LOCATION_NAMED)
        return false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (lint_find(scope, others[i]) != NULL)
            return false;
    return true;
}

/* `location /` of the server; NULL: it has none. */
static const struct conf_scope *slash_of(const struct conf_scope *server)
{
    const struct conf_scope *child = server->children;

    while (child != NULL &&
           (child->context != IN_LOCATION || lint_location(child)->kind == LOCATION_REGEX ||
            !slice_is(lint_location(child)->name, "/")))
        child = child->next;
    return child;
}

void lint_scattered_root(struct conf *conf, const struct conf_scope *scope)
{
    const struct conf_scope *slash = slash_of(scope), *child = scope->children;
    const struct conf_node *root = slash == NULL ? NULL : lint_find(slash, "root");

    if (root == NULL || lint_find(scope, "root") != NULL ||
        lint_find(scope->parent, "root") != NULL)
        return;
    while (child != NULL && !(wants_files(child) && !slice_equal(root_of(child), root_of(slash))))
        child = child->next;
    if (child == NULL)
        return;
    lint_warn(conf, root->words[0].at, SLICE("write it in the server block"),
              "only location \"/\" has this root: location \"%.*s\" looks for files in \"%.*s\"",
              (int)lint_location(child)->name.len, lint_location(child)->name.at,
              (int)root_of(child).len, root_of(child).at);
}

/* --- folders that anybody may write to --- */

static bool anybody_may_write(struct slice path)
{
    struct stat status;

    return stat(path.at, &status) == 0 && S_ISDIR(status.st_mode) &&
           (status.st_mode & S_IWOTH) != 0;
}

void lint_writable_root(struct conf *conf, const struct conf_scope *scope)
{
    const struct static_settings *settings = conf_settings(scope, &static_module);
    const struct conf_node *node = lint_find(scope, "root");

    if (node == NULL)
        node = lint_find(scope, "alias");
    if (node == NULL || !settings->root.path.constant)
        return;
    const char *path = arena_cstr(conf->arena, settings->root.path.literal);
    if (path == NULL || !anybody_may_write(slice_of(path)))
        return;
    lint_warn(conf, node->words[1].at, arena_printf(conf->arena, "chmod o-w %s", path),
              "anybody on this machine may write to \"%s\"", path);
}
