#include "worker/http/core.h"
#include "worker/http/name_map.h"
#include "worker/http/variables.h"

#include <limits.h>

struct user_variable {
    struct slice name;
    struct position at; /* of the first use */
    unsigned index;
    bool defined;
};

/* User variables of one http block. */
struct variable_names {
    struct name_map by_name;
    struct array list; /* of struct user_variable *, by index */
};

struct variable_names *variable_names_new(struct arena *arena)
{
    struct variable_names *names = arena_zalloc(arena, sizeof *names);

    if (names != NULL)
        names->list.item_size = sizeof(struct user_variable *);
    return names;
}

/* A copy of the name in lower case. */
static struct slice lower_copy(struct arena *arena, struct slice name)
{
    char *copy = arena_text(arena, name.len);

    if (copy == NULL)
        return (struct slice){ NULL, 0 };
    for (size_t i = 0; i < name.len; i++)
        copy[i] = ascii_lower(name.at[i]);
    return slice_make(copy, name.len);
}

static struct user_variable *add(struct arena *arena, struct variable_names *names,
                                 struct slice name, struct position at)
{
    struct user_variable *variable = arena_zalloc(arena, sizeof *variable);
    struct user_variable **place = array_push(&names->list, arena);

    if (variable == NULL || place == NULL)
        return NULL;
    *variable =
        (struct user_variable){ .name = name, .at = at, .index = (unsigned)names->list.count - 1 };
    *place = variable;
    if (!name_map_put(&names->by_name, arena, name_hash(name), name, variable))
        return NULL;
    return variable;
}

/* Only variables that may be set can be defined again; the capture is then as
 * invisible as it is in nginx. */
static bool may_define(struct slice name)
{
    struct slice argument;
    const struct variable *builtin = variable_find(name, &argument);

    return builtin == NULL || argument.len > 0 || slice_is(name, "args") ||
           slice_is(name, "limit_rate");
}

unsigned variable_index(struct conf *conf, struct conf_scope *scope, struct position at,
                        struct slice name, bool defined)
{
    struct http *http = http_of(scope);
    struct slice lower = lower_copy(conf->arena, name);

    if (lower.at == NULL)
        return UINT_MAX;
    if (http == NULL) {
        conf_error(conf, at, "unknown \"%.*s\" variable", (int)lower.len, lower.at);
        return UINT_MAX;
    }
    if (defined && !may_define(lower)) {
        conf_error(conf, at, "the duplicate \"%.*s\" variable", (int)lower.len, lower.at);
        return UINT_MAX;
    }
    struct user_variable *variable = name_map_get(&http->names->by_name, name_hash(lower), lower);
    if (variable == NULL)
        variable = add(conf->arena, http->names, lower, at);
    if (variable == NULL)
        return UINT_MAX;
    variable->defined |= defined;
    return variable->index;
}

unsigned variable_count(const struct request *request)
{
    return (unsigned)request->server->http->names->list.count;
}

bool variable_names_find(const struct variable_names *names, struct slice name, unsigned *index)
{
    const struct user_variable *variable = name_map_get(&names->by_name, name_hash(name), name);

    if (variable == NULL)
        return false;
    *index = variable->index;
    return true;
}

void variables_check(struct conf *conf, struct conf_scope *scope)
{
    const struct http *http = http_of(scope);
    struct user_variable *const *variables = http->names->list.items;

    for (size_t i = 0; i < http->names->list.count; i++) {
        const struct user_variable *variable = variables[i];
        if (variable->defined)
            continue;
        conf_error_hint(conf, variable->at, variable_suggest(variable->name),
                        "unknown \"%.*s\" variable", (int)variable->name.len, variable->name.at);
    }
}
