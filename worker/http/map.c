#include "conf/values.h"
#include "worker/http/capture.h"
#include "worker/http/maps.h"
#include "worker/http/name_table.h"
#include "worker/http/request.h"
#include "worker/http/template.h"
#include "worker/http/variables.h"

struct map_settings {
    uint64_t hash_bucket_size, hash_max_size; /* accepted, not needed */
};

/* A regex and what it stands for. */
struct map_regex {
    struct capture_regex pattern;
    const struct template *value;
};

struct map {
    struct template source;
    struct name_table names; /* in lower case -> struct template */
    struct array regexes;    /* of struct map_regex, in the order of the text */
    const struct template *otherwise;
    bool hostnames; /* keys may be wildcards, and a dot at the source's end is cut off */
    bool every_time;
};

/* --- finding --- */

static const struct template *find_regex(struct request *request, const struct map *map,
                                         struct slice text)
{
    const struct map_regex *regexes = map->regexes.items;

    for (size_t i = 0; text.len > 0 && i < map->regexes.count; i++)
        switch (capture_match(request, &regexes[i].pattern, text)) {
        case CAPTURE_MATCH:
            return regexes[i].value;
        case CAPTURE_NO_MEMORY:
            return NULL;
        case CAPTURE_NO_MATCH:
            break;
        }
    return map->otherwise;
}

static bool compute(struct request *request, const void *data, struct slice *value)
{
    const struct map *map = data;
    struct slice text;

    if (!template_eval(request, &map->source, &text))
        return false;
    if (map->hostnames && slice_ends(text, SLICE(".")))
        text.len--;
    struct slice name = name_lower(&request->arena, text);
    if (name.at == NULL && text.len > 0)
        return false;
    const struct template *found = name_table_find(&map->names, name);
    if (found == NULL)
        found = find_regex(request, map, text);
    *value = SLICE("");
    return found == NULL || template_eval(request, found, value);
}

/* --- reading --- */

bool map_line_check(struct conf *conf, const struct conf_node *line, size_t least, size_t most,
                    const char *name)
{
    if (line->block)
        conf_error(conf, line->words[0].at, "unexpected \"{\"");
    else if (line->count < least || line->count > most)
        conf_error(conf, line->words[0].at, "invalid number of the %s parameters", name);
    else
        return true;
    return false;
}

static void no_memory(struct conf *conf, const struct conf_node *node)
{
    conf_error(conf, node->words[0].at, "no memory for this value");
}

static void add_regex(struct conf *conf, struct conf_scope *scope, const struct conf_node *line,
                      struct map *map, const struct template *value)
{
    struct map_regex *regex = array_push(&map->regexes, conf->arena);
    struct slice pattern = slice_from(line->words[0].text, 1);
    bool nocase = slice_starts(pattern, SLICE("*"));

    if (regex == NULL) {
        no_memory(conf, line);
        return;
    }
    regex->value = value;
    capture_compile(conf, scope, line->words[0].at, slice_from(pattern, nocase ? 1 : 0), nocase,
                    &regex->pattern);
}

/* A backslash in front takes a key's special meaning away. */
static void add_key(struct conf *conf, const struct conf_node *line, struct map *map,
                    struct template *value)
{
    const struct word *word = &line->words[0];
    struct slice text = word->text;
    enum name_added added;

    if (slice_starts(text, SLICE("\\")))
        text = slice_from(text, 1);
    text = name_lower(conf->arena, text);
    if (text.at == NULL && word->text.len > 0)
        added = NAME_NO_MEMORY;
    else if (map->hostnames)
        added = name_table_add(&map->names, conf->arena, text, value);
    else
        added = name_table_add_exact(&map->names, conf->arena, text, value);
    switch (added) {
    case NAME_ADDED:
        return;
    case NAME_BAD:
        conf_error(conf, word->at, "invalid hostname or wildcard \"%.*s\"", (int)text.len, text.at);
        return;
    case NAME_CONFLICT:
        conf_error(conf, word->at, "conflicting parameter \"%.*s\"", (int)text.len, text.at);
        return;
    case NAME_NO_MEMORY:
        no_memory(conf, line);
        return;
    }
}

/* `key value;` */
static void add_pair(struct conf *conf, struct conf_scope *scope, const struct conf_node *line,
                     struct map *map)
{
    const struct word *key = &line->words[0], *text = &line->words[1];
    struct template *value = arena_zalloc(conf->arena, sizeof *value);

    if (value == NULL) {
        no_memory(conf, line);
        return;
    }
    if (!template_compile(conf, scope, text->at, text->text, value))
        return;
    if (slice_starts(key->text, SLICE("~"))) {
        add_regex(conf, scope, line, map, value);
    } else if (!slice_is(key->text, "default")) {
        add_key(conf, line, map, value);
    } else if (map->otherwise != NULL) {
        conf_error(conf, key->at, "duplicate default map parameter");
    } else {
        map->otherwise = value;
    }
}

static void read_line(struct conf *conf, struct conf_scope *scope, const struct conf_node *line,
                      struct map *map)
{
    bool alone = line->count == 1 && !line->block;

    if (alone && slice_is(line->words[0].text, "hostnames"))
        map->hostnames = true;
    else if (alone && slice_is(line->words[0].text, "volatile"))
        map->every_time = true;
    else if (map_line_check(conf, line, 2, 2, "map"))
        add_pair(conf, scope, line, map);
}

/* map source $variable { key value; ... } */
static void set_map(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                    const struct directive *directive, void *unused)
{
    const struct word *source = &node->words[1], *target = &node->words[2];
    struct map *map = arena_zalloc(conf->arena, sizeof *map);

    (void)directive;
    (void)unused;
    if (map == NULL) {
        no_memory(conf, node);
        return;
    }
    map->regexes.item_size = sizeof(struct map_regex);
    struct slice name = variable_name_of(conf, target);
    if (name.at == NULL || !template_compile(conf, scope, source->at, source->text, &map->source))
        return;
    for (const struct conf_node *line = node->children; line != NULL; line = line->next)
        read_line(conf, scope, line, map);
    variable_define(conf, scope, target->at, name, compute, map, map->every_time);
}

/* --- the table --- */

#define FIELD(name) offsetof(struct map_settings, name)

static const struct value_type as_map = { "source $variable { key value; ... }", 0, set_map };

static const struct directive map_directives[] = {
    { "map", IN_HTTP, BLOCK(2, 2), &as_map, 0, NULL,
      "a variable whose value depends on another value" },
    { "map_hash_bucket_size", IN_HTTP, ARGS(1), &as_size, FIELD(hash_bucket_size), "64",
      "accepted; muxd's tables size themselves" },
    { "map_hash_max_size", IN_HTTP, ARGS(1), &as_number, FIELD(hash_max_size), "2048",
      "accepted; muxd's tables size themselves" },
    { 0 },
};

const struct conf_module map_module = {
    .name = "map",
    .id = MODULE_MAP,
    .size = sizeof(struct map_settings),
    .directives = map_directives,
};
