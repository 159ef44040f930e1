/* root and alias: from a URI to a path. */
#include "worker/handlers/static.h"

#include "worker/context.h"
#include "worker/http/core.h"
#include "worker/http/uri.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* --- the directives --- */

/* The variables that are made of root cannot be part of it. */
static bool check_variables(struct conf *conf, const struct word *word, const struct template *path,
                            const char *name)
{
    static const char *const made_of_root[] = { "document_root", "realpath_root" };

    for (size_t i = 0; i < sizeof made_of_root / sizeof *made_of_root; i++)
        if (template_uses(path, made_of_root[i])) {
            conf_error(conf, word->at, "the $%s variable cannot be used in the \"%s\" directive",
                       made_of_root[i], name);
            return false;
        }
    return true;
}

static void set_path(struct conf *conf, struct conf_scope *scope, const struct word *word,
                     struct slice text, struct root_value *root)
{
    if (!template_compile(conf, scope, word->at, text, &root->path) || !root->path.constant)
        return;
    if (text.len == 0 && word->text.len > 0) /* "/": paths begin with the URI's own slash */
        return;
    const char *absolute = conf_absolute(conf, conf->prefix, root->path.literal);
    if (absolute == NULL) {
        conf_error(conf, word->at, "no memory for this path");
        return;
    }
    root->path.literal = slice_of(absolute);
}

static void set_root(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct root_value *root = value;
    const struct word *word = &node->words[1];
    struct slice text = word->text;

    root->kind = ROOT_FOLDER;
    if (slice_ends(text, SLICE("/")))
        text.len--;
    set_path(conf, scope, word, text, root);
    check_variables(conf, word, &root->path, directive->name);
}

static void set_alias(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    struct root_value *root = value;
    const struct word *word = &node->words[1];
    const struct location *location = scope->owner;

    root->kind = ROOT_ALIAS;
    if (location->kind == LOCATION_NAMED) {
        conf_error(conf, node->words[0].at,
                   "the \"alias\" directive cannot be used inside the named location");
        return;
    }
    set_path(conf, scope, word, word->text, root);
    if (!check_variables(conf, word, &root->path, directive->name))
        return;
    root->replaced = location->name.len;
    if (location->kind == LOCATION_REGEX)
        root->kind = ROOT_ALIAS_WHOLE;
}

const struct value_type as_root = { "path", sizeof(struct root_value), set_root };
const struct value_type as_alias = { "path", sizeof(struct root_value), set_alias };

/* --- the paths --- */

bool request_document_root(struct request *request, struct slice *root)
{
    const struct root_value *value = &static_settings(request)->root;

    if (value->path.constant) {
        *root = value->path.literal;
        return true;
    }
    if (!template_eval(request, &value->path, root))
        return false;
    if (slice_starts(*root, SLICE("/")))
        return true;
    *root = arena_join(&request->arena, slice_of(request->worker->conf->prefix), *root);
    return root->at != NULL;
}

bool request_realpath_root(struct request *request, struct slice *root)
{
    char resolved[PATH_MAX];
    const char *path;

    if (!request_document_root(request, root))
        return false;
    path = arena_cstr(&request->arena, root->len == 0 ? SLICE("/") : *root);
    if (path == NULL)
        return false;
    if (realpath(path, resolved) == NULL) {
        request_log(request, LOG_LEVEL_CRIT, errno, "realpath() \"%s\" failed", path);
        return false;
    }
    *root = arena_copy(&request->arena, slice_of(resolved));
    return root->at != NULL;
}

bool request_path(struct request *request, struct slice uri, struct slice *path)
{
    const struct root_value *value = &static_settings(request)->root;
    struct slice root, below = uri;

    if (value->kind != ROOT_FOLDER && request->displaced) {
        request_log(request, LOG_LEVEL_ALERT, 0,
                    "\"alias\" cannot be used in location \"%.*s\" where URI was rewritten",
                    (int)request->location->name.len, request->location->name.at);
        return false;
    }
    if (!request_document_root(request, &root))
        return false;
    if (value->kind == ROOT_ALIAS_WHOLE && !request->below_alias)
        below = SLICE("");
    else if (value->kind == ROOT_ALIAS)
        below = slice_from(uri, value->replaced);
    if ((value->kind == ROOT_ALIAS || request->uri_replaced) && uri_goes_up(below)) {
        request_log(request, LOG_LEVEL_ERROR, 0, "\"%.*s\" leads out of \"%.*s\"", (int)uri.len,
                    uri.at, (int)root.len, root.at);
        return false;
    }
    char *text = arena_text(&request->arena, root.len + below.len + 1);
    if (text == NULL)
        return false;
    if (root.len > 0)
        memcpy(text, root.at, root.len);
    if (below.len > 0)
        memcpy(text + root.len, below.at, below.len);
    text[root.len + below.len] = '\0';
    *path = slice_make(text, root.len + below.len);
    return true;
}
