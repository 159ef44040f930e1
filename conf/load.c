#include "conf/apply.h"

const char *conf_absolute(struct conf *conf, const char *prefix, struct slice path)
{
    if (path.len > 0 && path.at[0] == '/')
        return arena_cstr(conf->arena, path);
    struct slice full = arena_join(conf->arena, slice_of(prefix), path);
    return full.at == NULL ? NULL : arena_cstr(conf->arena, full);
}

/* Fills in where things are; false when memory is out. */
static bool find_paths(struct conf *conf, const struct conf_request *request)
{
    conf->prefix = request->prefix;
    conf->error_log = request->error_log;
    conf->testing = request->testing;
    conf->path = conf_absolute(conf, conf->prefix, slice_of(request->path));
    if (conf->path == NULL)
        return false;
    struct slice path = slice_of(conf->path);
    size_t folder = (size_t)(slice_find_last(path, '/') + 1);
    conf->conf_prefix = arena_cstr(conf->arena, slice_first(path, folder));
    return conf->conf_prefix != NULL;
}

static bool prepare(struct conf *conf, const struct conf_request *request)
{
    conf->modules = conf_modules_whole(conf->arena, request->modules, request->module_count);
    conf->module_count = request->module_count;
    if (conf->modules == NULL)
        return false;
    conf->failed = arena_zalloc(conf->arena, conf->module_count * sizeof *conf->failed);
    if (conf->failed == NULL || !find_paths(conf, request) || !directive_index_build(conf))
        return false;
    conf->main = scope_new(conf, NULL, IN_MAIN);
    return conf->main != NULL && conf_make_defaults(conf);
}

/* What -g says comes before the file; blocks are not for it. */
static bool read_global(struct conf *conf, const char *text)
{
    struct conf_tree *tree = &conf->tree;
    bool good = conf_tree_read_text(tree, "command line", slice_of(text));
    struct conf_node **place = &tree->root;

    while (*place != NULL) {
        const struct conf_node *node = *place;
        if (!node->block || node->words[0].at.source->file) {
            place = &(*place)->next;
            continue;
        }
        conf_error(conf, node->words[0].at, "block directives are not supported in -g option");
        *place = node->next;
        good = false;
    }
    tree->last_node = place;
    return good;
}

/* False when the text has syntax errors, or was not there. */
static bool read_tree(struct conf *conf, const struct conf_request *request)
{
    conf_tree_init(&conf->tree, conf->arena, &conf->messages, conf->conf_prefix);
    bool global = request->global == NULL || read_global(conf, request->global);
    bool file = conf_tree_read_file(&conf->tree, conf->path);
    return global && file;
}

struct conf *conf_load(struct arena *arena, const struct conf_request *request)
{
    struct conf *conf = arena_zalloc(arena, sizeof *conf);

    if (conf == NULL)
        return NULL;
    conf->arena = arena;
    conf_messages_init(&conf->messages, arena);
    if (!prepare(conf, request))
        return NULL;
    bool readable = read_tree(conf, request);
    conf_apply(conf, conf->main, conf->tree.root);
    conf_inherit(conf, conf->main);
    if (arena->exhausted)
        return NULL;
    if (readable)
        conf_check(conf, conf->main);
    conf_messages_sort(&conf->messages);
    return arena->exhausted ? NULL : conf;
}
