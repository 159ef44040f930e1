#include "conf/apply.h"
#include "conf/suggest.h"

/* --- messages --- */

static const struct slice no_hint = { "", 0 };

void conf_error(struct conf *conf, struct position at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    conf_message_vadd(&conf->messages, CONF_EMERG, at, no_hint, format, args);
    va_end(args);
}

void conf_warn(struct conf *conf, struct position at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    conf_message_vadd(&conf->messages, CONF_WARN, at, no_hint, format, args);
    va_end(args);
}

static struct slice meant(struct conf *conf, struct slice word)
{
    if (word.len == 0 || conf_messages_full(&conf->messages))
        return no_hint;
    return arena_printf(conf->arena, "did you mean \"%.*s\"?", (int)word.len, word.at);
}

void conf_error_hint(struct conf *conf, struct position at, struct slice hint, const char *format,
                     ...)
{
    va_list args;

    va_start(args, format);
    conf_message_vadd(&conf->messages, CONF_EMERG, at, meant(conf, hint), format, args);
    va_end(args);
}

/* --- scopes --- */

struct conf_scope *scope_new(struct conf *conf, struct conf_scope *parent,
                             enum conf_context context)
{
    struct conf_scope *scope = arena_zalloc(conf->arena, sizeof *scope);

    if (scope == NULL)
        return NULL;
    scope->context = context;
    scope->last_child = &scope->children;
    scope->settings = arena_zalloc(conf->arena, conf->module_count * sizeof *scope->settings);
    scope->set = arena_zalloc(conf->arena, conf->module_count * sizeof *scope->set);
    if (scope->settings == NULL || scope->set == NULL)
        return NULL;
    if (parent != NULL) {
        scope->parent = parent;
        *parent->last_child = scope;
        parent->last_child = &scope->next;
    }
    return scope;
}

void *conf_own(struct conf *conf, struct conf_scope *scope, const struct conf_module *module)
{
    void **own = &scope->settings[module->id];

    if (*own == NULL)
        *own = arena_zalloc(conf->arena, module->size);
    return *own;
}

struct conf_scope *conf_open_block(struct conf *conf, struct conf_scope *parent,
                                   const struct conf_node *node, enum conf_context context,
                                   void *owner)
{
    struct conf_scope *scope = scope_new(conf, parent, context);

    if (scope == NULL)
        return NULL;
    scope->node = node;
    scope->owner = owner;
    conf_apply(conf, scope, node->children);
    return scope;
}

/* --- suggestions --- */

struct candidates {
    const struct directive_index *index;
    uint32_t contexts;
};

/* Directives of other contexts are no candidates: an empty word is near none. */
static struct slice candidate(const void *context, size_t number)
{
    const struct candidates *candidates = context;
    const struct directive *directive = candidates->index->all[number].directive;

    return (directive->contexts & candidates->contexts) != 0 ? slice_of(directive->name) : no_hint;
}

/* The nearest directive that may stand here, else the nearest at all. */
static struct slice nearest_directive(const struct conf *conf, const struct conf_scope *scope,
                                      struct slice name)
{
    struct candidates candidates = { conf->index, scope->context };
    struct slice nearest = suggest_nearest(name, conf->index->count, candidate, &candidates);

    if (nearest.len > 0)
        return nearest;
    candidates.contexts = UINT32_MAX;
    return suggest_nearest(name, conf->index->count, candidate, &candidates);
}

/* --- what is wrong with a directive --- */

/* Its module will not be checked: what it would say follows from this. */
static void mark_failed(struct conf *conf, const struct known_directive *known)
{
    for (; known != NULL; known = known->namesake)
        conf->failed[known->module->id] = true;
}

struct slice conf_tls_recipe(void)
{
    return SLICE("muxd speaks HTTPS through hitch (conf/tls/hitch.conf), HAProxy or stunnel: "
                 "\"HTTPS\" in muxd.conf(5)");
}

static void report_unknown(struct conf *conf, const struct conf_scope *scope,
                           const struct conf_node *node)
{
    struct slice name = node->words[0].text;
    struct slice nearest = no_hint;

    if (slice_is(name, "ssl") || slice_starts(name, SLICE("ssl_"))) {
        conf_message_add(&conf->messages, CONF_EMERG, node->words[0].at, conf_tls_recipe(),
                         "\"%.*s\" directive is not supported", (int)name.len, name.at);
        return;
    }
    if (!conf_messages_full(&conf->messages))
        nearest = nearest_directive(conf, scope, name);
    if (nearest.len > 0)
        mark_failed(conf, directive_index_find(conf->index, nearest));
    conf_error_hint(conf, node->words[0].at, nearest, "unknown directive \"%.*s\"", (int)name.len,
                    name.at);
}

/* All contexts of the name, in whatever table. */
static struct slice where_allowed(struct conf *conf, const struct known_directive *known)
{
    uint32_t contexts = 0;

    if (conf_messages_full(&conf->messages))
        return no_hint;
    for (; known != NULL; known = known->namesake)
        contexts |= known->directive->contexts;
    struct slice names = context_names(conf->arena, contexts);
    return arena_printf(conf->arena, "it belongs in %.*s", (int)names.len, names.at);
}

static void report_misplaced(struct conf *conf, const struct conf_node *node,
                             const struct known_directive *known)
{
    conf_message_add(&conf->messages, CONF_EMERG, node->words[0].at, where_allowed(conf, known),
                     "\"%s\" directive is not allowed here", known->directive->name);
    mark_failed(conf, known);
}

