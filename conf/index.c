#include "conf/apply.h"

/* FNV-1a */
static uint64_t hash_of(struct slice name)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.at[i]) * 0x100000001b3;
    return hash;
}

static struct known_directive **slot_of(const struct directive_index *index, struct slice name)
{
    size_t at = hash_of(name) & (index->size - 1);

    while (index->slots[at] != NULL && !slice_is(name, index->slots[at]->directive->name))
        at = (at + 1) & (index->size - 1);
    return &index->slots[at];
}

struct known_directive *directive_index_find(const struct directive_index *index, struct slice name)
{
    return *slot_of(index, name);
}

static size_t table_count(const struct directive *directives)
{
    size_t count = 0;

    while (directives != NULL && directives[count].name != NULL)
        count++;
    return count;
}

/* --- whole tables --- */

static const char *prefixed(struct arena *arena, const struct conf_module *module, const char *text)
{
    if (text == NULL || *text != '_')
        return text;
    return arena_cstr(arena, arena_join(arena, slice_of(module->name), slice_of(text)));
}

static const struct conf_module *module_whole(struct arena *arena, const struct conf_module *module)
{
    size_t count = table_count(module->directives), at = count;

    if (module->shared[0] == NULL)
        return module;
    for (size_t i = 0; i < CONF_SHARED_MAX; i++)
        count += table_count(module->shared[i]);
    struct conf_module *whole = arena_alloc(arena, sizeof *whole);
    struct directive *directives = arena_zalloc(arena, (count + 1) * sizeof *directives);
    if (whole == NULL || directives == NULL)
        return NULL;
    memcpy(directives, module->directives, at * sizeof *directives);
    for (size_t i = 0; i < CONF_SHARED_MAX; i++)
        for (const struct directive *row = module->shared[i]; row != NULL && row->name != NULL;
             row++, at++) {
            directives[at] = *row;
            directives[at].name = prefixed(arena, module, row->name);
            directives[at].initial = prefixed(arena, module, row->initial);
        }
    *whole = *module;
    whole->directives = directives;
    return whole;
}

const struct conf_module *const *
conf_modules_whole(struct arena *arena, const struct conf_module *const *modules, size_t count)
{
    const struct conf_module **whole = arena_alloc(arena, count * sizeof *whole);

    for (size_t i = 0; whole != NULL && i < count; i++)
        whole[i] = module_whole(arena, modules[i]);
    return arena->exhausted ? NULL : whole;
}

/* --- the index --- */

/* Behind those of the same name, so that the first module's comes first. */
static void index_add(struct directive_index *index, const struct conf_module *module,
                      const struct directive *directive)
{
    struct known_directive *known = &index->all[index->count++];
    struct known_directive **place = slot_of(index, slice_of(directive->name));

    *known = (struct known_directive){ .directive = directive, .module = module };
    while (*place != NULL)
        place = &(*place)->namesake;
    *place = known;
}

static unsigned setting_of(const struct directive *directives, unsigned number)
{
    const struct directive *directive = &directives[number];

    if (directive->type->size == 0)
        return number;
    for (unsigned i = 0; i < number; i++)
        if (directives[i].type->size > 0 && directives[i].offset == directive->offset)
            return i;
    return number;
}

static void layout_fill(struct module_layout *layout, const struct conf_module *module)
{
    const struct directive *directives = module->directives;

    for (unsigned i = 0; i < CONF_DIRECTIVES_MAX && directives[i].name != NULL; i++) {
        layout->count = i + 1;
        layout->setting[i] = (uint8_t)setting_of(directives, i);
        if (directives[i].type->size == 0)
            continue;
        bit_set(layout->valued, layout->setting[i]);
        if ((directives[i].args.manners & MANNER_LOCAL) != 0)
            bit_set(layout->uninherited, i);
    }
}

bool directive_index_build(struct conf *conf)
{
    struct directive_index *index = arena_zalloc(conf->arena, sizeof *index);
    size_t count = 0;

    if (index == NULL)
        return false;
    for (size_t i = 0; i < conf->module_count; i++)
        count += table_count(conf->modules[i]->directives);
    for (index->size = 16; index->size < count * 2;)
        index->size *= 2;
    index->all = arena_alloc(conf->arena, count * sizeof *index->all);
    index->slots = arena_zalloc(conf->arena, index->size * sizeof(struct known_directive *));
    index->layouts = arena_zalloc(conf->arena, conf->module_count * sizeof *index->layouts);
    if (index->all == NULL || index->slots == NULL || index->layouts == NULL)
        return false;
    for (size_t i = 0; i < conf->module_count; i++) {
        const struct conf_module *module = conf->modules[i];
        for (const struct directive *directive = module->directives; directive->name != NULL;
             directive++)
            index_add(index, module, directive);
        layout_fill(&index->layouts[i], module);
    }
    conf->index = index;
    return true;
}

bool conf_has_own(const struct conf *conf, const struct conf_scope *scope, const char *directive)
{
    const struct known_directive *known = directive_index_find(conf->index, slice_of(directive));

    for (; known != NULL; known = known->namesake)
        if (bit_get(scope->set[known->module->id], directive_number(known)))
            return true;
    return false;
}

struct position conf_place(const struct conf *conf, const char *directive)
{
    for (const struct conf_node *node = conf->tree.root; node != NULL; node = node->next)
        if (slice_is(node->words[0].text, directive))
            return node->words[0].at;
    return (struct position){ 0 };
}
