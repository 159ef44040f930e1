#include "worker/http/location.h"

#include "worker/http/router.h"

/* --- location --- */

/* The name without its modifier, as both spellings give it: `~ \.php$` in two
 * words, `~\.php$` in one. */
struct location_words {
    enum location_kind kind;
    bool nocase; /* of a regex */
    const struct word *name_word;
    struct slice name;
};

struct modifier {
    const char *text;
    enum location_kind kind;
    bool nocase;
};

static const struct modifier modifiers[] = {
    { "=", LOCATION_EXACT, false },
    { "^~", LOCATION_PREFIX_FINAL, false },
    { "~*", LOCATION_REGEX, true }, /* before "~", which it begins with */
    { "~", LOCATION_REGEX, false },
};

enum { MODIFIERS = sizeof modifiers / sizeof *modifiers };

/* An unknown modifier is an error; the rest of the block is read as a prefix's. */
static void read_two_words(struct conf *conf, const struct conf_node *node,
                           struct location_words *words)
{
    struct slice modifier = node->words[1].text;

    words->name_word = &node->words[2];
    words->name = node->words[2].text;
    for (size_t i = 0; i < MODIFIERS; i++)
        if (slice_is(modifier, modifiers[i].text)) {
            words->kind = modifiers[i].kind;
            words->nocase = modifiers[i].nocase;
            return;
        }
    conf_error(conf, node->words[1].at, "invalid location modifier \"%.*s\"", (int)modifier.len,
               modifier.at);
}

static void read_one_word(const struct conf_node *node, struct location_words *words)
{
    struct slice text = node->words[1].text;

    words->name_word = &node->words[1];
    words->name = text;
    words->kind = text.len > 0 && text.at[0] == '@' ? LOCATION_NAMED : LOCATION_PREFIX;
    for (size_t i = 0; i < MODIFIERS; i++)
        if (slice_starts(text, slice_of(modifiers[i].text))) {
            words->kind = modifiers[i].kind;
            words->nocase = modifiers[i].nocase;
            words->name = slice_from(text, strlen(modifiers[i].text));
            return;
        }
}

/* What may not stand in what, in nginx's words. */
static void check_place(struct conf *conf, const struct conf_scope *scope,
                        const struct location_words *words)
{
    struct position at = words->name_word->at;
    struct slice name = words->name;

    if (scope->context != IN_LOCATION)
        return;
    const struct location *outer = scope->owner;
    if (outer->kind == LOCATION_EXACT || outer->kind == LOCATION_NAMED)
        conf_error(conf, at, "location \"%.*s\" cannot be inside the %s location \"%.*s\"",
                   (int)name.len, name.at, outer->kind == LOCATION_EXACT ? "exact" : "named",
                   (int)outer->name.len, outer->name.at);
    else if (words->kind == LOCATION_NAMED)
        conf_error(conf, at, "named location \"%.*s\" can be on the server level only",
                   (int)name.len, name.at);
    else if (words->kind != LOCATION_REGEX && !slice_starts(name, outer->name))
        conf_error(conf, at, "location \"%.*s\" is outside location \"%.*s\"", (int)name.len,
                   name.at, (int)outer->name.len, outer->name.at);
}

/* The table that a new location of the scope belongs in; NULL: memory is out. */
static struct location_table *table_of(struct conf *conf, struct conf_scope *scope)
{
    struct location_table **table = scope->context == IN_LOCATION
                                        ? &((struct location *)scope->owner)->inner
                                        : &((struct server *)scope->owner)->locations;

    if (*table == NULL)
        *table = location_table_new(conf->arena);
    return *table;
}

static bool location_join(struct conf *conf, struct conf_scope *scope, struct position at,
                          const struct location *location)
{
    struct location_table *table = table_of(conf, scope);

    if (table == NULL)
        return false;
    switch (location_table_add(table, conf->arena, location)) {
    case LOCATION_ADDED:
        return true;
    case LOCATION_DUPLICATE:
        conf_error(conf, at, "duplicate location \"%.*s\"", (int)location->name.len,
                   location->name.at);
        return true;
    case LOCATION_NO_MEMORY:
        break;
    }
    return false;
}

static void set_location(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                         const struct directive *directive, void *value)
{
    struct location *location = arena_zalloc(conf->arena, sizeof *location);
    struct location_words words = { 0 };

    (void)directive;
    (void)value;
    if (location == NULL)
        goto no_memory;
    if (node->count == 3)
        read_two_words(conf, node, &words);
    else
        read_one_word(node, &words);
    location->kind = words.kind;
    location->name = words.name;
    if (words.kind == LOCATION_REGEX)
        capture_compile(conf, scope, words.name_word->at, words.name, words.nocase,
                        &location->pattern);
    check_place(conf, scope, &words);
    if (!location_join(conf, scope, words.name_word->at, location))
        goto no_memory;
    struct conf_scope *own = conf_open_block(conf, scope, node, IN_LOCATION, location);
    if (own == NULL)
        goto no_memory;
    location->scope = own;
    location->settings = own->settings;
    return;

no_memory:
    conf_error(conf, node->words[0].at, "no memory for this block");
}

const struct value_type as_location = { "[= | ~ | ~* | ^~] path { ... } | @name { ... }", 0,
                                        set_location };

/* --- limit_except --- */

/* The methods that nginx knows here; GET brings HEAD along. */
static uint32_t method_bits(struct slice name)
{
    if (slice_is_nocase(name, "GET"))
        return 1U << METHOD_GET | 1U << METHOD_HEAD;
    for (enum method method = METHOD_HEAD; method <= METHOD_PATCH; method++)
        if (slice_is_nocase(name, method_name(method)))
            return 1U << method;
    return 0;
}

static void set_limit_except(struct conf *conf, struct conf_scope *scope,
                             const struct conf_node *node, const struct directive *directive,
                             void *value)
{
    struct location *location = scope->owner;
    uint32_t methods = 0;

    (void)directive;
    (void)value;
    for (size_t i = 1; i < node->count; i++) {
        uint32_t bits = method_bits(node->words[i].text);
        if (bits == 0)
            conf_error(conf, node->words[i].at, "invalid method \"%.*s\"",
                       (int)node->words[i].text.len, node->words[i].text.at);
        methods |= bits;
    }
    struct conf_scope *own = conf_open_block(conf, scope, node, IN_LIMIT_EXCEPT, location);
    if (own == NULL) {
        conf_error(conf, node->words[0].at, "no memory for this block");
        return;
    }
    location->limit_except.methods = methods;
    location->limit_except.settings = own->settings;
}

const struct value_type as_limit_except = { "method ... { ... }", 0, set_limit_except };