/* The word that begins what was probably meant as the next directive: a known
 * name, first on a later line. 0: none. */
static size_t next_directive(const struct conf *conf, const struct conf_node *node)
{
    for (size_t i = 1; i < node->count; i++)
        if (node->words[i].at.line > node->words[i - 1].at.line && !node->words[i].quoted &&
            directive_index_find(conf->index, node->words[i].text) != NULL)
            return i;
    return 0;
}

/* Right behind the word. */
static struct position behind(const struct word *word)
{
    struct position at = word->at;

    at.column += at.len;
    at.len = 1;
    return at;
}

/* Reports that a ; is missing, or wrong arguments, which often have that cause. */
static void report_shape(struct conf *conf, const struct known_directive *known,
                         const struct conf_node *node, size_t following, const char *problem)
{
    bool end_missing = node->block && (known->directive->args.manners & MANNER_BLOCK) == 0;
    struct position at = node->words[0].at;
    struct slice hint = no_hint;

    if (end_missing)
        at = behind(&node->words[(following > 0 ? following : node->count) - 1]);
    if (following > 0)
        hint = arena_printf(conf->arena, "is \";\" missing before \"%.*s\"?",
                            (int)node->words[following].text.len, node->words[following].text.at);
    conf_message_add(&conf->messages, CONF_EMERG, at, hint, problem, known->directive->name);
    mark_failed(conf, known);
}

/* nginx's order: the way it ends first, then the number of arguments. The
 * message takes the name; NULL: nothing is wrong. */
static const char *shape_problem(const struct directive *directive, const struct conf_node *node)
{
    bool block = (directive->args.manners & MANNER_BLOCK) != 0;
    size_t given = node->count - 1;

    if (node->block && !block)
        return "directive \"%s\" is not terminated by \";\"";
    if (!node->block && block)
        return "directive \"%s\" has no opening \"{\"";
    if (given < directive->args.least ||
        (directive->args.most != UINT8_MAX && given > directive->args.most))
        return "invalid number of arguments in \"%s\" directive";
    return NULL;
}

/* The directive of the same setting that the block has already, if it may not
 * be followed by this one. */
static const struct directive *earlier(const struct conf *conf, const struct conf_scope *scope,
                                       const struct known_directive *known)
{
    const struct module_layout *layout = &conf->index->layouts[known->module->id];
    const struct directive *directives = known->module->directives;
    unsigned number = directive_number(known);

    for (unsigned i = 0; i < layout->count; i++)
        if (layout->setting[i] == layout->setting[number] &&
            bit_get(scope->set[known->module->id], i) &&
            (directives[i].args.manners & directives[number].args.manners & MANNER_REPEATED) == 0)
            return &directives[i];
    return NULL;
}

static void report_duplicate(struct conf *conf, const struct conf_node *node,
                             const struct known_directive *known, const struct directive *before)
{
    const char *name = known->directive->name;

    if (before == known->directive)
        conf_error(conf, node->words[0].at, "\"%s\" directive is duplicate", name);
    else
        conf_error(conf, node->words[0].at,
                   "\"%s\" directive is duplicate, \"%s\" directive was specified earlier", name,
                   before->name);
    mark_failed(conf, known);
}

/* --- applying --- */

static void apply(struct conf *conf, struct conf_scope *scope, const struct conf_node *node);

/* Goes on behind the missing ; : `following` is the word that the next directive
 * begins with. */
static void apply_rest(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       size_t following)
{
    struct conf_node *rest = arena_alloc(conf->arena, sizeof *rest);

    if (rest == NULL)
        return;
    *rest = *node;
    rest->next = NULL;
    rest->words += following;
    rest->count -= following;
    apply(conf, scope, rest);
}

static void set_value(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct known_directive *known)
{
    const struct directive *directive = known->directive;
    unsigned errors = conf->messages.errors;
    char *value = NULL;

    if (directive->type->size > 0) {
        char *own = conf_own(conf, scope, known->module);
        if (own == NULL)
            return;
        value = own + directive->offset;
    }
    directive->type->set(conf, scope, node, directive, value);
    if (conf->messages.errors > errors)
        mark_failed(conf, known);
}

static void apply_known(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct known_directive *known)
{
    const struct directive *before = earlier(conf, scope, known);
    const char *problem = shape_problem(known->directive, node);

    bit_set(scope->set[known->module->id], directive_number(known));
    if (problem != NULL) {
        size_t following = next_directive(conf, node);
        report_shape(conf, known, node, following, problem);
        if (following > 0)
            apply_rest(conf, scope, node, following);
    } else if (before != NULL) {
        report_duplicate(conf, node, known, before);
    } else {
        set_value(conf, scope, node, known);
    }
}

static void apply(struct conf *conf, struct conf_scope *scope, const struct conf_node *node)
{
    struct known_directive *first = directive_index_find(conf->index, node->words[0].text);
    struct known_directive *known = first;

    if (first == NULL) {
        report_unknown(conf, scope, node);
        return;
    }
    while (known != NULL && (known->directive->contexts & scope->context) == 0)
        known = known->namesake;
    if (known == NULL)
        report_misplaced(conf, node, first);
    else
        apply_known(conf, scope, node, known);
}

void conf_apply(struct conf *conf, struct conf_scope *scope, const struct conf_node *node)
{
    for (; node != NULL && !conf->arena->exhausted; node = node->next)
        apply(conf, scope, node);
}
