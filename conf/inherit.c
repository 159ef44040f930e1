#include "conf/apply.h"

/* --- defaults --- */

/* Cuts a default into words, as if it stood in a file. Its text comes from a
 * table, not from a user. NULL when memory is out. */
static struct conf_node *default_node(struct arena *arena, const struct directive *directive)
{
    struct array words = { .item_size = sizeof(struct word) };
    struct conf_node *node = arena_zalloc(arena, sizeof *node);
    struct source *source = arena_zalloc(arena, sizeof *source);
    struct lexer lexer;

    if (node == NULL || source == NULL)
        return NULL;
    source->name = arena_printf(arena, "the default of \"%s\"", directive->name).at;
    source->text = slice_of(directive->initial);
    lexer_init(&lexer, arena, source);
    struct token token = { TOKEN_WORD, slice_of(directive->name), false, { source, 1, 1, 1, 0 } };
    for (; token.kind == TOKEN_WORD; token = lexer_next(&lexer)) {
        struct word *word = array_push(&words, arena);
        if (word == NULL)
            return NULL;
        *word = (struct word){ token.text, token.quoted, token.at };
    }
    node->words = words.items;
    node->count = words.count;
    node->end = token.at;
    return source->name == NULL ? NULL : node;
}

static bool set_default(struct conf *conf, const struct directive *directive, void *instance)
{
    const struct conf_node *node;

    if (directive->initial == NULL || directive->type->size == 0)
        return true;
    node = default_node(conf->arena, directive);
    if (node == NULL)
        return false;
    directive->type->set(conf, conf->main, node, directive, (char *)instance + directive->offset);
    return true;
}

bool conf_make_defaults(struct conf *conf)
{
    conf->defaults = arena_zalloc(conf->arena, conf->module_count * sizeof *conf->defaults);
    if (conf->defaults == NULL)
        return false;
    for (size_t i = 0; i < conf->module_count; i++) {
        const struct conf_module *module = conf->modules[i];
        void *instance = arena_zalloc(conf->arena, module->size);
        if (instance == NULL)
            return false;
        conf->defaults[i] = instance;
        for (const struct directive *directive = module->directives; directive->name != NULL;
             directive++)
            if (!set_default(conf, directive, instance))
                return false;
    }
    return true;
}

/* --- inheritance --- */

static bool is_own(const struct conf_scope *scope, size_t module)
{
    return scope->parent == NULL || scope->settings[module] != scope->parent->settings[module];
}

/* The parent's instance holds something that only the parent's block means. */
static bool must_differ(const struct conf *conf, const struct conf_scope *parent, size_t module)
{
    const uint64_t *uninherited = conf->index->layouts[module].uninherited;

    for (size_t i = 0; i < CONF_DIRECTIVES_MAX / 64; i++)
        if ((parent->set[module][i] & uninherited[i]) != 0)
            return true;
    return false;
}

/* Copies what the block does not set: from the parent's instance, or, for what
 * is not inherited and in main, from the defaults. */
static void complete(const struct conf *conf, const struct conf_scope *scope, size_t module)
{
    const struct directive *directives = conf->modules[module]->directives;
    const struct module_layout *layout = &conf->index->layouts[module];
    const char *initial = conf->defaults[module];
    const char *parent = scope->parent == NULL ? initial : scope->parent->settings[module];
    uint64_t given[CONF_DIRECTIVES_MAX / 64] = { 0 };
    uint64_t local[CONF_DIRECTIVES_MAX / 64] = { 0 };

    for (unsigned i = 0; i < layout->count; i++) {
        if (bit_get(scope->set[module], i))
            bit_set(given, layout->setting[i]);
        if (bit_get(layout->uninherited, i))
            bit_set(local, layout->setting[i]);
    }
    for (unsigned i = 0; i < layout->count; i++) {
        if (!bit_get(layout->valued, i) || bit_get(given, i))
            continue;
        size_t offset = directives[i].offset;
        memcpy((char *)scope->settings[module] + offset,
               (bit_get(local, i) ? initial : parent) + offset, directives[i].type->size);
    }
}

static void inherit_module(struct conf *conf, struct conf_scope *scope, size_t module)
{
    if (scope->settings[module] == NULL && scope->parent != NULL &&
        !conf->modules[module]->in_every_block && !must_differ(conf, scope->parent, module)) {
        scope->settings[module] = scope->parent->settings[module];
        return;
    }
    if (conf_own(conf, scope, conf->modules[module]) != NULL)
        complete(conf, scope, module);
}

/* Blocks nest CONF_BLOCK_DEPTH_MAX deep at most. */
void conf_inherit(struct conf *conf, struct conf_scope *scope)
{
    for (size_t module = 0; module < conf->module_count; module++) {
        inherit_module(conf, scope, module);
        if (scope->settings[module] == NULL) /* memory is out */
            return;
    }
    for (struct conf_scope *child = scope->children; child != NULL; child = child->next)
        conf_inherit(conf, child);
}

/* --- checks --- */

void conf_check(struct conf *conf, struct conf_scope *scope)
{
    for (size_t module = 0; module < conf->module_count; module++)
        if (conf->modules[module]->check != NULL && !conf->failed[module] && is_own(scope, module))
            conf->modules[module]->check(conf, scope, scope->settings[module]);
    for (struct conf_scope *child = scope->children; child != NULL; child = child->next)
        conf_check(conf, child);
}
